"""The macro F-measure as what training and tuning maximise where there is no challenge metric.

The challenge metric is scaled by a classifier that always predicts sinus rhythm. Without that class
there is no such scale; and a recording without any of the classes would not count in the metric, so
that a classifier of one rare finding would score best by always predicting it. Macro F falls with
every false prediction, does not reward leaving out rare classes, and is a mean over classes, so
that the best thresholds are found exactly, class by class.
"""

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.challenge import ChallengeScorer, best_constant
from ecg12.metrics.classwise import as_sets, f_measure

CHALLENGE, MACRO_F = "Challenge metric", "F-measure"  # as `evaluate` names them


class FScorer:
    """The mean F1 of the classes that occur in fixed y_true: y_pred → score; 0 if none occurs.

    Parameters
    ----------
    y_true
        (n, n_classes) bool.
    known
        (n, n_classes) bool: which cells count; None: all.
    """

    def __init__(self, y_true: np.ndarray, known: np.ndarray | None = None) -> None:
        self.y_true, self.known = as_sets(y_true, "y_true"), known
        if known is not None:
            self.y_true = self.y_true & known
        self.occurring = np.asarray(self.y_true.any(axis=0))

    def __call__(self, y_pred: np.ndarray) -> float:
        """Return the score of y_pred, (n, n_classes) bool."""
        if self.known is not None:
            y_pred = y_pred & self.known
        values = f_measure(self.y_true, y_pred)[self.occurring]
        return float(values.mean()) if len(values) else 0.0


def measure_name(classes: ScoredClasses) -> str:
    """Name what is maximised: the challenge metric if sinus rhythm is scored, else macro F."""
    return CHALLENGE if classes.has_normal else MACRO_F


def scorer_of(
    y_true: np.ndarray, classes: ScoredClasses, known: np.ndarray | None = None
) -> ChallengeScorer | FScorer:
    """Return the scorer of what is maximised, for fixed y_true, (n, n_classes) bool.

    `known`, of the same shape, tells which cells count; None: all.
    """
    if classes.has_normal:
        return ChallengeScorer(y_true, classes, known)
    return FScorer(y_true, known)


def constant_baseline(
    y_true: np.ndarray, classes: ScoredClasses, known: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Return the best constant prediction, (n_classes,) bool, by the measure, and its score.

    For macro F that is every class that occurs: each adds its own F and does not change another's.
    """
    if classes.has_normal:
        return best_constant(y_true, classes, known)
    scorer = FScorer(y_true, known)
    everywhere = np.broadcast_to(scorer.occurring, scorer.y_true.shape)
    return scorer.occurring, scorer(everywhere)
