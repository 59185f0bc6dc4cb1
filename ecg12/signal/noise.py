"""Noise, QRS height and common beats of each lead, relative to the recording's own QRS height.

No gain is needed: all measures are ratios. They are taken at about 125 Hz, the mean of each block
of samples, apart from mains and spikes, which need the rate as recorded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import uniform_filter1d

from ecg12.signal.quantiles import quantiles

RATE = 125.0  # Hz
LONGEST = 60.0  # s from the beginning that are measured
STRETCH = 1.5  # s; holds a beat at 40 per minute and more
BASELINE = 0.6  # s: window of each of two moving means that estimate the baseline
ENVELOPE = 0.1  # s: window that turns slopes into the envelope of QRS complexes
TALLEST = 1.5  # of the envelope, in units of its usual maximum: an artefact counts no more
COMMON = 2.0  # s that two leads must both have, to be compared
MAINS = (50, 60)  # Hz
HUM = 2.0  # s, about, in which hum that is 0.1 Hz off these stays in phase
NORMAL = 0.6745 * 6**0.5  # median of |second difference| of white noise of standard deviation 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Measures:
    """What is measured of n leads, each (n,).

    Attributes
    ----------
    height
        Usual span of the lead within 1.5 s, as a share of the median of all leads.
    agreement
        Correlation of the envelope of the lead's QRS complexes with that of other leads, their
        median; NaN where there is none to compare with.
    wander
        Peak to peak of a sine of the baseline's standard deviation, per QRS height.
    mains
        (n, 2) peak to peak of the sine of 50 and of 60 Hz in the lead, per QRS height: the median
        over stretches of about `HUM`.
    muscle
        Standard deviation of noise between the waves, per QRS height.
    spike
        Largest distance of a sample from the mean of its neighbours, per QRS height, or per the
        lead's own if that is greater.
    similarity
        (n, n) correlation of the leads without baseline, gaps bridged.
    """

    height: np.ndarray
    agreement: np.ndarray
    wander: np.ndarray
    mains: np.ndarray
    muscle: np.ndarray
    spike: np.ndarray
    similarity: np.ndarray


def measure(rows: np.ndarray, rate: float) -> Measures:
    """Measure leads that change.

    Parameters
    ----------
    rows
        (n_leads, n_samples) float64 in one unit, NaN where a sample is missing; n_leads > 0.
    rate
        Sampling rate in Hz.
    """
    rows = rows[:, : round(LONGEST * rate) or 1]
    each = max(1, round(rate / RATE))
    present: np.ndarray | None = None
    there: np.ndarray | None = None
    if np.isnan(rows.min()):
        present = ~np.isnan(rows)
        rows = _filled(rows, present)
        there = np.asarray(_blocks(present, each).all(axis=2))
    values = np.empty(rows.shape, np.float32)
    np.subtract(rows, rows.mean(axis=1, keepdims=True), out=values, casting="same_kind")
    slow = _block_means(values, each)
    rate_slow = rate / each
    base = _moving_mean(_moving_mean(slow, BASELINE * rate_slow), BASELINE * rate_slow)
    waves = slow - base
    heights = _usual(np.ptp, waves, there, rate_slow)
    typical = float(quantiles(heights[heights > 0], 0.5)) if (heights > 0).any() else 1.0
    return Measures(
        height=heights / typical,
        agreement=_agreement(waves, there, rate_slow),
        wander=8**0.5 * base.std(axis=1) / typical,
        mains=_mains(values, present, rate) / typical,
        muscle=_muscle(slow) / typical,
        spike=_spike(values) / np.maximum(heights, typical),
        similarity=_correlation(waves),
    )


def _filled(rows: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Interpolate gaps linearly; a lead without samples is zero."""
    rows = rows.copy()
    for row, here in zip(rows, present, strict=True):
        known = np.flatnonzero(here)
        row[~here] = np.interp(np.flatnonzero(~here), known, row[known]) if known.size else 0.0
    return rows


