"""Thresholds at which a class is found as surely as it is ruled out."""

import numpy as np


def balanced_thresholds(
    y_score: np.ndarray, y_true: np.ndarray, known: np.ndarray | None = None
) -> np.ndarray:
    """Return for each class the threshold with the highest smaller one of two shares.

    The shares are sensitivity and specificity, so they come out as equal as the recordings allow.
    Unlike thresholds for the challenge metric, these do not depend on how frequent a class is.

    Parameters
    ----------
    y_score
        (n, n_classes) finite numbers.
    y_true
        (n, n_classes) bool.
    known
        (n, n_classes) bool: of each class only these recordings count; None: all.

    Returns
    -------
    (n_classes,) float64, half-way between neighbouring scores. A class without positives, or
    without negatives, has the threshold one half.

    Raises
    ------
    ValueError
        If y_true holds anything but 0 and 1.
    """
    from ecg12.metrics.classwise import as_sets  # slow to load

    y_true, y_score = as_sets(y_true, "y_true"), np.asarray(y_score)
    rows = np.ones(y_true.shape, bool) if known is None else known
    thresholds = np.full(y_true.shape[1], 0.5)
    for k, own in enumerate(rows.T):
        score, true = y_score[own, k], y_true[own, k]
        levels = np.unique(score)
        if true.any() and not true.all() and len(levels) > 1:
            between = (levels[1:] + levels[:-1]) / 2
            found = 1 - np.searchsorted(np.sort(score[true]), between, "right") / true.sum()
            ruled_out = np.searchsorted(np.sort(score[~true]), between, "right") / (~true).sum()
            thresholds[k] = between[np.minimum(found, ruled_out).argmax()]
    return thresholds
