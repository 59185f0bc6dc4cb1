"""Exact searches: sort the scores and sum, from high to low, what each positive prediction gains.

* `single`: the one threshold for all classes that maximises the challenge metric;
* `per_class`: coordinate ascent on it, one exact sweep per class;
* `f_single`, `f_per_class`: the same for the macro F-measure, where classes are independent.

Thresholds lie half-way between distinct scores, so that equal scores are decided alike. Of equally
good thresholds the highest is taken: the fewest positive predictions.
"""

from collections.abc import Sized

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.challenge import MINIMUM_GAIN, ChallengeScorer


def best_threshold(y_score: np.ndarray, order: np.ndarray, steps: np.ndarray) -> float:
    """Return the best threshold if all that score above it gain their steps.

    Parameters
    ----------
    y_score, order, steps
        (m,) scores; the indices that sort them from high to low; the gain of each.
    """
    ranked = y_score[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    gains = np.append(0.0, steps[order].cumsum()[ends])
    levels = np.append(ranked[ends], np.nextafter(ranked[-1], -np.inf))
    best = int(gains.argmax())
    if best in (0, len(ends)):
        return float(levels[best])
    above, below = levels[best - 1], levels[best]
    middle = below + (above - below) / 2
    return float(middle if middle < above else below)


def single(
    y_score: np.ndarray,
    y_true: np.ndarray,
    classes: ScoredClasses,
    known: np.ndarray | None = None,
) -> float:
    """Return the one threshold for all classes that maximises the measure, exactly.

    The measure is the challenge metric; without sinus rhythm, the macro F-measure (`f_single`).

    Parameters
    ----------
    y_score
        (n, n_classes) finite numbers.
    y_true
        (n, n_classes) bool.
    classes
        The scored classes.
    known
        (n, n_classes) bool: which cells of y_true are known; the others do not count. None: all.

    Raises
    ------
    ValueError
        If the shapes differ, there is no recording, or a score is not finite.
    """
    if not classes.has_normal:
        return f_single(_finite(y_score, np.shape(y_true)), y_true, known)
    scorer = ChallengeScorer(y_true, classes, known)
    y_score = _finite(y_score, scorer.gain.shape)
    order = np.argsort(-y_score, axis=1)
    gain = np.take_along_axis(scorer.gain, order, axis=1).cumsum(axis=1)
    union = scorer.n_true[:, None] + np.take_along_axis(scorer.absent, order, 1).cumsum(axis=1)
    credit = gain / np.maximum(union, 1)  # (n, n_classes) with the first 1, 2, … classes predicted
    steps = np.diff(credit, axis=1, prepend=0).ravel()
    events = np.take_along_axis(y_score, order, axis=1).ravel()
    return best_threshold(events, np.argsort(-events), steps)


def per_class(
    y_score: np.ndarray,
    y_true: np.ndarray,
    classes: ScoredClasses,
    start: np.ndarray,
    *,
    free: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Improve thresholds class by class until no class alone can raise the challenge metric.

    Parameters
    ----------
    y_score, y_true, classes, known
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
    scorer = ChallengeScorer(y_true, classes, known)
    ascent = _Ascent(y_score, scorer, *start_and_mask(start, free, classes))
    while any([ascent.improve(k) for k in ascent.order]):
        pass
    return ascent.thresholds


class _Ascent:
    """The thresholds so far, and what each recording earns by them before division.

    All arrays are transposed, (n_classes, n), so that one class is contiguous.
    """

    def __init__(
        self, y_score: np.ndarray, scorer: ChallengeScorer, start: np.ndarray, free: np.ndarray
    ) -> None:
        self.y_score = np.ascontiguousarray(_finite(y_score, scorer.gain.shape).T)
        self.gain, self.absent = scorer.gain.T.copy(), scorer.absent.T.copy()
        self.thresholds = start
        self.y_pred = self.y_score > start[:, None]
        self.earned = np.einsum("kn,kn->n", self.gain, self.y_pred)
        self.union = scorer.n_true + np.einsum("kn,kn->n", self.absent, self.y_pred)
        self.order = {int(k): np.argsort(-self.y_score[k]) for k in np.flatnonzero(free)}

    def improve(self, k: int) -> bool:
        """Set the threshold of class k to its best value; return whether that gained credit."""
        earned = self.earned - self.gain[k] * self.y_pred[k]
        union = self.union - self.absent[k] * self.y_pred[k]
        on = (earned + self.gain[k]) / np.maximum(union + self.absent[k], 1)
        steps = on - earned / np.maximum(union, 1)
        threshold = best_threshold(self.y_score[k], self.order[k], steps)
        predicted = self.y_score[k] > threshold
        if steps @ np.subtract(predicted, self.y_pred[k], dtype=np.int8) <= MINIMUM_GAIN:
            return False
        self.thresholds[k], self.y_pred[k] = threshold, predicted
        self.earned = earned + self.gain[k] * self.y_pred[k]
        self.union = union + self.absent[k] * self.y_pred[k]
        return True


def f_single(y_score: np.ndarray, y_true: np.ndarray, known: np.ndarray | None = None) -> float:
    """Return the one threshold for all classes with the highest macro F of classes that occur.

    Parameters
    ----------
    y_score, y_true
        (n, n_classes) finite numbers, and bool.
    known
        (n, n_classes) bool: which cells count; None: all.
    """
    ranked, steps = _f_steps(y_score, y_true, known)
    return best_threshold(ranked.ravel(), np.argsort(-ranked, axis=None), steps.ravel())


def f_per_class(
    y_score: np.ndarray, y_true: np.ndarray, known: np.ndarray | None = None
) -> np.ndarray:
    """Return the threshold of each class with its highest F, (n_classes,); as `f_single`."""
    ranked, steps = _f_steps(y_score, y_true, known)
    order = np.arange(len(y_score))
    pairs = zip(ranked.T, steps.T, strict=True)
    return np.array([best_threshold(own, order, gains) for own, gains in pairs])


def _f_steps(
    y_score: np.ndarray, y_true: np.ndarray, known: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Sort each class's scores; return them and what each next prediction adds to the class's F.

    F after k predictions is 2 tp / (k + positives); a class without positives gains nothing.
    """
    order = np.argsort(-y_score, axis=0)
    known = np.ones(y_score.shape, bool) if known is None else known
    tp = np.take_along_axis(y_true & known, order, axis=0).cumsum(axis=0)
    n_predicted = np.take_along_axis(known, order, axis=0).cumsum(axis=0)
    f = 2 * tp / np.maximum(n_predicted + tp[-1], 1)
    return np.take_along_axis(y_score, order, axis=0), np.diff(f, axis=0, prepend=0)


def _finite(y_score: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    y_score = np.asarray(y_score, dtype=np.float64)
    if y_score.shape != shape:
        raise ValueError(f"y_score of shape {y_score.shape} for y_true of {shape}")
    if not np.isfinite(y_score).all():
        raise ValueError(f"{(~np.isfinite(y_score)).sum()} scores are not finite")
    return y_score


def start_and_mask(
    start: np.ndarray, free: np.ndarray | None, classes: Sized
) -> tuple[np.ndarray, np.ndarray]:
    """Return a copy of the start as float64, and the mask of classes that may move.

    Raises
    ------
    ValueError
        If they are not one number and one bool per class.
    """
    thresholds = np.array(start, dtype=np.float64)
    mask = np.ones(len(classes), dtype=bool) if free is None else np.asarray(free)
    if not (thresholds.shape == mask.shape == (len(classes),) and mask.dtype == np.bool_):
        raise ValueError(
            f"start and free must be {len(classes)} numbers and bools, got shapes "
            f"{thresholds.shape} and {mask.shape}, {mask.dtype}"
        )
    return thresholds, mask
