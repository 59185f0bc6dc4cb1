"""Protocols of cross-validation: where thresholds are fitted, and where they are judged.

Paper A's objectives (Singstad and Tronstad, 2020): decision thresholds by downhill simplex from the
best flat one, for F2 and G2.

The authors fitted the thresholds on the scores of training recordings and published the result on
the same ones. `WAYS` compares that with three stricter protocols:

* ``in-sample``: fitted on each network's training part and scored there, as published;
* ``carried over``: the same thresholds, scored on the held-out folds, as in the authors' test;
* ``held-out``: fitted on the held-out scores of all folds together and scored there;
* ``nested``: for each fold, fitted on the held-out scores of the other folds.

Only ``carried over`` and ``nested`` never fit a threshold to the recordings that it is judged on.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ecg12.decision.simplex import flat, simplex
from ecg12.metrics import beta_measures, macro

WAYS = ("in-sample", "carried over", "held-out", "nested")
Decided = tuple[np.ndarray, np.ndarray]  # y_true and y_pred, both (n, n_classes) bool
Objective = Callable[[np.ndarray, np.ndarray], float]  # y_true, y_pred → what to maximise
# y_score, y_true and, where some cells are unknown, the known cells → (n_classes,) thresholds
Search = Callable[..., np.ndarray]


def f2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the macro mean of F2."""
    return macro(beta_measures(y_true, y_pred)[0])


def g2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the macro mean of G2."""
    return macro(beta_measures(y_true, y_pred)[1])


def mean_f2_g2(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the mean of macro F2 and macro G2."""
    f, g = beta_measures(y_true, y_pred)
    return (macro(f) + macro(g)) / 2


OBJECTIVES: dict[str, Objective] = {"F2": f2, "G2": g2, "mean": mean_f2_g2}


def flat_search(y_score: np.ndarray, y_true: np.ndarray) -> np.ndarray:
    """Return the flat threshold with the highest mean of F2 and G2, once per class (paper A)."""
    best = flat(y_score, lambda y_pred: mean_f2_g2(y_true, y_pred))
    return np.full(y_score.shape[1], best)


def simplex_search(objective: Objective, edge: float | None = None) -> Search:
    """Return the search that moves all thresholds from the flat one by downhill simplex.

    Parameters
    ----------
    objective
        What to maximise, from y_true and y_pred.
    edge
        Of the first simplex; None for SciPy's, a twentieth of each threshold.
    """

    def search(y_score: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        start = flat_search(y_score, y_true)
        return simplex(y_score, lambda y_pred: objective(y_true, y_pred), start, edge=edge)

    return search


def held_out_scores(y_score: np.ndarray, folds: Sequence[np.ndarray]) -> np.ndarray:
    """Return each recording's scores by the network that never saw it, (n, n_classes).

    Parameters
    ----------
    y_score, folds
        As for `decide`.
    """
    found = np.empty(y_score.shape[1:])
    for fold, own in zip(folds, y_score, strict=True):
        found[fold] = own[fold]
    return found


def decide(
    y_score: np.ndarray,
    y_true: np.ndarray,
    folds: Sequence[np.ndarray],
    search: Search,
    *,
    known: np.ndarray | None = None,
) -> dict[str, Decided]:
    """Fit thresholds in each of `WAYS` and return the predictions that they give.

    Parameters
    ----------
    y_score
        (n_folds, n, n_classes): of each fold's network, which never saw that fold, on all
        recordings.
    y_true
        (n, n_classes) bool.
    folds
        The held-out indices of each fold; together all recordings.
    search
        From scores and truth to thresholds.
    known
        (n, n_classes) bool: which cells of y_true are known; `search` is given them as well.
        None: all.

    Returns
    -------
    dict
        Way → y_true and y_pred, those of all folds one below the other.
    """
    cells = (y_true,) if known is None else (y_true, known)

    def fitted(scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return search(scores[rows], *(own[rows] for own in cells))

    held_out = held_out_scores(y_score, folds)
    pairs: dict[str, list[Decided]] = {way: [] for way in WAYS}
    for fold, own in zip(folds, y_score, strict=True):
        rest = np.setdiff1d(np.arange(len(y_true)), fold)
        thresholds = fitted(own, rest)
        pairs["in-sample"].append((y_true[rest], own[rest] > thresholds))
        pairs["carried over"].append((y_true[fold], own[fold] > thresholds))
        pairs["nested"].append((y_true[fold], held_out[fold] > fitted(held_out, rest)))
    whole = np.arange(len(y_true))
    pairs["held-out"].append((y_true, held_out > fitted(held_out, whole)))
    return {way: _stacked(parts) for way, parts in pairs.items()}


def _stacked(parts: Sequence[Decided]) -> Decided:
    y_true, y_pred = zip(*parts, strict=True)
    return np.concatenate(y_true), np.concatenate(y_pred)
