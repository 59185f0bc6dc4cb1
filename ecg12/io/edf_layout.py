"""The header of EDF and BDF files: where their samples lie.

Sources: as of `ecg12.io.edf`.
"""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ecg12.runtime.errors import RecordError

MARKS = {b"0       ": 2, b"\xffBIOSEMI": 3}  # bytes per sample
INTERRUPTED = (b"EDF+D", b"BDF+D")  # marks of recordings that may have gaps
ANNOTATIONS = (b"EDF Annotations", b"BDF Annotations")
LONGEST_TIME = 64  # bytes in which a data record says when it begins
BLOCK = 256  # bytes of the header, and of what it says of each signal
MOST_SIGNALS = 1024


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the samples lie: sizes in bytes, duration of a data record in s, samples in each."""

    header: int
    width: int
    duration: float
    n_records: int
    n_samples: tuple[int, ...]

    @property
    def record(self) -> int:
        """Bytes of a data record."""
        return self.width * sum(self.n_samples)


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is EDF or BDF."""
    return head[:8] in MARKS and (head[184:192].strip() or b"x").isdigit()


def read_layout(file: BinaryIO, path: Path) -> tuple[Layout, bytes]:
    """Read the header; return the layout, whose data records are in the file, and its bytes.

    A recording that may have gaps, but has none, is given out as one without.

    Raises
    ------
    RecordError
        If it is damaged, of a recording with gaps, or announces more than the file holds.
    """
    head = file.read(BLOCK)
    if len(head) < BLOCK or not recognises(head):
        raise RecordError(f"{path}: not an EDF or BDF recording")
    n_signals = int(_number(head[252:256], 1, MOST_SIGNALS, "signals", path))
    head += file.read(BLOCK * n_signals)
    start = BLOCK + 216 * n_signals  # past label, transducer, unit, ranges and filter
    counts = (head[at : at + 8] for at in range(start, start + 8 * n_signals, 8))
    layout = Layout(
        header=int(_number(head[184:192], len(head), len(head), "bytes in the header", path)),
        width=MARKS[head[:8]],
        duration=_number(head[244:252], 1e-6, 1e6, "seconds in a data record", path),
        n_records=int(_number(head[236:244], -1, 1e8, "data records", path)),
        n_samples=tuple(
            int(_number(count, 0, 1e8, "samples in a data record", path)) for count in counts
        ),
    )
    layout = replace(layout, n_records=_held(file, path, layout))
    if head[192:197] in INTERRUPTED:
        _check_whole(file, path, layout, head)
        head = head[:196] + b"C" + head[197:]
    return layout, head


def _check_whole(file: BinaryIO, path: Path, layout: Layout, head: bytes) -> None:
    """Refuse a recording whose data records do not follow one another by their own times."""
    labels = [
        head[at : at + 16].strip() for at in range(BLOCK, BLOCK + 16 * len(layout.n_samples), 16)
    ]
    place = next((i for i, label in enumerate(labels) if label in ANNOTATIONS), None)
    if place is not None:
        at = layout.header + layout.width * sum(layout.n_samples[:place])
        size = min(layout.width * layout.n_samples[place], LONGEST_TIME)
        half = layout.duration / max(layout.n_samples) / 2
        begin = _time(file, at, size)
        if all(
            abs(_time(file, at + n * layout.record, size) - begin - n * layout.duration) < half
            for n in range(layout.n_records)
        ):
            return
    raise RecordError(f"{path}: {head[192:197].decode()}, a recording with gaps; not read")


def _time(file: BinaryIO, at: int, size: int) -> float:
    """Return when a data record begins, s, as its first annotation says."""
    file.seek(at)
    try:
        return float(file.read(size).partition(b"\x14")[0])
    except ValueError:
        return math.nan


def _number(field: bytes, low: float, high: float, what: str, path: Path) -> float:
    """Read a number between `low` and `high`; the message quotes no text of the file."""
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise RecordError(f"{path}: damaged EDF header: {value:g} {what}")
    return value


def _held(file: BinaryIO, path: Path, layout: Layout) -> int:
    """Return the number of data records; -1 in the header means that the recorder did not say."""
    if not layout.record:
        raise RecordError(f"{path}: damaged EDF header: data records without samples")
    held = (os.fstat(file.fileno()).st_size - layout.header) // layout.record
    announced = held if layout.n_records == -1 else layout.n_records
    if not 1 <= announced <= held:
        raise RecordError(f"{path}: truncated: {announced} data records announced, {held} held")
    return announced
