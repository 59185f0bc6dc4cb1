"""The samples of WFDB signal files, which the library wfdb reads.

The library is given a header of our own in a folder of its own, with links to the signal files
under names of our own. So it sees neither dates nor names, at which it stumbles or which would lead
it to other files or into the network, and reads headers in capitals.

Signals of one recording may differ in the number of samples per frame, and in the value that marks
a missing sample. Here all get one rate, that of the twelve leads, and one mark.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import gcd
from pathlib import Path

import numpy as np

from ecg12.io.headers import SHOWN, Header, SignalLine
from ecg12.io.matlab import check_size
from ecg12.io.record import MISSING
from ecg12.runtime.errors import RecordError, file_error
from ecg12.runtime.interrupts import temporary_folder

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
FROM_THE_BEGINNING = ("8",)  # of differences: a sample is the sum of all before it
PLAIN = ("16", "16x1")
EDGE = 11  # frames beyond a stretch, where a rate is changed: SciPy's filter takes 10 of each side
LONGEST_OFFSET = 18  # digits; no file is as large
LEAST_KNOWN = 0.1  # share of the filter that falls on samples that are not missing


def open_signals(
    path: Path, header: Header, files: Mapping[str, Path]
) -> tuple[int, Callable[[int, int], np.ndarray], int]:
    """Open signal files, of which stretches are read then.

    Parameters
    ----------
    path
        The header's path, for messages.
    header
        What it says.
    files
        The signal files by the names that the header has for them.

    Returns
    -------
    n_samples
        How many there are, at the header's rate.
    read
        From the first sample and their number to (n_leads, that number); raises as this.
    missing
        The value that marks a missing sample.

    Raises
    ------
    RecordError
        If a file is truncated, or cannot be read.
    """
    lowest = min(_storage(signal)[1] for signal in header.signals)
    if header.n_samples is None:
        return *_whole(path, header, files), lowest
    if header.n_samples < 1:
        raise RecordError(f"{path}: no samples")
    n_frames = -(-header.n_samples // header.frame)
    for name, file in files.items():
        size = int(_frame_bytes(header, name) * n_frames)
        check_size(file, size, f"{header.n_samples} samples per lead")
    return header.n_samples, partial(_stretch, path, header, files), lowest


def _whole(
    path: Path, header: Header, files: Mapping[str, Path]
) -> tuple[int, Callable[[int, int], np.ndarray]]:
    """Open signal files whose header does not say how long they are: as long as the shortest."""
    sizes = {name: _frame_bytes(header, name) for name in files}
    if all(sizes.values()):
        n_frames = min(
            int((file.stat().st_size - _skipped(path, header, name, file)) / sizes[name])
            for name, file in files.items()
        )
        if n_frames < 1:
            raise RecordError(f"{path}: no samples in {', '.join(f.name for f in files.values())}")
        known = replace(header, n_samples=n_frames * header.frame)
        return known.n_samples or 0, partial(_stretch, path, known, files)
    stored = _joined(path, header, _read(path, header, files, None))
    return stored.shape[1], lambda first, n: stored[:, first : first + n]


def _frame_bytes(header: Header, name: str) -> float:
    """Return what a frame takes in a file of that name, 0 where it is compressed."""
    own = [signal for signal in header.signals if signal.file == name]
    return sum(_storage(signal)[0] * signal.per_frame for signal in own)


def _skipped(path: Path, header: Header, name: str, file: Path) -> int:
    """Return how many bytes of a file precede its samples; all of them are in it."""
    form = next(signal.format for signal in header.signals if signal.file == name)
    offset = form.partition("+")[2]
    if offset and not offset.isdecimal():
        raise RecordError(f"{path}: format {form[:SHOWN]!r} has no number of bytes after its +")
    size = file.stat().st_size
    if len(offset) > LONGEST_OFFSET or int(offset or 0) > size:
        raise RecordError(
            f"{path}: format {form[:SHOWN]!r} skips more than the {size} bytes of {file.name}"
        )
    return int(offset or 0)


def _stretch(
    path: Path, header: Header, files: Mapping[str, Path], first: int, n: int
) -> np.ndarray:
    """Read samples, whole frames of them, and some more where signals are resampled."""
    frame = header.frame
    spare = 0 if all(s.per_frame == frame for s in header.signals) else EDGE
    begin = max(0, first // frame - spare)
    if any(_format(signal) in FROM_THE_BEGINNING for signal in header.signals):
        begin = 0
    end = min(-(-(first + n) // frame) + spare, -(-(header.n_samples or 0) // frame))
    signals = _read(path, header, files, range(begin, end))
    at = first - begin * frame
    return _joined(path, header, signals)[:, at : at + n]


def _joined(path: Path, header: Header, signals: list[np.ndarray]) -> np.ndarray:
    """Bring signals to one rate and one mark of missing samples: (n_leads, n_samples)."""
    marks = [_storage(signal)[1] for signal in header.signals]
    lowest = min(marks)
    rows = [
        _at_rate(_marked(row, mark, lowest), signal.per_frame, header.frame, lowest)
        for row, mark, signal in zip(signals, marks, header.signals, strict=True)
    ]
    if len({len(row) for row in rows}) != 1:
        raise RecordError(f"{path}: signals of {sorted({len(row) for row in rows})} samples")
    return np.array(rows)


def _format(signal: SignalLine) -> str:
    """Return the storage format alone."""
    return signal.format.partition("x")[0].partition(":")[0].partition("+")[0]


def _storage(signal: SignalLine) -> tuple[float, int]:
    """Return bytes per sample and the mark of a missing one."""
    return FORMATS.get(_format(signal), (0, MISSING))


def _read_plain(file: Path, n_signals: int, frames: range) -> list[np.ndarray]:
    """Read frames of a file of format 16 that holds one sample of every signal in each.

    Such are most long recordings; wfdb takes ten times as long, and gives the same.
    """
    with file.open("rb") as opened:
        opened.seek(2 * n_signals * frames.start)
        data = opened.read(2 * n_signals * len(frames))
    if len(data) < 2 * n_signals * len(frames):
        raise RecordError(f"{file}: truncated while it was read")
    return list(np.frombuffer(data, "<i2").reshape(-1, n_signals).T)


def _read(
    path: Path, header: Header, files: Mapping[str, Path], frames: range | None
) -> list[np.ndarray]:
    """Let wfdb read frames of each signal, all by default, from a header and links of our own."""
    if frames and len(files) == 1 and all(s.format in PLAIN for s in header.signals):
        try:
            return _read_plain(next(iter(files.values())), len(header.signals), frames)
        except OSError as error:
            raise RecordError(file_error(error, path)) from error
    import wfdb

    names = {name: f"s{number}.dat" for number, name in enumerate(files)}
    rate = f"{header.rate / header.frame:.12g}"
    count = "" if header.n_samples is None else f" {-(-header.n_samples // header.frame)}"
    lines = [f"r {len(header.signals)} {rate}{count}"]
    for number, signal in enumerate(header.signals):
        form = signal.format
        lines.append(f"{names[signal.file]} {form} 1(0)/mV 0 0 {signal.initial} 0 0 n{number}")
    marks = [_storage(signal)[1] for signal in header.signals]
    # Of these the library wfdb 4.3 fails to convert the type of the whole numbers.
    physical = BIG_ENDIAN in map(_format, header.signals)
    with temporary_folder() as folder:
        for name, file in files.items():
            Path(folder, names[name]).symlink_to(file.resolve())
        Path(folder, "r.hea").write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            read = wfdb.rdrecord(
                f"{folder}/r",
                physical=physical,
                sampfrom=frames.start if frames else 0,
                sampto=frames.stop if frames else None,
                smooth_frames=False,
            )
        except Exception as error:  # a damaged file can raise nearly anything in the parser
            reason = repr(error).replace(str(folder), "")
            raise RecordError(f"{path}: not readable as WFDB: {reason}") from error
    if not physical:
        return read.e_d_signal
    return [
        np.where(np.isnan(row), mark, row).astype(np.int64)
        for row, mark in zip(read.e_p_signal, marks, strict=True)
    ]


def _marked(row: np.ndarray, mark: int, lowest: int) -> np.ndarray:
    """Mark missing samples by the lowest of all formats' marks, which no other format can store."""
    return row if mark == lowest else np.where(row == mark, lowest, row.astype(np.int64))


def _at_rate(row: np.ndarray, per_frame: int, wanted: int, mark: int) -> np.ndarray:
    """Bring a signal from its samples per frame to the wanted ones.

    Each new sample is a weighted mean of what is known around it; missing samples, and those beyond
    the ends, have no weight. So a stretch has the samples that it has in the whole recording.
    """
    if per_frame == wanted:
        return row
    from scipy.signal import resample_poly

    missing, common, n = row == mark, gcd(wanted, per_frame), len(row) * wanted // per_frame
    factors = wanted // common, per_frame // common
    weights = resample_poly((~missing).astype(float), *factors)[:n]
    sums = resample_poly(np.where(missing, 0.0, row), *factors)[:n]
    nearest = np.arange(n) * per_frame // wanted
    unknown = missing[nearest] | (weights < LEAST_KNOWN)
    values = np.rint(sums / np.where(unknown, 1.0, weights))
    return np.where(unknown, mark, np.clip(values, mark + 1, -mark - 1)).astype(row.dtype)
