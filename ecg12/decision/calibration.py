"""Calibration: from scores to probabilities, the shares of recordings with a class.

Method
    Platt's (Advances in Large Margin Classifiers, 1999): per class, p = 1 / (1 + exp(-(a l + b))),
    where l is the log-odds of the ensemble's score. a and b minimise the log loss, with the
    targets (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2) in place of 1 and 0, without which separable scores
    would make a infinite. Two numbers per class can be fitted to tens of recordings; isotonic
    regression needs a thousand (Niculescu-Mizil and Caruana, ICML 2005).
Conventions
    a ≥ 0, so that a higher score never gives a lower probability; where the best a is negative, it
    is 0, and the probability is the mean of the class's targets. A class with fewer than
    `MIN_EXAMPLES` recordings with it, or without it, is *not calibrated*: its coefficients are NaN,
    its scores stay as they are, and `Calibration.fitted` says so.
Measures
    Log loss and Brier score (mean squared difference), means over recordings and classes; expected
    calibration error: per class, the mean difference of score and share in ten bins of equal width,
    weighted by the bins' recordings, then the mean over classes (static calibration error, Nixon et
    al., CVPR Workshops 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

METHOD = "platt"
MIN_EXAMPLES = 5
NEAREST = 1e-7  # to 0 or 1 that a score counts; float32 resolves no less below 1
BINS = 10
Known = np.ndarray | None  # (n, n_classes) bool: which cells of y_true count; None: all


@dataclass(frozen=True, eq=False)
class Calibration:
    """Platt scaling of each class.

    Attributes
    ----------
    slopes, intercepts
        (n_classes,) float64; NaN for a class that is not calibrated.
    """

    slopes: np.ndarray
    intercepts: np.ndarray

    @property
    def fitted(self) -> np.ndarray:
        """(n_classes,) bool: whether a class is calibrated, or keeps its scores."""
        return ~np.isnan(self.slopes)

    def apply(self, y_score: np.ndarray) -> np.ndarray:
        """Return probabilities in [0, 1] for the ensemble's scores, (n, n_classes) both.

        Raises
        ------
        ValueError
            If the shape is another one, or a score is outside [0, 1].
        """
        y_score = _checked(y_score, len(self.slopes))
        calibrated = _expit(self.slopes * _log_odds(y_score) + self.intercepts)
        return np.where(self.fitted, calibrated, y_score)

    def to_json(self) -> dict[str, Any]:
        """Return it as a model folder holds it; null stands for NaN."""
        columns = {"slopes": self.slopes, "intercepts": self.intercepts}
        lists = {name: [None if np.isnan(v) else v for v in values.tolist()]
                 for name, values in columns.items()}  # fmt: skip
        return {"method": METHOD, **lists}

    @classmethod
    def from_json(cls, stored: dict[str, Any], n_classes: int) -> "Calibration":
        """Return what `to_json` stored.

        Raises
        ------
        ValueError
            If the method is another, or slopes and intercepts do not fit the classes.
        """
        if stored["method"] != METHOD:
            raise ValueError(f"calibration {stored['method']!r}, this version knows {METHOD!r}")
        slopes, intercepts = (
            np.array([np.nan if v is None else v for v in stored[name]], np.float64)
            for name in ("slopes", "intercepts")
        )
        if not slopes.shape == intercepts.shape == (n_classes,):
            raise ValueError(f"calibration of {slopes.shape} classes, {n_classes} are scored")
        if (slopes < 0).any() or (np.isnan(slopes) != np.isnan(intercepts)).any():
            raise ValueError("calibration with a slope below 0, or half of a class's coefficients")
        return cls(slopes, intercepts)


def calibrate(y_score: np.ndarray, y_true: np.ndarray, known: Known = None) -> Calibration:
    """Fit a calibration to recordings that the networks were not trained on.

    Parameters
    ----------
    y_score
        (n, n_classes) in [0, 1], the ensemble's medians.
    y_true
        (n, n_classes) bool.
    known
        (n, n_classes) bool: of each class only these recordings count; None: all.

    Raises
    ------
    ValueError
        If the shapes differ, or a score is outside [0, 1].
    """
    from ecg12.metrics.classwise import as_sets  # slow to load, as SciPy is in `platt`

    y_true = as_sets(y_true, "y_true")
    y_score = _checked(y_score, y_true.shape[1])
    rows = np.ones(y_true.shape, bool) if known is None else known
    positives = (y_true & rows).sum(axis=0)
    enough = np.minimum(positives, rows.sum(axis=0) - positives) >= MIN_EXAMPLES
    columns = zip(_log_odds(y_score).T, y_true.T, rows.T, enough, strict=True)
    coefficients = [
        platt(log_odds[own], true[own]) if usable else (np.nan, np.nan)
        for log_odds, true, own, usable in columns
    ]
    slopes, intercepts = np.array(coefficients).T
    return Calibration(slopes, intercepts)


def platt(log_odds: np.ndarray, y_true: np.ndarray) -> tuple[float, float]:
    """Return slope, not below 0, and intercept of one class, from (n,) log-odds and truth."""
    from scipy.optimize import minimize  # slow to load, and no prediction needs it

    n_positive = y_true.sum()
    n_negative = len(y_true) - n_positive
    target = np.where(y_true, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))

    def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        linear = coefficients[0] * log_odds + coefficients[1]
        error = _expit(linear) - target
        value = np.mean(np.logaddexp(0, linear) - target * linear)
        return float(value), np.array([np.mean(error * log_odds), np.mean(error)])

    start = np.array([0.0, _logit(target.mean())])
    bounds = [(0, None), (None, None)]
    options = {"ftol": 1e-14, "gtol": 1e-9}
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return float(result.x[0]), float(result.x[1])


def log_loss(y_true: np.ndarray, probabilities: np.ndarray, known: Known = None) -> float:
    """Return the mean of -log(probability of the truth), probabilities kept `NEAREST` off 0, 1.

    NaN if nothing is known.
    """
    inside = np.clip(probabilities, NEAREST, 1 - NEAREST)
    losses = y_true * np.log(inside) + (1.0 - y_true) * np.log(1 - inside)
    return -_mean(losses, known)


def brier_score(y_true: np.ndarray, probabilities: np.ndarray, known: Known = None) -> float:
    """Return the mean squared difference of probability and truth; NaN if nothing is known."""
    return _mean((probabilities - y_true) ** 2, known)


def _mean(values: np.ndarray, known: Known) -> float:
    chosen = values if known is None else values[known]
    return float(chosen.mean()) if chosen.size else float("nan")


def calibration_error(y_true: np.ndarray, probabilities: np.ndarray, known: Known = None) -> float:
    """Return the expected calibration error, a mean over classes of which something is known."""
    rows = np.ones(y_true.shape, bool) if known is None else known
    columns = zip(y_true.T, probabilities.T, rows.T, strict=True)
    errors = [_class_error(true[own], p[own]) for true, p, own in columns if own.any()]
    return float(np.mean(errors)) if errors else float("nan")


def _class_error(y_true: np.ndarray, probabilities: np.ndarray) -> float:
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    excess = np.bincount(bins, probabilities - y_true, BINS)
    return float(np.abs(excess).sum() / len(y_true))


MEASURES = {
    "log_loss": log_loss,
    "brier": brier_score,
    "calibration_error": calibration_error,
}


def measures(
    y_true: np.ndarray, probabilities: np.ndarray, known: Known = None
) -> dict[str, float]:
    """Return each of `MEASURES` of (n, n_classes) probabilities; lower is better."""
    return {name: measure(y_true, probabilities, known) for name, measure in MEASURES.items()}


def before_and_after(
    calibration: Calibration, y_score: np.ndarray, y_true: np.ndarray, known: Known = None
) -> dict[str, dict[str, float]]:
    """Measure the scores ``"before"`` and the probabilities ``"after"`` calibration."""
    stages: Sequence[tuple[str, np.ndarray]]
    stages = ("before", y_score), ("after", calibration.apply(y_score))
    return {stage: measures(y_true, values, known) for stage, values in stages}


def _expit(log_odds: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-log_odds)), by the exponential that cannot overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.where(log_odds < 0, small, 1.0) / (1 + small)


def _logit(share: np.ndarray) -> np.ndarray:
    return np.log(share) - np.log1p(-share)


def _log_odds(y_score: np.ndarray) -> np.ndarray:
    return _logit(np.clip(y_score, NEAREST, 1 - NEAREST))


def _checked(y_score: np.ndarray, n_classes: int) -> np.ndarray:
    y_score = np.asarray(y_score, np.float64)
    if y_score.ndim != 2 or y_score.shape[1] != n_classes:
        raise ValueError(f"y_score of shape {y_score.shape}, {n_classes} classes are calibrated")
    if not ((y_score >= 0) & (y_score <= 1)).all():
        raise ValueError(f"scores from {y_score.min()} to {y_score.max()}; they must be in [0, 1]")
    return y_score
