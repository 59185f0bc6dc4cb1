"""The waves of all beats of a recording: one person's shapes, placed at the rhythm's intervals."""

from dataclasses import dataclass

import numpy as np

from ecg12.synthetic import shapes
from ecg12.synthetic.anatomy import Person
from ecg12.synthetic.dipole import rotation, turn_to_axis
from ecg12.synthetic.rhythms import ATRIAL, VENTRICULAR, Rhythm

MS = 1e-3


@dataclass(frozen=True, eq=False)
class Ventricles:
    """One kind of ventricular beat, in seconds and mV.

    Attributes
    ----------
    qrs
        (k, 5) waves around the R wave.
    onset, end
        Begin and end of QRS, relative to the R wave.
    t
        (k, 5) waves whose centres count back from the end of T (negative).
    st
        (3,) dipole of the ST segment in mV.
    """

    qrs: np.ndarray
    onset: float
    end: float
    t: np.ndarray
    st: np.ndarray


def draw_ventricles(
    rng: np.random.Generator, findings: frozenset[str], person: Person
) -> Ventricles:
    """Draw the shape of conducted beats."""
    conduction = shapes.CONDUCTION[_conduction(findings)]
    waves = _varied(rng, conduction.waves)
    waves = _turned(rng, waves, _axis_range(rng, findings, conduction, person), person)
    onset, end = shapes.extent(waves)
    waves = shapes.widened(waves, rng.uniform(*conduction.width) / (end - onset))
    late = (
        conduction.late
        * np.r_[rng.uniform(0.95, 1.2), rng.uniform(0.9, 1.25), rng.uniform(0.6, 1.3, 3)]
    )
    qrs = np.vstack([waves, late])
    qrs[:, 2:] *= person.size
    vector = shapes.T_VECTOR @ rotation(*rng.normal(0, (14, 14, 10))) * np.exp(rng.normal(0, 0.3))
    vector = vector + np.asarray(conduction.secondary_t) * rng.uniform(0.6, 1.3) * person.size
    return _finished(rng, qrs, vector, rng.normal(0, 0.02, 3) + 0.06 * vector)


def draw_ectopic(rng: np.random.Generator, person: Person) -> Ventricles:
    """Draw the shape of ventricular premature beats: wide, with a discordant T."""
    origin = rng.choice(list(shapes.VENTRICULAR))
    qrs = _varied(rng, shapes.VENTRICULAR[origin])
    qrs[:, 2:] = (
        qrs[:, 2:] @ rotation(*rng.normal(0, (25, 20, 20))) * person.size * rng.uniform(0.7, 1.3)
    )
    onset, end = shapes.extent(qrs)
    qrs = shapes.widened(qrs, rng.uniform(132, 180) / (end - onset))
    net = (qrs[:, 1:2] * qrs[:, 2:]).sum(axis=0) / qrs[:, 1].sum()
    return _finished(rng, qrs, -net * rng.uniform(0.7, 1.4) * 1.2, -0.12 * net)


def _conduction(findings: frozenset[str]) -> str:
    for name in ("LBBB", "RBBB", "IRBBB", "LAnFB", "NSIVCB"):
        if name in findings:
            return "RBBB+LAnFB" if {"RBBB", "LAnFB"} <= findings else name
    return "normal"


def _axis_range(
    rng: np.random.Generator,
    findings: frozenset[str],
    conduction: shapes.Conduction,
    person: Person,
) -> float:
    """Draw the frontal axis in degrees; it turns left with age."""
    if "LAD" in findings:
        return float(rng.uniform(-72, -34))
    if "RAD" in findings:
        return float(rng.uniform(94, 150))
    low, high = conduction.axis
    return (
        float(np.clip(rng.normal(48 - 0.5 * (person.age - 55), 28), low, high))
        if low < 0 < high
        else float(rng.uniform(low, high))
    )


def _varied(rng: np.random.Generator, waves: np.ndarray) -> np.ndarray:
    """Bend a shape: every wave's place, width and vector, and one small notch of its own."""
    k = len(waves)
    bent = waves.copy()
    bent[:, 0] += rng.normal(0, 0.15, k) * waves[:, 1]
    bent[:, 1] *= np.exp(rng.normal(0, 0.08, k))
    scale = np.abs(waves[:, 2:]).max()
    bent[:, 2:] *= np.exp(rng.normal(0, 0.20, (k, 3)))
    bent[:, 2:] += rng.normal(0, 0.03 * scale, (k, 3))
    low, high = waves[:, 0].min(), waves[:, 0].max()
    notch = np.r_[rng.uniform(low, high), rng.uniform(4.5, 8), rng.normal(0, 0.09 * scale, 3)]
    return np.vstack([bent, notch])


def _turned(rng: np.random.Generator, waves: np.ndarray, axis: float, person: Person) -> np.ndarray:
    waves = np.hstack([waves[:, :2], waves[:, 2:] @ rotation(0, *person.turn)])
    return turn_to_axis(waves, axis, person.leads)


