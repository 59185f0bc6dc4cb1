"""Measures per class and over whole sets of classes; definitions are in `ecg12.metrics`."""

import numpy as np

ROUNDING = 1e-12


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


def as_set_pair(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return y_true and y_pred as bool, (n, n_classes) both, or raise a ValueError."""
    y_true, y_pred = as_sets(y_true, "y_true"), as_sets(y_pred, "y_pred")
    if y_true.shape != y_pred.shape:
        raise ValueError(f"y_true has shape {y_true.shape}, y_pred {y_pred.shape}")
    return y_true, y_pred


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the recordings whose classes are all predicted rightly."""
    y_true, y_pred = as_set_pair(y_true, y_pred)
    return float((y_true == y_pred).all(axis=1).mean())


def f_measure(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """F1 per class, (n_classes,); NaN for a class that is neither true nor predicted anywhere."""
    y_true, y_pred = as_set_pair(y_true, y_pred)
    tp = (y_true & y_pred).sum(axis=0)
    return ratio(2 * tp, y_true.sum(axis=0) + y_pred.sum(axis=0))


def precision_recall(y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall per class, each (n_classes,); NaN without predictions, or positives."""
    y_true, y_pred = as_set_pair(y_true, y_pred)
    tp = (y_true & y_pred).sum(axis=0)
    return ratio(tp, y_pred.sum(axis=0)), ratio(tp, y_true.sum(axis=0))


def beta_measures(
    y_true: np.ndarray, y_pred: np.ndarray, beta: float = 2
) -> tuple[np.ndarray, np.ndarray]:
    """F-beta and G-beta per class, each (n_classes,); NaN where a class never occurs.

    Every recording counts 1 / max(1, number of its true classes). `macro` gives their means.
    """
    y_true, y_pred = as_set_pair(y_true, y_pred)
    weight = 1 / np.maximum(y_true.sum(axis=1), 1)
    tp, fp, fn = (weight @ cell for cell in (y_true & y_pred, ~y_true & y_pred, y_true & ~y_pred))
    f = ratio((1 + beta**2) * tp, (1 + beta**2) * tp + fp + beta**2 * fn)
    return f, ratio(tp, tp + fp + beta * fn)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, element by element; NaN where the whole is 0 but for rounding."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > ROUNDING)


def macro_means(values: np.ndarray) -> np.ndarray:
    """Return means over the classes for which a value is defined, (…, n_classes) → (…)."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))


def macro(values: np.ndarray) -> float:
    """Return the mean over the classes for which a value is defined; NaN if there is none."""
    return float(macro_means(values))
