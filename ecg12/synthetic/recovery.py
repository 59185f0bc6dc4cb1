"""How the ventricles recover: the ST segment and the T wave."""

from dataclasses import dataclass, replace

import numpy as np

from ecg12.synthetic.anatomy import Person
from ecg12.synthetic.dipole import rotation
from ecg12.synthetic.rhythms import Rhythm

T_VECTOR = np.array([0.32, 0.12, -0.19])  # mV
ST_VECTOR = np.array([0.025, 0.01, -0.04])  # mV; V2 and V3 are a little raised in health
# T vectors in mV of inverted T waves, by where they are inverted.
INVERTED = {
    "lateral": (-0.25, 0.05, 0.10),
    "inferior": (0.20, -0.22, -0.10),
    "anterior": (0.02, 0.15, 0.30),
}
# Directions of the ST dipole: elevation points to the injured wall, depression away from the
# apex.
ELEVATION = {
    "anterior": (0.35, 0.05, -0.9),
    "inferior": (-0.25, 0.95, 0.0),
    "lateral": (0.95, -0.2, -0.1),
    "diffuse": (0.65, 0.55, -0.45),
}
DEPRESSION = np.array([-0.85, -0.40, 0.12])


@dataclass(frozen=True, eq=False)
class Recovery:
    """ST and T of one heart.

    Attributes
    ----------
    t, st
        (3,) dipoles of the T wave and of the ST segment in mV.
    biphasic
        Whether T begins with the opposite sign.
    voltage
        Factor on QRS that goes with this recovery.
    """

    t: np.ndarray
    st: np.ndarray
    biphasic: bool = False
    voltage: float = 1.0


def draw_recovery(
    rng: np.random.Generator, findings: frozenset[str], person: Person, rhythm: Rhythm
) -> Recovery:
    """Draw ST and T for findings, a person's age and the heart rate."""
    recovery = _strained(rng, _normal(rng), findings, person)
    if "STE" in findings:
        recovery = _early(rng) if rng.random() < 0.65 else _injured(rng, recovery)
    elif "STD" in findings:
        recovery = _depressed(rng, recovery)
    elif "TInv" in findings:
        t = _inverted(rng) * rng.uniform(0.9, 1.8) + rng.normal(0, 0.03, 3)
        recovery = replace(recovery, t=t)
    elif "TAb" in findings:
        recovery = replace(recovery, t=_abnormal(rng), biphasic=rng.random() < 0.25)
    # T is lower and ST sinks at high rates.
    slow = np.clip(np.mean(rhythm.rr) / 0.7, 0.55, 1.0)
    return replace(recovery, t=recovery.t * slow, st=recovery.st + 0.10 * (1 - slow) * DEPRESSION)


def _normal(rng: np.random.Generator) -> Recovery:
    turn = rotation(*rng.normal(0, (15, 15, 11)))
    return Recovery(
        T_VECTOR @ turn * np.exp(rng.normal(0, 0.33)), ST_VECTOR + rng.normal(0, 0.02, 3)
    )


def _strained(
    rng: np.random.Generator, normal: Recovery, findings: frozenset[str], person: Person
) -> Recovery:
    """Flatten T and lower ST in hearts under strain: the older, the more, most in fibrillation."""
    share = 0.10 + 0.2 * (person.age > 60) + 0.35 * bool(findings & {"AF", "AFL", "LAnFB"})
    if rng.random() > share or "STD" in findings:
        return normal
    strain = rng.uniform(0.1, 0.8)
    lowered = 0.07 * strain * DEPRESSION
    return Recovery(normal.t * (1 - 0.9 * strain) + 0.5 * lowered, normal.st + lowered)


def _early(rng: np.random.Generator) -> Recovery:
    """Draw early repolarization: tall T and raised ST in V2 to V5, with high voltages."""
    t = np.array([0.28, 0.15, -0.36]) @ rotation(*rng.normal(0, 10, 3)) * rng.uniform(0.9, 2.1)
    st = np.array([0.10, 0.08, -0.20]) * rng.uniform(0.6, 1.8)
    return Recovery(t, st, voltage=rng.uniform(1.2, 1.9))


def _injured(rng: np.random.Generator, normal: Recovery) -> Recovery:
    st = np.array(ELEVATION[str(rng.choice(list(ELEVATION)))]) * rng.uniform(0.16, 0.42)
    return Recovery(normal.t + st * rng.uniform(0, 1), st)


def _depressed(rng: np.random.Generator, normal: Recovery) -> Recovery:
    st = (DEPRESSION + rng.normal(0, (0.12, 0.15, 0.20))) * rng.uniform(0.07, 0.24)
    return Recovery(normal.t * rng.uniform(0.4, 1.5), st)


def _inverted(rng: np.random.Generator) -> np.ndarray:
    return np.array(INVERTED[str(rng.choice(list(INVERTED)))])


def _abnormal(rng: np.random.Generator) -> np.ndarray:
    """Draw a T vector that is flat, tall or inverted."""
    kind = rng.choice(("flat", "tall", "inverted"), p=(0.5, 0.15, 0.35))
    if kind == "flat":
        return np.array([0.05, 0.03, -0.03]) * rng.uniform(0.2, 1.4) + rng.normal(0, 0.02, 3)
    if kind == "tall":
        return T_VECTOR * rng.uniform(2.0, 3.2) + rng.normal(0, 0.05, 3)
    return _inverted(rng) * rng.uniform(0.7, 1.5)
