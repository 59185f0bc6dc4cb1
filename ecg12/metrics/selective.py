"""Risk and coverage: how accurate a classifier is if the least certain recordings go to a person.

Recordings are ranked by certainty; those kept are the most certain ones. *Coverage* is the share
kept, *risk* one minus their accuracy (El-Yaniv and Wiener, "On the foundations of noise-free
selective classification", JMLR 11:1605, 2010).
"""

from dataclasses import dataclass

import numpy as np

from ecg12.metrics.classwise import as_sets


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Accuracy of the most certain recordings, from few to all.

    Attributes
    ----------
    coverage
        (n_levels,) share of the recordings kept, rising to 1; equally certain ones come together.
    accuracy
        (n_levels,) mean correctness of those kept.
    """

    coverage: np.ndarray
    accuracy: np.ndarray

    @property
    def area(self) -> float:
        """Area under risk over coverage, in steps."""
        return float(np.sum((1 - self.accuracy) * np.diff(self.coverage, prepend=0.0)))

    def left_to_person(self, share: float) -> float:
        """Return the accuracy of the rest if the least certain share goes to a person.

        Parameters
        ----------
        share
            In [0, 1). Of equally certain recordings at the border all are kept.

        Raises
        ------
        ValueError
            If the share is outside [0, 1).
        """
        if not 0 <= share < 1:
            raise ValueError(f"share {share}; it must be at least 0 and below 1")
        reached = np.searchsorted(self.coverage, 1 - share - 1e-9)
        return float(self.accuracy[reached])


def risk_coverage(correct: np.ndarray, certainty: np.ndarray) -> RiskCoverage:
    """Return the risk-coverage curve.

    Parameters
    ----------
    correct
        (n,) bool, or the share of each recording's labels that is right.
    certainty
        (n,) numbers, higher means more certain.

    Raises
    ------
    ValueError
        If there is no recording, the shapes differ, or a certainty is NaN.
    """
    correct, certainty = np.asarray(correct, np.float64), np.asarray(certainty, np.float64)
    if correct.ndim != 1 or correct.shape != certainty.shape or not len(correct):
        raise ValueError(f"correct has shape {correct.shape}, certainty {certainty.shape}")
    if np.isnan(certainty).any():
        raise ValueError("certainty must not be NaN")
    order = np.argsort(-certainty, kind="stable")
    last = np.append(np.diff(certainty[order]) != 0, True)  # of the equally certain
    kept = np.flatnonzero(last) + 1
    return RiskCoverage(kept / len(correct), np.cumsum(correct[order])[kept - 1] / kept)


def label_certainty(probabilities: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return how likely each label is right: p where it is positive, else 1 - p; (n, n_classes).

    Parameters
    ----------
    probabilities
        (n, n_classes) in [0, 1]: calibrated where the model is, else its scores.
    y_pred
        (n, n_classes) bool.
    """
    return np.where(y_pred, probabilities, 1 - np.asarray(probabilities, np.float64))


def recording_curve(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    probabilities: np.ndarray,
    known: np.ndarray | None = None,
) -> RiskCoverage:
    """Return the curve of whole recordings: the share of right labels among those kept.

    A recording's certainty is the mean of `label_certainty` over the classes, the share of its
    labels that is expected to be right. What is correct counts over known labels only; a recording
    without any is left out.

    Parameters
    ----------
    y_true, y_pred
        (n, n_classes) bool.
    probabilities
        As for `label_certainty`.
    known
        (n, n_classes) bool: which cells of y_true are known. None: all.
    """
    y_true, y_pred = as_sets(y_true, "y_true"), as_sets(y_pred, "y_pred")
    cells = np.ones(y_true.shape, bool) if known is None else np.asarray(known, bool)
    certainty = label_certainty(probabilities, y_pred).mean(axis=1)
    some = cells.any(axis=1)
    right = ((y_true == y_pred) & cells)[some].sum(axis=1) / cells[some].sum(axis=1)
    return risk_coverage(right, certainty[some])


def class_curve(
    y_true: np.ndarray, y_pred: np.ndarray, probabilities: np.ndarray, known: np.ndarray | None
) -> RiskCoverage:
    """Return the curve of one class; all arguments (n,), of which `known` may be None."""
    own = np.ones(len(y_true), bool) if known is None else np.asarray(known, bool)
    certainty = label_certainty(probabilities[own], y_pred[own])
    return risk_coverage(np.asarray(y_true)[own] == y_pred[own], certainty)
