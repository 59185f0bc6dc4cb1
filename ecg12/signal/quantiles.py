"""Quantiles by linear interpolation, and medians, several times as fast as NumPy's own."""

import numpy as np


def quantiles(values: np.ndarray, share: float) -> np.ndarray:
    """Return a quantile of each row.

    Parameters
    ----------
    values
        (..., n) finite values, at least one in each row.
    share
        From 0 to 1.

    Returns
    -------
    (...)
    """
    place = share * (values.shape[-1] - 1)
    below = int(place)
    parted = np.partition(values, below, axis=-1)
    found = parted[..., below]
    if below == place:
        return found
    return found + (place - below) * (parted[..., below + 1 :].min(axis=-1) - found)


def median(values: np.ndarray) -> float:
    """Return the median of few values, (n,) and at least one, to the last bit as `numpy.median`."""
    ordered = np.sort(values)
    return float((ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2)
