"""Heart rates of many windows at once: those of `record_heart_rate`, with one filter for all."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecg12.io.record import Record
from ecg12.signal.heart_rate import (
    LOWEST_RATE,
    find_recorded,
    find_window_beats,
    mean_rate,
    only_leads,
    record_heart_rate,
)

RATE = 125.0  # Hz, about: at which QRS complexes are counted


def heart_rates(windows: Sequence[Record]) -> list[float | None]:
    """Return the heart rate of each window in beats per minute, None where it is unknown.

    Only the twelve leads count. Windows of one length without gaps or flat leads are filtered
    together; the others one by one.
    """
    thinned = [thin(only_leads(window)) for window in windows]
    rates: list[float | None] = [None] * len(windows)
    alike: dict[tuple[int, int, float], list[int]] = {}
    for place, window in enumerate(thinned):
        stored = window.stored
        n_leads, n = stored.shape
        short = window.rate < LOWEST_RATE or n < window.rate
        if not n_leads:
            continue
        if short or _has_gaps(stored, window.rate):
            rates[place] = record_heart_rate(window)
        else:
            alike.setdefault((n_leads, n, window.rate), []).append(place)
    for (_, _, rate), places in alike.items():
        rows = np.array([thinned[place].stored for place in places])
        for place, beats in zip(places, find_window_beats(rows, rate), strict=True):
            rates[place] = mean_rate(beats, rate)
    return rates


def _has_gaps(rows: np.ndarray, rate: float) -> bool:
    """Return whether samples are missing, a lead is flat, or all are for a while."""
    return not (np.ptp(rows, axis=1) > 0).all() or find_recorded(rows, rate) is not None


def thin(record: Record) -> Record:
    """Return a recording less its offsets at about `RATE`, the mean of each block of samples."""
    each = max(int(record.rate / RATE), 1)
    n = record.stored.shape[1] // each
    rows = record.centred
    if each > 1 and n:
        blocks = (rows[:, i : n * each : each] for i in range(1, each))
        rows = sum(blocks, rows[:, : n * each : each]) / each
    else:
        each = 1
    return replace(record, stored=rows, offsets=np.zeros(len(rows)), rate=record.rate / each)
