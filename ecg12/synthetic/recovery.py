"""How the ventricles recover: the ST segment and the T wave."""

from dataclasses import dataclass, replace

import numpy as np

from ecg12.synthetic.anatomy import Person
from ecg12.synthetic.dipole import rotation
from ecg12.synthetic.rhythms import Rhythm

T_VECTOR = np.array([0.33, 0.13, -0.22])  # mV
ST_VECTOR = np.array([0.008, 0.005, -0.045])  # mV; V2 and V3 are a little raised in health
# T vectors in mV of inverted T waves, by where they are inverted.
INVERTED = {
    "lateral": (-0.25, 0.05, 0.10),
    "inferior": (0.20, -0.22, -0.10),
    "anterior": (0.02, 0.15, 0.30),
    "anterolateral": (-0.20, 0.10, 0.20),
    "diffuse": (-0.26, -0.12, 0.08),
}
# How ST and T go wrong together, with shares: most often they are flat and a little depressed
# (nonspecific), or oppose a large R (strain of a thick left ventricle).
ABNORMAL = {
    "low": 0.34,
    "nonspecific": 0.20,
    "strain": 0.16,
    "inverted": 0.14,
    "biphasic": 0.08,
    "tall": 0.08,
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
        recovery = _hypertrophic(rng) if rng.random() < 0.25 else _inverted(rng, recovery)
    elif "TAb" in findings:
        recovery = _abnormal(rng, recovery)
    # T is lower and ST sinks at high rates.
    slow = np.clip(np.mean(rhythm.rr) / 0.7, 0.55, 1.0)
    return replace(recovery, t=recovery.t * slow, st=recovery.st + 0.10 * (1 - slow) * DEPRESSION)


def _normal(rng: np.random.Generator) -> Recovery:
    turn = rotation(*rng.normal(0, (18, 26, 13)))
    return Recovery(
        T_VECTOR @ turn * np.exp(rng.normal(0, 0.40)), ST_VECTOR + rng.normal(0, 0.02, 3)
    )


def _strained(
    rng: np.random.Generator, normal: Recovery, findings: frozenset[str], person: Person
) -> Recovery:
    """Flatten T and lower ST in hearts under strain: the older, the more, most in fibrillation."""
    share = 0.05 + 0.12 * (person.age > 60) + 0.30 * bool(findings & {"AF", "AFL", "LAnFB"})
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


def _inverted(rng: np.random.Generator, normal: Recovery) -> Recovery:
    """Invert T in a territory, shallow or deep, with or without a change of ST."""
    place = np.array(INVERTED[str(rng.choice(list(INVERTED)))])
    t = place @ rotation(*rng.normal(0, 15, 3)) * np.exp(rng.normal(0.1, 0.45))
    st = normal.st + rng.uniform(-0.1, 0.35) * t * (rng.random() < 0.6)
    return Recovery(t + rng.normal(0, 0.03, 3), st, biphasic=rng.random() < 0.15)


def _hypertrophic(rng: np.random.Generator) -> Recovery:
    """Draw the strain of a thick left ventricle: ST and T oppose a large R."""
    away = DEPRESSION + rng.normal(0, (0.12, 0.25, 0.30))
    strain = rng.uniform(0.08, 0.40)
    return Recovery(strain * away, rng.uniform(0.15, 0.6) * strain * away,
                    voltage=rng.uniform(1.1, 2.0))  # fmt: skip


def _abnormal(rng: np.random.Generator, normal: Recovery) -> Recovery:
    """Draw one of the ways in which T is abnormal."""
    kind = rng.choice(list(ABNORMAL), p=list(ABNORMAL.values()))
    lowered = rng.uniform(0.0, 0.06) * DEPRESSION
    if kind == "strain":
        return _hypertrophic(rng)
    if kind == "inverted":
        return _inverted(rng, normal)
    if kind == "biphasic":
        return replace(normal, t=normal.t * rng.uniform(0.4, 1.0), biphasic=True)
    if kind == "tall":
        return replace(normal, t=normal.t * rng.uniform(2.0, 3.2))
    t = normal.t * rng.uniform(0.0, 0.45) + rng.normal(0, 0.02, 3)
    if kind == "nonspecific":
        return Recovery(0.5 * t + 0.8 * lowered, normal.st + lowered)
    return replace(normal, t=t, voltage=rng.uniform(0.9, 1.5))
