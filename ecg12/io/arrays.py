"""Recordings as arrays of numbers: csv and tsv, NumPy's `.npy` and `.npz`, HDF5.

Research data are often such arrays, (leads, samples) or (samples, leads), or many recordings of one
length in one array, (recordings, ...). The axis as long as there are leads, usually twelve, is that
of the leads; where both have that length, the file is refused. Recording 17 of `exams.hdf5`,
counted from 0, is called `exams.hdf5[17]`.

An array alone says neither rate nor unit nor which row is which lead. What the file does not say
must be given; nothing is assumed, because each wrong assumption gives a plausible recording. A file
says it by names of columns (csv, tsv), by arrays `rate`, `unit` and `leads` (`.npz`), or by
attributes of these names (HDF5). The unit is a voltage, or a step of the numbers such as "5 uV".

The HDF5 files of CODE-15%, CODE-test and SaMi-Trop hold one array `tracings` (recordings, 4096, 12)
of float32, leads in the usual order, with zeros before and after shorter recordings, which are cut
off here. Their documentation says 400 Hz; on the unit it is not at one with itself.

Sources: Ribeiro et al. (2021), CODE-15%, doi 10.5281/zenodo.4916206, and those of `array_files`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.io.array_files import LARGEST_ARRAY, TRACINGS, StoredArray, is_array, open_array
from ecg12.io.array_notes import read_gain, read_names, read_rate, settled
from ecg12.io.array_text import is_table, is_text, read_table_of_numbers
from ecg12.io.channels import Channel, recording
from ecg12.io.leads import LEADS
from ecg12.io.open_record import OpenRecord, samples
from ecg12.io.record import Record
from ecg12.runtime.errors import RecordError, file_error
from ecg12.runtime.files import is_file

NAME = "array of numbers"
SUFFIXES = (".csv", ".tsv", ".npy", ".npz", ".h5", ".hdf5")
HEAD = 4096  # bytes by which a file is recognised
MOST_RECORDINGS = 10**6  # of a file that are listed
FEWEST_ROWS = 64  # of a table that are read: more than there are leads
_INDEXED = re.compile(r"(.+)\[(\d{1,9})\]")


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is an array of numbers."""
    return is_array(head) or is_table(head)


def split_index(path: str | Path) -> tuple[Path, int | None]:
    """Split `exams.hdf5[17]` into file and index; None where no index is given."""
    path = Path(path)
    found = _INDEXED.fullmatch(path.name)
    if found is None or path.exists():
        return path, None
    return path.with_name(found[1]), int(found[2])


def count(path: str | Path, *, leads: Sequence[str] | str | None = None) -> int:
    """Return how many recordings a file holds.

    Parameters
    ----------
    path
        The file.
    leads
        As for `read`.

    Raises
    ------
    RecordError
        If it is damaged, no array of recordings, or one of more than are listed.
    """
    path = Path(path)
    with _opened(path) as array:
        given = array.notes.get("leads") if leads is None else leads
        _lead_axis(path, array, len(read_names(path, given or LEADS)))
        found = array.values.shape[0] if array.values.ndim == 3 else 1
    if found > MOST_RECORDINGS:
        raise RecordError(f"{path}: {found} recordings; at most {MOST_RECORDINGS} are listed")
    return found


def read(
    path: Path,
    seconds: float | None = None,
    *,
    rate: float | None = None,
    unit: str | None = None,
    leads: Sequence[str] | str | None = None,
) -> Record:
    """Read a recording from an array.

    Parameters
    ----------
    path
        The file; with an index in brackets, counted from 0, if it holds several recordings.
    seconds
        Read only the first seconds; all of them by default.
    rate
        Sampling rate in Hz, needed where the file does not say it, as unit and leads. What is given
        must not differ from what the file says.
    unit
        Unit of the numbers, alone (``"mV"``) or as the step of whole numbers (``"5 uV"``).
    leads
        Lead names in the order of the array, as a list or with commas between them.

    Raises
    ------
    RecordError
        If one of these is missing, which the message says, or makes no sense, or if the array is
        damaged, of no shape of recordings, or no twelve-lead recording (see `channels.recording`).
    """
    path, index = split_index(path)
    rate = None if rate is None else read_rate(path, rate)
    given = {"rate": rate, "unit": unit, "leads": leads}
    with _opened(path, seconds, rate) as array:
        notes = settled(path, array, given)
        n_samples = None if seconds is None else samples(seconds, notes["rate"])
        values = _values(path, array, index, len(notes["leads"]), slice(n_samples))
    return _record(path, index, notes, values[:, :n_samples])


def _record(path: Path, index: int | None, notes: dict[str, Any], values: np.ndarray) -> Record:
    gain, unit = read_gain(path, notes["unit"])
    channels = [
        Channel(lead=lead, samples=row, gain=gain, unit=unit)
        for lead, row in zip(notes["leads"], values, strict=True)
    ]
    record = recording(path, channels, notes["rate"])
    return record if index is None else replace(record, name=f"{path.stem}_{index}")


