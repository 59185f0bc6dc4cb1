"""Recordings of which stretches are read: memory follows what is used, not the length.

A reader of long recordings has `open_record`, which reads the header and returns an `OpenRecord`;
what is asked of it is read from the disk then. Formats that are short by nature are read whole.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, record_errors


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenRecord:
    """A recording of which any stretch can be read, any number of times, from any thread.

    Attributes
    ----------
    name
        The file's stem.
    rate
        Sampling rate in Hz.
    n_samples
        Of the whole recording.
    read
        From the first sample and the number of samples, which must be there, to a `Record` of them.
        Raises `RecordError` if they cannot be read.
    """

    name: str
    rate: float
    n_samples: int
    read: Callable[[int, int], Record]

    @classmethod
    def of(cls, record: Record) -> "OpenRecord":
        """Return a recording that is in memory; its stretches are views of it."""

        def read(first: int, n: int) -> Record:
            return replace(record, stored=record.stored[:, first : first + n])

        n_samples = record.stored.shape[1]
        return cls(name=record.name, rate=record.rate, n_samples=n_samples, read=read)

    def guarded(self, path: str | Path) -> "OpenRecord":
        """Return the recording of a file, whose `read` raises `RecordError` whatever goes wrong."""
        return replace(self, read=partial(_guarded, path, self.read))

    @property
    def seconds(self) -> float:
        """Length of the whole recording."""
        return self.n_samples / self.rate

    def cut(self, start: float = 0.0, seconds: float | None = None) -> Record:
        """Read from a time in s, so many seconds, or as many as there are.

        Raises
        ------
        InputError
            If the recording ends before.
        RecordError
            If it cannot be read.
        """
        first = round(start * self.rate)
        if not 0 <= first < self.n_samples:
            raise InputError(
                f"{self.name}: start at {start:g} s of a recording of {self.seconds:g} s"
            )
        left = self.n_samples - first
        n = left if seconds is None else min(left, samples(seconds, self.rate))
        return self.read(first, n)

    def sample(self, count: int, seconds: float) -> Record:
        """Read `count` stretches of so many seconds, evenly spaced, and put them together.

        Where leads, gains or units change between them, in mV; what a stretch lacks is missing.
        """
        n = min(samples(seconds, self.rate), self.n_samples)
        starts = np.linspace(0, self.n_samples - n, count).astype(int).tolist()
        return _together([self.read(first, n) for first in starts])


def samples(seconds: float, rate: float) -> int:
    """Return how many samples hold that many seconds, at least one."""
    return max(1, math.ceil(min(seconds * rate, 2.0**53)))


def _guarded(path: str | Path, read: Callable[[int, int], Record], first: int, n: int) -> Record:
    with record_errors(path):
        return read(first, n)


def _together(pieces: Sequence[Record]) -> Record:
    first = pieces[0]
    if all(alike(one, first) for one in pieces):
        return replace(first, stored=np.concatenate([one.stored for one in pieces], axis=1))
    leads = tuple(dict.fromkeys(lead for one in pieces for lead in one.leads))
    columns = []
    for one in pieces:
        rows = dict(zip(one.leads, one.millivolts, strict=True))
        nothing = np.full(one.stored.shape[1], np.nan)
        columns.append(np.array([rows.get(lead, nothing) for lead in leads]))
    n = len(leads)
    return replace(
        first, stored=np.concatenate(columns, axis=1), leads=leads, units=("mV",) * n,
        gains=np.ones(n), offsets=np.zeros(n),
    )  # fmt: skip


def alike(one: Record, two: Record) -> bool:
    """Tell whether the stored values of two recordings mean the same."""
    return (
        (one.leads, one.units) == (two.leads, two.units)
        and np.array_equal(one.gains, two.gains, equal_nan=True)
        and np.array_equal(one.offsets, two.offsets)
    )
