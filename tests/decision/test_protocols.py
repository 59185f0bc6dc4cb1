"""Folds against exact ideals, objectives by hand and against the evaluator, ways of judging."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from ecg12.data.stratification import deviation, iterative_folds, powerset_folds
from ecg12.decision.protocols import (
    OBJECTIVES,
    WAYS,
    decide,
    f2,
    flat_search,
    g2,
    mean_f2_g2,
    simplex_search,
)
from ecg12.io.classes import CPSC_2018
from ecg12.metrics import evaluate

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


def test_f2_and_g2_by_hand_on_three_classes():
    """Recordings with true labels {A, B}, {A}, {C}, {} weigh 1/2, 1, 1, 1.

    Answers {A}, {A, C}, {}, {B}. A: tp 3/2; B: fn 1/2, fp 1; C: fp 1, fn 1.
    """
    targets = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], bool)
    labels = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 1, 0]], bool)
    assert f2(targets, labels) == pytest.approx(1 / 3)
    labels[2, 2] = True  # C: tp 1, fp 1: F2 5/6, G2 1/2
    assert f2(targets, labels) == pytest.approx((1 + 0 + 5 / 6) / 3)
    assert g2(targets, labels) == pytest.approx((1 + 0 + 1 / 2) / 3)
    assert mean_f2_g2(targets, labels) == pytest.approx((11 / 18 + 1 / 2) / 2)
    labels[0, 1] = True  # B: tp 1/2, fp 1: F2 2.5 / 3.5, G2 1/3
    assert f2(targets, labels) == pytest.approx((1 + 5 / 7 + 5 / 6) / 3)
    assert g2(targets, labels) == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)


def test_objectives_equal_the_evaluator():
    targets, labels = rare(200, 0), rare(200, 1)
    scores = evaluate(targets, labels, labels.astype(float), CPSC_2018)
    assert OBJECTIVES["F2"](targets, labels) == scores["Fbeta-measure"]
    assert OBJECTIVES["G2"](targets, labels) == scores["Gbeta-measure"]
    mean = (scores["Fbeta-measure"] + scores["Gbeta-measure"]) / 2
    assert OBJECTIVES["mean"](targets, labels) == pytest.approx(mean)


def test_flat_search_is_the_best_of_the_grid():
    rng = np.random.default_rng(0)
    targets = rare(300, 0)
    scores = np.clip(rng.normal(0.3 + 0.3 * targets, 0.2), 0, 1)
    found = flat_search(scores, targets)
    assert len(set(found)) == 1
    reached = [mean_f2_g2(targets, scores > cut / 100) for cut in range(101)]
    assert mean_f2_g2(targets, scores > found) == max(reached)


@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize("edge", [None, 0.1])
def test_simplex_search_raises_its_own_objective(objective, edge):
    rng = np.random.default_rng(0)
    targets = rare(300, 0)
    scores = np.clip(rng.normal(rng.uniform(0.1, 0.5, 9) + 0.3 * targets, 0.2), 0, 1)
    measure = OBJECTIVES[objective]
    flat, found = (s(scores, targets) for s in (flat_search, simplex_search(measure, edge)))
    assert measure(targets, scores > found) > measure(targets, scores > flat)


def memorised(n=60, k=5):
    """Scores that tell the truth on what a network saw and are noise on its held-out fold."""
    rng = np.random.default_rng(0)
    targets = rng.random((n, 3)) < 0.4
    folds = iterative_folds(targets, k, 0)
    scores = np.where(targets, 0.9, 0.1) + np.zeros((k, 1, 1))
    for own, fold in zip(scores, folds, strict=True):
        own[fold] = rng.random((len(fold), 3))
    return scores, targets, folds


def test_only_in_sample_figures_reward_memory():
    scores, targets, folds = memorised()
    decided = decide(scores, targets, folds, flat_search)
    assert tuple(sorted(decided)) == tuple(sorted(WAYS))
    assert mean_f2_g2(*decided["in-sample"]) == 1
    assert len(decided["in-sample"][0]) == 4 * 60
    for way in ("carried over", "held-out", "nested"):
        assert mean_f2_g2(*decided[way]) < 0.7


def test_ways_fit_and_judge_on_the_recordings_that_they_name():
    """A search that returns marks shows what it was given."""
    scores, targets, folds = memorised()
    held_out = np.select(
        [np.isin(np.arange(60), fold)[:, None] for fold in folds], list(scores), np.nan
    )
    seen = []

    def search(some, true):
        seen.append((some, true))
        return np.full(3, 0.5)

    decided = decide(scores, targets, folds, search)
    for number, fold in enumerate(folds):
        rest = np.setdiff1d(np.arange(60), fold)
        for given, own in zip(seen[2 * number : 2 * number + 2], (scores[number], held_out),
                              strict=True):  # fmt: skip
            np.testing.assert_array_equal(given[0], own[rest])
            np.testing.assert_array_equal(given[1], targets[rest])
    np.testing.assert_array_equal(seen[-1][0], held_out)
    order = np.concatenate(folds)
    for way in ("carried over", "nested"):
        np.testing.assert_array_equal(decided[way][0], targets[order])
        np.testing.assert_array_equal(decided[way][1], held_out[order] > 0.5)
    np.testing.assert_array_equal(decided["held-out"][1], held_out > 0.5)
