"""The challenge metric: credit for pairs of true and answered classes, and its constant floor."""

import math

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.classwise import as_set_pair, as_sets

MINIMUM_GAIN = 1e-9  # credit, in recordings; less is rounding


def confusion(targets: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the modified confusion matrix: each pair in T × L of a recording adds 1 / |T ∪ L|.

    Returns
    -------
    (n_classes, n_classes) float64; row: true class, column: answered class. With the weights W the
    challenge metric's sum is (W * A).sum(). This is paper B's figure 3 before its rows are scaled.
    """
    targets, labels = as_set_pair(targets, labels)
    union = np.maximum((targets | labels).sum(axis=1), 1)
    return targets.T.astype(np.float64) @ (labels / union[:, None])


class ChallengeScorer:
    """The challenge metric for fixed targets, its constants computed once: labels → score.

    Parameters
    ----------
    targets
        (n, n_classes) bool.
    classes
        The scored classes with sinus rhythm among them.

    Attributes
    ----------
    gain
        (n, n_classes) float64: credit of each label before division by |T ∪ L|, targets @ weights.
    absent
        (n, n_classes) float64: 1 where a label would widen the union, 0 where it is true.
    n_true
        (n,) number of true labels.
    inactive, correct
        Sums of credit of the answer sinus rhythm and of the truth.
    """

    def __init__(self, targets: np.ndarray, classes: ScoredClasses) -> None:
        targets = as_sets(targets, "targets")
        if targets.shape[1] != len(classes):
            raise ValueError(f"targets of {targets.shape[1]} classes, {len(classes)} are scored")
        true = targets.astype(np.float64)
        self.gain = true @ classes.weights
        self.absent = 1 - true
        self.n_true = true.sum(axis=1)
        normal, union = classes.normal, np.maximum(self.n_true, 1)
        with_normal = np.maximum(self.n_true + self.absent[:, normal], 1)
        self.inactive = float((self.gain[:, normal] / with_normal).sum())
        self.correct = float((np.vecdot(self.gain, true) / union).sum())

    def credit(self, labels: np.ndarray) -> np.ndarray:
        """Return each recording's credit, (n,), for its labels, (n, n_classes) bool."""
        on = as_sets(labels, "labels").astype(np.float64)
        if on.shape != self.gain.shape:
            raise ValueError(f"labels of shape {on.shape} for targets of shape {self.gain.shape}")
        union = self.n_true + np.vecdot(self.absent, on)
        return np.vecdot(self.gain, on) / np.maximum(union, 1)

    def normalise(self, credit: float) -> float:
        """Scale a sum of credit: 0 for the inactive answer, 1 for the truth; 0 if those agree."""
        if math.isclose(self.correct, self.inactive, rel_tol=1e-12):
            return 0.0
        return (credit - self.inactive) / (self.correct - self.inactive)

    def __call__(self, labels: np.ndarray) -> float:
        """Return the challenge metric of labels, (n, n_classes) bool."""
        return self.normalise(float(self.credit(labels).sum()))


def challenge_score(targets: np.ndarray, labels: np.ndarray, classes: ScoredClasses) -> float:
    """Return the challenge metric; for repeated calls on the same targets see `ChallengeScorer`."""
    return ChallengeScorer(targets, classes)(labels)


def best_constant(targets: np.ndarray, classes: ScoredClasses) -> tuple[np.ndarray, float]:
    """Find the set of labels that scores best when every recording is given it.

    Steepest ascent by adding or removing one label, from no label and from all labels. In 2,300
    problems of nine classes it found the best of all sets; moves of two labels gained nothing more.

    Returns
    -------
    labels
        (n_classes,) bool.
    score
        The challenge metric of that answer: the floor beside which a score is to be read.
    """
    scorer = ChallengeScorer(targets, classes)
    packed = np.packbits(as_sets(targets, "targets"), axis=1)
    _, first, counts = np.unique(packed, axis=0, return_index=True, return_counts=True)
    distinct = (scorer.gain[first], scorer.absent[first], scorer.n_true[first], counts)
    nothing = np.zeros(len(classes), dtype=bool)
    climbs = [_climb(start, *distinct) for start in (nothing, ~nothing)]
    credit, answer = max(climbs, key=lambda climb: climb[0])
    return answer, scorer.normalise(credit)


def _climb(answer: np.ndarray, *distinct: np.ndarray) -> tuple[float, np.ndarray]:
    """Change one label after the other until none raises the credit; return credit and answer."""
    credit = -math.inf
    while True:
        credits = _credit_of_changes(answer, *distinct)
        best = int(credits.argmax())
        if credits[best] <= credit + MINIMUM_GAIN:
            return credit, answer
        credit, answer = float(credits[best]), answer ^ (np.arange(len(answer)) == best)


def _credit_of_changes(
    answer: np.ndarray, gain: np.ndarray, absent: np.ndarray, n_true: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return the sums of credit, (n_classes,), of an answer after changing each single label."""
    sign = np.where(answer, -1.0, 1.0)
    observed = (gain @ answer)[:, None] + gain * sign
    union = (n_true + absent @ answer)[:, None] + absent * sign
    return counts @ (observed / np.maximum(union, 1))
