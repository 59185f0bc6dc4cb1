"""Recordings of any format: recognised by content, found below folders of any mixture, read."""

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecg12.io import arrays, wfdb
from ecg12.io.format_table import (
    ARRAY,
    DAMAGED,
    FORMATS,
    NAMED,
    READ,
    UNREADABLE,
    WFDB,
    format_of,
)
from ecg12.io.muse import read_muse
from ecg12.io.open_record import OpenRecord
from ecg12.io.recognition import Format, read_head
from ecg12.io.record import Record
from ecg12.io.xml_file import root_name
from ecg12.runtime.errors import RecordError, file_error, record_errors
from ecg12.runtime.files import folders_below, is_file, recordings_folder

__all__ = [
    "FORMATS", "Folder", "elements", "find_any", "format_at", "format_of", "open_any",
    "read_any", "scan",
]  # fmt: skip

log = logging.getLogger(__name__)

SHOWN = 3  # names of files that a line of the log shows
SHOWN_LETTERS = 40  # of the name of an XML root


@dataclass(frozen=True)
class Folder:
    """What lies below a folder.

    Attributes
    ----------
    recordings
        Path, as `read_any` takes it, → format.
    unread
        Path → format of the files that are recognised and not read.
    unknown
        Files of no known format that belong to no recording.
    unlisted
        Folder → why it cannot be listed, so that nobody knows what it holds.
    """

    recordings: dict[Path, Format] = field(default_factory=dict)
    unread: dict[Path, Format] = field(default_factory=dict)
    unknown: list[Path] = field(default_factory=list)
    unlisted: dict[Path, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Return how many recordings there are of each format."""
        return dict(Counter(row.name for row in self.recordings.values()))

    def complain(self) -> None:
        """Tell in the log of each folder that cannot be listed."""
        for reason in self.unlisted.values():
            log.error("folder not read: %s", reason)

    def left_out(self) -> list[str]:
        """Return a line for each format, and for unknown files, of what is not a recording."""
        groups: dict[str, list[Path]] = {}
        for path, row in self.unread.items():
            groups.setdefault(f"{row.name}: {row.instead}", []).append(path)
        if self.unknown:
            groups["of no known format"] = self.unknown
        return [
            f"{len(paths)} not read ({_names(paths)}): {what}" for what, paths in groups.items()
        ]


def _names(paths: Sequence[Path]) -> str:
    more = ", ..." if len(paths) > SHOWN else ""
    return ", ".join(path.name for path in sorted(paths)[:SHOWN]) + more


def read_any(
    path: str | Path,
    seconds: float | None = None,
    *,
    rate: float | None = None,
    unit: str | None = None,
    leads: Sequence[str] | str | None = None,
) -> Record:
    """Read a recording of any format that is read.

    Parameters
    ----------
    path
        A file, a WFDB recording without suffix, or an array in a file, such as ``exams.hdf5[17]``.
    seconds
        Keep only the first seconds; all of them by default.
    rate
        For arrays of numbers, as are unit and leads; not used for other formats. Sampling rate in
        Hz, needed where the file does not say it.
    unit
        Unit of the numbers, alone (``"mV"``) or as the step of whole numbers (``"5 uV"``).
    leads
        Lead names in the order of the array, as a list or with commas between them.

    Raises
    ------
    RecordError
        If the recording cannot be read; the message names the file and the reason: of a format that
        is recognised and not read, what to do instead.
    """
    path = Path(path)
    with record_errors(path):
        found = _format_to_read(path, leads)
        if found is ARRAY:
            return arrays.read(path, seconds, rate=rate, unit=unit, leads=leads)
        if found is None or found.read is None:
            return _read_unknown(path, seconds)
        return found.read(path, seconds)


def open_any(
    path: str | Path,
    *,
    rate: float | None = None,
    unit: str | None = None,
    leads: Sequence[str] | str | None = None,
) -> OpenRecord:
    """Open a recording of any format that is read, to read stretches of it.

    WFDB, EDF, ISHNE, `.npy` and HDF5 are read when a stretch is asked for, others here.

    Parameters and errors are those of `read_any`.
    """
    path = Path(path)
    with record_errors(path):
        found = _format_to_read(path, leads)
        if found is ARRAY:
            return arrays.open_record(path, rate=rate, unit=unit, leads=leads).guarded(path)
        if found is None or found.open_record is None:
            return OpenRecord.of(read_any(path))
        return found.open_record(path).guarded(path)


def _format_to_read(path: Path, leads: Sequence[str] | str | None) -> Format | None:
    """Return the format by which a recording is read; None if it is of no known format.

    With lead names given, a text of no known format is an array of numbers.
    """
    if path.is_dir():
        next(path.iterdir(), None)  # one that cannot be listed says why
        raise RecordError(f"{path}: a folder without recordings; read are {READ}")
    found = format_at(path)
    if found is not None and found.read is None:
        raise RecordError(
            f"{path}: {found.name}, a format that is not read: {found.instead}. Read are {READ}"
        )
    if found is None and leads is not None and arrays.is_text(read_head(path)):
        return ARRAY
    return found


def format_at(path: str | Path) -> Format | None:
    """Return the format of what `read_any` reads from a path; None if it is of no known format.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    file, index = arrays.split_index(path)
    return WFDB if index is None and wfdb.is_recording(Path(path)) else format_of(file)


def elements(path: str | Path, leads: Sequence[str] | str | None = None) -> list[Path]:
    """Return what `read_any` takes for each recording of an array of numbers.

    `leads` are those of `read_any`: by their number the array's axes are distinguished.
    """
    path = Path(path)
    try:
        n = arrays.count(path, leads=leads)
    except RecordError:  # which reading it says again
        n = 1
    return [path] if n == 1 else [path.with_name(f"{path.name}[{index}]") for index in range(n)]


def _read_unknown(path: Path, seconds: float | None) -> Record:
    """Say why a file of no known content cannot be read; of a missing one, what is missing."""
    if not is_file(path) or path.suffix.lower() in wfdb.SUFFIXES:
        return wfdb.read_record(path, seconds)
    head = read_head(path)
    if name := root_name(head):
        reason = f"XML with the root {name[:SHOWN_LETTERS]!r}, of no known format"
    elif path.suffix.lower() == ".xml":
        return read_muse(path).record
    else:
        likely = [f.name for f in FORMATS if f.read and path.suffix.lower() in f.suffixes]
        named = f"named like {' or '.join(likely)}, but " if likely else ""
        reason = f"{named}of no known format"
    raise RecordError(f"{path}: {reason}; read are {READ}")


def scan(folder: str | Path, array: Mapping[str, Any] | None = None) -> Folder:
    """Sort out what lies below a folder; each file is looked at once.

    Names that begin with a dot are passed over, as are the signal files and other files that belong
    to a WFDB header. Links to files are followed, links to folders are not.

    Parameters
    ----------
    folder
        The folder.
    array
        What arrays of numbers do not say, as `read_any` takes it: rate, unit, leads. Each of their
        recordings counts as one; None: they are no recordings.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    OSError
        If it cannot be listed.
    """
    found = Folder()
    top = recordings_folder(folder)

    def unlisted(error: OSError) -> None:
        found.unlisted[Path(os.fsdecode(error.filename))] = file_error(error, top)

    for where, names in folders_below(top, unlisted):
        recordings, orphans, others = wfdb.in_folder(where, names)
        found.recordings.update(dict.fromkeys(recordings, WFDB))
        stems = {path.name.lower() for path in recordings}
        for path in (*orphans, *others):
            try:
                row = format_of(path)
            except OSError:  # a recording, as far as its name tells; reading it says why it fails
                row = UNREADABLE
            if row is ARRAY and array is not None:
                found.recordings.update(dict.fromkeys(elements(path, array.get("leads")), row))
            elif row is UNREADABLE and path.suffix.lower() in NAMED | {".xml"}:
                found.recordings[path] = row
            elif row is UNREADABLE:
                found.unknown.append(path)
            elif row is ARRAY or (row and row.read is None):
                found.unread[path] = row
            elif row:
                found.recordings[path] = row
            elif path in orphans:
                found.recordings[path.with_suffix("")] = WFDB
            elif path.suffix.lower() in NAMED or _is_damaged_xml(path):
                found.unread[path] = DAMAGED
            elif path.stem.lower() not in stems:
                found.unknown.append(path)
    return found


def _is_damaged_xml(path: Path) -> bool:
    return path.suffix.lower() == ".xml" and is_file(path) and root_name(read_head(path)) is None


def find_any(
    folder: str | Path, array: Mapping[str, Any] | None = None, *, unlisted: bool = False
) -> list[Path]:
    """List the recordings below a folder, sorted, each as `read_any` takes it.

    What is recognised and not read, and what is of no known format, is counted in the log, which
    names the folders that cannot be listed.

    Parameters
    ----------
    folder
        Looked through with all folders below it.
    array
        As for `scan`.
    unlisted
        Return the folders that cannot be listed, too; reading one raises the reason.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    found = scan(folder, array)
    found.complain()
    if not found.recordings and not (unlisted and found.unlisted):
        reasons = "".join(f"; {line}" for line in found.left_out())
        raise FileNotFoundError(f"{folder}: no recordings{reasons}; read are {READ}")
    for line in found.left_out():
        log.info("%s: %s", folder, line)
    return sorted([*found.recordings, *(found.unlisted if unlisted else ())])
