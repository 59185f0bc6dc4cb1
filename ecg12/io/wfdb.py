"""Recordings on disk: find, read and write them."""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.io.headers import SHOWN, Header, SignalLine, format_header, parse_header
from ecg12.io.matlab import check_size, format_mat, read_mat
from ecg12.io.record import MISSING, Record
from ecg12.runtime.errors import InputError, RecordError
from ecg12.runtime.files import atomic_write, is_file, read_limited, recordings_folder, write_text

SUFFIXES = (".hea", ".mat", ".dat")
LARGEST_HEADER = 2**20  # bytes; a header of twelve leads takes 2**10

# WFDB storage formats, signal(5): bytes per sample, and the value that marks a missing one. FLAC
# (508, 516, 524) takes as few bytes as it can.
FORMATS = {
    "8": (1, MISSING),
    "16": (2, MISSING),
    "24": (3, -(2**23)),
    "32": (4, -(2**31)),
    "61": (2, MISSING),
    "80": (1, -(2**7)),
    "160": (2, MISSING),
    "212": (1.5, -(2**11)),
    "310": (4 / 3, -(2**9)),
    "311": (4 / 3, -(2**9)),
    "508": (0, -(2**7)),
    "516": (0, MISSING),
    "524": (0, -(2**23)),
}
_FORMAT = re.compile(r"(\d+)(?:x(\d{1,4}))?(?:[:+].*)?")  # format, samples per frame


def find_records(folder: str | Path) -> list[Path]:
    """List the recordings below a folder, sorted: the paths without suffix.

    A header without signals or signals without a header are listed too, so that reading them can
    say what is missing. Names that begin with a dot are skipped; links to files are followed, as
    archives that keep their files elsewhere need it, links to folders are not.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    folder = recordings_folder(folder)
    found: set[Path] = set()
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(where, name) for name in files if not name.startswith(".")]
        found.update(path.with_suffix("") for path in paths if path.suffix in SUFFIXES)
    if not found:
        raise FileNotFoundError(f"{folder}: no recordings (.hea with .mat or .dat)")
    return sorted(found)


def read_header(path: str | Path) -> Header:
    """Read the header of a recording, given with or without suffix.

    Raises
    ------
    RecordError
        If it is missing or malformed; the message names the file.
    """
    path = _stem(path).with_name(_stem(path).name + ".hea")
    return parse_header(read_text(path), str(path))


def read_text(path: str | Path) -> str:
    """Return the text of a header file, which may be malformed.

    Raises
    ------
    RecordError
        If it is missing, no regular file, or larger than 1 MiB.
    """
    try:
        return _decode(read_limited(path, LARGEST_HEADER))
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    except InputError as error:
        raise RecordError(str(error)) from error


def _decode(data: bytes) -> str:
    """Decode UTF-8, or else Latin-1, in which any bytes are a text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_record(path: str | Path, seconds: float | None = None) -> Record:
    """Read a recording, given with or without suffix.

    Parameters
    ----------
    path
        The header, the signal file, or their common path without suffix.
    seconds
        Read only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the header or the signals are missing, malformed or truncated.
    """
    stem = _stem(path)
    header = read_header(stem)
    n_samples = None if seconds is None else max(1, int(np.ceil(seconds * header.rate)))
    file = _signal_file(stem, header)
    if file.suffix == ".mat":
        stored, missing = read_mat(file, n_samples), MISSING
    else:
        stored, missing = _read_wfdb(stem, file, header, n_samples)
    record = Record.from_header(header, stored, str(stem))
    return replace(record, name=stem.name, missing=missing)


def _stem(path: str | Path) -> Path:
    path = Path(path)
    return path.with_suffix("") if path.suffix in SUFFIXES else path


def _signal_file(stem: Path, header: Header) -> Path:
    """Return the `.mat` of the same stem, or else the file that the header names, beside it."""
    candidates = signal_files(stem, header)[:2]
    for file in candidates:
        if is_file(file):
            return file
    shown = " or ".join(file.name[:SHOWN] for file in candidates)
    raise RecordError(f"{stem}.hea: no signal file {shown}")


