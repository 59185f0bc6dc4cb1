"""Recordings of any format that the package reads: WFDB and MATLAB, or GE MUSE XML."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.io.muse import SUFFIX, find_muse, read_muse
from ecg12.io.record import Record
from ecg12.io.unsupported import READ, unsupported_format
from ecg12.io.wfdb import SUFFIXES, find_records, read_record
from ecg12.runtime.errors import RecordError
from ecg12.runtime.files import recordings_folder


def read_any(path: str | Path, seconds: float | None = None) -> Record:
    """Read a recording: MUSE XML if its name ends in `.xml`, WFDB otherwise.

    Parameters
    ----------
    path
        An XML file, or what `ecg12.io.wfdb.read_record` takes.
    seconds
        Keep only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the recording cannot be read; the message names the file and, if it is of a format that
        is known but not read, that format and those that are read.
    """
    path = Path(path)
    if name := unsupported_format(path):
        raise RecordError(f"{path}: {name}, a format that is not read; read are {READ}")
    if path.is_dir():
        raise RecordError(f"{path}: a folder without recordings; read are {READ}")
    if path.suffix.lower() != SUFFIX:
        if path.is_file() and path.suffix not in SUFFIXES and not _header(path).is_file():
            raise RecordError(f"{path}: of no known format; read are {READ}")
        return read_record(path, seconds)
    record = read_muse(path).record
    n_samples = None if seconds is None else max(1, int(np.ceil(seconds * record.rate)))
    return replace(record, stored=record.stored[:, :n_samples])


def _header(path: Path) -> Path:
    return path.with_name(f"{path.name}.hea")


def find_any(folder: str | Path) -> list[Path]:
    """List the recordings below a folder, sorted, each as `read_any` takes it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    folder = recordings_folder(folder)
    found: list[Path] = []
    for find in (find_records, find_muse):
        try:
            found += find(folder)
        except FileNotFoundError:
            continue
    if not found:
        raise FileNotFoundError(f"{folder}: no recordings (.hea with .mat or .dat, or MUSE .xml)")
    return sorted(found)
