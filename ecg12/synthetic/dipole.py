"""The moving heart dipole: sums of Gaussians in three dimensions, seen by twelve leads.

The heart is one current dipole (x to the left, y down, z to the back; mV) whose course over a beat
is a sum of Gaussians (McSharry et al., 2003; Sameni et al., 2007, eq. 3). A *wave* is one of them,
a row ``(centre, width, x, y, z)``. The rows of the inverse Dower matrix turn the dipole into the
eight independent leads, and the other four follow from them, so that Einthoven's law holds.
"""

import numpy as np

from ecg12.io.leads import LIMB_LEADS

# Inverse Dower matrix: leads I, II, V1 to V6 from x, y, z (Dower et al., 1980).
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
# The limb leads I, II, III, aVR, aVL, aVF from I and II (Einthoven, Goldberger).
LIMB = np.array(list(LIMB_LEADS.values()))
REACH = 4.0  # widths; a Gaussian is below 0.04 % of its peak beyond


def twelve_leads(eight: np.ndarray) -> np.ndarray:
    """Complete (8, n) values of I, II, V1 to V6 to the standard twelve leads, (12, n)."""
    return np.vstack([LIMB @ eight[:2], eight[2:]])


def render(waves: np.ndarray, rate: float, n_samples: int) -> np.ndarray:
    """Sum Gaussian waves, each evaluated only where it matters.

    Parameters
    ----------
    waves
        (n_waves, 5): centre and width (standard deviation) in seconds, x, y, z in mV.
    rate
        Sampling rate in Hz; the first sample is at 0 s.
    n_samples
        Length of the result.

    Returns
    -------
    (3, n_samples) dipole in mV.
    """
    centre, width = waves[:, 0], waves[:, 1]
    first = np.clip(np.ceil((centre - REACH * width) * rate), 0, n_samples).astype(np.intp)
    last = np.clip(np.floor((centre + REACH * width) * rate) + 1, 0, n_samples).astype(np.intp)
    counts = np.maximum(last - first, 0)
    owner = np.repeat(np.arange(len(waves)), counts)
    starts = np.cumsum(counts) - counts
    sample = np.arange(len(owner)) - np.repeat(starts - first, counts)
    height = np.exp(-0.5 * ((sample / rate - centre[owner]) / width[owner]) ** 2)
    return np.stack(
        [np.bincount(sample, height * waves[owner, 2 + i], n_samples) for i in range(3)]
    )


def rotation(frontal: float, horizontal: float = 0.0, sagittal: float = 0.0) -> np.ndarray:
    """Return the (3, 3) matrix that turns row vectors by angles in degrees.

    A positive frontal angle turns the electrical axis clockwise (from lead I towards aVF), a
    positive horizontal one turns the left to the front, a positive sagittal one the front down.
    """
    turns = []
    for angle, i, j in ((frontal, 0, 1), (-horizontal, 0, 2), (sagittal, 1, 2)):
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.eye(3)
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = c, s, -s, c
        turns.append(turn)
    return turns[0] @ turns[1] @ turns[2]


def frontal_axis(lead_i: float | np.ndarray, lead_avf: float | np.ndarray) -> np.ndarray:
    """Return the frontal axis in degrees from net deflections in I and aVF.

    aVF is an augmented lead, √3/2 as sensitive as lead I, so it is scaled by 2/√3.
    """
    return np.degrees(np.arctan2(2 / np.sqrt(3) * np.asarray(lead_avf), lead_i))


def net_axis(waves: np.ndarray, leads: np.ndarray) -> float:
    """Return the frontal axis in degrees of waves' net area, seen by (12, 3) lead vectors."""
    area = leads[[0, 5]] @ (waves[:, 2:] * waves[:, 1:2]).sum(axis=0)
    return float(frontal_axis(area[0], area[1]))


def turn_to_axis(waves: np.ndarray, axis: float, leads: np.ndarray) -> np.ndarray:
    """Turn waves in the frontal plane until their net area has the given axis in degrees."""
    for _ in range(3):  # the lead vectors are not orthogonal: one turn is only nearly enough
        missing = (axis - net_axis(waves, leads) + 180) % 360 - 180
        waves = np.hstack([waves[:, :2], waves[:, 2:] @ rotation(missing)])
    return waves
