"""Words that a statement adds to a finding: "block, incomplete", "fibrillation (possible)".

A qualifier makes another class of a finding and is put before it: "incomplete right bundle branch
block". A word of doubt, which matters only where uncertain findings are dropped, becomes
"possible".
"""

import re
from dataclasses import replace

from ecg12.labelling.negation import CONJUNCTIONS, Part, forth
from ecg12.labelling.wording import normalised

POSSIBLE = "possible"
_DEGREE = "first|second|third|1st|2nd|3rd|high"
_QUALIFIER = re.compile(rf"(?:in)?complete|partial|left|right|(?:{_DEGREE})(?: degree)?")
# Of one kind with a qualifier: in "left and right axis" both words wait for the noun.
_KINDS = (
    frozenset(("left", "right", "biatrial", "biventricular")),
    frozenset(("complete", "incomplete", "partial")),
    frozenset(_DEGREE.split("|")),
)
_DESCRIBES = re.compile("new|old|acute|chronic|recent|stable|unchanged|age undetermined|")
_DOUBT = re.compile(
    r"(?:(?:is|are|was|were|very|quite|most|highly|only|a|as) )*"
    r"(?:possible|possibly|probable|probably|likely|suspected|suspicion|questionable|uncertain"
    r"|maybe|perhaps|presumed|presumptive|tentative|consider|query|unconfirmed|not certain"
    r"|to be confirmed|to be considered|cannot rule out|suggest(?:ed|ive)(?: of)?|differential"
    r"(?: diagnosis)?)(?: diagnosis)?"
)
_MARKED = re.compile(r"\?+(?!\s*(?:no|none)\b)", re.IGNORECASE)  # "AF? No" is a denial


def marks_as_words(clause: str) -> str:
    """Return a clause with "possible" for question marks: "AF?", "?AF"."""
    return _MARKED.sub(f" {POSSIBLE} ", clause)


def added(clause: str, *, certain: bool) -> tuple[list[str], str]:
    """Return the qualifiers, and words of doubt, at the beginning of a clause, and its rest.

    Parameters
    ----------
    clause
        "incomplete", "new, incomplete", ", possible".
    certain
        Whether words of doubt count; each is returned as "possible".
    """
    pieces = [piece.strip() for piece in clause.strip(" ,").split(",")]
    found = [_addition(piece, certain) for piece in pieces]
    whole = any(found) and all(
        word or _DESCRIBES.fullmatch(normalised(piece))
        for word, piece in zip(found, pieces, strict=True)
    )
    if whole:
        return [word or piece for word, piece in zip(found, pieces, strict=True)], ""
    n = next(place for place, word in enumerate([*found, ""]) if not word)
    return found[:n], ", ".join(pieces[n:])


def _addition(piece: str, certain: bool) -> str:
    text = normalised(piece)
    if certain and (is_doubt(text) or piece.strip("? ") == "" != piece):
        return POSSIBLE
    return text if _QUALIFIER.fullmatch(text) else ""


def is_doubt(text: str) -> bool:
    """Tell whether a normalised text is only a word of doubt."""
    return _DOUBT.fullmatch(text) is not None


def rejoined(parts: list[Part], uncertain: frozenset[str]) -> list[Part]:
    """Put lone qualifiers before the finding that they follow.

    Parameters
    ----------
    parts
        Of one clause, in order.
    uncertain
        Connectives that leave open what follows them: "likely incomplete".
    """
    kept: list[Part] = []
    joined = False
    for place, part in enumerate(parts):
        lone = _QUALIFIER.fullmatch(part.text) is not None
        follows = part.link == "," or part.link in uncertain or joined
        target = _finding(kept) if lone and follows and not _waits(parts, place) else None
        joined = target is not None
        if target is None:
            kept.append(part)
        else:
            doubtful = kept[target].doubtful or part.link in uncertain
            text = _qualified(part.text, kept[target].text)
            kept[target] = replace(kept[target], text=text, doubtful=doubtful)
    return kept


def _finding(parts: list[Part]) -> int | None:
    """Return the place of the last part that is more than a description."""
    places = (n for n in reversed(range(len(parts))) if not _DESCRIBES.fullmatch(parts[n].text))
    return next(places, None)


def _waits(parts: list[Part], place: int) -> bool:
    """Tell whether a qualifier waits for the noun of a later part: "left and right axis"."""
    kind = next(kind for kind in _KINDS if parts[place].text.split()[0] in kind)
    later = [parts[n] for n in forth(parts, place)]
    return any(part.link in CONJUNCTIONS for part in later) and any(
        not kind.isdisjoint(part.text.split()) and not _QUALIFIER.fullmatch(part.text)
        for part in later
    )


def _qualified(qualifier: str, text: str) -> str:
    if qualifier in _KINDS[2]:
        qualifier = f"{qualifier} degree"
    return text if text.startswith(f"{qualifier} ") else f"{qualifier} {text}"
