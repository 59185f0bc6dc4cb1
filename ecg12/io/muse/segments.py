"""The statements of a MUSE file as segments of text, without the people whom they name."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ecg12.io.classes import DIAGNOSES
from ecg12.io.xml_file import text

# Lines that name a person: who confirmed, read, edited, ordered or signed the recording, and
# whatever ends in "SMITH, JOHN (123)".
_NAMING = re.compile(
    r"(?:confirmed|read|interpreted|reviewed|edited|referred|ordered|signed|verified)\s+by\b"
    r"|^\s*(?:by|technician|md|dr|physician)\s*[:.]|\w,\s*\w[^,]*\(\d+\)",
    re.IGNORECASE,
)
# Elements that hold who somebody is: patient, reader, technician, referring physician.
_NAMES = ("LastName", "FirstName", "MiddleName", "PatientID")
_WORD = re.compile(r"\w\w+")
# A patient may be called Block; "right bundle branch block" must survive it.
_MEDICAL = frozenset(
    word for _, name in DIAGNOSES.values() for word in _WORD.findall(name.lower())
)  # fmt: skip


def names_a_person(segment: str) -> bool:
    """Tell whether a segment says who confirmed, read, ordered or signed a recording."""
    return _NAMING.search(segment) is not None


def segments(root: Element) -> tuple[str, ...]:
    """Return the over-read statements of a file: pieces joined up to each end-of-line flag.

    Segments that name a reader are left out. Of the others, words are cut out that are a name or
    the patient's identifier elsewhere in the file, unless they belong to the name of a diagnosis.
    """
    people = _people(root)
    found = (_without(people, segment) for segment in _joined(root) if not names_a_person(segment))
    return tuple(segment for segment in found if segment)


def _people(root: Element) -> frozenset[str]:
    """Return the words, in small letters, of all names and of the patient's identifier."""
    named = (
        node.text.lower()
        for group in ("PatientDemographics", "TestDemographics", "Order")
        for node in root.iterfind(f"{group}/*")
        if node.text and node.tag.endswith(_NAMES)
    )
    return frozenset(word for name in named for word in _WORD.findall(name)) - _MEDICAL


def _without(people: frozenset[str], segment: str) -> str:
    words = _WORD.findall(segment.lower())
    if people.isdisjoint(words):
        return segment
    return _tidy(_WORD.sub(lambda word: "" if word[0].lower() in people else word[0], segment))


def _joined(root: Element) -> Iterator[str]:
    pieces: list[str] = []
    for statement in root.iterfind("Diagnosis/DiagnosisStatement"):
        pieces.append(text(statement, "StmtText"))
        if any((flag.text or "").strip() == "ENDSLINE" for flag in statement.iterfind("StmtFlag")):
            yield _tidy(" ".join(pieces))
            pieces = []
    yield _tidy(" ".join(pieces))


def _tidy(words: str) -> str:
    """Leave single blanks, and none before punctuation (", age undetermined")."""
    return re.sub(r"\s+([,.;])", r"\1", " ".join(words.split()))
