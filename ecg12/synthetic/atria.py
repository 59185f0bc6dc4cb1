"""Continuous atrial activity: the waves of fibrillation and of flutter."""

from dataclasses import dataclass

import numpy as np

from ecg12.synthetic.rhythms import Rhythm

STEP = 0.5  # s between the points of a wavelet's wandering frequency
CYCLE = np.arange(64) / 64  # one flutter cycle
# Kinds of flutter: sign of the sawtooth downwards (leads II, III, aVF) and of the waves of V1
# (Bun et al., Eur Heart J 2015): around the tricuspid valve counter-clockwise or clockwise, or
# elsewhere (0: any direction).
FLUTTER = {"counter-clockwise": (1.0, 1.0), "clockwise": (-1.0, -1.0), "atypical": (0.0, 1.0)}
FLUTTER_SHARES = (0.65, 0.12, 0.23)


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
        turn = np.exp(1j * angle)
        course = np.zeros(len(times), dtype=complex)
        for sine, cosine in self.harmonics[::-1]:  # Horner: sum of (cosine - i sine) turn^order
            course = (course + (cosine - 1j * sine)) * turn
        swell = 1 + depth * np.sin(2 * np.pi * (frequency * times + start))
        return self.vector[:, None] * (swell * course.real)


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
    """Draw flutter waves: one course for the inferior leads and one for V1."""
    points = STEP * np.arange(int(seconds / STEP) + 3)
    wander = 0.01 * rng.random() * np.sin(2 * np.pi * (rhythm.breath * points + rng.random()))
    phase = rhythm.atrial_rate * (points - rhythm.times[0] + wander) + rng.random()
    size = max(np.exp(rng.normal(np.log(0.12), 0.5)), 0.06)
    fall = rng.uniform(0.40, 0.70)  # when the fast fall begins, in cycles
    inferior, front = FLUTTER[str(rng.choice(list(FLUTTER), p=FLUTTER_SHARES))]
    down = np.array([rng.normal(0.0, 0.15), inferior, rng.normal(0, 0.2)])
    right = front * np.array([-0.25, 0.0, -0.55]) * rng.uniform(0.5, 2.2)
    if not inferior:  # atypical: any direction
        down, right = rng.normal(0, 0.4, 3), right + rng.normal(0, 0.2, 3)
    pulse = _pulse(fall + 0.2 + rng.normal(0, 0.08), rng.uniform(0.10, 0.22))
    steady = (0.0, 0.0, 0.0)
    return (
        Wavelet(phase, _sawtooth(rng, fall), size * down, steady),
        Wavelet(phase, pulse, size * right, steady),
    )


def _sawtooth(rng: np.random.Generator, fall: float) -> np.ndarray:
    """Return (6, 2) harmonics of a cycle that sinks slowly, falls fast, and rises steeply.

    So the waves of typical flutter look in II, III and aVF: a gently falling plateau, a sharp
    negative deflection, and a steep upstroke to a small positive overshoot.
    """
    nadir = fall + rng.uniform(0.12, 0.26)
    top = nadir + rng.uniform(0.08, 0.20)
    knots = np.array([top - 1, fall, nadir, top])
    heights = np.array([rng.uniform(0.1, 0.6), rng.uniform(-0.3, 0.0), -1.0, 0.0])
    heights[3] = heights[0]
    return _harmonics(np.interp(CYCLE, np.r_[knots - 1, knots, knots + 1], np.tile(heights, 3)))


def _pulse(centre: float, width: float) -> np.ndarray:
    """Return (6, 2) harmonics of one Gaussian deflection per cycle."""
    distance = (CYCLE - centre + 0.5) % 1 - 0.5
    return _harmonics(np.exp(-0.5 * (distance / width) ** 2))


def _harmonics(cycle: np.ndarray) -> np.ndarray:
    """Return (6, 2) sine and cosine amplitudes of a sampled cycle, the higher ones damped."""
    order = np.arange(1, 7)
    spectrum = 2 * np.fft.rfft(cycle)[order] / len(cycle) * np.exp(-0.5 * (order / 5) ** 2)
    return np.column_stack([-spectrum.imag, spectrum.real])
