"""Long recordings, window by window, each predicted as if it were a recording of its own.

A window's prediction equals that of the recording cut to the window. Windows are read ahead of the
networks, many in one go, and prepared in threads while the networks run; memory does not grow with
the length of the recording.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.inference.results import Outcome
from ecg12.inference.stream import Source, predict_stream
from ecg12.io.open_record import OpenRecord, samples
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, RecordError

LEAST = 1.0  # s from one window to the next
LONGEST_READ = 900.0  # s that are read in one go; windows that are further apart, one by one
HEART_RATE = 125.0  # Hz, about: at which QRS complexes are counted


@dataclass(frozen=True, kw_only=True)
class Window:
    """What is said of one window.

    Attributes
    ----------
    start, end
        Where it lies in the recording, s.
    outcome
        The prediction, or why there is none.
    heart_rate
        Beats per minute, or None where it is unknown.
    """

    start: float
    end: float
    outcome: Outcome
    heart_rate: float | None


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Where the windows of a recording lie.

    Attributes
    ----------
    every
        From the start of one to that of the next, s.
    seconds
        Length, s: `every`, or what the networks take, if that is longer. The last may be shorter.
    rate
        Of the recording, Hz.
    n_samples
        Of the recording.
    """

    every: float
    seconds: float
    rate: float
    n_samples: int

    @classmethod
    def of(cls, classifier: Classifier, record: OpenRecord, every: float) -> "Windows":
        """Divide a recording.

        Raises
        ------
        InputError
            If `every` is not a number of at least 1 s.
        """
        if not (math.isfinite(every) and every >= LEAST):
            raise InputError(f"windows every {every:g} s; at least {LEAST:g} s are needed")
        longest = max(chain.seconds for chain in classifier.preprocessings)
        seconds = max(every, longest)
        return cls(every=every, seconds=seconds, rate=record.rate, n_samples=record.n_samples)

    def __len__(self) -> int:
        beyond = self.n_samples / self.rate - (self.seconds - self.every)
        return max(1, math.ceil(beyond / self.every - 1e-9))

    def span(self, index: int) -> tuple[int, int]:
        """Return first and last sample, the last exclusive, of a window."""
        start = index * self.every
        last = min(round((start + self.seconds) * self.rate), self.n_samples)
        return min(round(start * self.rate), last - 1), last


def predict_windows(
    classifier: Classifier, record: OpenRecord, windows: Windows, name: str
) -> Iterator[Window]:
    """Predict the windows of a recording, in order.

    Parameters
    ----------
    classifier
        The ensemble.
    record
        The recording.
    windows
        Where they lie.
    name
        How the predictions name the recording.
    """
    waiting: deque[_Job] = deque()

    def sources() -> Iterator[Source]:
        for job in _jobs(record, windows):
            waiting.append(job)
            yield Source(name, job.read)

    for outcome in predict_stream(classifier, sources()):
        job = waiting.popleft()
        start, end = job.first / windows.rate, job.last / windows.rate
        yield Window(start=start, end=end, outcome=outcome, heart_rate=job.heart_rate)


@dataclass(eq=False)
class _Block:
    """Windows that are read in one go, by the first that needs it."""

    record: OpenRecord
    first: int
    last: int

    @cached_property
    def samples(self) -> Record:
        return self.record.read(self.first, self.last - self.first)

    def cut(self, first: int, last: int) -> Record:
        """Return the samples of a window, which is read alone where the block cannot be read."""
        try:
            whole = self.samples
        except RecordError:
            return self.record.read(first, last - first)
        stored = whole.stored[:, first - self.first : last - self.first]
        return replace(whole, stored=stored)


@dataclass(eq=False)
class _Job:
    """A window to be read: its samples, and its heart rate when it was."""

    block: _Block
    first: int
    last: int
    heart_rate: float | None = field(default=None, init=False)

    def read(self, seconds: float) -> Record:
        """Read the window, or as much of it as the networks need."""
        from ecg12.signal.heart_rate import record_heart_rate  # loads scipy.signal, slowly

        last = min(self.last, self.first + samples(seconds, self.block.record.rate))
        record = self.block.cut(self.first, last)
        self.heart_rate = record_heart_rate(_thinned(record))
        return record


def _jobs(record: OpenRecord, windows: Windows) -> Iterator[_Job]:
    """Yield the windows; as many share a block as predict_stream hands to one thread."""
    together = BATCH if BATCH * windows.every <= LONGEST_READ else 1
    for begin in range(0, len(windows), together):
        spans = [windows.span(i) for i in range(begin, min(begin + together, len(windows)))]
        block = _Block(record, spans[0][0], spans[-1][1])
        for first, last in spans:
            yield _Job(block, first, last)


def _thinned(record: Record) -> Record:
    """Return a recording at about `HEART_RATE`, the mean of each block of samples."""
    each = int(record.rate / HEART_RATE)
    n = record.stored.shape[1] // max(each, 1)
    if each < 2 or not n:
        return record
    rows = record.centred
    means = sum((rows[:, i : n * each : each] for i in range(1, each)), rows[:, : n * each : each])
    return replace(
        record, stored=means / each, offsets=np.zeros(len(rows)), rate=record.rate / each
    )
