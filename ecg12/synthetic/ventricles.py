"""The shape of a ventricular beat: activation (QRS), ST segment and T wave."""

from dataclasses import dataclass

import numpy as np

from ecg12.synthetic import shapes
from ecg12.synthetic.anatomy import Person
from ecg12.synthetic.dipole import rotation, turn_to_axis
from ecg12.synthetic.rhythms import Rhythm

MS = 1e-3
SECONDS = np.array([MS, MS, 1, 1, 1])  # turns waves in ms into waves in seconds
# T vectors in mV of inverted T waves, by where they are inverted.
INVERTED = {
    "lateral": (-0.25, 0.05, 0.10),
    "inferior": (0.20, -0.22, -0.10),
    "anterior": (0.02, 0.15, 0.30),
}
# Directions of the ST dipole; elevation points to the injured wall, depression away from it.
ELEVATION = {
    "anterior": (0.35, 0.05, -0.9),
    "inferior": (-0.25, 0.95, 0.0),
    "lateral": (0.95, -0.2, -0.1),
    "diffuse": (0.65, 0.55, -0.45),
}
DEPRESSION = (-0.85, -0.40, 0.12)
# Q waves that replace early forces, in QRS waves (ms, mV).
Q_WAVES = {
    "inferior": (-37, 14, 0.0, -0.65, 0.0),
    "anterior": (-32, 15, -0.10, 0.0, 0.85),
    "lateral": (-36, 14, -0.65, 0.0, 0.0),
}


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


def draw_conducted(
    rng: np.random.Generator, findings: frozenset[str], person: Person, rhythm: Rhythm
) -> Ventricles:
    """Draw the shape of the beats of the basic rhythm."""
    conduction = shapes.CONDUCTION[_conduction(findings, rhythm)]
    waves = varied(rng, conduction.waves)
    waves[:, 2:] = waves[:, 2:] @ rotation(0, *person.turn)
    waves = turn_to_axis(waves, _axis(rng, findings, conduction, person), person.leads)
    onset, end = shapes.extent(waves)
    waves = shapes.widened(waves, rng.uniform(*conduction.width) / (end - onset))
    late = conduction.late * np.r_[1, 1, rng.uniform(0.75, 1.3, 3)]
    late[:, 0] += rng.uniform(0, conduction.delay)
    qrs = np.vstack([waves, late, *_q_wave(rng, findings)])
    size = person.size * (rng.uniform(0.22, 0.33) if "LQRSV" in findings else 1.0)
    qrs[:, 2:] *= size
    t_vector, st = _recovery(rng, findings)
    if early := "STE" in findings and rng.random() < 0.5:
        t_vector, st = _early_repolarization(rng)
    qrs[:, 2:] *= rng.uniform(1.2, 1.9) if early else 1.0
    t_vector, st = _with_strain(rng, t_vector, st, findings, person)
    secondary = np.asarray(conduction.secondary_t) * rng.uniform(0.5, 1.4) * size
    t_vector = t_vector * (0.35 if "LQRSV" in findings else 1.0) + secondary
    fast = np.clip(np.mean(rhythm.rr) / 0.7, 0.55, 1.0)  # T is lower and ST sinks at high rates
    t_vector, st = t_vector * fast, st + (1 - fast) * 0.10 * np.array(DEPRESSION)
    st = st + 0.02 * t_vector + rng.uniform(0.1, 0.45) * secondary
    biphasic = "TAb" in findings and rng.random() < 0.25
    return _finished(rng, qrs, t_vector, st, biphasic=biphasic)


