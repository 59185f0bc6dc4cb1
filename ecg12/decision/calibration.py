"""Calibration: from scores to probabilities that mean how often a class is there.

Method
    Platt's (Advances in Large Margin Classifiers, 1999): per class, p = 1 / (1 + exp(-(a l + b))),
    where l is the log-odds of the ensemble's score. a and b minimise the log loss, with targets
    drawn in from 1 and 0 to (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2), without which separable scores
    would drive a to infinity. It has two numbers per class, which some tens of recordings can bear;
    isotonic regression needs a thousand (Niculescu-Mizil and Caruana, ICML 2005).
Conventions
    a ≥ 0, so that a higher score never gives a lower probability; where the best a is negative, it
    is 0, and the probability is the class's (drawn-in) share. A class with fewer than
    `MIN_EXAMPLES` recordings with it, or without it, is *not calibrated*: its coefficients are NaN,
    its scores are passed on as they are, and `Calibration.fitted` says so.
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
from scipy.optimize import minimize
from scipy.special import expit, logit, xlogy

from ecg12.metrics.classwise import as_sets

METHOD = "platt"
MIN_EXAMPLES = 5
NEAREST = 1e-7  # to 0 or 1 that a score counts; float32 resolves no less below 1
BINS = 10


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

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities in [0, 1] for the ensemble's scores, (n, n_classes) both.

        Raises
        ------
        ValueError
            If the shape is another one, or a score is outside [0, 1].
        """
        scores = _checked(scores, len(self.slopes))
        calibrated = expit(self.slopes * _log_odds(scores) + self.intercepts)
        return np.where(self.fitted, calibrated, scores)

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


def calibrate(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """Fit a calibration to recordings that the networks were not trained on.

    Parameters
    ----------
    scores
        (n, n_classes) in [0, 1], the ensemble's medians.
    targets
        (n, n_classes) bool.

    Raises
    ------
    ValueError
        If the shapes differ, or a score is outside [0, 1].
    """
    targets = as_sets(targets, "targets")
    scores = _checked(scores, targets.shape[1])
    positives = targets.sum(axis=0)
    enough = np.minimum(positives, len(targets) - positives) >= MIN_EXAMPLES
    coefficients = [
        platt(own, true) if usable else (np.nan, np.nan)
        for own, true, usable in zip(_log_odds(scores).T, targets.T, enough, strict=True)
    ]
    slopes, intercepts = np.array(coefficients).T
    return Calibration(slopes, intercepts)


def platt(log_odds: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """Return slope, not below 0, and intercept of one class, from (n,) log-odds and targets."""
    n_positive = targets.sum()
    aim = np.where(
        targets, (n_positive + 1) / (n_positive + 2), 1 / (len(targets) - n_positive + 2)
    )

    def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        linear = coefficients[0] * log_odds + coefficients[1]
        error = expit(linear) - aim
        value = np.mean(np.logaddexp(0, linear) - aim * linear)
        return float(value), np.array([np.mean(error * log_odds), np.mean(error)])

    start = np.array([0.0, logit(aim.mean())])
    bounds = [(0, None), (None, None)]
    options = {"ftol": 1e-14, "gtol": 1e-9}
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return float(result.x[0]), float(result.x[1])


def log_loss(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean of -log(probability of the truth), probabilities kept `NEAREST` off 0, 1."""
    inside = np.clip(probabilities, NEAREST, 1 - NEAREST)
    return float(-np.mean(xlogy(targets, inside) + xlogy(1.0 - targets, 1 - inside)))


def brier_score(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the mean squared difference of probability and truth."""
    return float(np.mean((probabilities - targets) ** 2))


def calibration_error(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error, a mean over classes."""
    pairs = zip(targets.T, probabilities.T, strict=True)
    return float(np.mean([_class_error(*pair) for pair in pairs]))


def _class_error(targets: np.ndarray, probabilities: np.ndarray) -> float:
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    excess = np.bincount(bins, probabilities - targets, BINS)
    return float(np.abs(excess).sum() / len(targets))


MEASURES = {
    "log_loss": log_loss,
    "brier": brier_score,
    "calibration_error": calibration_error,
}


def measures(targets: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return each of `MEASURES` of (n, n_classes) probabilities; lower is better."""
    return {name: measure(targets, probabilities) for name, measure in MEASURES.items()}


def before_and_after(
    calibration: Calibration, scores: np.ndarray, targets: np.ndarray
) -> dict[str, dict[str, float]]:
    """Measure the scores ``"before"`` and the probabilities ``"after"`` calibration."""
    stages: Sequence[tuple[str, np.ndarray]]
    stages = ("before", scores), ("after", calibration.apply(scores))
    return {stage: measures(targets, values) for stage, values in stages}


def _log_odds(scores: np.ndarray) -> np.ndarray:
    return logit(np.clip(scores, NEAREST, 1 - NEAREST))


def _checked(scores: np.ndarray, n_classes: int) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 2 or scores.shape[1] != n_classes:
        raise ValueError(f"scores of shape {scores.shape}, {n_classes} classes are calibrated")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(f"scores from {scores.min()} to {scores.max()}; they must be in [0, 1]")
    return scores
