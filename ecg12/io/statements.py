"""Diagnosis statements of clinical files as segments of text, without the people they name."""

import re
from collections.abc import Iterable

from ecg12.io.classes import DIAGNOSES

# Lines that name a person: who confirmed, read, edited, ordered or signed the recording, and
# whatever ends in "SMITH, JOHN (123)".
_NAMING = re.compile(
    r"(?:confirmed|read|interpreted|reviewed|edited|referred|ordered|signed|verified)\s+by\b"
    r"|^\s*(?:by|technician|md|dr|physician)\s*[:.]|\w,\s*\w[^,]*\(\d+\)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w\w+")
# A patient may be called Block; "right bundle branch block" must survive it.
_MEDICAL = frozenset(
    word for _, name in DIAGNOSES.values() for word in _WORD.findall(name.lower())
)  # fmt: skip


def names_a_person(segment: str) -> bool:
    """Tell whether a segment says who confirmed, read, ordered or signed a recording."""
    return _NAMING.search(segment) is not None


def without_people(segments: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return segments, tidied, without the people whom a file names.

    Parameters
    ----------
    segments
        Statements as text; those that name a reader are left out, as are empty ones.
    names
        What the file holds of names and identifiers. Their words are cut out of the segments,
        unless they belong to the name of a diagnosis.
    """
    people = frozenset(word for name in names for word in _WORD.findall(name.lower())) - _MEDICAL
    kept = (_without(people, segment) for segment in segments if not names_a_person(segment))
    return tuple(segment for segment in kept if segment)


def _without(people: frozenset[str], segment: str) -> str:
    if not people.isdisjoint(_WORD.findall(segment.lower())):
        segment = _WORD.sub(lambda word: "" if word[0].lower() in people else word[0], segment)
    return tidy(segment)


def tidy(segment: str) -> str:
    """Leave single blanks, and none before punctuation (", age undetermined")."""
    return re.sub(r"\s+([,.;])", r"\1", " ".join(segment.split()))
