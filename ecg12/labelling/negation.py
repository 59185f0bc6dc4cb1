"""Negation: "no longer present", "no evidence of", "ruled out".

In the manner of NegEx (Chapman et al., Journal of Biomedical Informatics 2001): words that deny
what follows, words that deny what precedes, and words that look like them and deny nothing. They
act within one clause, on their own part and on the parts joined to it by "and", "or" or
a word of degree. A comma or "with" ends their reach, unless the comma belongs to a list that ends
in "and" or "or": "no PACs, PVCs or pauses". Where the reach is in doubt the longer one is taken: a
label that is lost costs less than one that is wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

# Deny what follows them.
BEFORE = re.compile(
    r"\b(?:no|not|without|absence of|absent|negative for|free of|lack of|resolution of"
    r"|ruled out for|(?:has|have|had) replaced|replacing)\b"
)
# Deny what precedes them, and end the part.
_SEEN = "present|evident|seen|noted|found|visible|detected|apparent|identified|observed"
AFTER = re.compile(
    rf"\b(?:(?:is|are|was|were|has|have)\s+)?(?:been\s+)?(?:no longer\b|not\s+(?:{_SEEN})\b|absent$"
    r"|absent in\b|ruled out\b(?! for)|excluded\b|resolved\b|disappeared\b|gone\b|replaced by\b)"
)
# Leave something open: neither denied nor certain.
OPEN = re.compile(r"\b(?:(?:cannot|could not|can not) be|not)\s+(?:ruled out|excluded)\b")
CONJUNCTIONS = ("and", "or", "&")
BOUNDARIES = ("", "with", ",")


@dataclass(frozen=True)
class Part:
    """A piece of a clause.

    Attributes
    ----------
    link
        The connective before it; "" for the first.
    text
        Its words.
    doubtful
        Whether the statement leaves it open.
    """

    link: str
    text: str
    doubtful: bool = False


def without_denied(parts: list[Part]) -> list[Part]:
    """Leave out what is denied; the parts of one clause in order."""
    kept: list[Part | None] = list(parts)
    for place, part in enumerate(parts):
        if OPEN.search(part.text):
            kept[place] = replace(part, text=OPEN.sub("", part.text).strip(), doubtful=True)
        elif after := AFTER.search(part.text):
            _drop(kept, _back(parts, place))
            kept[place] = _remainder(part, after)
        elif (before := BEFORE.search(part.text)) and kept[place]:
            _drop(kept, _forth(parts, place))
            said = part.text[: before.start()].strip()
            kept[place] = replace(part, text=said) if said else None
    return [part for part in kept if part]


def _drop(kept: list[Part | None], places: Iterable[int]) -> None:
    for place in places:
        kept[place] = None


def _remainder(part: Part, after: re.Match[str]) -> Part | None:
    """Return what replaced the denied part, if the text names it."""
    if not after[0].endswith("replaced by"):
        return None
    return replace(part, text=part.text[after.end() :].strip())


def _back(parts: list[Part], place: int) -> Iterable[int]:
    """Yield the places before a part that are joined to it."""
    listed = False
    while place > 0:
        link = parts[place].link
        listed = listed or link in CONJUNCTIONS
        if link in BOUNDARIES and not (link == "," and listed):
            return
        place -= 1
        yield place


def _forth(parts: list[Part], place: int) -> Iterable[int]:
    """Yield the places after a part that are joined to it."""
    for later in range(place + 1, len(parts)):
        link = parts[later].link
        listed = link == "," and any(part.link in CONJUNCTIONS for part in parts[later + 1 :])
        if link in BOUNDARIES and not listed:
            return
        yield later
