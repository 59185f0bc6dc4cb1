"""Decision thresholds that maximise the challenge metric: y_pred = y_score > threshold, strictly.

Scores and truth are on the merged classes, (n, n_classes). Searches, from coarse to fine:

* `single`: one threshold for all classes, exact (Ansari et al., 2020, choose one per network);
* `flat`: one threshold from a grid, for any objective;
* `per_class`: coordinate ascent. With the other classes fixed, each recording gains or loses a
  known credit when one class is predicted, so sorting by that class's score and summing the gains
  gives its exact best threshold in one pass;
* `simplex`: Nelder and Mead's downhill simplex on all thresholds jointly (Singstad and Tronstad,
  2020), for any objective.

Classes without sinus rhythm have no challenge metric; for them `single` and `tune` maximise the
macro F-measure instead (`metrics.macro_f`), whose best thresholds per class are exact.

All are fitted to the data that they are given, and the finer the search the more so: judge them on
other recordings. A class with few positives is best left at the single threshold, as `tune` does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecg12.decision.simplex import flat, simplex
from ecg12.decision.threshold_sweep import f_per_class, per_class, single
from ecg12.io.classes import ScoredClasses
from ecg12.metrics import ChallengeScorer, FScorer

__all__ = ["Tuning", "flat", "per_class", "simplex", "single", "tune"]
MIN_POSITIVES = 5  # a class with fewer keeps the single threshold


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
    y_score: np.ndarray,
    y_true: np.ndarray,
    classes: ScoredClasses,
    min_positives: int = MIN_POSITIVES,
    *,
    known: np.ndarray | None = None,
) -> Tuning:
    """Search thresholds in every way: single, per class, and by simplex from either.

    For the macro F-measure there are no simplices: per class nothing is left to gain.

    Parameters
    ----------
    y_score, y_true, classes, known
        As for `single`.
    min_positives
        A class with fewer positive recordings keeps the single threshold.

    Raises
    ------
    ValueError
        As for `single`.
    """
    positive = np.asarray(y_true) if known is None else y_true & known
    free = positive.sum(axis=0) >= min_positives
    start = np.full(len(classes), single(y_score, y_true, classes, known))
    if not classes.has_normal:
        fitted = np.where(free, f_per_class(y_score, y_true, known), start)
        return _tuning({"single": start, "per_class": fitted}, y_score, FScorer(y_true, known))
    scorer = ChallengeScorer(y_true, classes, known)
    fitted = per_class(y_score, y_true, classes, start, free=free, known=known)
    variants = {
        "single": start,
        "per_class": fitted,
        "simplex_from_single": simplex(y_score, scorer, start, free=free),
        "simplex_from_per_class": simplex(y_score, scorer, fitted, free=free),
    }
    return _tuning(variants, y_score, scorer)


def _tuning(
    variants: dict[str, np.ndarray], y_score: np.ndarray, scorer: Callable[[np.ndarray], float]
) -> Tuning:
    return Tuning(variants, {name: scorer(y_score > found) for name, found in variants.items()})
