"""Searches for any objective: one threshold from a grid, and all jointly by downhill simplex.

Paper A's (Singstad and Tronstad, 2020): the best flat threshold starts a simplex of Nelder and
Mead (The Computer Journal 7:308, 1965).
"""

import logging
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from ecg12.decision.threshold_sweep import start_and_mask

log = logging.getLogger(__name__)
GRID = np.arange(101) / 100  # flat thresholds that paper A tries
Objective = Callable[[np.ndarray], float]  # y_pred, (n, n_classes) bool → what to maximise


def flat(y_score: np.ndarray, objective: Objective, grid: np.ndarray = GRID) -> float:
    """Return the threshold of a grid that, for all classes alike, maximises any objective.

    Parameters
    ----------
    y_score, objective
        As for `simplex`; where the objective is NaN, it counts as the lowest.
    grid
        Rising thresholds; of equally good ones the highest is taken.
    """
    reached = np.array([objective(y_score > threshold) for threshold in grid])
    reached = np.where(np.isnan(reached), -np.inf, reached)
    return float(grid[len(grid) - 1 - reached[::-1].argmax()])


def simplex(
    y_score: np.ndarray,
    objective: Objective,
    start: np.ndarray,
    *,
    free: np.ndarray | None = None,
    edge: float | None = None,
) -> np.ndarray:
    """Improve all thresholds jointly by Nelder and Mead's downhill simplex.

    SciPy's implementation with its default options, without bounds, as in paper A. The start is a
    corner of the simplex, so the result never scores less.

    Parameters
    ----------
    y_score
        (n, n_classes).
    objective
        What to maximise: (n, n_classes) bool y_pred → a number, such as a `ChallengeScorer`.
    start
        (n_classes,) thresholds to begin with.
    free
        (n_classes,) bool: the classes that may move; all by default.
    edge
        How far the other corners of the first simplex lie from the start, each along one
        threshold; None for SciPy's choice, a twentieth of each threshold.

    Returns
    -------
    (n_classes,) float64 thresholds.

    Raises
    ------
    ValueError
        If the objective is not finite at the start, or the shapes differ.
    """
    thresholds, free = start_and_mask(start, free, range(y_score.shape[1]))
    at_start = objective(y_score > thresholds)
    if not np.isfinite(at_start):
        raise ValueError(f"the objective is {at_start} at the start; it must be finite")
    if not free.any():
        return thresholds

    def loss(moving: np.ndarray) -> float:
        thresholds[free] = moving
        return -objective(y_score > thresholds)

    options = {}
    if edge is not None:
        corner = thresholds[free]
        options["initial_simplex"] = np.vstack([corner, corner + edge * np.eye(len(corner))])
    result = minimize(loss, thresholds[free], method="Nelder-Mead", options=options)
    if not result.success:
        log.info("simplex stopped after %d evaluations: %s", result.nfev, result.message)
    thresholds[free] = result.x
    return thresholds
