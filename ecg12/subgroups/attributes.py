"""What divides recordings into subgroups: sex, age, signal quality and heart rate.

Sex and age are in a recording's file; quality and heart rate are measured in its first 10 s, as
predictions assess them. Recordings are read one by one in threads, some tens of them in memory;
one of 10 s at 500 Hz takes about 10 ms of one core.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from joblib import cpu_count

from ecg12.io.formats import read_any
from ecg12.io.headers import parse_comments
from ecg12.io.wfdb import header_of, read_text
from ecg12.runtime.errors import InputError, record_errors
from ecg12.runtime.files import is_file
from ecg12.runtime.prefetch import prefetch
from ecg12.runtime.progress import bar, listed
from ecg12.signal.heart_rate import record_heart_rate
from ecg12.signal.quality import assess

log = logging.getLogger(__name__)

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
    error
        Why it is not readable.
    """

    sex: str | None = None
    age: float | None = None
    quality: str = ""
    heart_rate: float | None = None
    error: str = field(default="", compare=False)


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
    if failed := [one.error for one in found if one.error]:
        log.warning("%s", listed(failed, len(paths), "not readable"))
    return found


def _described(path: Path) -> Attributes:
    """Return what a header says; nothing where there is no header, or none that can be read."""
    try:
        with record_errors(path):
            header = header_of(path)
            age, sex, _ = parse_comments(read_text(header)) if is_file(header) else (None, None, ())
    except InputError as error:
        return Attributes(error=str(error))
    return Attributes(sex, age)


def _measured(path: Path) -> Attributes:
    try:
        with record_errors(path):
            record = read_any(path, SECONDS)
    except InputError as error:
        known = _described(path)
        return Attributes(known.sex, known.age, UNREADABLE, error=str(error))
    return Attributes(record.sex, record.age, assess(record).verdict, record_heart_rate(record))
