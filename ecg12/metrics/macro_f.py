"""The macro F-measure as what training and tuning maximise where there is no challenge metric.

The challenge metric is scaled by an answer that always says sinus rhythm. Without that class there
is no such answer; and a recording without any of the classes would not touch the metric, so that
"everything" would be the best answer to the question for one rare finding. Macro F is hurt by every
false answer, does not reward saying nothing of rare classes, and falls apart into classes, so that
its best thresholds are found exactly.
"""

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.challenge import ChallengeScorer, best_constant
from ecg12.metrics.classwise import as_sets, f_measure

CHALLENGE, MACRO_F = "Challenge metric", "F-measure"  # as `evaluate` names them


class FScorer:
    """The mean F1 of the classes that occur in fixed targets: labels → score; 0 if none occurs.

    Parameters
    ----------
    targets
        (n, n_classes) bool.
    """

    def __init__(self, targets: np.ndarray) -> None:
        self.targets = as_sets(targets, "targets")
        self.occurring = np.asarray(self.targets.any(axis=0))

    def __call__(self, labels: np.ndarray) -> float:
        """Return the score of labels, (n, n_classes) bool."""
        values = f_measure(self.targets, labels)[self.occurring]
        return float(values.mean()) if len(values) else 0.0


def measure_name(classes: ScoredClasses) -> str:
    """Name what is maximised: the challenge metric if sinus rhythm is scored, else macro F."""
    return CHALLENGE if classes.has_normal else MACRO_F


def scorer_of(targets: np.ndarray, classes: ScoredClasses) -> ChallengeScorer | FScorer:
    """Return the scorer of what is maximised, for fixed targets, (n, n_classes) bool."""
    return ChallengeScorer(targets, classes) if classes.has_normal else FScorer(targets)


def constant_floor(targets: np.ndarray, classes: ScoredClasses) -> tuple[np.ndarray, float]:
    """Return the constant answer, (n_classes,) bool, that maximises the measure, and its score.

    For macro F that is every class that occurs: each adds its own F and takes from no other.
    """
    if classes.has_normal:
        return best_constant(targets, classes)
    scorer = FScorer(targets)
    everywhere = np.broadcast_to(scorer.occurring, scorer.targets.shape)
    return scorer.occurring, scorer(everywhere)
