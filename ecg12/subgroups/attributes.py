"""What divides recordings into subgroups: sex, age, signal quality and heart rate.

Sex and age are in a recording's file; quality and heart rate are measured in its first 10 s, as
predictions assess them. Recordings are read one by one in threads, some tens of them in memory;
one of 10 s at 500 Hz takes about 10 ms of one core.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from joblib import cpu_count

from ecg12.io.formats import read_any
from ecg12.io.headers import parse_comments
from ecg12.io.wfdb import header_of, read_text
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import is_file
from ecg12.runtime.prefetch import prefetch
from ecg12.runtime.progress import bar
from ecg12.signal.heart_rate import record_heart_rate
from ecg12.signal.quality import assess

SECONDS = 10.0  # from the beginning that are measured
CHUNK = 16  # recordings that a thread reads at a time
UNREADABLE = "not readable"


@dataclass(frozen=True)
class Attributes:
    """What is known of a recording: None or ``""`` where it is not.

    Attributes
    ----------
    sex
        ``"Male"``, ``"Female"`` or None.
    age
        Years.
    quality
        The verdict on its signals, ``"not readable"``, or ``""`` where they were not to be read.
    heart_rate
        Beats per minute.
    """

    sex: str | None = None
    age: float | None = None
    quality: str = ""
    heart_rate: float | None = None


def read_attributes(paths: Sequence[Path], *, with_signals: bool = True) -> list[Attributes]:
    """Read what divides recordings into subgroups; a recording that cannot be read costs no other.

    Parameters
    ----------
    paths
        Recordings, as `formats.read_any` takes them.
    with_signals
        Measure quality and heart rate too; without it only headers are read.
    """
    read = _measured if with_signals else _described

    def each(chunk: Sequence[Path]) -> list[Attributes]:
        return [read(path) for path in chunk]

    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    workers = cpu_count()
    found: list[Attributes] = []
    what = "quality and heart rate" if with_signals else "headers"
    with bar(total=len(paths), desc=what, unit="rec", leave=False) as shown:
        for part in prefetch(each, chunks, workers, workers + 1):
            found += part
            shown.update(len(part))
    return found


def _described(path: Path) -> Attributes:
    """Return what a header says; nothing where there is no header, or none that can be read."""
    try:
        header = header_of(path)
        age, sex, _ = parse_comments(read_text(header)) if is_file(header) else (None, None, ())
    except (InputError, OSError):
        return Attributes()
    return Attributes(sex, age)


def _measured(path: Path) -> Attributes:
    try:
        record = read_any(path, SECONDS)
        quality, rate = assess(record), record_heart_rate(record)
    except (InputError, OSError):
        known = _described(path)
        return Attributes(known.sex, known.age, UNREADABLE)
    return Attributes(record.sex, record.age, quality.verdict, rate)
