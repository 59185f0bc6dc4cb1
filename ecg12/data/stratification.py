"""Folds with equal shares of every class: iterative stratification, and paper A's by combinations.

Iterative stratification: Sechidis et al., "On the stratification of multi-label data", ECML 2011.
"""

from collections.abc import Hashable, Sequence

import numpy as np


def iterative_folds(
    targets: np.ndarray, k: int, seed: int, groups: Sequence[Hashable] | None = None
) -> list[np.ndarray]:
    """Divide recordings into k folds by iterative stratification (Sechidis et al., ECML 2011).

    The class with the fewest recordings left is dealt out first, each of its recordings to the
    fold that lacks most of it. Where a class still deviates from its ideal by more than one
    recording, which the published algorithm allows, pairs are swapped between folds until none
    does or no swap helps.

    Groups, such as the recordings of one patient, are dealt and swapped as wholes; of a class's
    groups those with most of its recordings come first, and only groups of equal size are swapped.

    Parameters
    ----------
    targets
        (n, n_classes) bool; recordings without any class even out the folds' sizes.
    k
        Number of folds.
    seed
        Breaks ties.
    groups
        (n,) the group of each recording; by default each is its own.

    Returns
    -------
    list of np.ndarray
        Sorted indices of each fold.

    Raises
    ------
    ValueError
        If there are fewer recordings, or groups, than folds.
    """
    _check(targets, k)
    own = np.arange(len(targets)) if groups is None else _numbered(groups)
    sizes = np.bincount(own)
    if k > len(sizes):
        raise ValueError(f"{len(sizes)} groups of recordings cannot be divided into {k} folds")
    counts = np.zeros((len(sizes), targets.shape[1]), int)
    np.add.at(counts, own, targets)
    fold_of = _deal(counts, sizes, k, np.random.default_rng(seed))
    _even_out(counts.astype(np.float64), sizes, fold_of, k)
    return [np.flatnonzero(fold_of[own] == fold) for fold in range(k)]


def _numbered(groups: Sequence[Hashable]) -> np.ndarray:
    """Return the number of each recording's group, from 0 in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups])


def _deal(counts: np.ndarray, sizes: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of each group, given its recordings per class and in all."""
    fold_of = np.full(len(sizes), -1)
    # What each fold lacks of each class, and in all, times k: whole numbers, so that ties are ties.
    lacking, capacity = np.tile(counts.sum(axis=0), (k, 1)), np.full(k, sizes.sum())

    def deal(group: int, needs: np.ndarray) -> None:
        fold = np.lexsort((rng.random(k), capacity, needs))[-1]
        fold_of[group] = fold
        lacking[fold] -= k * counts[group]
        capacity[fold] -= k * sizes[group]

    def shuffled(chosen: np.ndarray, most: np.ndarray) -> np.ndarray:
        order = rng.permutation(np.flatnonzero(chosen & (fold_of < 0)))
        return order[np.argsort(-most[order], kind="stable")]

    while (left := counts[fold_of < 0].sum(axis=0)).any():
        rarest = np.where(left > 0, left, sizes.sum() + 1).argmin()
        for group in shuffled(counts[:, rarest] > 0, counts[:, rarest]):
            deal(group, lacking[:, rarest])
    for group in shuffled(fold_of < 0, sizes):
        deal(group, capacity)
    return fold_of


def _even_out(counts: np.ndarray, sizes: np.ndarray, fold_of: np.ndarray, k: int) -> None:
    """Swap groups between folds while a class is off by more than one and a swap helps.

    A swap helps if it lowers the sum of squared deviations; the folds' sizes stay as they are.
    """
    squares = np.square(counts).sum(axis=1)
    ideal = counts.sum(axis=0) / k
    while True:
        off = np.array([counts[fold_of == fold].sum(axis=0) for fold in range(k)]) - ideal
        if np.abs(off).max() <= 1:
            return
        worst = np.abs(off).max(axis=1).argmax()
        # Of groups equal in counts, size and fold only the first is considered.
        alike = np.column_stack([counts, sizes, fold_of])
        some = np.sort(np.unique(alike, axis=0, return_index=True)[1])
        mine = some[fold_of[some] == worst]
        slopes = off[worst] - off[fold_of[some]]
        change = (counts[some] * slopes).sum(axis=1) - counts[mine] @ slopes.T
        change += squares[mine, None] + squares[some] - 2 * counts[mine] @ counts[some].T
        change[sizes[mine, None] != sizes[some]] = np.inf
        place, partner = np.unravel_index(change.argmin(), change.shape)
        if change[place, partner] >= -1e-9:
            return
        one, other = mine[place], some[partner]
        fold_of[one], fold_of[other] = fold_of[other], worst


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
