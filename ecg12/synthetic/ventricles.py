"""The shape of a ventricular beat: activation (QRS), ST segment and T wave."""

from dataclasses import dataclass

import numpy as np

from ecg12.synthetic import shapes
from ecg12.synthetic.anatomy import Person
from ecg12.synthetic.dipole import rotation, turn_to_axis
from ecg12.synthetic.recovery import draw_recovery
from ecg12.synthetic.rhythms import Rhythm

MS = 1e-3
SECONDS = np.array([MS, MS, 1, 1, 1])  # turns waves in ms into waves in seconds
# Q waves that replace early forces, in QRS waves (ms, mV).
Q_WAVES = {
    "inferior": (-37, 14, 0.0, -0.65, 0.0),
    "anterior": (-32, 15, -0.10, 0.0, 0.85),
    "lateral": (-36, 14, -0.65, 0.0, 0.0),
}

SLURRED_WIDTH = (68, 104)  # ms, of the QRS that late forces make wide


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
    slurred = "NSIVCB" in findings and rng.random() < 0.5
    width = SLURRED_WIDTH if slurred else conduction.width
    waves = shapes.widened(waves, rng.uniform(*width) / (end - onset))
    late = conduction.late * np.r_[1, 1, rng.uniform(0.75, 1.3, 3)]
    late[:, 0] += rng.uniform(0, conduction.delay)
    if slurred:
        late = _slur(rng)
    qrs = np.vstack([waves, late, *_q_wave(rng, findings)])
    low = "LQRSV" in findings
    recovery = draw_recovery(rng, findings, person, rhythm)
    size = person.size * recovery.voltage * (rng.uniform(0.22, 0.33) if low else 1.0)
    qrs[:, 2:] *= size
    secondary = np.asarray(conduction.secondary_t) * rng.uniform(0.5, 1.4) * size
    t_vector = recovery.t * (0.35 if low else 1.0) + secondary
    st = recovery.st + 0.02 * t_vector + rng.uniform(0.1, 0.45) * secondary
    return _finished(rng, qrs, t_vector, st, biphasic=recovery.biphasic)


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


def _slur(rng: np.random.Generator) -> np.ndarray:
    """Draw late forces of any direction: one region of muscle is activated behind the others."""
    vector = rng.normal(0, 1, 3)
    vector *= rng.uniform(0.25, 0.7) / np.linalg.norm(vector)
    return np.r_[rng.uniform(42, 66), rng.uniform(9, 17), vector][None]


def _q_wave(rng: np.random.Generator, findings: frozenset[str]) -> list[np.ndarray]:
    if "QAb" not in findings:
        return []
    wave = np.array(Q_WAVES[str(rng.choice(list(Q_WAVES)))])
    wave[0] += rng.normal(0, 4)
    wave[1] *= rng.uniform(0.85, 1.3)
    wave[2:] *= rng.uniform(0.6, 1.5)
    return [wave]


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
        t[1, 2:] *= -rng.uniform(0.8, 2.2)
        t[1, :2] *= (1.1, 0.6)
    return Ventricles(qrs * SECONDS, onset * MS, end * MS, t * SECONDS, st)
