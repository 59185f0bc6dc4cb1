"""Negation: "no longer present", "no evidence of", "ruled out".

In the manner of NegEx (Chapman et al., Journal of Biomedical Informatics 2001): words that deny
what follows, words that deny what precedes, and words that look like them and deny nothing. They
act within one clause, on their own part and on the parts joined to it by "and", "or" or a word of
degree. A comma or "with" ends their reach, unless the comma belongs to a list that ends in "and" or
"or" ("no PACs, PVCs or pauses"), or only the denial follows it ("AF, resolved"). Where the reach is
in doubt the longer one is taken: a label that is lost costs less than one that is wrong.

A clause that is a denial and nothing else, as in forms ("Atrial flutter: no") and in parentheses
("LBBB (no longer seen)"), speaks of the clause before it: `bare_denial`.
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
# "AF no", "AF? No", "AF = none", and nothing behind it that it could deny.
TRAILING = re.compile(r"\S (?:no|none)$")
# A clause that denies and names nothing, up to its first comma, "and" or "with". A sentence of its
# own may be a word without a finding ("Sinus rhythm. None."), but not a predicate ("Not seen.").
_PREDICATE = (
    rf"(?:no longer|not)(?: (?:{_SEEN}|there))|no longer|not any ?more|absent|ruled out|excluded"
    "|resolved|disappeared|gone"
)
_WORD = (
    rf"no(?: evidence| signs?)?(?: of)?|none(?: (?:{_SEEN}))?|not|nil|never|negative|denied|false"
    "|not applicable|n or a"  # n/a
)
_ALONE = re.compile(
    r"\W*(?:(?:is|are|was|were|has|have|had|been|now|currently|today|all|both) )*"
    rf"(?:(?P<predicate>{_PREDICATE})|{_WORD})(?: (?:now|today|currently|any ?more|at present))?"
    r"[\s.]*(?:$|(?=(?:and|with)\b)|,)"
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


@dataclass(frozen=True)
class Denial:
    """A denial that names nothing, at the beginning of a clause.

    Attributes
    ----------
    predicate
        Whether it can be a sentence about the one before: "not seen", but not "none".
    rest
        The words of the clause behind it, normalised.
    """

    predicate: bool
    rest: str


def bare_denial(clause: str) -> Denial | None:
    """Return the denial at the beginning of a clause; None if it names what it denies.

    Parameters
    ----------
    clause
        Normalised: "no", "not seen", "none, afl"; not "no af".
    """
    found = _ALONE.match(clause)
    return Denial(bool(found["predicate"]), clause[found.end() :].strip()) if found else None


def without_denied(parts: list[Part]) -> list[Part]:
    """Leave out what is denied; the parts of one clause in order."""
    kept: list[Part | None] = list(parts)
    for place, part in enumerate(parts):
        if OPEN.search(part.text):
            kept[place] = replace(part, text=OPEN.sub("", part.text).strip(), doubtful=True)
        elif after := AFTER.search(part.text):
            _drop(kept, _back(parts, place))
            if part.link == "," and _names_nothing(part.text, after):
                _drop(kept, [place - 1, *_back(parts, place - 1)])
            kept[place] = _remainder(part, after)
        elif TRAILING.search(part.text) and not any(_forth(parts, place)):
            _drop(kept, [place, *_back(parts, place)])
        elif (before := BEFORE.search(part.text)) and kept[place]:
            _drop(kept, _forth(parts, place))
            said = part.text[: before.start()].strip()
            kept[place] = replace(part, text=said) if said else None
    return [part for part in kept if part]


def _names_nothing(text: str, after: re.Match[str]) -> bool:
    """Tell whether a denial does not say of what: "no longer seen", "replaced by sinus rhythm"."""
    denial = bare_denial(text)
    replaced = after.start() == 0 and after[0].endswith("replaced by")
    return replaced or (denial is not None and denial.predicate and not denial.rest)


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