def signal_files(stem: Path, header: Header) -> list[Path]:
    """Return where a recording's samples may lie: always beside its header, whatever that says."""
    names = (Path(signal.file).name for signal in header.signals)
    own = stem.with_name(f"{stem.name}.mat")
    return list(dict.fromkeys([own, *(stem.with_name(name) for name in names if name)]))


def _read_wfdb(
    stem: Path, file: Path, header: Header, n_samples: int | None
) -> tuple[np.ndarray, int]:
    """Read a WFDB signal file; return its samples and the value that marks a missing one."""
    import wfdb

    last = None
    _check_names(stem, header)
    if header.n_samples is not None:
        frame = sum(_bytes_per_frame(s) for s in header.signals if s.file == file.name)
        check_size(file, int(frame * header.n_samples), f"{header.n_samples} samples per lead")
        last = min(n_samples or header.n_samples, header.n_samples)
    try:
        record = wfdb.rdrecord(str(stem), physical=False, sampto=last)
    except Exception as error:  # a damaged file can raise nearly anything in the parser
        raise RecordError(f"{stem}.hea: not readable as WFDB: {error!r}") from error
    return _one_mark(record.d_signal.T[:, :n_samples], header)


def _one_mark(stored: np.ndarray, header: Header) -> tuple[np.ndarray, int]:
    """Mark the missing samples of all signals alike, by the lowest of their formats' marks.

    A format cannot store the mark of a wider one, so no sample that is there is marked.
    """
    kinds = [re.split("[x:+]", signal.format)[0] for signal in header.signals]
    marks = np.array([FORMATS.get(kind, (0, MISSING))[1] for kind in kinds])
    lowest = int(marks.min())
    if (marks > lowest).any():
        stored = np.where(stored == marks[:, None], lowest, stored.astype(np.int64))
    return stored, lowest


def _check_names(stem: Path, header: Header) -> None:
    """Refuse names that would make wfdb open anything but files beside the header.

    It joins them to the folder as they are, follows `..`, takes `::` for a chain of network file
    systems (fsspec), and reads `name/segments` as a list of other headers.
    """
    for name in (header.name, *(signal.file for signal in header.signals)):
        if Path(name).name != name:
            raise RecordError(
                f"{stem}.hea: {name[:SHOWN]!r} is no name of a file beside the header"
            )
    if "::" in stem.name or any("::" in signal.file for signal in header.signals):
        raise RecordError(f"{stem}.hea: '::' in the name of a WFDB file")


def _bytes_per_frame(signal: SignalLine) -> float:
    """Return the bytes that one frame of a signal takes; 0 where the format is not known."""
    match = _FORMAT.fullmatch(signal.format)
    return FORMATS.get(match[1], (0, 0))[0] * int(match[2] or 1) if match else 0


def write_record(folder: str | Path, record: Record, dialect: str = "A") -> Path:
    """Write a recording as `.hea` and MATLAB v4 `.mat`, readable by WFDB; return the header's path.

    Parameters
    ----------
    folder
        An existing folder.
    record
        Its `stored` samples must be int16.
    dialect
        Header dialect, ``"A"`` (challenge archives) or ``"B"`` (PhysioNet release).

    Raises
    ------
    ValueError
        If the samples are not int16 or the dialect is unknown.
    """
    if record.stored.dtype != np.int16:
        raise ValueError(f"{record.name}: samples must be int16, not {record.stored.dtype}")
    base = Path(folder) / record.name
    storage = "16+24" if dialect == "A" else "16x1+24"
    gains = [None if np.isnan(gain) else float(gain) for gain in record.gains]
    fields = zip(gains, record.offsets, record.units, record.leads, strict=True)
    signals = tuple(SignalLine(f"{record.name}.mat", storage, *field) for field in fields)
    header = Header(
        record.name, record.rate, record.stored.shape[1], signals, record.age, record.sex,
        record.codes,
    )  # fmt: skip
    first = record.stored[:, 0].tolist()
    checksums = record.stored.sum(axis=1, dtype=np.int64).astype(np.int16).tolist()
    text = format_header(header, first, checksums, dialect)
    with atomic_write(base.with_name(f"{record.name}.mat")) as temporary:
        temporary.write_bytes(format_mat(record.stored))
    path = base.with_name(f"{record.name}.hea")
    write_text(path, text)
    return path
