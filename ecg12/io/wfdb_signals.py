"""The samples of WFDB signal files, which the library wfdb reads.

The library is given a header of our own in a folder of its own, with links to the signal files
under names of our own. So it sees neither dates nor names, at which it stumbles or which would lead
it to other files or into the network, and reads headers in capitals.

Signals of one recording may differ in the number of samples per frame, and in the value that marks
a missing sample. Here all get one rate, that of the twelve leads, and one mark.
"""

import tempfile
from collections.abc import Mapping
from math import ceil, gcd
from pathlib import Path

import numpy as np

from ecg12.io.headers import Header, SignalLine
from ecg12.io.matlab import check_size
from ecg12.io.record import MISSING
from ecg12.runtime.errors import RecordError

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
BIG_ENDIAN = "61"


def read_signals(
    path: Path, header: Header, files: Mapping[str, Path], n_samples: int | None
) -> tuple[np.ndarray, int]:
    """Read signal files.

    Parameters
    ----------
    path
        The header's path, for messages.
    header
        What it says.
    files
        The signal files by the names that the header has for them.
    n_samples
        Read only the first samples; all of them by default.

    Returns
    -------
    stored
        (n_leads, n_samples) at the header's rate.
    missing
        The value that marks a missing sample in it.

    Raises
    ------
    RecordError
        If a file is truncated, or cannot be read.
    """
    n_frames = None
    if header.n_samples is not None:
        n_frames = -(-header.n_samples // header.frame)
        _check_sizes(header, files, n_frames)
        n_frames = min(n_frames, ceil((n_samples or header.n_samples) / header.frame))
    signals = _read(path, header, files, n_frames)
    marks = [_storage(signal)[1] for signal in header.signals]
    lowest = min(marks)
    rows = [
        _at_rate(_marked(row, mark, lowest), signal.per_frame, header.frame, lowest)
        for row, mark, signal in zip(signals, marks, header.signals, strict=True)
    ]
    if len({len(row) for row in rows}) != 1:
        raise RecordError(f"{path}: signals of {sorted({len(row) for row in rows})} samples")
    return np.array(rows)[:, :n_samples], lowest


def _check_sizes(header: Header, files: Mapping[str, Path], n_frames: int) -> None:
    for name, file in files.items():
        frame = sum(_storage(s)[0] * s.per_frame for s in header.signals if s.file == name)
        check_size(file, int(frame * n_frames), f"{header.n_samples} samples per lead")


def _format(signal: SignalLine) -> str:
    """Return the storage format alone."""
    return signal.format.partition("x")[0].partition(":")[0].partition("+")[0]


def _storage(signal: SignalLine) -> tuple[float, int]:
    """Return bytes per sample and the mark of a missing one."""
    return FORMATS.get(_format(signal), (0, MISSING))


def _read(
    path: Path, header: Header, files: Mapping[str, Path], n_frames: int | None
) -> list[np.ndarray]:
    """Let wfdb read all samples of each signal, from a header and links of our own."""
    import wfdb

    names = {name: f"s{number}.dat" for number, name in enumerate(files)}
    rate = f"{header.rate / header.frame:.12g}"
    count = "" if header.n_samples is None else f" {-(-header.n_samples // header.frame)}"
    lines = [f"r {len(header.signals)} {rate}{count}"]
    for number, signal in enumerate(header.signals):
        form = signal.format
        lines.append(f"{names[signal.file]} {form} 1(0)/mV 0 0 {signal.initial} 0 0 n{number}")
    kinds = [_format(signal) for signal in header.signals]
    physical = BIG_ENDIAN in kinds  # wfdb 4.3 fails to convert the type of its whole numbers
    with tempfile.TemporaryDirectory(prefix="ecg12-") as folder:
        for name, file in files.items():
            Path(folder, names[name]).symlink_to(file.resolve())
        Path(folder, "r.hea").write_text("\n".join(lines) + "\n")
        try:
            read = wfdb.rdrecord(
                f"{folder}/r", physical=physical, sampto=n_frames, smooth_frames=False
            )
        except Exception as error:  # a damaged file can raise nearly anything in the parser
            reason = repr(error).replace(folder, "")
            raise RecordError(f"{path}: not readable as WFDB: {reason}") from error
    if not physical:
        return read.e_d_signal
    return [
        np.where(np.isnan(row), FORMATS[kind][1], row).astype(np.int64)
        for row, kind in zip(read.e_p_signal, kinds, strict=True)
    ]


def _marked(row: np.ndarray, mark: int, lowest: int) -> np.ndarray:
    """Mark missing samples by the lowest of all formats' marks, which no other format can store."""
    return row if mark == lowest else np.where(row == mark, lowest, row.astype(np.int64))


def _at_rate(row: np.ndarray, per_frame: int, wanted: int, mark: int) -> np.ndarray:
    """Bring a signal from its samples per frame to the wanted ones.

    Missing samples are filled in linearly for this, and are missing afterwards too.
    """
    if per_frame == wanted:
        return row
    from scipy.signal import resample_poly

    missing = row == mark
    known = np.flatnonzero(~missing)
    common = gcd(wanted, per_frame)
    n = len(row) * wanted // per_frame
    if not len(known):
        return np.full(n, mark, row.dtype)
    filled = np.interp(np.arange(len(row)), known, row[known])
    values = resample_poly(filled, wanted // common, per_frame // common, padtype="line")[:n]
    nearest = np.minimum(np.arange(n) * per_frame // wanted, len(row) - 1)
    return np.where(missing[nearest], mark, np.rint(values)).astype(row.dtype)