def _blocks(values: np.ndarray, each: int) -> np.ndarray:
    n = max(values.shape[1] // each, 1)
    return values[:, : n * each].reshape(len(values), n, -1)


def _block_means(values: np.ndarray, each: int) -> np.ndarray:
    n = max(values.shape[1] // each, 1)
    if each > values.shape[1]:
        return values.mean(axis=1, keepdims=True)
    means = values[:, : n * each : each].copy()
    for i in range(1, each):
        means += values[:, i : n * each : each]
    means /= each
    return means


def _moving_mean(values: np.ndarray, width: float) -> np.ndarray:
    return uniform_filter1d(values, int(width) | 1, axis=1)


def _usual(
    function: Callable[..., np.ndarray], values: np.ndarray, there: np.ndarray | None, rate: float
) -> np.ndarray:
    """Return the median over stretches of a function of each; 0 where a lead has too little."""
    width = min(max(round(STRETCH * rate), 1), values.shape[1])
    stretches = function(_blocks(values, width), axis=2)
    if there is None:
        return quantiles(stretches, 0.5)
    enough = _blocks(there, width).mean(axis=2) > 0.5
    return np.array([
        np.median(s[e]) if e.any() else 0.0 for s, e in zip(stretches, enough, strict=True)
    ])  # fmt: skip


def _agreement(waves: np.ndarray, there: np.ndarray | None, rate: float) -> np.ndarray:
    slopes = np.abs(np.diff(waves, axis=1))
    if not slopes.size:
        return np.full(len(waves), np.nan)
    mask = np.ones(slopes.shape, np.float32)
    if there is not None:
        mask = (there[:, 1:] & there[:, :-1]).astype(np.float32)
    envelope = _moving_mean(slopes * mask, ENVELOPE * rate)
    usual = _usual(np.max, envelope, None if there is None else mask > 0, rate)[:, None]
    envelope = np.minimum(envelope / np.where(usual > 0, usual, 1), TALLEST) * mask
    # Correlation over the samples that both leads have.
    count = mask @ mask.T
    mean = (envelope @ mask.T) / np.maximum(count, 1)
    square = (envelope**2 @ mask.T) / np.maximum(count, 1) - mean**2
    both = (envelope @ envelope.T) / np.maximum(count, 1) - mean * mean.T
    r = both / np.sqrt(np.maximum(square * square.T, 1e-12))
    usable = (count >= min(COMMON * rate, 0.9 * slopes.shape[1])) & ~np.eye(len(waves), dtype=bool)
    return _medians(r, usable)


def _medians(values: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Return the median of the values to be used of each row, NaN where there is none."""
    ascending = np.sort(np.where(use, values, np.inf), axis=1)
    count = use.sum(axis=1, keepdims=True)
    middle = np.hstack([np.maximum(count - 1, 0) // 2, count // 2])
    middle = np.minimum(middle, ascending.shape[1] - 1)
    medians = np.take_along_axis(ascending, middle, axis=1).mean(axis=1)
    return np.where(count[:, 0] > 0, medians, np.nan)


def _correlation(waves: np.ndarray) -> np.ndarray:
    centred = waves - waves.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.sqrt((centred**2).sum(axis=1, keepdims=True)), 1e-12)
    return centred @ centred.T


def _mains(values: np.ndarray, present: np.ndarray | None, rate: float) -> np.ndarray:
    """Return the usual peak to peak of the sines of `MAINS` in a stretch, (n_leads, 2).

    Over a longer time a grid or a clock a little off cancels a sine. 0 where the rate is too low
    for one. Stretches count of which more than half is present; 0 for a lead that has none.
    """
    n = values.shape[1]
    width = max(n // max(round(n / (HUM * rate)), 1), 1)
    cosines, sines = np.split(_blocks(values, width) @ _waves(width, rate), 2, axis=2)
    hums = 4 / width * np.hypot(cosines, sines).transpose(0, 2, 1)
    if present is None:
        return quantiles(hums, 0.5)
    enough = _blocks(present, width).mean(axis=2) > 0.5
    usual = [_medians(hums[:, k], enough) for k in range(len(MAINS))]
    return np.nan_to_num(np.stack(usual, axis=1))


@lru_cache(maxsize=4)
def _waves(n: int, rate: float) -> np.ndarray:
    """Return (n, 4) cosines and sines of `MAINS`, zero where the rate is too low."""
    phases = 2 * np.pi / rate * np.arange(n)[:, None] * np.array(MAINS)
    possible = np.array([rate > 2.2 * frequency for frequency in MAINS])
    waves = np.hstack([np.cos(phases) * possible, np.sin(phases) * possible])
    return waves.astype(np.float32)


def _muscle(slow: np.ndarray) -> np.ndarray:
    if slow.shape[1] < 3:
        return np.zeros(len(slow))
    bends = np.abs(np.diff(slow, 2, axis=1))
    return quantiles(bends, 0.5) / NORMAL


def _spike(values: np.ndarray) -> np.ndarray:
    if values.shape[1] < 3:
        return np.zeros(len(values))
    bends = values[:, 2:] + values[:, :-2]
    bends *= -0.5
    bends += values[:, 1:-1]
    return np.maximum(bends.max(axis=1), -bends.min(axis=1))
