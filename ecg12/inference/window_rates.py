"""Heart rates of many windows at once: those of `record_heart_rate`, with one filter for all."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from ecg12.io.record import Record
from ecg12.signal.heart_rate import (
    FEWEST,
    LOWEST_RATE,
    QRS_BAND,
    QRS_SHARE,
    REFRACTORY,
    band_pass,
    record_heart_rate,
    usual_of,
)

RATE = 125.0  # Hz, about: at which QRS complexes are counted


def heart_rates(windows: Sequence[Record]) -> list[float | None]:
    """Return the heart rate of each window in beats per minute, None where it is unknown.

    Windows of one length without gaps or flat leads are filtered together; the others one by one.
    """
    thinned = [thin(window) for window in windows]
    rates: list[float | None] = [None] * len(windows)
    alike: dict[tuple[int, int, float], list[int]] = {}
    for place, window in enumerate(thinned):
        stored = window.stored
        n_leads, n = stored.shape
        if window.rate < LOWEST_RATE or n < window.rate or not (np.ptp(stored, axis=1) > 0).all():
            rates[place] = record_heart_rate(window)  # also where samples are missing: not > 0
        else:
            alike.setdefault((n_leads, n, window.rate), []).append(place)
    for (_, _, rate), places in alike.items():
        rows = np.array([thinned[place].stored for place in places])
        for place, beats in zip(places, _beats(rows, rate), strict=True):
            if len(beats) >= FEWEST:
                rates[place] = 60 * rate * (len(beats) - 1) / float(beats[-1] - beats[0])
    return rates


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


def _beats(rows: np.ndarray, rate: float) -> list[np.ndarray]:
    """Find the QRS complexes of each window, as `find_beats` does: (n_windows, n_leads, n)."""
    n_windows, n_leads, n = rows.shape
    quick = band_pass(rows.reshape(-1, n), rate, *QRS_BAND)
    usual = usual_of(np.ptp, quick, rate)[:, None]
    quick = np.minimum(np.abs(quick) / np.where(usual > 0, usual, 1), 1)
    summed = quick.reshape(n_windows, n_leads, n).sum(axis=1)
    envelopes = uniform_filter1d(summed, round(0.1 * rate), axis=1)
    heights = QRS_SHARE * usual_of(np.max, envelopes, rate)
    pairs = zip(envelopes, heights, strict=True)
    distance = round(REFRACTORY * rate)
    return [find_peaks(row, height=height, distance=distance)[0] for row, height in pairs]