def open_record(
    path: Path,
    *,
    rate: float | None = None,
    unit: str | None = None,
    leads: Sequence[str] | str | None = None,
) -> OpenRecord:
    """Open a recording in an array, to read stretches of it.

    Those of `.npy` and HDF5 are read when they are asked for; others are read whole, here.

    Parameters and errors are those of `read`.
    """
    file, index = split_index(path)
    rate = None if rate is None else read_rate(file, rate)
    given = {"rate": rate, "unit": unit, "leads": leads}
    with _opened(file) as array:
        notes = settled(file, array, given)
        n_leads, shape = len(notes["leads"]), array.values.shape
        if array.name == TRACINGS or type(array.values) is np.ndarray:
            values = _values(file, array, index, n_leads, slice(None))
            return OpenRecord.of(_record(file, index, notes, values))
        n_samples = shape[-1 if _lead_axis(file, array, n_leads) == -2 else -2]
        _which(file, shape, index)

    def read_stretch(first: int, n: int) -> Record:
        with _opened(file) as array:
            values = _values(file, array, index, n_leads, slice(first, first + n))
        return _record(file, index, notes, values)

    name = file.stem if index is None else f"{file.stem}_{index}"
    return OpenRecord(name=name, rate=notes["rate"], n_samples=n_samples, read=read_stretch)


@contextmanager
def _opened(
    path: Path, seconds: float | None = None, rate: float | None = None
) -> Iterator[StoredArray]:
    """Open an array of any kind; of a table, no more rows are read than the seconds need."""
    if not is_file(path):
        raise RecordError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
        if is_array(head):
            with open_array(path, head) as array:
                yield array
        elif is_text(head):
            yield _table(path, seconds, rate)
        else:
            raise RecordError(f"{path}: no array of numbers")
    except OSError as error:
        raise RecordError(file_error(error, path)) from error


def _table(path: Path, seconds: float | None, rate: float | None) -> StoredArray:
    n_rows = None
    if seconds is not None and rate is not None:
        n_rows = max(FEWEST_ROWS, samples(min(seconds, LARGEST_ARRAY / rate), rate))
    table = read_table_of_numbers(path, n_rows)
    said = {"leads": table.names, "unit": table.unit}
    notes = {name: value for name, value in said.items() if value}
    return StoredArray(values=table.values, notes=notes, named=bool(table.names))


def _lead_axis(path: Path, array: StoredArray, n_leads: int) -> int:
    """Return which of the last two axes is that of the leads, -2 or -1."""
    shape = array.values.shape
    axes = [-1] if array.named else [axis for axis in (-2, -1) if shape[axis] == n_leads]
    if len(axes) != 1 or shape[axes[0]] != n_leads:
        raise RecordError(
            f"{path}: an array of shape {shape}; one of its last two axes, and no more than one, "
            f"must have the length {n_leads}, which is the number of leads"
        )
    return axes[0]


def _values(
    path: Path, array: StoredArray, index: int | None, n_leads: int, wanted: slice
) -> np.ndarray:
    """Return the samples of one recording, (n_leads, n_samples); all of one that may be padded."""
    axis, shape = _lead_axis(path, array, n_leads), array.values.shape
    padded = array.name == TRACINGS
    wanted = slice(None) if padded else wanted
    key: tuple[Any, ...] = (wanted, slice(None)) if axis == -1 else (slice(None), wanted)
    key = (*_which(path, shape, index), *key)
    if prod(shape[-2:]) * array.values.dtype.itemsize > LARGEST_ARRAY and wanted.stop is None:
        raise RecordError(f"{path}: a recording of more than {LARGEST_ARRAY} bytes")
    try:
        values = np.array(array.values[key])
    except Exception as error:  # h5py lets anything out of a damaged file
        raise RecordError(f"{path}: damaged array: {type(error).__name__}") from error
    values = values.T if axis == -1 else values
    return _unpadded(values) if padded else values


def _which(path: Path, shape: tuple[int, ...], index: int | None) -> tuple[int, ...]:
    """Return what selects the recording."""
    n_recordings = shape[0] if len(shape) == 3 else 1
    if index is None and n_recordings > 1:
        raise RecordError(
            f"{path}: {n_recordings} recordings; name one, from {path.name}[0] to "
            f"{path.name}[{n_recordings - 1}]"
        )
    if index is not None and index >= n_recordings:
        raise RecordError(f"{path}: no recording {index}: it holds {n_recordings}, counted from 0")
    return (index or 0,) if len(shape) == 3 else ()


def _unpadded(values: np.ndarray) -> np.ndarray:
    """Cut off samples at both ends that are zero in every lead; a recording of zeros stays."""
    filled = np.flatnonzero((values != 0).any(axis=0))
    return values[:, filled[0] : filled[-1] + 1] if len(filled) else values
