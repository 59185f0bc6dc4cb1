"""Heart rate and regularity, measured by a simple QRS detector on prepared signals.

Band pass 5 to 20 Hz, root of the energy over all leads, peaks at least 250 ms apart and higher than
a share of the usual highest ones. It serves as a teacher: what it measures is learned as further
columns, and it tells where a label of slow or fast rhythm is missing.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, find_peaks, sosfiltfilt

BAND = (5.0, 20.0)  # Hz
SMOOTHING = 0.08  # s
REFRACTORY = 0.25  # s
WINDOW = 1.5  # s: each holds a beat at 40/min and more
SHARE = 0.4  # of the median of the windows' highest values that a beat reaches
FEWEST = 3  # beats, for a rate to be known
CHUNK = 512  # recordings


@dataclass(frozen=True, eq=False)
class Rhythm:
    """What was measured in n recordings; NaN where fewer than `FEWEST` beats were found.

    Attributes
    ----------
    rate
        (n,) beats per minute, from the median interval.
    irregularity
        (n,) standard deviation of the intervals over their mean.
    shortest
        (n,) shortest interval over the median one.
    """

    rate: np.ndarray
    irregularity: np.ndarray
    shortest: np.ndarray


def measure(signals: np.ndarray, rate: float) -> Rhythm:
    """Measure recordings, (n, n_leads, n_samples) in any unit, at `rate` Hz."""
    rows = [
        _measures(find_beats(energy, rate) / rate)
        for start in range(0, len(signals), CHUNK)
        for energy in _energy(signals[start : start + CHUNK].astype(np.float32), rate)
    ]
    return Rhythm(*np.array(rows).reshape(-1, 3).T)


def _energy(signals: np.ndarray, rate: float) -> np.ndarray:
    """Return the smoothed energy over the leads, (n, n_samples)."""
    band = butter(2, BAND, "bandpass", fs=rate, output="sos")
    filtered = sosfiltfilt(band, signals, axis=2)
    energy = np.sqrt(np.square(filtered).sum(axis=1))
    return uniform_filter1d(energy, max(1, round(SMOOTHING * rate)), axis=1)


def find_beats(energy: np.ndarray, rate: float) -> np.ndarray:
    """Return the samples of the beats in one recording's energy, (n_samples,)."""
    step = round(WINDOW * rate)
    highest = [energy[at : at + step].max() for at in range(0, len(energy) - step + 1, step)]
    level = SHARE * np.median(highest)
    return find_peaks(energy, height=max(level, 1e-9), distance=round(REFRACTORY * rate))[0]


def _measures(beats: np.ndarray) -> tuple[float, float, float]:
    """Return rate, irregularity and shortest interval from the times of beats, s."""
    if len(beats) < FEWEST:
        return np.nan, np.nan, np.nan
    intervals = np.diff(beats)
    usual = float(np.median(intervals))
    irregularity = float(intervals.std() / intervals.mean())
    return 60 / usual, irregularity, float(intervals.min() / usual)
