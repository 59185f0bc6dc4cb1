"""One 12-lead recording: stored integers and what turns them into millivolts; read and write.

A recording is a header (`.hea`) and a signal file of the same stem: MATLAB (`.mat`, variable
`val`, (leads, samples)) or any other WFDB signal file. Folders may be flat or nested.
"""

import os
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.errors import RecordError
from ecg12.files import replacing, write_text
from ecg12.headers import (
    LARGEST,
    Header,
    SignalLine,
    format_header,
    parse_header,
    standard_lead,
)

MILLIVOLTS_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}
MISSING = -32768  # WFDB's mark for a missing sample in 16-bit formats
SUFFIXES = (".hea", ".mat", ".dat")

# WFDB storage formats, signal(5): bytes per sample, and the value that marks a missing one.
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
}
_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?:[:+].*)?")  # format, samples per frame

# MATLAB v4 type field of a little-endian full matrix: how its numbers are stored.
MAT4_INT16 = 30
MAT4_TYPES = {0: "<f8", 10: "<f4", 20: "<i4", MAT4_INT16: "<i2", 40: "<u2", 50: "<u1"}


@dataclass(frozen=True, eq=False)
class Record:
    """A 12-lead recording as stored.

    Attributes
    ----------
    name
        The file's stem; outputs are named by it.
    stored
        (n_leads, n_samples), integers as stored, or floats where a harness converted them.
    gains
        (n_leads,) stored units per physical unit; NaN where the header gives none or zero.
    offsets
        (n_leads,) stored value of 0 physical units.
    units
        Physical unit of each lead, such as ``"mV"`` or ``"uV"``.
    leads
        Lead names, the standard twelve in their usual spelling, in the order of `stored`.
    rate
        Sampling rate in Hz.
    age
        Years, or None.
    sex
        ``"Male"``, ``"Female"`` or None.
    codes
        SNOMED CT codes of the diagnoses.
    missing
        Stored value that marks a missing sample.
    """

    name: str
    stored: np.ndarray
    gains: np.ndarray
    offsets: np.ndarray
    units: tuple[str, ...]
    leads: tuple[str, ...]
    rate: float
    age: float | None = None
    sex: str | None = None
    codes: tuple[str, ...] = ()
    missing: int = MISSING

    @property
    def resolution(self) -> np.ndarray:
        """(n_leads,) millivolts per stored unit; NaN where gain or unit is unknown."""
        scale = [MILLIVOLTS_PER_UNIT.get(unit.lower(), np.nan) for unit in self.units]
        return np.asarray(scale) / self.gains

    @property
    def centred(self) -> np.ndarray:
        """(n_leads, n_samples) float64: stored values less their offset, NaN where missing.

        NaN, infinity and floats beyond 32 bits, which no format can store, count as missing.
        """
        values = self.stored.astype(np.float64)
        values[(values == self.missing) | ~(np.abs(values) <= LARGEST)] = np.nan
        return values - self.offsets[:, None]

    @property
    def millivolts(self) -> np.ndarray:
        """(n_leads, n_samples) float64 in mV; NaN where missing or where the gain is unknown."""
        return self.centred * self.resolution[:, None]

    @classmethod
    def from_header(cls, header: Header, stored: Any, name: str) -> "Record":
        """Join a parsed header and a matrix of samples, (n_leads, n_samples).

        The matrix decides the number of samples where the two differ.

        Raises
        ------
        RecordError
            If the matrix is not numeric, or has not one row per signal of the header.
        """
        stored = np.asarray(stored)
        if stored.ndim != 2 or stored.dtype.kind not in "iuf" or not stored.size:
            raise RecordError(f"{name}: samples of shape {stored.shape}, type {stored.dtype}")
        if len(stored) != len(header.signals):
            raise RecordError(
                f"{name}: the header describes {len(header.signals)} leads, "
                f"the signal file holds {len(stored)} rows"
            )
        signals = header.signals
        return cls(
            name,
            stored,
            np.array([signal.gain or np.nan for signal in signals]),
            np.array([signal.offset for signal in signals]),
            tuple(signal.unit for signal in signals),
            tuple(signal.lead for signal in signals),
            header.rate,
            header.age,
            header.sex,
            header.codes,
        )

    @classmethod
    def from_millivolts(
        cls,
        name: str,
        signals: np.ndarray,
        leads: Sequence[str],
        rate: float,
        *,
        gain: float = 1000.0,
        unit: str = "mV",
        age: float | None = None,
        sex: str | None = None,
        codes: Sequence[str] = (),
    ) -> "Record":
        """Quantise signals in mV, (n_leads, n_samples), to int16 with `gain` steps per `unit`.

        Values beyond the range of int16 saturate, NaN becomes the mark of a missing sample.
        """
        steps = np.asarray(signals, np.float64) * (gain / MILLIVOLTS_PER_UNIT[unit.lower()])
        stored = np.clip(np.rint(steps), -32767, 32767)
        stored = np.where(np.isnan(stored), MISSING, stored).astype(np.int16)
        n = len(leads)
        names = tuple(standard_lead(lead) for lead in leads)
        gains, offsets, units = np.full(n, float(gain)), np.zeros(n), (unit,) * n
        return cls(name, stored, gains, offsets, units, names, rate, age, sex, tuple(codes))


