"""What an electrocardiograph records besides the heart."""

import numpy as np
from scipy.signal import lfilter


def noise(
    rng: np.random.Generator, rate: float, n_samples: int, breath: float, mains: float
) -> np.ndarray:
    """Return (8, n_samples) noise in mV for leads I, II and V1 to V6.

    Parameters
    ----------
    rng
        Source of randomness.
    rate
        Sampling rate in Hz.
    n_samples
        Length.
    breath
        Respiratory frequency in Hz; the baseline moves with it.
    mains
        Mains frequency in Hz.
    """
    times = np.arange(n_samples) / rate
    parts = (_wander(rng, times, breath), _muscle(rng, times), _mains(rng, rate, times, mains))
    return sum(parts, _steps(rng, rate, times))


def damaged(rng: np.random.Generator, signals: np.ndarray) -> np.ndarray:
    """Damage one recording in 40: the amplifiers saturate, or a chest electrode falls off."""
    if rng.random() < 0.025:
        if rng.random() < 0.5:
            limit = rng.uniform(1.0, 3.0)
            return np.clip(signals, -limit, limit)
        signals = signals.copy()
        signals[rng.integers(6, 12), rng.integers(signals.shape[1]) :] = 0.0
    return signals


def _wander(rng: np.random.Generator, times: np.ndarray, breath: float) -> np.ndarray:
    """Baseline wander: respiration, its harmonic and slower drifts of random phase per lead."""
    frequency = np.r_[breath, 2 * breath, rng.uniform(0.02, 0.15, 2)]
    size = np.exp(rng.normal(np.log(0.035), 0.8)) * np.r_[1, 0.3, 1.5, 1]
    coarse = np.arange(0, times[-1] + 0.1, 0.05)
    turns = 2 * np.pi * frequency[:, None] * coarse
    amplitude = rng.normal(0, 1, (2, 8, 4)) * size
    courses = amplitude[0] @ np.sin(turns) + amplitude[1] @ np.cos(turns)
    return np.stack([np.interp(times, coarse, course) for course in courses])


def _muscle(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Muscle and amplifier noise, rising with frequency, in bursts on some recordings."""
    size = np.exp(rng.normal(np.log(0.007), 0.7))
    white = rng.standard_normal((8, len(times)), dtype=np.float32)
    coloured = lfilter([1.0], [1.0, -rng.uniform(0.0, 0.6)], white, axis=1)
    if rng.random() < 0.25:
        swell = 1 + np.sin(2 * np.pi * (rng.uniform(0.05, 0.4) * times + rng.random()))
        coloured = coloured * swell
    return size * np.exp(rng.normal(0, 0.3, (8, 1))) * coloured


def _mains(rng: np.random.Generator, rate: float, times: np.ndarray, mains: float) -> np.ndarray:
    """Mains interference with a third harmonic where the rate allows it."""
    if rng.random() < 0.5:
        return np.zeros((8, len(times)))
    frequency = mains + rng.normal(0, 0.02)
    size = np.exp(rng.normal(np.log(0.004), 0.8)) * rng.normal(0, 1, (8, 1))
    wave = np.sin(2 * np.pi * (frequency * times + rng.random()))
    if 3 * frequency < rate / 2:
        wave = wave + 0.2 * np.sin(2 * np.pi * (3 * frequency * times + rng.random()))
    return size * wave


def _steps(rng: np.random.Generator, rate: float, times: np.ndarray) -> np.ndarray:
    """Electrode movement on one recording in seven: leads jump and creep back.

    One in three of them begins while the amplifiers still recover from being connected.
    """
    steps = np.zeros((8, len(times)))
    for _ in range(rng.integers(1, 4) if rng.random() < 0.15 else 0):
        start = rng.integers(len(times)) if rng.random() < 0.67 else 0
        decay = np.exp(-np.arange(len(times) - start) / (rng.uniform(0.1, 1.0) * rate))
        leads = rng.integers(8) + np.arange(rng.integers(1, 4))  # neighbours move together
        steps[leads % 8, start:] += rng.normal(0, 0.6) * decay
    return steps
