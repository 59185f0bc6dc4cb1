"""Long recordings, window by window, each predicted as if it were a recording of its own.

A window's prediction equals that of the recording cut to the window. Windows are read ahead of the
networks, many in one go, their beats found together, and they are prepared in threads while the
networks run; memory does not grow with the length of the recording.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.inference.results import Outcome
from ecg12.inference.stream import Source, predict_stream
from ecg12.io.open_record import OpenRecord, samples
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, RecordError, shown
from ecg12.signal.quality import TOO_SHORT

LEAST = 1.0  # s from one window to the next
LONGEST_READ = 900.0  # s that are read in one go, of longer windows their beginning


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
        Beats per minute in the window, of longer ones in the first `LONGEST_READ` seconds; None
        where it is unknown.
    """

    start: float
    end: float
    outcome: Outcome
    heart_rate: float | None


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Where the windows of a recording lie: one every so many seconds, together all of it.

    The last one is shorter where the recording ends before. If it would be shorter than
    `TOO_SHORT`, too short for any verdict but unusable, it is no window of its own: the one before
    ends with the recording. A recording has one window at least.

    Attributes
    ----------
    every
        From the start of one to that of the next, s.
    seconds
        Length, s: `every`, or what the networks take, if that is longer. The last may be shorter,
        or longer by less than `TOO_SHORT`.
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
        RecordError
            If the recording has no samples, or no sampling rate.
        """
        if not (math.isfinite(record.rate) and record.rate > 0 and record.n_samples > 0):
            raise RecordError(f"{record.name}: {record.n_samples} samples at {record.rate:g} Hz")
        if isinstance(every, bool) or not isinstance(every, Real):
            raise InputError(f"every={shown(every)}: a number of seconds, {LEAST:g} or more")
        if not (math.isfinite(every) and every >= LEAST):
            raise InputError(f"windows every {every:g} s; at least {LEAST:g} s are needed")
        longest = max(chain.seconds for chain in classifier.preprocessings)
        seconds = max(every, longest)
        return cls(every=every, seconds=seconds, rate=record.rate, n_samples=record.n_samples)

    def __len__(self) -> int:
        beyond = self.n_samples / self.rate - (self.seconds - self.every)
        count = max(1, math.ceil(beyond / self.every - 1e-9))
        rest = self.n_samples - self._first(count - 1)
        is_short = rest < min(TOO_SHORT, self.seconds) * self.rate
        return count - 1 if count > 1 and is_short else count

    def span(self, index: int) -> tuple[int, int]:
        """Return first and last sample, the last exclusive, of a window."""
        if index == len(self) - 1:
            return self._first(index), self.n_samples
        return self._first(index), round((index * self.every + self.seconds) * self.rate)

    def _first(self, index: int) -> int:
        return round(index * self.every * self.rate)


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
        start, end = (place / windows.rate for place in job.span)
        yield Window(start=start, end=end, outcome=outcome, heart_rate=job.heart_rate)


@dataclass(eq=False)
class _Block:
    """Some windows, first and last sample of each, read by the first that asks."""

    record: OpenRecord
    spans: Sequence[tuple[int, int]]

    @cached_property
    def windows(self) -> list[Record]:
        first, last = self.spans[0][0], self.spans[-1][1]
        whole = self.record.read(first, last - first)
        return [
            replace(whole, stored=whole.stored[:, begin - first : end - first])
            for begin, end in self.spans
        ]

    @cached_property
    def heart_rates(self) -> list[float | None]:
        return _heart_rates(self.windows)


@dataclass(eq=False)
class _Job:
    """A window to be read: its samples, and its heart rate when it was."""

    block: _Block
    place: int
    span: tuple[int, int]
    heart_rate: float | None = field(default=None, init=False)

    def read(self, seconds: float) -> Record:
        """Read the first seconds of the window, alone where its block is unreadable."""
        needed = samples(seconds, self.block.record.rate)
        try:
            record = self.block.windows[self.place]
        except RecordError:
            return self._read_alone(needed)
        self.heart_rate = self.block.heart_rates[self.place]
        return replace(record, stored=record.stored[:, :needed])

    def _read_alone(self, needed: int) -> Record:
        first, last = self.block.spans[self.place]
        record = self.block.record.read(first, min(needed, last - first))
        try:
            whole = self.block.record.read(first, last - first)
        except RecordError:  # beyond what the networks need: the heart rate is unknown
            return record
        [self.heart_rate] = _heart_rates([whole])
        return record


def _jobs(record: OpenRecord, windows: Windows) -> Iterator[_Job]:
    """Yield the windows; as many share a block as predict_stream hands to one thread."""
    together = BATCH if BATCH * windows.every <= LONGEST_READ else 1
    longest = samples(LONGEST_READ, record.rate)
    for begin in range(0, len(windows), together):
        spans = [windows.span(i) for i in range(begin, min(begin + together, len(windows)))]
        block = _Block(record, [(first, min(last, first + longest)) for first, last in spans])
        for place, span in enumerate(spans):
            yield _Job(block, place, span)


def _heart_rates(windows: Sequence[Record]) -> list[float | None]:
    from ecg12.inference.window_rates import heart_rates  # loads scipy.signal, slowly

    return heart_rates(windows)
