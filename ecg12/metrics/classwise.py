"""Measures per class and over whole label sets; see `ecg12.metrics` for their definitions."""

import math
from collections.abc import Iterator

import numpy as np


def as_sets(values: np.ndarray, name: str) -> np.ndarray:
    """Return an array of 0 and 1 as bool, (n, n_classes).

    Raises
    ------
    ValueError
        If it has not two dimensions, no recording, or other values.
    """
    values = np.asarray(values)
    if values.ndim != 2 or not len(values):
        raise ValueError(f"{name} must be (recordings, classes), got shape {values.shape}")
    if values.dtype != np.bool_ and not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name} must be 0 or 1, got {values.dtype} with other values")
    return values.astype(bool, copy=False)


def as_set_pair(targets: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and labels as bool, (n, n_classes) both, or raise a ValueError."""
    targets, labels = as_sets(targets, "targets"), as_sets(labels, "labels")
    if targets.shape != labels.shape:
        raise ValueError(f"targets have shape {targets.shape}, labels {labels.shape}")
    return targets, labels


def auroc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the receiver operating characteristic, (n_classes,); NaN where undefined."""
    areas = []
    for tp, fp in _curves(targets, scores):
        defined = tp[-1] and fp[-1]
        areas.append(np.trapezoid(tp, fp) / (tp[-1] * fp[-1]) if defined else np.nan)
    return np.array(areas)


def auprc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision, (n_classes,); NaN for a class without positives."""
    areas = []
    for tp, fp in _curves(targets, scores):
        precision = tp[1:] / (tp[1:] + fp[1:])
        areas.append(np.diff(tp) @ precision / tp[-1] if tp[-1] else np.nan)
    return np.array(areas)


def _curves(targets: np.ndarray, scores: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each class the true and false positives (floats) above each distinct score.

    They begin with 0 and 0, at a threshold above all scores.
    """
    targets, scores = as_sets(targets, "targets"), np.asarray(scores, np.float64)
    if scores.shape != targets.shape:
        raise ValueError(f"targets have shape {targets.shape}, scores {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores must not be NaN")
    for true, score in zip(targets.T, scores.T, strict=True):
        order = np.argsort(-score)
        ranked = score[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        tp = np.append(0.0, np.cumsum(true[order])[last])
        yield tp, np.append(0.0, last + 1.0) - tp


def accuracy(targets: np.ndarray, labels: np.ndarray) -> float:
    """Share of the recordings whose labels are all right."""
    targets, labels = as_set_pair(targets, labels)
    return float((targets == labels).all(axis=1).mean())


def f_measure(targets: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """F1 per class, (n_classes,); NaN for a class that no recording has or is given."""
    targets, labels = as_set_pair(targets, labels)
    tp = (targets & labels).sum(axis=0)
    return _ratio(2 * tp, targets.sum(axis=0) + labels.sum(axis=0))


def precision_recall(targets: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall per class, each (n_classes,); NaN where nothing is given, or true."""
    targets, labels = as_set_pair(targets, labels)
    tp = (targets & labels).sum(axis=0)
    return _ratio(tp, labels.sum(axis=0)), _ratio(tp, targets.sum(axis=0))


def beta_measures(
    targets: np.ndarray, labels: np.ndarray, beta: float = 2
) -> tuple[np.ndarray, np.ndarray]:
    """F-beta and G-beta per class, each (n_classes,); NaN where a class never occurs.

    Every recording counts 1 / max(1, number of its true labels). `macro` gives their means.
    """
    targets, labels = as_set_pair(targets, labels)
    weight = 1 / np.maximum(targets.sum(axis=1), 1)
    tp, fp, fn = (
        weight @ cell for cell in (targets & labels, ~targets & labels, targets & ~labels)
    )
    f = _ratio((1 + beta**2) * tp, (1 + beta**2) * tp + fp + beta**2 * fn)
    return f, _ratio(tp, tp + fp + beta * fn)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def macro(values: np.ndarray) -> float:
    """Mean over the classes for which a value is defined; NaN if there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else math.nan