def _early_repolarization(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the tall T and raised ST in V2 to V5 of the young: high voltages go with them."""
    t_vector = np.array([0.28, 0.15, -0.36]) @ rotation(*rng.normal(0, 10, 3))
    t_vector *= rng.uniform(0.9, 2.1)
    return t_vector, np.array([0.10, 0.08, -0.20]) * rng.uniform(0.8, 1.8)


def _with_strain(
    rng: np.random.Generator,
    t_vector: np.ndarray,
    st: np.ndarray,
    findings: frozenset[str],
    person: Person,
) -> tuple[np.ndarray, np.ndarray]:
    """Flatten T and lower ST in hearts under strain: the older, the more, most in fibrillation."""
    share = 0.10 + 0.2 * (person.age > 60) + 0.35 * bool(findings & {"AF", "AFL", "LAnFB"})
    if rng.random() > share or findings & {"TInv", "TAb", "STE", "STD"}:
        return t_vector, st
    strain = rng.uniform(0.1, 0.8)
    lowered = np.array(DEPRESSION) * 0.07 * strain
    return t_vector * (1 - 0.9 * strain) + 0.5 * lowered, st + lowered


def draw_ectopic(rng: np.random.Generator, person: Person) -> Ventricles:
    """Draw the shape of ventricular premature beats: wide, with a discordant T."""
    qrs = varied(rng, shapes.VENTRICULAR[rng.choice(list(shapes.VENTRICULAR))])
    turn = rotation(*rng.normal(0, (25, 20, 20)))
    qrs[:, 2:] = qrs[:, 2:] @ turn * person.size * rng.uniform(0.9, 1.6)
    onset, end = shapes.extent(qrs)
    qrs = shapes.widened(qrs, rng.uniform(132, 180) / (end - onset))
    net = (qrs[:, 1:2] * qrs[:, 2:]).sum(axis=0) / qrs[:, 1].sum()
    return _finished(rng, qrs, -net * rng.uniform(0.6, 1.3), -0.12 * net)


def varied(rng: np.random.Generator, waves: np.ndarray) -> np.ndarray:
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


def _conduction(findings: frozenset[str], rhythm: Rhythm) -> str:
    if rhythm.paced in ("ventricle", "both"):
        return "paced"
    if {"RBBB", "LAnFB"} <= findings:
        return "RBBB+LAnFB"
    return next((name for name in shapes.CONDUCTION if name in findings), "normal")


def _axis(
    rng: np.random.Generator,
    findings: frozenset[str],
    conduction: shapes.Conduction,
    person: Person,
) -> float:
    """Draw the frontal axis in degrees; it turns left with age."""
    low, high = conduction.axis
    if "LAD" in findings and low > -45:
        return float(rng.uniform(-74, -36))
    if "RAD" in findings:
        return float(rng.uniform(97, 150))
    centre = 50 - 0.5 * (person.age - 55) if low < 0 < high else (low + high) / 2
    return float(np.clip(rng.normal(centre, (high - low) / 4), low, high))


def _q_wave(rng: np.random.Generator, findings: frozenset[str]) -> list[np.ndarray]:
    if "QAb" not in findings:
        return []
    wave = np.array(Q_WAVES[str(rng.choice(list(Q_WAVES)))])
    wave[2:] *= rng.uniform(0.8, 1.5)
    return [wave]


def _recovery(rng: np.random.Generator, findings: frozenset[str]) -> tuple[np.ndarray, np.ndarray]:
    """Draw the T vector and the ST dipole in mV."""
    turn = rotation(*rng.normal(0, (15, 15, 11)))
    t_vector = shapes.T_VECTOR @ turn * np.exp(rng.normal(0, 0.33))
    st = np.array([0.025, 0.01, -0.04]) + rng.normal(0, 0.02, 3)
    if "TInv" in findings:
        where = str(rng.choice(list(INVERTED)))
        t_vector = np.array(INVERTED[where]) * rng.uniform(0.9, 1.8) + rng.normal(0, 0.03, 3)
    elif "TAb" in findings:
        t_vector = _abnormal_t(rng)
    if "STE" in findings:
        st = np.array(ELEVATION[str(rng.choice(list(ELEVATION)))]) * rng.uniform(0.16, 0.42)
        t_vector = t_vector + st * rng.uniform(0, 1)
    elif "STD" in findings:
        st = (np.array(DEPRESSION) + rng.normal(0, (0.12, 0.15, 0.20))) * rng.uniform(0.07, 0.24)
        t_vector = t_vector * rng.uniform(0.4, 1.5)
    return t_vector, st


def _abnormal_t(rng: np.random.Generator) -> np.ndarray:
    """Draw a T that is flat, tall or inverted."""
    kind = rng.choice(("flat", "tall", "inverted"), p=(0.5, 0.15, 0.35))
    if kind == "flat":
        return np.array([0.05, 0.03, -0.03]) * rng.uniform(0.2, 1.4) + rng.normal(0, 0.02, 3)
    if kind == "tall":
        return shapes.T_VECTOR * rng.uniform(2.3, 3.6) + rng.normal(0, 0.05, 3)
    return np.array(INVERTED[str(rng.choice(list(INVERTED)))]) * rng.uniform(0.7, 1.5)


def _finished(
    rng: np.random.Generator,
    qrs: np.ndarray,
    t_vector: np.ndarray,
    st: np.ndarray,
    *,
    biphasic: bool = False,
) -> Ventricles:
    """Add a T wave of a given vector to a QRS in ms, and turn ms into seconds."""
    onset, end = shapes.extent(qrs)
    width = shapes.T_WIDTH * rng.uniform(0.85, 1.15)
    t = np.array(
        [
            np.r_[-back * width, share * width, part * t_vector]
            for back, share, part in shapes.T_WAVE
        ]
    )
    t[1, 2:] *= rng.uniform(0.6, 1.4, 3)
    if biphasic:
        t[1, 2:] *= -2.2
        t[1, :2] *= (1.1, 0.6)
    return Ventricles(qrs * SECONDS, onset * MS, end * MS, t * SECONDS, st)
