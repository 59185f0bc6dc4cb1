"""Where to cut sorted scores, exactly; and the cuts that maximise the macro F-measure.

Cuts lie between distinct scores, half-way, so that recordings with equal scores are decided alike.
Of equally good cuts the highest is taken: the fewest labels.
"""

import numpy as np


def best_cut(scores: np.ndarray, order: np.ndarray, steps: np.ndarray) -> float:
    """Return the best threshold if all that score above it gain their steps.

    Parameters
    ----------
    scores, order, steps
        (m,) scores; the indices that sort them from high to low; the gain of each.
    """
    ranked = scores[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    gains = np.append(0.0, steps[order].cumsum()[ends])
    levels = np.append(ranked[ends], np.nextafter(ranked[-1], -np.inf))
    best = int(gains.argmax())
    if best in (0, len(ends)):
        return float(levels[best])
    above, below = levels[best - 1], levels[best]
    middle = below + (above - below) / 2
    return float(middle if middle < above else below)


def f_single(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the one threshold for all classes with the highest macro F of classes that occur.

    Parameters
    ----------
    scores, targets
        (n, n_classes) finite numbers, and bool.
    """
    ranked, steps = _f_steps(scores, targets)
    return best_cut(ranked.ravel(), np.argsort(-ranked, axis=None), steps.ravel())


def f_per_class(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the threshold of each class with its highest F, (n_classes,)."""
    ranked, steps = _f_steps(scores, targets)
    order = np.arange(len(scores))
    pairs = zip(ranked.T, steps.T, strict=True)
    return np.array([best_cut(own, order, gains) for own, gains in pairs])


def _f_steps(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort each class's scores; return them and what each next answer adds to the class's F.

    F after k answers is 2 tp / (k + positives); a class without positives gains nothing.
    """
    order = np.argsort(-scores, axis=0)
    tp = np.take_along_axis(np.asarray(targets), order, axis=0).cumsum(axis=0)
    answers = np.arange(1, len(scores) + 1)[:, None]
    f = 2 * tp / (answers + tp[-1])
    return np.take_along_axis(scores, order, axis=0), np.diff(f, axis=0, prepend=0)
