"""Time calls in turn: wall-clock and processor time of each round, medians and quartiles."""

import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import add

import numpy as np

WORDS = 400  # of what a failed command said, characters that are repeated


@dataclass(frozen=True)
class Times:
    """What something took in each round: seconds by the clock and of the processor, of one unit."""

    wall: tuple[float, ...]
    processor: tuple[float, ...]

    @classmethod
    def constant(cls, seconds: float, rounds: int) -> "Times":
        """Return a target instead of a measurement."""
        return cls((seconds,) * rounds, (seconds,) * rounds)

    def of(self, clock: str) -> np.ndarray:
        """Return the seconds of ``"wall"`` or ``"processor"``, (n_rounds,)."""
        return np.array(getattr(self, clock))

    def per(self, n: float) -> "Times":
        """Return the times of one of n units."""
        return Times(tuple(t / n for t in self.wall), tuple(t / n for t in self.processor))


def larger(first: Times, second: Times) -> Times:
    """Return the larger times, round by round."""
    pairs = [(first.wall, second.wall), (first.processor, second.processor)]
    return Times(*(tuple(map(max, *pair)) for pair in pairs))


def total(first: Times, second: Times) -> Times:
    """Return the sums of times, round by round."""
    pairs = [(first.wall, second.wall), (first.processor, second.processor)]
    return Times(*(tuple(map(add, *pair)) for pair in pairs))


def quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """Return the median, the lower and the upper quartile."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(middle), float(low), float(high)


def processor_seconds() -> float:
    """Return what this process and its ended children have used of the processors."""
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    usages = [resource.getrusage(kind) for kind in kinds]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def in_turn(calls: Sequence[Callable[[], object]], rounds: int, warm: int = 1) -> list[Times]:
    """Time calls one after the other, every other round in reverse order.

    Parameters
    ----------
    calls
        What to time. Processes that they start count, if they have ended.
    rounds
        How often each is called and timed.
    warm
        Calls of each before that: imports, compilation and caches stay out of the times.

    Returns
    -------
    list of Times
        One for each call.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in calls]
    for turn in range(warm + rounds):
        order = range(len(calls))
        for place in order if turn % 2 else reversed(order):
            used, begun = processor_seconds(), time.perf_counter()
            calls[place]()
            once = time.perf_counter() - begun, processor_seconds() - used
            if turn >= warm:
                taken[place].append(once)
    return [Times(*zip(*own, strict=True)) for own in taken]


def run(command: Sequence[str], **options: object) -> str:
    """Run a command to its end and return what it printed.

    Raises
    ------
    RuntimeError
        If it fails, with its last words.
    """
    done = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-WORDS:]}")
    return str(done.stdout)
