"""Stratified folds against exact ideals, scikit-learn's group folds, and hard sets of classes."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from ecg12.data.stratification import deviation, iterative_folds, powerset_folds

SHARES = np.array([1221, 722, 236, 918, 616, 700, 1857, 869, 220]) / 6877  # of CPSC 2018, SPEC A


def rare(n, seed, factor=1.0):
    """Independent classes with the shares of CPSC 2018: many combinations occur once."""
    return np.random.default_rng(seed).random((n, 9)) < factor * SHARES


def combinations_of(targets):
    """Return for each recording a number that names its set of classes."""
    return targets @ 2 ** np.arange(targets.shape[1])


@pytest.mark.parametrize("n", [87, 300, 2000])
@pytest.mark.parametrize("seed", range(6))
def test_iterative_folds_are_within_one_recording_of_the_ideal(n, seed):
    targets = rare(n, seed, 1.3)
    counts = np.unique(combinations_of(targets), return_counts=True)[1]
    assert (counts < 10).any()  # combinations rarer than the folds
    folds = iterative_folds(targets, 10, seed)
    assert sorted(np.concatenate(folds)) == list(range(n))
    ideal = targets.sum(axis=0) / 10
    off = [np.abs(targets[fold].sum(axis=0) - ideal).max() for fold in folds]
    assert max(off) <= 1
    assert deviation(targets, folds) == max(off)


@pytest.mark.parametrize("seed", range(6))
def test_powerset_folds_deal_out_each_combination_evenly(seed):
    targets = rare(300, seed, 1.3)
    folds = powerset_folds(targets, 10)
    assert sorted(np.concatenate(folds)) == list(range(300))
    assert {len(fold) for fold in folds} == {30}
    sets = combinations_of(targets)
    for combination in np.unique(sets):
        counts = [np.sum(sets[fold] == combination) for fold in folds]
        assert max(counts) - min(counts) <= 1
    assert deviation(targets, folds) > deviation(targets, iterative_folds(targets, 10, seed))


def test_powerset_folds_are_those_of_seed_42():
    targets = rare(100, 0)
    for one, two in zip(powerset_folds(targets, 5), powerset_folds(targets, 5, 42), strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(
        one.tolist() != two.tolist()
        for one, two in zip(powerset_folds(targets, 5), powerset_folds(targets, 5, 1), strict=True)
    )


@pytest.mark.parametrize("divide", [lambda t, k: iterative_folds(t, k, 0), powerset_folds])
def test_folds_of_hard_labels(divide):
    """No class at all, a class of everyone, each recording a combination of its own."""
    everything = np.vstack([np.zeros((5, 4), bool), np.arange(16)[:, None] & [1, 2, 4, 8] > 0])
    everything = np.column_stack([everything, np.ones(21, bool)])
    for targets in (np.zeros((21, 3), bool), everything):
        folds = divide(targets, 10)
        assert sorted(np.concatenate(folds)) == list(range(21))
        assert {len(fold) for fold in folds} == {2, 3}
    with pytest.raises(ValueError, match="3 recordings cannot be divided into 4 folds"):
        divide(np.ones((3, 2), bool), 4)


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_dealt_as_wholes_and_evenly(seed):
    """No patient in two folds, and classes spread better than by scikit-learn's GroupKFold."""
    rng = np.random.default_rng(seed)
    targets = rare(400, seed, 1.3)
    patients = rng.integers(0, 150, 400)
    patients[:30] = 150  # one patient with a thirteenth of all recordings
    names = [f"patient {number}" for number in patients]
    folds = iterative_folds(targets, 5, seed, names)
    assert sorted(np.concatenate(folds)) == list(range(400))
    for one in range(5):
        for other in range(one):
            assert not set(patients[folds[one]]) & set(patients[folds[other]])
    blind = [test for _, test in GroupKFold(5).split(targets, groups=patients)]
    assert deviation(targets, folds) < deviation(targets, blind)
    assert max(abs(len(fold) - 80) for fold in folds) < 30  # the largest group


def test_groups_of_one_change_nothing():
    targets = rare(100, 0)
    folds = zip(iterative_folds(targets, 5, 0), iterative_folds(targets, 5, 0, range(100)),
                strict=True)  # fmt: skip
    for alone, grouped in folds:
        np.testing.assert_array_equal(alone, grouped)


def test_more_folds_than_groups_are_refused():
    with pytest.raises(ValueError, match="2 groups of recordings cannot be divided into 3 folds"):
        iterative_folds(np.ones((9, 2), bool), 3, 0, [1, 1, 1, 1, 2, 2, 2, 2, 2])
