"""Curves of one class, through scikit-learn: ROC, precision over recall, reliability."""

from dataclasses import dataclass

import numpy as np

from ecg12.runtime.optional_deps import require_extra

with require_extra("a report", "report"):
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import precision_recall_curve, roc_curve

POINTS = 200  # of a curve, at most; what is left out could not be seen
BINS = 10  # of a reliability curve, each with a tenth of the recordings


@dataclass(frozen=True, eq=False)
class Curve:
    """A polygon: x and y, (n_points,)."""

    x: np.ndarray
    y: np.ndarray


def roc(y_true: np.ndarray, y_score: np.ndarray) -> Curve | None:
    """Return sensitivity over 1 - specificity; None for a class without positives or negatives.

    Parameters
    ----------
    y_true, y_score
        (n,) bool and (n,) numbers of one class.
    """
    if not y_true.any() or y_true.all():
        return None
    x, y, _ = roc_curve(y_true, _ranked(y_score))
    return _thinned(x, y)


def precision_recall(y_true: np.ndarray, y_score: np.ndarray) -> Curve | None:
    """Return precision over recall, from high scores to low; None for a class without positives.

    Of each recall the highest threshold counts, whose precision holds from the recall before it, as
    average precision sums it; so the first holds from recall 0, instead of scikit-learn's end at
    precision 1, which no threshold may reach.
    """
    if not y_true.any():
        return None
    precision, recall, _ = precision_recall_curve(y_true, _ranked(y_score))
    x, first = np.unique(recall[-2::-1], return_index=True)
    y = precision[-2::-1][first]
    x, y = x[x > 0], y[x > 0]
    return _thinned(np.append(0, x), np.append(y[0], y))


def reliability(y_true: np.ndarray, y_score: np.ndarray) -> Curve | None:
    """Return the share of positives over the mean score of groups; None without positives.

    The groups are tenths of the recordings by score, fewer where equal scores stay together.

    Parameters
    ----------
    y_true, y_score
        (n,) bool and (n,) probabilities of one class.
    """
    if not y_true.any():
        return None
    share, mean = calibration_curve(y_true, y_score, n_bins=BINS, strategy="quantile")
    return Curve(mean, share)


def _ranked(y_score: np.ndarray) -> np.ndarray:
    """Return the ranks of scores, equal ones alike: scikit-learn refuses infinite scores."""
    return np.unique(y_score, return_inverse=True)[1]


def _thinned(x: np.ndarray, y: np.ndarray) -> Curve:
    """Keep the ends and points at about equal steps along the curve."""
    if len(x) <= POINTS:
        return Curve(x, y)
    length = np.append(0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
    kept = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS)))
    return Curve(x[kept], y[kept])
