"""The waves of all beats of a recording: one person's shapes, placed at the rhythm's intervals."""

import numpy as np

from ecg12.synthetic import shapes
from ecg12.synthetic.anatomy import Person
from ecg12.synthetic.dipole import rotation
from ecg12.synthetic.rhythms import ATRIAL, VENTRICULAR, Rhythm
from ecg12.synthetic.ventricles import SECONDS, Ventricles, draw_conducted, draw_ectopic

SPIKE_WIDTH = 0.0008  # s; a pulse of some 2 ms


def beat_waves(
    rng: np.random.Generator, findings: frozenset[str], person: Person, rhythm: Rhythm
) -> tuple[np.ndarray, np.ndarray]:
    """Return the waves of all ventricles and atria, (n_waves, 5) each, in seconds and mV."""
    normal = draw_conducted(rng, findings, person, rhythm)
    sway = _breathing(rng, rhythm)
    ventricular = rhythm.kinds == VENTRICULAR
    parts = [_ventricular_waves(rng, normal, rhythm, ~ventricular, sway)]
    if ventricular.any():
        ectopic = draw_ectopic(rng, person)
        parts.append(_ventricular_waves(rng, ectopic, rhythm, ventricular, sway))
    ventricular_waves = np.vstack(parts + _spikes(rng, normal, rhythm))
    return ventricular_waves, _p_waves(rng, rhythm, normal.onset)


def _p_waves(rng: np.random.Generator, rhythm: Rhythm, qrs_onset: float) -> np.ndarray:
    """Return P waves; those of atrial premature beats have a shape of their own."""
    sinus = _varied_p(rng, shapes.SINUS_P)
    ectopic = _varied_p(rng, shapes.LOW_P if rng.random() < 0.5 else shapes.SINUS_P)
    parts = []
    for p, chosen in ((sinus, rhythm.kinds != ATRIAL), (ectopic, rhythm.kinds == ATRIAL)):
        start = (rhythm.times + qrs_onset - rhythm.pr)[chosen & ~np.isnan(rhythm.pr)]
        parts.append(_placed(p, start, _jitter(rng, len(start), 0.05)))
    return np.vstack(parts)


def _spikes(rng: np.random.Generator, beat: Ventricles, rhythm: Rhythm) -> list[np.ndarray]:
    """Return pacemaker pulses shortly before paced P waves and QRS complexes."""
    onsets = rhythm.times + beat.onset
    starts = {"atrium": [onsets - rhythm.pr], "ventricle": [onsets], "": []}
    starts["both"] = starts["atrium"] + starts["ventricle"]
    vector = rng.normal(0, 1, 3) * rng.uniform(0.5, 2.0)
    vector *= max(1.0, 0.8 / np.abs(vector).max())
    return [
        _placed(np.r_[-0.008, SPIKE_WIDTH, vector][None], start, _jitter(rng, len(start), 0.03))
        for start in starts[rhythm.paced]
    ]


def _varied_p(rng: np.random.Generator, p: np.ndarray) -> np.ndarray:
    waves = p.copy()
    waves[:, :2] *= rng.uniform(0.85, 1.2)
    turn = rotation(*rng.normal(0, (15, 12, 10)))
    waves[:, 2:] = waves[:, 2:] @ turn * np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.25, (2, 1)))
    return waves * SECONDS


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
    centre = times + beat.end + 0.42 * np.maximum(st_length, 0.06)
    width = 0.30 * np.maximum(st_length, 0.06)
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
