"""AUROC and average precision of one class, for any weights of its recordings.

The one implementation of both areas: `auroc` and `auprc` weight every recording once, the bootstrap
as often as it was drawn.
"""

import numpy as np
from scipy.sparse import csr_array

from ecg12.metrics.classwise import as_sets, ratio


class RankedClass:
    """Recordings sorted by one class's score: weights, (n, m), → areas, (2, m).

    Scores are sorted from high to low and divided into runs: each distinct score of a positive is
    one, and all that lies between two of them is another. The order of negatives within a run does
    not matter, so their weights are added up by one sparse product.

    Parameters
    ----------
    y_true, y_score
        (n,) bool, and (n,) numbers that are not NaN.
    """

    def __init__(self, y_true: np.ndarray, y_score: np.ndarray) -> None:
        order = np.argsort(-y_score)
        ranked, true = y_score[order], y_true[order]
        first = np.append(True, ranked[1:] != ranked[:-1])  # of the recordings with that score
        starts = np.flatnonzero(first)
        has_positive = np.maximum.reduceat(true, starts)
        starts = starts[has_positive | np.append(True, has_positive[:-1])]
        self.positives = _sums(order, true, starts)
        self.negatives = _sums(order, ~true, starts)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return AUROC and average precision, (2, m); NaN where undefined.

        AUROC is the weighted share of pairs of a positive and a negative in the right order, ties
        counting half, which equals the area under the trapezoids.
        """
        positives, negatives = self.positives @ weights, self.negatives @ weights
        above, true = np.cumsum(negatives, axis=0), np.cumsum(positives, axis=0)
        precision = np.divide(true, true + above, out=np.zeros_like(true), where=true > 0)
        area = ratio(_ordered(positives, negatives, above), true[-1] * above[-1])
        return np.stack([area, ratio((positives * precision).sum(axis=0), true[-1])])

    def pairs(self, weights: np.ndarray) -> np.ndarray:
        """Return the weights of all pairs in the right order, and of all pairs, (2, m)."""
        positives, negatives = self.positives @ weights, self.negatives @ weights
        above = np.cumsum(negatives, axis=0)
        ordered = _ordered(positives, negatives, above)
        return np.stack([ordered, positives.sum(axis=0) * above[-1]])


class RankedWithin:
    """Recordings of several folds, ranked within each: weights, (n, m), → AUROC, (m,).

    The share of pairs in the right order, of the pairs of a positive and a negative of one fold,
    which is the mean of the folds' areas weighted by their pairs. Scores of different networks can
    be compared in no other way.

    Parameters
    ----------
    y_true, y_score
        As for `RankedClass`.
    known
        (n,) bool: which recordings count.
    folds
        (n,) number of each recording's fold.

    Attributes
    ----------
    n_pairs
        How many pairs there are.
    """

    def __init__(
        self, y_true: np.ndarray, y_score: np.ndarray, known: np.ndarray, folds: np.ndarray
    ) -> None:
        self.parts: list[tuple[np.ndarray, RankedClass]] = []
        self.n_pairs = 0
        for fold in np.unique(folds):
            rows = np.flatnonzero(known & (folds == fold))
            n_true = int(y_true[rows].sum())
            if n := n_true * (len(rows) - n_true):
                self.parts.append((rows, RankedClass(y_true[rows], y_score[rows])))
                self.n_pairs += n

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """Return the area, (m,); NaN where undefined."""
        found = np.zeros((2, weights.shape[1]))
        for rows, ranked in self.parts:
            found += ranked.pairs(weights if len(rows) == len(weights) else weights[rows])
        return ratio(*found)


def _ordered(positives: np.ndarray, negatives: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return the weights of pairs in the right order, (m,), from those of runs, (n_runs, m).

    `above` are the negatives' cumulated; ties count half.
    """
    weights: np.ndarray = (positives * (above[-1] - above + negatives / 2)).sum(axis=0)
    return weights


def _sums(order: np.ndarray, chosen: np.ndarray, starts: np.ndarray) -> csr_array:
    """Return the (n_runs, n) matrix that adds up the chosen recordings of each run.

    Parameters
    ----------
    order, chosen
        (n,) the recordings in the order of their runs, and which of them count.
    starts
        (n_runs,) where in that order the runs begin.
    """
    ends = np.append(np.append(0, np.cumsum(chosen))[starts], np.count_nonzero(chosen))
    ones = np.ones(ends[-1])
    return csr_array((ones, order[chosen], ends), shape=(len(starts), len(order)))


def auroc(y_true: np.ndarray, y_score: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Area under the receiver operating characteristic, (n_classes,); NaN where undefined.

    Parameters
    ----------
    y_true, y_score
        (n, n_classes) bool, and (n, n_classes) numbers of which higher means likelier.
    known
        (n, n_classes) bool: which cells of y_true are known; the others do not count. None: all.

    Raises
    ------
    ValueError
        If the shapes differ, there is no recording, or a score is NaN.
    """
    return areas(y_true, y_score, known)[:, 0]


def auprc(y_true: np.ndarray, y_score: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Average precision, (n_classes,); NaN for a class without positives. As `auroc`."""
    return areas(y_true, y_score, known)[:, 1]


def areas(y_true: np.ndarray, y_score: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """AUROC and average precision of each class, (n_classes, 2), sorted once. As `auroc`."""
    y_true, y_score = as_sets(y_true, "y_true"), np.asarray(y_score, np.float64)
    if y_score.shape != y_true.shape:
        raise ValueError(f"y_true has shape {y_true.shape}, y_score {y_score.shape}")
    if np.isnan(y_score).any():
        raise ValueError("y_score must not be NaN")
    once = np.ones(y_true.shape) if known is None else known.astype(np.float64)
    classes = zip(y_true.T, y_score.T, once.T, strict=True)
    found = [RankedClass(true, score)(count[:, None])[:, 0] for true, score, count in classes]
    return np.array(found).reshape(-1, 2)