def find_records(folder: str | Path) -> list[Path]:
    """List the recordings below a folder, sorted: the paths without suffix.

    A header without signals or signals without a header are listed too, so that reading them can
    say what is missing. Names that begin with a dot are skipped, links to folders not followed.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder of recordings")
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
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    return parse_header(_decode(data), str(path))


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
    named = header.signals[0].file
    candidates = (stem.with_name(stem.name + ".mat"), stem.with_name(Path(named).name))
    for file in candidates:
        if file.is_file():
            return file
    raise RecordError(f"{stem}.hea: no signal file {' or '.join(f.name for f in candidates)}")


def read_mat(path: str | Path, n_samples: int | None = None) -> np.ndarray:
    """Read `val` from a MATLAB file: (n_leads, n_samples), the first samples only if asked.

    Version 4 with `val` first, as in the challenge's own files, is read directly, every field of
    its header checked before memory is taken; any other version goes through SciPy.

    Raises
    ------
    RecordError
        If the file is truncated, holds no numeric matrix `val`, or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(24)
            if len(head) == 24 and head[20:] == b"val\0":
                kind, rows, columns, imaginary, name_length = struct.unpack("<5i", head[:20])
                if kind in MAT4_TYPES and (imaginary, name_length) == (0, 4):
                    shape = rows, columns
                    return _read_mat4(file, path, shape, np.dtype(MAT4_TYPES[kind]), n_samples)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    return _read_mat_scipy(path)[:, :n_samples]


def _read_mat4(
    file: Any, path: str | Path, shape: tuple[int, int], kind: np.dtype, n_samples: int | None
) -> np.ndarray:
    rows, columns = shape
    if min(shape) < 1:
        raise RecordError(f"{path}: 'val' has shape {shape}")
    _check_size(path, 24 + kind.itemsize * rows * columns, f"{rows} x {columns} samples")
    columns = columns if n_samples is None else min(columns, n_samples)
    data = file.read(kind.itemsize * rows * columns)
    return np.frombuffer(data, kind).reshape(columns, rows).T


def _check_size(path: str | Path, needed: int, content: str) -> None:
    size = Path(path).stat().st_size
    if size < needed:
        raise RecordError(f"{path}: truncated: {content} need {needed} bytes, the file has {size}")


def _read_mat_scipy(path: str | Path) -> np.ndarray:
    from scipy.io import loadmat

    try:
        matrix = np.asarray(loadmat(path, variable_names=["val"])["val"])
    except Exception as error:  # a damaged file can raise nearly anything in the parser
        raise RecordError(f"{path}: not a readable MATLAB file with 'val': {error!r}") from error
    if matrix.ndim != 2:
        raise RecordError(f"{path}: 'val' has shape {matrix.shape}, not (leads, samples)")
    return matrix


def _read_wfdb(
    stem: Path, file: Path, header: Header, n_samples: int | None
) -> tuple[np.ndarray, int]:
    """Read a WFDB signal file; return its samples and the value that marks a missing one."""
    import wfdb

    last = None
    if header.n_samples is not None:
        frame = sum(_bytes_per_frame(s) for s in header.signals if s.file == file.name)
        _check_size(file, int(frame * header.n_samples), f"{header.n_samples} samples per lead")
        last = min(n_samples or header.n_samples, header.n_samples)
    try:
        record = wfdb.rdrecord(str(stem), physical=False, sampto=last)
    except Exception as error:  # a damaged file can raise nearly anything in the parser
        raise RecordError(f"{stem}.hea: not readable as WFDB: {error!r}") from error
    kind = re.split("[x:+]", header.signals[0].format)[0]
    return record.d_signal.T[:, :n_samples], FORMATS.get(kind, (0, MISSING))[1]


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
    with replacing(base.with_name(f"{record.name}.mat")) as temporary:
        head = struct.pack("<5i", MAT4_INT16, *record.stored.shape, 0, 4) + b"val\0"
        temporary.write_bytes(head + record.stored.T.astype("<i2").tobytes())
    path = base.with_name(f"{record.name}.hea")
    write_text(path, text)
    return path
