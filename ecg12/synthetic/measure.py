"""Measure a noise-free 12-lead signal as an electrocardiograph would, from the signal alone.

Nothing here knows how the signal was made. QRS complexes of the dominant shape are averaged, and
intervals and amplitudes are read from that mean beat. Definitions follow the AHA/ACCF/HRS
recommendations (Kligfield 2007, Surawicz 2009, Rautaharju 2009): global QRS onset and end, ST 40 ms
after the J point, QT by the tangent, QTc by Bazett. Times in seconds, amplitudes in mV.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from ecg12.synthetic.detection import EIGHT, Beats, find_beats, limits_of, velocity_of
from ecg12.synthetic.dipole import frontal_axis

SPIKE = 0.2  # mV above a 10 ms median: narrower than any wave of the heart
BEND = 0.3  # mV; a spike's least change of slope from one sample to the next
BEFORE, AFTER = 0.45, 0.65  # seconds of the mean beat around the QRS centre


@dataclass(frozen=True, eq=False)
class Measurement:
    """What is read from a recording; NaN where a wave is absent. Lead arrays are (12,).

    Attributes
    ----------
    beats
        Its QRS complexes.
    spikes
        Number of pacemaker spikes.
    pr, qrs, qt
        Intervals of the mean dominant beat in seconds.
    p_coherence
        Share of the energy before QRS that repeats from beat to beat: near 1 with a P wave.
    axis
        Frontal QRS axis in degrees.
    q, q_width
        Depth in mV (positive) and duration in seconds of the first negative deflection.
    r, s
        Largest positive and negative deflection (positive numbers) of QRS in mV.
    terminal
        Mean of the last 40 ms of QRS in mV.
    st, t_high, t_low
        ST level and the highest and lowest value of T in mV.
    """

    beats: Beats
    spikes: int
    pr: float
    qrs: float
    qt: float
    p_coherence: float
    axis: float
    q: np.ndarray
    q_width: np.ndarray
    r: np.ndarray
    s: np.ndarray
    terminal: np.ndarray
    st: np.ndarray
    t_high: np.ndarray
    t_low: np.ndarray

    @property
    def rr(self) -> np.ndarray:
        """Intervals in seconds of the basic rhythm, or all where hardly any is regular."""
        regular = self.beats.regular_rr
        return regular if len(regular) > 1 else np.diff(self.beats.times)

    @property
    def rate(self) -> float:
        """Beats per minute of the basic rhythm."""
        return float(60 / self.rr.mean())

    @property
    def qtc(self) -> float:
        """QT corrected by Bazett's formula, seconds."""
        return float(self.qt / np.sqrt(self.rr.mean()))


def measure(signals: np.ndarray, rate: float) -> Measurement:
    """Measure (12, n) noise-free signals in mV, at least 3 s long.

    Raises
    ------
    TooFewBeatsError
        If fewer than three QRS complexes are found.
    """
    signals, spikes = _without_spikes(signals, rate)
    beats = find_beats(signals, rate)
    windows = _windows(signals, beats, rate)
    mean = windows.mean(axis=0)
    rr = float(np.median(np.diff(beats.times)))
    onset, end = limits_of(velocity_of(mean, rate), round(BEFORE * rate), rate)
    p_onset, coherence = _p_wave(windows, mean, onset, rr, rate)
    level = mean - mean[:, onset - round(0.02 * rate) : onset - round(0.008 * rate)].mean(
        axis=1, keepdims=True
    )
    qrs = level[:, onset : end + 1]
    j40 = min(end + round(0.04 * rate), mean.shape[1] - 1)
    t_end, t_wave = _t_wave(level, end, onset, rr, (onset - p_onset) / rate, rate)
    q, q_width = _q_waves(qrs, rate)
    return Measurement(
        beats, spikes, (onset - p_onset) / rate, (end - onset) / rate, (t_end - onset) / rate,
        coherence, _axis(qrs), q, q_width, np.maximum(qrs.max(axis=1), 0),
        np.maximum(-qrs.min(axis=1), 0), qrs[:, -max(round(0.04 * rate), 1) :].mean(axis=1),
        level[:, j40], np.maximum(t_wave.max(axis=1), 0), np.minimum(t_wave.min(axis=1), 0),
    )  # fmt: skip


def _without_spikes(signals: np.ndarray, rate: float) -> tuple[np.ndarray, int]:
    """Remove pacemaker spikes, which are narrower than a 10 ms median; return their number."""
    size = 2 * round(0.005 * rate) + 1
    if np.abs(np.diff(signals[EIGHT], 2, axis=1)).max() < BEND:
        return signals, 0
    smooth = np.stack([median_filter(lead, size) for lead in signals])
    where = np.flatnonzero((np.abs(signals - smooth) > SPIKE).any(axis=0))
    if not len(where):
        return signals, 0
    cleaned = signals.copy()
    near = np.unique(np.clip(where[:, None] + np.arange(-size, size + 1), 0, signals.shape[1] - 1))
    cleaned[:, near] = smooth[:, near]
    return cleaned, 1 + int((np.diff(where) > 0.05 * rate).sum())


