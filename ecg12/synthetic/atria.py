"""Continuous atrial activity: the waves of fibrillation and of flutter."""

import numpy as np

from ecg12.synthetic.rhythms import Rhythm


def atrial_dipole(
    rng: np.random.Generator, findings: frozenset[str], rhythm: Rhythm, rate: float, n_samples: int
) -> np.ndarray:
    """Return the (3, n_samples) dipole in mV of atrial activity that has no beats of its own."""
    times = np.arange(n_samples) / rate
    if "AF" in findings:
        return _fibrillation(rng, rhythm.atrial, times)
    if "AFL" in findings:
        return _flutter(rng, rhythm, times)
    return np.zeros((3, n_samples))


def _fibrillation(rng: np.random.Generator, frequency: float, times: np.ndarray) -> np.ndarray:
    """Three wavelets whose frequency and amplitude wander; largest in V1 (front and right)."""
    dipole = np.zeros((3, len(times)))
    for share in (1.0, 0.6, 0.4):
        drift = np.interp(times, np.arange(0, times[-1] + 1, 0.5), _walk(rng, times[-1]))
        phase = np.cumsum(frequency * (1 + 0.12 * drift)) * (times[1] - times[0]) + rng.random()
        swell = 1 + 0.5 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.6) * times + rng.random()))
        vector = np.array([-0.35, 0.35, -0.75]) + rng.normal(0, 0.25, 3)
        wave = np.sin(2 * np.pi * phase) + 0.25 * np.sin(4 * np.pi * phase)
        dipole += share * vector[:, None] * (swell * wave)
        frequency *= rng.uniform(0.85, 1.2)
    return dipole * np.exp(rng.normal(np.log(0.035), 0.5))


def _walk(rng: np.random.Generator, seconds: float) -> np.ndarray:
    return rng.normal(0, 1, len(np.arange(0, seconds + 1, 0.5)))


def _flutter(rng: np.random.Generator, rhythm: Rhythm, times: np.ndarray) -> np.ndarray:
    """Return a sawtooth locked to the beats: slow fall, quick return, negative in II, III, aVF."""
    phase = rhythm.atrial * (times - rhythm.times[0]) + rng.random()
    steep = np.arange(1, 5)[:, None]
    saw = (np.sin(2 * np.pi * steep * phase) / steep ** rng.uniform(1.0, 1.6)).sum(axis=0)
    bump = np.sin(2 * np.pi * phase + rng.uniform(0, 2 * np.pi))
    inferior = np.array([rng.normal(0.05, 0.1), -1.0, rng.normal(0, 0.2)])
    front = np.array([-0.2, 0.0, -0.6]) * rng.uniform(0.3, 1.0)
    return rng.uniform(0.06, 0.17) * (inferior[:, None] * saw + front[:, None] * bump)
