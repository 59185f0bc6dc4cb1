"""Decision thresholds that maximise the challenge metric: label = score > threshold, strictly.

Scores and targets are on the merged classes, (n, n_classes). Searches, from coarse to fine:

* `single`: one threshold for all classes, exact (Ansari et al., 2020, choose one per network);
* `flat`: one threshold from a grid, for any objective;
* `per_class`: coordinate ascent. With the other labels held, each recording gains or loses a known
  credit when one class is switched on, so sorting by that class's score and summing the gains gives
  its exact best threshold in one pass;
* `simplex`: Nelder and Mead's downhill simplex on all thresholds jointly (Singstad and Tronstad,
  2020), for any objective.

Classes without sinus rhythm have no challenge metric; for them `single` and `tune` maximise the
macro F-measure instead (`metrics.macro_f`), whose best thresholds per class are exact.

All are fitted to the data that they are given, and the finer the search the more so: judge them on
other recordings. A class with few positives is best left at the single threshold, as `tune` does.

Cuts lie between distinct scores, half-way, so that recordings with equal scores are decided alike.
Of equally good cuts the highest is taken: the fewest labels.
"""

import logging
from collections.abc import Callable, Sized
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ecg12.decision.threshold_sweep import best_cut, f_per_class, f_single
from ecg12.io.classes import ScoredClasses
from ecg12.metrics import FScorer
from ecg12.metrics.challenge import MINIMUM_GAIN, ChallengeScorer

log = logging.getLogger(__name__)
GRID = np.arange(101) / 100  # flat thresholds that paper A tries


def single(scores: np.ndarray, targets: np.ndarray, classes: ScoredClasses) -> float:
    """Return the one threshold for all classes that maximises the measure, exactly.

    Parameters
    ----------
    scores
        (n, n_classes) finite numbers.
    targets
        (n, n_classes) bool.
    classes
        The scored classes.

    Raises
    ------
    ValueError
        If the shapes differ, there is no recording, or a score is not finite.
    """
    if not classes.has_normal:
        return f_single(_finite(scores, np.shape(targets)), targets)
    scorer = ChallengeScorer(targets, classes)
    scores = _finite(scores, scorer.gain.shape)
    order = np.argsort(-scores, axis=1)
    gain = np.take_along_axis(scorer.gain, order, axis=1).cumsum(axis=1)
    union = scorer.n_true[:, None] + np.take_along_axis(scorer.absent, order, 1).cumsum(axis=1)
    credit = gain / np.maximum(union, 1)  # (n, n_classes) with the first 1, 2, … labels on
    steps = np.diff(credit, axis=1, prepend=0).ravel()
    events = np.take_along_axis(scores, order, axis=1).ravel()
    return best_cut(events, np.argsort(-events), steps)


def per_class(
    scores: np.ndarray,
    targets: np.ndarray,
    classes: ScoredClasses,
    start: np.ndarray,
    free: np.ndarray | None = None,
) -> np.ndarray:
    """Improve thresholds class by class until no class alone can raise the challenge metric.

    Parameters
    ----------
    scores, targets, classes
        As for `single`.
    start
        (n_classes,) thresholds to begin with; the result never scores less.
    free
        (n_classes,) bool: the classes that may move; all by default.

    Returns
    -------
    (n_classes,) float64 thresholds.

    Raises
    ------
    ValueError
        As for `single`.
    """
    ascent = _Ascent(scores, ChallengeScorer(targets, classes), *_checked(start, free, classes))
    while any([ascent.improve(k) for k in ascent.order]):
        pass
    return ascent.thresholds


class _Ascent:
    """Thresholds on the way up, and what each recording earns by them before division.

    All arrays are transposed, (n_classes, n), so that one class is contiguous.
    """

    def __init__(
        self, scores: np.ndarray, scorer: ChallengeScorer, start: np.ndarray, free: np.ndarray
    ) -> None:
        self.scores = np.ascontiguousarray(_finite(scores, scorer.gain.shape).T)
        self.gain, self.absent = scorer.gain.T.copy(), scorer.absent.T.copy()
        self.thresholds = start
        self.labels = self.scores > start[:, None]
        self.earned = np.einsum("kn,kn->n", self.gain, self.labels)
        self.union = scorer.n_true + np.einsum("kn,kn->n", self.absent, self.labels)
        self.order = {int(k): np.argsort(-self.scores[k]) for k in np.flatnonzero(free)}

    def improve(self, k: int) -> bool:
        """Move the threshold of class k to its best place; return whether that gained credit."""
        earned = self.earned - self.gain[k] * self.labels[k]
        union = self.union - self.absent[k] * self.labels[k]
        on = (earned + self.gain[k]) / np.maximum(union + self.absent[k], 1)
        steps = on - earned / np.maximum(union, 1)
        threshold = best_cut(self.scores[k], self.order[k], steps)
        labels = self.scores[k] > threshold
        if steps @ np.subtract(labels, self.labels[k], dtype=np.int8) <= MINIMUM_GAIN:
            return False
        self.thresholds[k], self.labels[k] = threshold, labels
        self.earned = earned + self.gain[k] * self.labels[k]
        self.union = union + self.absent[k] * self.labels[k]
        return True