def _windows(signals: np.ndarray, beats: Beats, rate: float) -> np.ndarray:
    """Return (n, 12, samples) stretches around dominant beats, at most 24 of them."""
    before, after = round(BEFORE * rate), round(AFTER * rate)
    centres = np.round(beats.times * rate).astype(int)
    inside = (centres >= before) & (centres < signals.shape[1] - after)
    usual = beats.dominant & ~beats.early
    alone = np.convolve(~usual, [1, 1, 1], "same") == 0
    followed = np.r_[usual[1:], False]  # the T wave is not overrun by an early beat
    choices = (inside & alone, inside & usual & followed, inside & usual, usual, beats.dominant)
    enough = (4, 2, 3, 2, 1)
    chosen = next(c for c, n in zip(choices, enough, strict=True) if c.sum() >= n)
    padded = np.pad(signals, ((0, 0), (before, after)), mode="edge")
    places = centres[chosen][:24, None] + np.arange(before + after)
    return padded[:, places].transpose(1, 0, 2)


def _p_wave(
    windows: np.ndarray, mean: np.ndarray, onset: int, rr: float, rate: float
) -> tuple[float, float]:
    """Return the onset of P in samples (NaN if absent) and the share of it that repeats."""
    start = max(onset - round(min(0.42, max(rr - 0.20, 0.16)) * rate), 0)
    flat = mean[EIGHT, onset - round(0.036 * rate) : onset - round(0.02 * rate)]
    level = mean[EIGHT] - flat.mean(axis=1, keepdims=True)
    size = uniform_filter1d(np.linalg.norm(level[:, start:onset], axis=0), 3)
    rising = np.flatnonzero((size[1:-1] >= size[:-2]) & (size[1:-1] > size[2:])) + 1
    rising = rising[rising < len(size) - round(0.045 * rate)]
    peaks = rising[size[rising] > 0.04]
    peak = int(peaks[-1]) if len(peaks) else 0
    first = max(peak - round(0.12 * rate), 0)
    lowest = first + int(np.argmin(size[first : peak + 1]))
    if size[peak] - size[lowest] < 0.04:
        return np.nan, 0.0
    low = size[lowest : peak + 1] <= size[lowest] + 0.1 * (size[peak] - size[lowest])
    p_onset = start + lowest + int(np.flatnonzero(low)[-1])
    cut = windows[:, EIGHT, max(p_onset - 5, 0) : onset - round(0.01 * rate)]
    cut = cut - cut.mean(axis=2, keepdims=True)
    energy = (cut**2).sum(axis=(1, 2)).mean()
    return p_onset, float((cut.mean(axis=0) ** 2).sum() / energy)


def _t_wave(
    level: np.ndarray, end: int, onset: int, rr: float, pr: float, rate: float
) -> tuple[float, np.ndarray]:
    """Return the end of T in samples by the tangent, and (12, samples) of the T wave."""
    first = end + round(0.07 * rate)
    longest = max(rr - (0.14 if np.isnan(pr) else pr) - 0.01, 0.24)
    last = min(max(onset + round(longest * rate), first + 5), level.shape[1] - 1)
    size = np.linalg.norm(level[EIGHT, first:last], axis=0)
    peak = int(np.argmax(size))
    tail = np.diff(size[peak : peak + round(0.16 * rate)])
    if not len(tail):
        return np.nan, level[:, first:last]
    steep = peak + int(np.argmin(tail))
    lowest = size[steep:].min()
    t_end = first + min(steep + (size[steep] - lowest) / max(-tail.min(), 1e-9), last - first)
    return t_end, level[:, first : max(int(t_end), first + 5)]


def _q_waves(qrs: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return depth in mV and duration in seconds of each lead's initial negative deflection."""
    below = qrs < -0.02
    first = below.argmax(axis=1)
    positive_before = np.array(
        [(lead[:f] > 0.05).any() for lead, f in zip(qrs, first, strict=True)]
    )
    ends = np.array([_first(~row[f:]) for row, f in zip(below, first, strict=True)])
    absent = positive_before | ~below.any(axis=1)
    depth = np.array(
        [-lead[f : f + e].min(initial=0) for lead, f, e in zip(qrs, first, ends, strict=True)]
    )
    return np.where(absent, 0, depth), np.where(absent, 0, ends / rate)


def _first(condition: np.ndarray) -> int:
    return int(condition.argmax()) if condition.any() else len(condition)


def _axis(qrs: np.ndarray) -> float:
    net = qrs.max(axis=1) + qrs.min(axis=1)
    return float(frontal_axis(net[0], net[5]))
