"""Continuous atrial activity: the waves of fibrillation and of flutter."""

from dataclasses import dataclass

import numpy as np

from ecg12.synthetic.rhythms import Rhythm

STEP = 0.5  # s between the points of a wavelet's wandering frequency


@dataclass(frozen=True, eq=False)
class Wavelet:
    """One periodic component of atrial activity.

    Attributes
    ----------
    phase
        (n_points,) turns at every `STEP` from 0 s.
    harmonics
        (n_harmonics, 2) amplitudes of sine and cosine.
    vector
        (3,) dipole in mV.
    swell
        Depth, frequency in Hz and phase in turns of the amplitude's rise and fall.
    """

    phase: np.ndarray
    harmonics: np.ndarray
    vector: np.ndarray
    swell: tuple[float, float, float]

    def dipole(self, times: np.ndarray) -> np.ndarray:
        """Return (3, n) mV at n times in seconds."""
        points = STEP * np.arange(len(self.phase))
        angle = 2 * np.pi * np.interp(times, points, self.phase)
        depth, frequency, start = self.swell
        course = np.zeros(len(times))
        for order, (sine, cosine) in enumerate(self.harmonics, start=1):
            course += sine * np.sin(order * angle) + cosine * np.cos(order * angle)
        course *= 1 + depth * np.sin(2 * np.pi * (frequency * times + start))
        return self.vector[:, None] * course


@dataclass(frozen=True, eq=False)
class Atria:
    """The wavelets of a recording; none in rhythms whose atria beat with P waves."""

    wavelets: tuple[Wavelet, ...]

    def dipole(self, rate: float, n_samples: int) -> np.ndarray:
        """Return their sum, (3, n_samples) mV."""
        times = np.arange(n_samples) / rate
        return sum((w.dipole(times) for w in self.wavelets), np.zeros((3, n_samples)))


def draw_atria(rng: np.random.Generator, rhythm: Rhythm, seconds: float) -> Atria:
    """Draw the continuous atrial activity of a rhythm."""
    if rhythm.atria == "fibrillating":
        return Atria(_fibrillation(rng, rhythm.atrial_rate, seconds))
    if rhythm.atria == "fluttering":
        return Atria(_flutter(rng, rhythm, seconds))
    return Atria(())


def _fibrillation(
    rng: np.random.Generator, frequency: float, seconds: float
) -> tuple[Wavelet, ...]:
    """Draw three wavelets whose frequency and amplitude wander; largest in V1 (front and right)."""
    size = np.exp(rng.normal(np.log(0.035), 0.5))
    n_points = int(seconds / STEP) + 3
    wavelets = []
    for share in (1.0, 0.6, 0.4):
        drifting = frequency * (1 + 0.12 * rng.normal(0, 1, n_points))
        phase = rng.random() + STEP * np.cumsum(drifting)
        vector = np.array([-0.35, 0.35, -0.75]) + rng.normal(0, 0.25, 3)
        swell = (0.5, rng.uniform(0.1, 0.6), rng.random())
        harmonics = np.array([[1.0, 0.0], [0.25, 0.0]])
        wavelets.append(Wavelet(phase, harmonics, size * share * vector, swell))
        frequency *= rng.uniform(0.85, 1.2)
    return tuple(wavelets)


def _flutter(rng: np.random.Generator, rhythm: Rhythm, seconds: float) -> tuple[Wavelet, ...]:
    """Draw a sawtooth locked to the beats: in II, III and aVF it rises slowly and falls fast."""
    points = STEP * np.arange(int(seconds / STEP) + 3)
    phase = rhythm.atrial_rate * (points - rhythm.times[0]) + rng.random()
    size = np.exp(rng.normal(np.log(0.085), 0.4))
    order = np.arange(1, 5)
    saw = np.column_stack([order ** -rng.uniform(1.0, 1.6), np.zeros(4)])
    turn = 2 * np.pi * rng.random()
    bump = np.array([[np.sin(turn), np.cos(turn)]])
    inferior = size * np.array([rng.normal(0.05, 0.1), -1.0, rng.normal(0, 0.2)])
    front = size * np.array([-0.2, 0.0, -0.6]) * rng.uniform(0.3, 1.0)
    steady = (0.0, 0.0, 0.0)
    return Wavelet(phase, saw, inferior, steady), Wavelet(phase, bump, front, steady)
