"""The statements of a MUSE file as segments of text, without the people whom they name."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ecg12.io.statements import tidy, without_people
from ecg12.io.xml_file import text

# Elements that hold who somebody is: patient, reader, technician, referring physician.
_NAMES = ("LastName", "FirstName", "MiddleName", "PatientID")


def segments(root: Element) -> tuple[str, ...]:
    """Return the over-read statements of a file: pieces joined up to each end-of-line flag.

    Segments that name a reader are left out. Of the others, words are cut out that are a name or
    the patient's identifier elsewhere in the file, unless they belong to the name of a diagnosis.
    """
    return without_people(_joined(root), _people(root))


def _people(root: Element) -> Iterator[str]:
    """Yield all names and the patient's identifier."""
    for group in ("PatientDemographics", "TestDemographics", "Order"):
        for node in root.iterfind(f"{group}/*"):
            if node.text and node.tag.endswith(_NAMES):
                yield node.text


def _joined(root: Element) -> Iterator[str]:
    pieces: list[str] = []
    for statement in root.iterfind("Diagnosis/DiagnosisStatement"):
        pieces.append(text(statement, "StmtText"))
        if any((flag.text or "").strip() == "ENDSLINE" for flag in statement.iterfind("StmtFlag")):
            yield tidy(" ".join(pieces))
            pieces = []
    yield tidy(" ".join(pieces))
