"""The challenge metric: credit for pairs of true and predicted classes, and its baseline."""

import math

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.classwise import as_set_pair, as_sets

MINIMUM_GAIN = 1e-9  # credit, in recordings; less is rounding
AGREE = 1e-12  # relative difference of two sums of credit that is rounding


def confusion(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return the modified confusion matrix: each pair in T × L of a recording adds 1 / |T ∪ L|.

    Returns
    -------
    (n_classes, n_classes) float64; row: true class, column: predicted class. With the weights W the
    challenge metric's sum is (W * A).sum(). This is paper B's figure 3 before its rows are scaled.
    """
    y_true, y_pred = as_set_pair(y_true, y_pred)
    union = np.maximum((y_true | y_pred).sum(axis=1), 1)
    return y_true.T.astype(np.float64) @ (y_pred / union[:, None])


class ChallengeScorer:
    """The challenge metric for fixed y_true, its constants computed once: y_pred → score.

    Parameters
    ----------
    y_true
        (n, n_classes) bool.
    classes
        The scored classes, sinus rhythm among them.
    known
        (n, n_classes) bool; predictions in unknown cells are neither credited nor counted. None:
        all are known.

    Attributes
    ----------
    gain
        (n, n_classes) float64: credit of each predicted class before division by |T ∪ L|,
        y_true @ weights.
    absent
        (n, n_classes) float64: 1 where a prediction would enlarge the union, 0 where it is true.
    n_true
        (n,) number of true classes.
    inactive, correct
        Sums of credit of the prediction "sinus rhythm" for all, and of the truth.

    Raises
    ------
    ValueError
        If y_true is not (n, n_classes) of 0 and 1, or sinus rhythm is not among the classes.
    """

    def __init__(
        self, y_true: np.ndarray, classes: ScoredClasses, known: np.ndarray | None = None
    ) -> None:
        y_true = as_sets(y_true, "y_true")
        if y_true.shape[1] != len(classes):
            raise ValueError(f"y_true of {y_true.shape[1]} classes, {len(classes)} are scored")
        if known is not None:
            y_true = y_true & known
        true = y_true.astype(np.float64)
        self.gain = true @ classes.weights
        self.absent = 1 - true
        if known is not None:
            self.gain, self.absent = self.gain * known, self.absent * known
        self.n_true = true.sum(axis=1)
        normal, union = classes.normal, np.maximum(self.n_true, 1)
        with_normal = np.maximum(self.n_true + self.absent[:, normal], 1)
        self.inactive = float((self.gain[:, normal] / with_normal).sum())
        self.correct = float((np.vecdot(self.gain, true) / union).sum())

    def credit(self, y_pred: np.ndarray) -> np.ndarray:
        """Return each recording's credit, (n,), for y_pred, (n, n_classes) bool."""
        on = as_sets(y_pred, "y_pred").astype(np.float64)
        if on.shape != self.gain.shape:
            raise ValueError(f"y_pred of shape {on.shape} for y_true of shape {self.gain.shape}")
        union = self.n_true + np.vecdot(self.absent, on)
        return np.vecdot(self.gain, on) / np.maximum(union, 1)

    def normalise(self, credit: float) -> float:
        """Scale a sum of credit: inactive prediction 0, truth 1; 0 if those two agree."""
        return float(normalise(np.array(credit), self.inactive, self.correct))

    def __call__(self, y_pred: np.ndarray) -> float:
        """Return the challenge metric of y_pred, (n, n_classes) bool."""
        return self.normalise(float(self.credit(y_pred).sum()))


def normalise(
    credit: np.ndarray, inactive: np.ndarray | float, correct: np.ndarray | float
) -> np.ndarray:
    """Scale sums of credit such that the inactive prediction's is 0 and the truth's 1.

    Where those two agree, as for recordings of sinus rhythm alone, 0 for every prediction.
    """
    gain = np.subtract(correct, inactive)
    differ = np.abs(gain) > AGREE * np.maximum(np.abs(correct), np.abs(inactive))
    return np.divide(credit - inactive, gain, out=np.zeros(np.shape(credit)), where=differ)


def challenge_score(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    classes: ScoredClasses,
    known: np.ndarray | None = None,
) -> float:
    """Return the challenge metric; for repeated calls with one y_true see `ChallengeScorer`."""
    return ChallengeScorer(y_true, classes, known)(y_pred)


def best_constant(
    y_true: np.ndarray, classes: ScoredClasses, known: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Find the best constant prediction: the set of classes that scores best for all recordings.

    Steepest ascent by adding or removing one class, from no class and from all classes. In 2,300
    problems of nine classes it found the best of all sets; moves of two classes gained nothing.
    Arguments are those of `ChallengeScorer`.

    Returns
    -------
    predicted
        (n_classes,) bool.
    score
        The challenge metric of that prediction: the baseline with which a score is compared.
    """
    scorer = ChallengeScorer(y_true, classes, known)
    cells = as_sets(y_true, "y_true")
    packed = np.packbits(cells if known is None else np.hstack([cells, known]), axis=1)
    _, first, counts = np.unique(packed, axis=0, return_index=True, return_counts=True)
    distinct = (scorer.gain[first], scorer.absent[first], scorer.n_true[first], counts)
    nothing = np.zeros(len(classes), dtype=bool)
    found = [_ascend(start, *distinct) for start in (nothing, ~nothing)]
    credit, predicted = max(found, key=lambda pair: pair[0])
    return predicted, scorer.normalise(credit)


def _ascend(predicted: np.ndarray, *distinct: np.ndarray) -> tuple[float, np.ndarray]:
    """Change one class after the other until none raises the credit; return credit and classes."""
    credit = -math.inf
    while True:
        credits = _credit_of_changes(predicted, *distinct)
        best = int(credits.argmax())
        if credits[best] <= credit + MINIMUM_GAIN:
            return credit, predicted
        credit, predicted = float(credits[best]), predicted ^ (np.arange(len(predicted)) == best)


def _credit_of_changes(
    predicted: np.ndarray,
    gain: np.ndarray,
    absent: np.ndarray,
    n_true: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """Return the sums of credit, (n_classes,), of a prediction after changing each class."""
    sign = np.where(predicted, -1.0, 1.0)
    observed = (gain @ predicted)[:, None] + gain * sign
    union = (n_true + absent @ predicted)[:, None] + absent * sign
    return counts @ (observed / np.maximum(union, 1))
