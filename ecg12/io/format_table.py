"""The one table of formats: how the content of each is recognised, and what reads it.

The content of a file decides, never its name. The order matters where two would recognise the same
file: what is more special comes first, plain text and archives last.
"""

from pathlib import Path
from typing import Any

from ecg12.io import aecg, arrays, cardiosoft, dicom, edf, ishne, muse, philips, scp, wfdb
from ecg12.io.recognition import Format, read_head
from ecg12.io.unsupported import REFUSED


def _read(module: Any, instead: str = "") -> Format:
    """Return the row of a module that reads a format."""
    return Format(
        name=module.NAME, suffixes=module.SUFFIXES, recognises=module.recognises, read=module.read,
        open_record=getattr(module, "open_record", None), instead=instead,
        extra=getattr(module, "EXTRA", ""),
        statements=getattr(module, "statements", None),
        identifier=getattr(module, "identifier", None),
    )  # fmt: skip


WFDB = _read(wfdb)
MUSE = _read(muse)
ARRAY = _read(
    arrays, "give --rate, --unit and --leads; for training, convert them first: ecg12 convert"
)
_MATLAB = next(row for row in REFUSED if row.name.startswith("MATLAB"))  # is HDF5 as well
FORMATS = (
    WFDB,
    MUSE,
    *(_read(module) for module in (dicom, aecg, philips, scp, cardiosoft, edf, ishne)),
    _MATLAB,
    ARRAY,
    *(row for row in REFUSED if row is not _MATLAB),
)
# Names that only an ECG has; where the content is of no known format, it is damaged or unusual.
NAMED = frozenset(s for row in FORMATS if row.read and row is not ARRAY for s in row.suffixes) - {
    ".xml"
}
DAMAGED = Format(
    name="named like an ECG, but of no known format", suffixes=tuple(sorted(NAMED)),
    recognises=lambda head: False, instead="damaged, or a kind of its own",
)  # fmt: skip
UNREADABLE = Format(name="unreadable file", suffixes=(), recognises=lambda head: False)
READ = ", ".join(row.name for row in FORMATS if row.read)


def format_of(path: Path) -> Format | None:
    """Return the format of a file by its content; None if it is of no known format.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    head = read_head(path)
    return next((row for row in FORMATS if head and row.recognises(head)), None)
