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

from ecg12.metrics import beta_measures, macro
from ecg12.thresholds import flat, simplex

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


def iterative_folds(targets: np.ndarray, k: int, seed: int) -> list[np.ndarray]:
    """Divide recordings into k folds by iterative stratification (Sechidis et al., ECML 2011).

    The class with the fewest recordings left is dealt out first, each of its recordings to the
    fold that lacks most of it. Where a class still deviates from its ideal by more than one
    recording, which the published algorithm allows, pairs are swapped between folds until none
    does or no swap helps.

    Parameters
    ----------
    targets
        (n, n_classes) bool; recordings without any class even out the folds' sizes.
    k
        Number of folds.
    seed
        Breaks ties.

    Returns
    -------
    list of np.ndarray
        Sorted indices of each fold.

    Raises
    ------
    ValueError
        If there are fewer recordings than folds.
    """
    _check(targets, k)
    rng = np.random.default_rng(seed)
    fold_of = np.full(len(targets), -1)
    # What each fold lacks of each class, and in all, times k: whole numbers, so that ties are ties.
    lacking, room = np.tile(targets.sum(axis=0), (k, 1)), np.full(k, len(targets))

    def deal(recording: int, needs: np.ndarray) -> None:
        fold = np.lexsort((rng.random(k), room, needs))[-1]
        fold_of[recording] = fold
        lacking[fold] -= k * targets[recording]
        room[fold] -= k

    while (left := targets[fold_of < 0].sum(axis=0)).any():
        rarest = np.where(left > 0, left, len(targets) + 1).argmin()
        for recording in rng.permutation(np.flatnonzero((fold_of < 0) & targets[:, rarest])):
            deal(recording, lacking[:, rarest])
    for recording in rng.permutation(np.flatnonzero(fold_of < 0)):
        deal(recording, room)
    _even_out(targets.astype(np.float64), fold_of, k)
    return [np.flatnonzero(fold_of == fold) for fold in range(k)]


def _even_out(targets: np.ndarray, fold_of: np.ndarray, k: int) -> None:
    """Swap recordings between folds while a class is off by more than one and a swap helps.

    A swap helps if it lowers the sum of squared deviations; sizes stay as they are.
    """
    squares = np.square(targets).sum(axis=1)
    while True:
        counts = np.array([targets[fold_of == fold].sum(axis=0) for fold in range(k)])
        off = counts - targets.sum(axis=0) / k
        if np.abs(off).max() <= 1:
            return
        worst = np.abs(off).max(axis=1).argmax()
        mine = np.flatnonzero(fold_of == worst)
        slopes = off[worst] - off[fold_of]
        change = (targets * slopes).sum(axis=1) - targets[mine] @ slopes.T
        change += squares[mine, None] + squares - 2 * targets[mine] @ targets.T
        one, other = np.unravel_index(change.argmin(), change.shape)
        if change[one, other] >= -1e-9:
            return
        fold_of[mine[one]], fold_of[other] = fold_of[other], worst


def powerset_folds(targets: np.ndarray, k: int, seed: int = 42) -> list[np.ndarray]:
    """Divide recordings into k folds with equal shares of each combination of classes (paper A).

    The combinations, shuffled within, are dealt out one after the other; those rarer than k reach
    only some of the folds.

    Parameters, result and errors as for `iterative_folds`.
    """
    _check(targets, k)
    order = np.random.default_rng(seed).permutation(len(targets))
    combination = np.unique(targets, axis=0, return_inverse=True)[1].ravel()
    order = order[np.argsort(combination[order], kind="stable")]
    return [np.sort(order[fold::k]) for fold in range(k)]


def _check(targets: np.ndarray, k: int) -> None:
    if not 2 <= k <= len(targets):
        raise ValueError(f"{len(targets)} recordings cannot be divided into {k} folds")


def deviation(targets: np.ndarray, folds: Sequence[np.ndarray]) -> float:
    """Return the largest deviation of a fold's class count from its ideal, in recordings."""
    counts = np.array([targets[fold].sum(axis=0) for fold in folds])
    return float(np.abs(counts - targets.sum(axis=0) / len(folds)).max())
