"""Recordings of any format that the package reads: WFDB and MATLAB, or GE MUSE XML."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.muse import SUFFIX, find_muse, read_muse
from ecg12.records import Record, find_records, read_record


def read_any(path: str | Path, seconds: float | None = None) -> Record:
    """Read a recording: MUSE XML if its name ends in `.xml`, WFDB otherwise.

    Parameters
    ----------
    path
        An XML file, or what `ecg12.records.read_record` takes.
    seconds
        Keep only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the recording cannot be read; the message names the file.
    """
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        return read_record(path, seconds)
    record = read_muse(path).record
    n_samples = None if seconds is None else max(1, int(np.ceil(seconds * record.rate)))
    return replace(record, stored=record.stored[:, :n_samples])


def find_any(folder: str | Path) -> list[Path]:
    """List the recordings below a folder, sorted, each as `read_any` takes it.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    found: list[Path] = []
    for find in (find_records, find_muse):
        try:
            found += find(folder)
        except FileNotFoundError:
            continue
    if not found:
        raise FileNotFoundError(f"{folder}: no recordings (.hea with .mat or .dat, or MUSE .xml)")
    return sorted(found)
