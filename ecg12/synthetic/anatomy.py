"""The person: age, sex, how the heart lies in the chest and where the electrodes are."""

from dataclasses import dataclass

import numpy as np

from ecg12.synthetic.dipole import DOWER, LIMB

OLDER = {"AF": 8, "AFL": 6, "LBBB": 7, "RBBB": 4, "IAVB": 6, "LAD": 4, "PVC": 4}  # years
# How strong V1 to V6 are in measured recordings against the Dower model.
NEARNESS = np.array([0.75, 1.0, 0.85, 1.0, 1.0, 1.0])
ATRIAL_NEARNESS = np.array([1, 1, 1, 1, 1, 1, 1, 0.7, 0.6, 0.6, 0.5, 0.5])  # all twelve leads
YOUNGER = {"SA": 20, "STach": 8, "IRBBB": 10, "RAD": 15, "STE": 12}


@dataclass(frozen=True, eq=False)
class Person:
    """A person and the electrodes on them.

    Attributes
    ----------
    age
        Years.
    sex
        ``"Male"`` or ``"Female"``.
    leads
        (12, 3) lead vectors: what each standard lead sees of a dipole (x, y, z).
    atrial_leads
        (12, 3) the same for the atria, from which V2 to V6 are farther away.
    size
        Factor on all amplitudes of the ventricles.
    turn
        Turn of the heart in degrees in the horizontal and in the sagittal plane.
    """

    age: int
    sex: str
    leads: np.ndarray
    atrial_leads: np.ndarray
    size: float
    turn: tuple[float, float]


def draw_person(rng: np.random.Generator, findings: frozenset[str]) -> Person:
    """Draw a person of a plausible age for the findings."""
    shift = sum(OLDER.get(name, 0) - YOUNGER.get(name, 0) for name in findings)
    age = int(np.clip(rng.normal(59 + shift, 16), 18, 95))
    sex = "Male" if rng.random() < 0.54 else "Female"
    size = np.exp(rng.normal(-0.12 - 0.002 * (age - 55) - (0.1 if sex == "Female" else 0.0), 0.33))
    turn = (rng.normal(0, 24), rng.normal(0, 14))
    leads = _lead_vectors(rng)
    return Person(age, sex, leads, leads * ATRIAL_NEARNESS[:, None], float(size), turn)


def _lead_vectors(rng: np.random.Generator) -> np.ndarray:
    """Lead vectors with misplaced chest electrodes: along the row, up or down, nearer or farther.

    A chest electrode placed some share of the way to its neighbour sees a mixture of both rows.
    """
    chest = DOWER[2:]
    place = np.clip(np.arange(6) + rng.normal(-0.15, 0.45) + rng.normal(0, 0.2, 6), 0, 5)
    left = np.minimum(place.astype(np.intp), 4)
    share = (place - left)[:, None]
    moved = chest[left] * (1 - share) + chest[left + 1] * share
    moved[:, 1] += rng.normal(0, 0.10) + rng.normal(0, 0.05, 6)
    nearness = NEARNESS * np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.10, 6))
    limbs = DOWER[:2] + rng.normal(0, 0.05, (2, 3))
    return np.vstack([LIMB @ limbs, moved * nearness[:, None]])