def _finished(
    rng: np.random.Generator, qrs: np.ndarray, t_vector: np.ndarray, st: np.ndarray
) -> Ventricles:
    onset, end = shapes.extent(qrs)
    width = shapes.T_WIDTH * rng.uniform(0.9, 1.15)
    t = np.array(
        [
            np.r_[-back * width, share * width, part * t_vector]
            for back, share, part in shapes.T_WAVE
        ]
    )
    t[1, 2:] *= rng.uniform(0.7, 1.3, 3)
    seconds = np.array([MS, MS, 1, 1, 1])
    return Ventricles(qrs * seconds, onset * MS, end * MS, t * seconds, st)


def beat_waves(
    rng: np.random.Generator, findings: frozenset[str], person: Person, rhythm: Rhythm
) -> np.ndarray:
    """Return the (n_waves, 5) waves of all beats, in seconds and mV."""
    normal, ectopic = draw_ventricles(rng, findings, person), draw_ectopic(rng, person)
    sway = _breathing(rng, rhythm)
    ventricular = rhythm.kinds == VENTRICULAR
    parts = [_ventricular_waves(rng, normal, rhythm, ~ventricular, sway)]
    if ventricular.any():
        parts.append(_ventricular_waves(rng, ectopic, rhythm, ventricular, sway))
    sinus = _varied_p(rng, shapes.SINUS_P)
    low = _varied_p(rng, shapes.LOW_P) if rng.random() < 0.5 else _varied_p(rng, shapes.SINUS_P)
    with_p = ~np.isnan(rhythm.pr)
    for p, chosen in ((sinus, rhythm.kinds != ATRIAL), (low, rhythm.kinds == ATRIAL)):
        start = (rhythm.times + normal.onset - rhythm.pr)[with_p & chosen]
        parts.append(_placed(p, start, _jitter(rng, len(start), 0.05)))
    return np.vstack(parts)


def _varied_p(rng: np.random.Generator, p: np.ndarray) -> np.ndarray:
    waves = p.copy()
    waves[:, :2] *= rng.uniform(0.85, 1.2)
    turn = rotation(*rng.normal(0, (15, 12, 10)))
    waves[:, 2:] = waves[:, 2:] @ turn * np.exp(rng.normal(0, 0.25, (2, 1)))
    return waves * np.array([MS, MS, 1, 1, 1])


def _breathing(rng: np.random.Generator, rhythm: Rhythm) -> np.ndarray:
    """(n_beats, 3, 3) turn and scale of the ventricular dipole with respiration."""
    wave = np.sin(2 * np.pi * (rhythm.breath * rhythm.times + rng.random()))
    skew = rng.normal(0, 0.03, (3, 3))
    return np.eye(3) + wave[:, None, None] * (skew - skew.T + np.eye(3) * rng.normal(0, 0.03))


def _jitter(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    """(n, 3, 3) scales of n beats that vary by a share."""
    return np.eye(3) * (1 + rng.normal(0, share, (n, 1, 1)))


def _ventricular_waves(
    rng: np.random.Generator, beat: Ventricles, rhythm: Rhythm, chosen: np.ndarray, sway: np.ndarray
) -> np.ndarray:
    """Return QRS, ST and T waves of the chosen beats; T stretches with QT."""
    times, qt, sway = rhythm.times[chosen], rhythm.qt[chosen], sway[chosen]
    qt = np.maximum(qt, beat.end - beat.onset + 0.16)
    stretch = np.sqrt(qt / 0.4)
    t_end = times + beat.onset + qt
    t = _placed(beat.t, t_end, sway + _jitter(rng, len(times), 0.04) - np.eye(3), stretch)
    st_length = t_end - 0.12 * stretch - (times + beat.end)
    centre = times + beat.end + 0.5 * np.maximum(st_length, 0.06)
    width = 0.42 * np.maximum(st_length, 0.06)
    st = np.column_stack([centre, width, np.tile(beat.st, (len(times), 1))])
    return np.vstack(
        [_placed(beat.qrs, times, sway + _jitter(rng, len(times), 0.015) - np.eye(3)), st, t]
    )


def _placed(
    waves: np.ndarray, starts: np.ndarray, turns: np.ndarray, stretch: np.ndarray | None = None
) -> np.ndarray:
    """Repeat (k, 5) waves at (n,) starts, stretched and turned beat by beat: (n · k, 5)."""
    factor = np.ones(len(starts)) if stretch is None else stretch
    placed = np.empty((len(starts), len(waves), 5))
    placed[..., 0] = starts[:, None] + factor[:, None] * waves[:, 0]
    placed[..., 1] = factor[:, None] * waves[:, 1]
    placed[..., 2:] = waves[:, 2:] @ turns
    return placed.reshape(-1, 5)
