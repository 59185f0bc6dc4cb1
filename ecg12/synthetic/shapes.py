"""The shapes of single waves: QRS, P and T as rows (centre ms, width ms, x, y, z in mV).

A QRS is centred on the R wave of the normal beat; P and T are placed by their beat's intervals.
The starting values are fitted to textbook criteria, not to a recording; every recording bends
them (see `ecg12.synthetic.ventricles`).
"""

from dataclasses import dataclass

import numpy as np


def _waves(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, dtype=np.float64)


def _rotated(waves: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = waves.copy()
    turned[:, 2:4] = waves[:, 2:4] @ np.array([[c, s], [-s, c]])
    return turned


NORMAL = _rotated(
    _waves(
        (-36.3, 8.7, -0.13, 0, 0),
        (-13.4, 7.2, 0.85, 0, 0),
        (0, 6.3, 1.11, 0, 0),
        (11.5, 5.8, 0.75, 0, 0),
        (-21, 10.5, 0, 0.32, 0),
        (-1.9, 7.1, 0, 0.51, 0),
        (12.4, 11.5, 0, -0.20, 0),
        (-28, 9, 0, 0, -0.32),
        (14.0, 10.5, 0, 0, 0.78),
    ),
    28,
)
# The right ventricle, activated late through the muscle: R' in V1, wide S in I and V6. What it
# usually lends to the left ventricle's backward forces at 18 ms is missing: V1 keeps little S.
RIGHT_LATE = _waves((18, 12, 0, 0, -0.40), (58, 14, -0.62, -0.05, -0.62))
RIGHT_SLIGHTLY_LATE = _waves((18, 11, 0, 0, -0.25), (46, 9.2, -0.42, -0.03, -0.45))
LEFT_BLOCK = _waves(
    (-26, 12, 0.15, 0.10, 0.25), (0, 19, 0.62, 0.28, 1.70), (42, 19, 0.72, 0.10, 1.75)
)
LEFT_ANTERIOR_BLOCK = _waves(
    (-34, 8, -0.20, 0.36, -0.22),
    (-12, 13, 0.60, -0.10, -0.05),
    (6, 14, 0.85, -0.85, 0.30),
    (22, 12, 0.15, -0.55, 0.35),
)
VENTRICULAR = {
    "right outflow": _waves(
        (-20, 18, -0.1, 0.4, 0.3), (25, 24, 0.9, 0.9, 1.0), (65, 18, 0.4, 0.1, 0.5)
    ),
    "left": _waves(
        (-20, 18, -0.3, -0.3, -0.6), (25, 24, -0.9, -0.5, -1.0), (65, 18, -0.3, -0.5, -0.4)
    ),
    "right apical": _waves(
        (-22, 16, 0.2, -0.3, 0.2), (18, 23, 0.9, -0.9, 0.8), (58, 18, 0.4, -0.5, 0.5)
    ),
    "left outflow": _waves(
        (-20, 18, -0.1, 0.3, -0.5), (25, 22, -0.1, 1.2, -0.9), (62, 18, -0.2, 0.5, -0.3)
    ),
}
PACED = _waves(
    (-22, 14, -0.05, -0.2, 0.25), (10, 21, 0.55, -0.95, 0.75), (48, 18, 0.45, -0.75, 0.75)
)
# Right atrium first (front, down), then the left (back, left); centres from the P onset.
SINUS_P = _waves((35, 18, 0.085, 0.075, -0.08), (65, 18, 0.11, 0.06, 0.03))
# Retrograde or low atrial: upwards.
LOW_P = _waves((30, 16, 0.03, -0.10, 0.02), (58, 17, 0.05, -0.08, 0.04))
# Centres counted back from the end of T, in widths; the size is set by a vector.
T_WAVE = ((1.9, 0.95, 0.80), (3.0, 1.45, 0.38))
T_WIDTH = 40.0


@dataclass(frozen=True)
class Conduction:
    """How the ventricles are activated.

    Attributes
    ----------
    waves
        QRS waves as above.
    width
        Range of the QRS duration in ms.
    axis
        Range of the frontal axis in degrees, where no axis deviation is asked for.
    late, delay
        Waves that are added after the others have been scaled, and by how much at most they come
        later, ms.
    secondary_t
        What conduction adds to the normal T vector, in mV (discordance).
    """

    waves: np.ndarray
    width: tuple[float, float]
    axis: tuple[float, float]
    late: np.ndarray
    delay: float = 0.0
    secondary_t: tuple[float, float, float] = (0.0, 0.0, 0.0)


NO_LATE = np.empty((0, 5))
CONDUCTION = {
    "normal": Conduction(NORMAL, (50, 80), (-12, 85), NO_LATE),
    "RBBB": Conduction(NORMAL, (62, 86), (-10, 85), RIGHT_LATE, 12, (0.0, 0.0, 0.22)),
    "IRBBB": Conduction(NORMAL, (62, 80), (-10, 85), RIGHT_SLIGHTLY_LATE, 4, (0.0, 0.0, 0.05)),
    "LBBB": Conduction(LEFT_BLOCK, (106, 138), (-40, 65), NO_LATE, 0, (-0.28, -0.12, -0.55)),
    "LAnFB": Conduction(LEFT_ANTERIOR_BLOCK, (66, 90), (-75, -48), NO_LATE),
    "RBBB+LAnFB": Conduction(
        LEFT_ANTERIOR_BLOCK, (70, 92), (-75, -48), RIGHT_LATE, 12, (0.0, 0.0, 0.22)
    ),
    "NSIVCB": Conduction(NORMAL, (108, 142), (-12, 85), NO_LATE, 0, (-0.15, -0.05, 0.05)),
    "paced": Conduction(PACED, (128, 165), (-90, -50), NO_LATE, 0, (-0.55, 0.30, -0.35)),
}


def extent(waves: np.ndarray) -> tuple[float, float]:
    """Return onset and end of waves in their own time unit.

    They are the first and the last instant at which the dipole exceeds 6 % of its maximum.
    """
    reach = 4 * waves[:, 1]
    times = np.linspace((waves[:, 0] - reach).min(), (waves[:, 0] + reach).max(), 300)
    shape = np.exp(-0.5 * ((times[:, None] - waves[:, 0]) / waves[:, 1]) ** 2)
    size = np.linalg.norm(shape @ waves[:, 2:], axis=1)
    above = times[size > 0.06 * size.max()]
    return float(above[0]), float(above[-1])


def widened(waves: np.ndarray, factor: float) -> np.ndarray:
    """Stretch waves in time around 0."""
    return waves * np.array([factor, factor, 1, 1, 1])
