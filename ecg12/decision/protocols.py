"""Cross-validation: folds with equal shares of every class, and thresholds judged honestly.

The protocol is paper A's (Singstad and Tronstad, 2020): ten folds with the class shares of the
whole set, decision thresholds by downhill simplex from the best flat one, for F2 and G2.

The authors fitted the thresholds on the scores of training recordings and published the result on
the same ones. `WAYS` sets that beside three stricter readings:

* ``in-sample``: fitted on each network's training part and scored there, as published;
* ``carried over``: the same thresholds, scored on the held-out folds, as in the authors' test;
* ``held-out``: fitted on the held-out scores of all folds together and scored there;
* ``nested``: for each fold, fitted on the held-out scores of the other folds.

Only ``carried over`` and ``nested`` never fit a threshold to the recordings that it is judged on.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ecg12.decision.thresholds import flat, simplex
from ecg12.metrics import beta_measures, macro

WAYS = ("in-sample", "carried over", "held-out", "nested")
Decided = tuple[np.ndarray, np.ndarray]  # targets and labels, both (n, n_classes) bool
Objective = Callable[[np.ndarray, np.ndarray], float]
Search = Callable[[np.ndarray, np.ndarray], np.ndarray]  # scores, targets → (n_classes,) thresholds


def f2(targets: np.ndarray, labels: np.ndarray) -> float:
    """Return the macro mean of F2."""
    return macro(beta_measures(targets, labels)[0])


def g2(targets: np.ndarray, labels: np.ndarray) -> float:
    """Return the macro mean of G2."""
    return macro(beta_measures(targets, labels)[1])


def mean_f2_g2(targets: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of macro F2 and macro G2."""
    f, g = beta_measures(targets, labels)
    return (macro(f) + macro(g)) / 2


OBJECTIVES: dict[str, Objective] = {"F2": f2, "G2": g2, "mean": mean_f2_g2}


def flat_search(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the flat threshold with the highest mean of F2 and G2, once per class (paper A)."""
    best = flat(scores, lambda labels: mean_f2_g2(targets, labels))
    return np.full(scores.shape[1], best)


def simplex_search(objective: Objective, edge: float | None = None) -> Search:
    """Return the search that moves all thresholds from the flat one by downhill simplex.

    Parameters
    ----------
    objective
        What to maximise, from targets and labels.
    edge
        Of the first simplex; None for SciPy's, a twentieth of each threshold.
    """

    def search(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        start = flat_search(scores, targets)
        return simplex(scores, lambda labels: objective(targets, labels), start, edge=edge)

    return search


def decide(
    scores: np.ndarray, targets: np.ndarray, folds: Sequence[np.ndarray], search: Search
) -> dict[str, Decided]:
    """Fit thresholds in each of `WAYS` and return the labels that they give.

    Parameters
    ----------
    scores
        (n_folds, n, n_classes): of each fold's network, which never saw that fold, on all
        recordings.
    targets
        (n, n_classes) bool.
    folds
        The held-out indices of each fold; together all recordings.
    search
        From scores and targets to thresholds.

    Returns
    -------
    dict
        Way → targets and labels, those of all folds one below the other.
    """
    everyone = np.arange(len(targets))
    held_out = np.empty(targets.shape)
    for fold, own in zip(folds, scores, strict=True):
        held_out[fold] = own[fold]
    pairs: dict[str, list[Decided]] = {way: [] for way in WAYS}
    for fold, own in zip(folds, scores, strict=True):
        rest = np.setdiff1d(everyone, fold)
        fitted = search(own[rest], targets[rest])
        pairs["in-sample"].append((targets[rest], own[rest] > fitted))
        pairs["carried over"].append((targets[fold], own[fold] > fitted))
        nested = search(held_out[rest], targets[rest])
        pairs["nested"].append((targets[fold], held_out[fold] > nested))
    pairs["held-out"].append((targets, held_out > search(held_out, targets)))
    return {way: _stacked(parts) for way, parts in pairs.items()}


def _stacked(parts: Sequence[Decided]) -> Decided:
    targets, labels = zip(*parts, strict=True)
    return np.concatenate(targets), np.concatenate(labels)