def flat(
    scores: np.ndarray, objective: Callable[[np.ndarray], float], grid: np.ndarray = GRID
) -> float:
    """Return the threshold of a grid that, for all classes alike, maximises any objective.

    Parameters
    ----------
    scores, objective
        As for `simplex`; where the objective is NaN, it counts as the lowest.
    grid
        Rising thresholds; of equally good ones the highest is taken.
    """
    reached = np.array([objective(scores > cut) for cut in grid])
    reached = np.where(np.isnan(reached), -np.inf, reached)
    return float(grid[len(grid) - 1 - reached[::-1].argmax()])


def simplex(
    scores: np.ndarray,
    objective: Callable[[np.ndarray], float],
    start: np.ndarray,
    free: np.ndarray | None = None,
    edge: float | None = None,
) -> np.ndarray:
    """Improve all thresholds jointly by Nelder and Mead's downhill simplex.

    SciPy's implementation with its default options, without bounds, as in Singstad and Tronstad
    (2020). The start is a corner of the simplex, so the result never scores less.

    Parameters
    ----------
    scores
        (n, n_classes).
    objective
        What to maximise: (n, n_classes) bool labels → a number, such as a `ChallengeScorer`.
    start, free
        As for `per_class`.
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
    thresholds, free = _checked(start, free, range(scores.shape[1]))
    at_start = objective(scores > thresholds)
    if not np.isfinite(at_start):
        raise ValueError(f"the objective is {at_start} at the start; it must be finite")
    if not free.any():
        return thresholds

    def loss(moving: np.ndarray) -> float:
        thresholds[free] = moving
        return -objective(scores > thresholds)

    options = {}
    if edge is not None:
        corner = thresholds[free]
        options["initial_simplex"] = np.vstack([corner, corner + edge * np.eye(len(corner))])
    result = minimize(loss, thresholds[free], method="Nelder-Mead", options=options)
    if not result.success:
        log.info("simplex stopped after %d evaluations: %s", result.nfev, result.message)
    thresholds[free] = result.x
    return thresholds


@dataclass(frozen=True, eq=False)
class Tuning:
    """Thresholds found in several ways on the same data.

    Attributes
    ----------
    variants
        Name of the search → (n_classes,) thresholds.
    scores
        Name of the search → the measure on the data that it was fitted to, hence optimistic.
    """

    variants: dict[str, np.ndarray]
    scores: dict[str, float]

    @property
    def best(self) -> str:
        """Name of the search that scored highest; of equals the simplest."""
        return max(self.scores, key=lambda name: self.scores[name])

    @property
    def thresholds(self) -> np.ndarray:
        """(n_classes,) thresholds of the best search."""
        return self.variants[self.best]


def tune(
    scores: np.ndarray, targets: np.ndarray, classes: ScoredClasses, min_positives: int = 5
) -> Tuning:
    """Search thresholds in every way: single, per class, and by simplex from either.

    For the macro F-measure there are no simplices: per class nothing is left to gain.

    Parameters
    ----------
    scores, targets, classes
        As for `single`.
    min_positives
        A class with fewer positive recordings keeps the single threshold.

    Raises
    ------
    ValueError
        As for `single`.
    """
    free = np.asarray(targets).sum(axis=0) >= min_positives
    flat = np.full(len(classes), single(scores, targets, classes))
    if not classes.has_normal:
        variants = {"single": flat, "per_class": np.where(free, f_per_class(scores, targets), flat)}
        return _tuning(variants, scores, FScorer(targets))
    scorer = ChallengeScorer(targets, classes)
    fitted = per_class(scores, targets, classes, flat, free)
    variants = {
        "single": flat,
        "per_class": fitted,
        "simplex_from_single": simplex(scores, scorer, flat, free),
        "simplex_from_per_class": simplex(scores, scorer, fitted, free),
    }
    return _tuning(variants, scores, scorer)


def _tuning(
    variants: dict[str, np.ndarray], scores: np.ndarray, scorer: Callable[[np.ndarray], float]
) -> Tuning:
    return Tuning(variants, {name: scorer(scores > cuts) for name, cuts in variants.items()})


def _finite(scores: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != shape:
        raise ValueError(f"scores of shape {scores.shape} for targets of {shape}")
    if not np.isfinite(scores).all():
        raise ValueError(f"{(~np.isfinite(scores)).sum()} scores are not finite")
    return scores


def _checked(
    start: np.ndarray, free: np.ndarray | None, classes: Sized
) -> tuple[np.ndarray, np.ndarray]:
    """Return a copy of the start as float64, and the mask of classes that may move."""
    thresholds = np.array(start, dtype=np.float64)
    mask = np.ones(len(classes), dtype=bool) if free is None else np.asarray(free)
    if not (thresholds.shape == mask.shape == (len(classes),) and mask.dtype == np.bool_):
        raise ValueError(
            f"start and free must be {len(classes)} numbers and bools, got shapes "
            f"{thresholds.shape} and {mask.shape}, {mask.dtype}"
        )
    return thresholds, mask
