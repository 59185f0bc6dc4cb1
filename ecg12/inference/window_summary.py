"""What the windows of one recording say together: shares of time, heart rates, quality."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ecg12.inference.results import Failure
from ecg12.inference.windows import Window
from ecg12.io.classes import ScoredClasses
from ecg12.runtime.progress import printable
from ecg12.signal.quality import VERDICTS

NO_PREDICTION = -1  # in place of the number of a verdict


class WindowSummary:
    """Counts of a recording's windows, fed one by one.

    Parameters
    ----------
    source
        The recording.
    classes
        Of the model.
    seconds
        Length of the recording.
    every
        From one window to the next, s.
    """

    def __init__(self, source: str, classes: ScoredClasses, seconds: float, every: float) -> None:
        self.source, self.classes, self.seconds, self.every = source, classes, seconds, every
        self.reasons: Counter[str] = Counter()
        self.failed = 0
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._verdicts: list[int] = []
        self._rates: list[float] = []
        self._positive: list[np.ndarray] = []

    def add(self, window: Window) -> None:
        """Count one window."""
        outcome, rate = window.outcome, window.heart_rate
        self._starts.append(window.start)
        self._ends.append(window.end)
        self._rates.append(np.nan if rate is None else rate)
        if isinstance(outcome, Failure):
            self.reasons[outcome.reason] += 1
            self.failed += not outcome.about_signal
            self._verdicts.append(NO_PREDICTION)
            self._positive.append(np.zeros(len(self.classes.names), bool))
            return
        self._verdicts.append(VERDICTS.index(outcome.quality.verdict))
        self._positive.append(np.array([entry.positive for entry in outcome.classes]))

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def starts(self) -> np.ndarray:
        """(n_windows,) s."""
        return np.array(self._starts)

    @property
    def heart_rates(self) -> np.ndarray:
        """(n_windows,) beats per minute, NaN where unknown."""
        return np.array(self._rates)

    @property
    def verdicts(self) -> np.ndarray:
        """(n_windows,) places in `VERDICTS`, -1 where there is no prediction."""
        return np.array(self._verdicts, int)

    @property
    def positive(self) -> np.ndarray:
        """(n_windows, n_classes) bool: which classes are diagnosed; none without a prediction."""
        return np.array(self._positive, bool).reshape(-1, len(self.classes.names))

    @property
    def predicted(self) -> int:
        """How many windows have a prediction."""
        return int((self.verdicts != NO_PREDICTION).sum())

    @property
    def shares(self) -> np.ndarray:
        """(n_classes,) share of the predicted windows in which a class is diagnosed."""
        return self.positive.sum(axis=0) / max(self.predicted, 1)

    def ranked(self) -> list[int]:
        """Return the classes that were diagnosed, the most frequent first."""
        counts = self.positive.sum(axis=0)
        return [int(k) for k in np.argsort(-counts, kind="stable") if counts[k]]

    def text(self, every_class: bool = False) -> str:
        """Return the summary for a reader."""
        n = len(self)
        lines = [
            f"{self.source}: {clock(self.seconds)} in {n} window{'s' * (n != 1)}, "
            f"one every {self.every:g} s",
            f"{self.predicted} predicted, {n - self.predicted} without prediction",
            *(f"  {count}: {reason}" for reason, count in self.reasons.most_common()),
            f"signal quality: {self._quality()}",
            f"heart rate: {self._heart_rate()}",
        ]
        chosen = list(range(len(self.classes.names))) if every_class else self.ranked()
        return "\n  ".join(map(printable, [*lines, *self._table(chosen)])) + "\n"

    def _quality(self) -> str:
        verdicts = self.verdicts
        return ", ".join(f"{(verdicts == k).sum()} {word}" for k, word in enumerate(VERDICTS))

    def _heart_rate(self) -> str:
        known = self.heart_rates[~np.isnan(self.heart_rates)]
        if not known.size:
            return "unknown"
        low, middle, high = np.percentile(known, (5, 50, 95))
        return f"median {middle:.0f} beats/min, 90% of the windows {low:.0f} to {high:.0f}"

    def _table(self, chosen: Sequence[int]) -> Iterator[str]:
        if not chosen:
            yield "none of the known diagnoses in any window"
            return
        names, titles = self.classes.names, self.classes.titles
        short = max(5, *(len(names[k]) for k in chosen))
        width = max(9, *(len(titles[k]) for k in chosen))
        yield f"{'class':{short}}  {'diagnosis':{width}}  windows   share  longest stretch"
        counts, shares = self.positive.sum(axis=0), self.shares
        for k in chosen:
            row = f"{names[k]:{short}}  {titles[k]:{width}}  {counts[k]:7}  {shares[k]:6.1%}"
            yield f"{row}  {self._longest(k)}".rstrip()

    def _longest(self, k: int) -> str:
        """Return from when to when the longest run of windows with a class lasts."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], self.positive[:, k], [False]])))
        if not edges.size:
            return ""
        starts, ends = edges[::2], edges[1::2]
        longest = int(np.argmax(ends - starts))
        first, last = starts[longest], ends[longest] - 1
        return f"{clock(self._starts[first])} to {clock(self._ends[last])}"


def clock(seconds: float) -> str:
    """Return a time as ``hours:minutes:seconds``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"
