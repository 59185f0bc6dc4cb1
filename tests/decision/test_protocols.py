"""Objectives by hand and against the evaluator; where thresholds are fitted and judged."""

import numpy as np
import pytest

from ecg12.data.stratification import iterative_folds
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


def test_f2_and_g2_by_hand_on_three_classes():
    """Recordings with true labels {A, B}, {A}, {C}, {} weigh 1/2, 1, 1, 1.

    Answers {A}, {A, C}, {}, {B}. A: tp 3/2; B: fn 1/2, fp 1; C: fp 1, fn 1.
    """
    y_true = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], bool)
    y_pred = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 1, 0]], bool)
    assert f2(y_true, y_pred) == pytest.approx(1 / 3)
    y_pred[2, 2] = True  # C: tp 1, fp 1: F2 5/6, G2 1/2
    assert f2(y_true, y_pred) == pytest.approx((1 + 0 + 5 / 6) / 3)
    assert g2(y_true, y_pred) == pytest.approx((1 + 0 + 1 / 2) / 3)
    assert mean_f2_g2(y_true, y_pred) == pytest.approx((11 / 18 + 1 / 2) / 2)
    y_pred[0, 1] = True  # B: tp 1/2, fp 1: F2 2.5 / 3.5, G2 1/3
    assert f2(y_true, y_pred) == pytest.approx((1 + 5 / 7 + 5 / 6) / 3)
    assert g2(y_true, y_pred) == pytest.approx((1 + 1 / 3 + 1 / 2) / 3)


def test_objectives_equal_the_evaluator():
    y_true, y_pred = rare(200, 0), rare(200, 1)
    scores = evaluate(y_true, y_pred, y_pred.astype(float), CPSC_2018)
    assert OBJECTIVES["F2"](y_true, y_pred) == scores["Fbeta-measure"]
    assert OBJECTIVES["G2"](y_true, y_pred) == scores["Gbeta-measure"]
    mean = (scores["Fbeta-measure"] + scores["Gbeta-measure"]) / 2
    assert OBJECTIVES["mean"](y_true, y_pred) == pytest.approx(mean)


def test_flat_search_is_the_best_of_the_grid():
    rng = np.random.default_rng(0)
    y_true = rare(300, 0)
    y_score = np.clip(rng.normal(0.3 + 0.3 * y_true, 0.2), 0, 1)
    found = flat_search(y_score, y_true)
    assert len(set(found)) == 1
    reached = [mean_f2_g2(y_true, y_score > cut / 100) for cut in range(101)]
    assert mean_f2_g2(y_true, y_score > found) == max(reached)


@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize("edge", [None, 0.1])
def test_simplex_search_raises_its_own_objective(objective, edge):
    rng = np.random.default_rng(0)
    y_true = rare(300, 0)
    y_score = np.clip(rng.normal(rng.uniform(0.1, 0.5, 9) + 0.3 * y_true, 0.2), 0, 1)
    measure = OBJECTIVES[objective]
    flat, found = (s(y_score, y_true) for s in (flat_search, simplex_search(measure, edge)))
    assert measure(y_true, y_score > found) > measure(y_true, y_score > flat)


def memorised(n=60, k=5):
    """Scores that tell the truth on what a network saw and are noise on its held-out fold."""
    rng = np.random.default_rng(0)
    y_true = rng.random((n, 3)) < 0.4
    folds = iterative_folds(y_true, k, 0)
    y_score = np.where(y_true, 0.9, 0.1) + np.zeros((k, 1, 1))
    for own, fold in zip(y_score, folds, strict=True):
        own[fold] = rng.random((len(fold), 3))
    return y_score, y_true, folds


def test_only_in_sample_figures_reward_memory():
    y_score, y_true, folds = memorised()
    decided = decide(y_score, y_true, folds, flat_search)
    assert tuple(sorted(decided)) == tuple(sorted(WAYS))
    assert mean_f2_g2(*decided["in-sample"]) == 1
    assert len(decided["in-sample"][0]) == 4 * 60
    for way in ("carried over", "held-out", "nested"):
        assert mean_f2_g2(*decided[way]) < 0.7


def test_ways_fit_and_judge_on_the_recordings_that_they_name():
    """A search that returns marks shows what it was given."""
    y_score, y_true, folds = memorised()
    held_out = np.select(
        [np.isin(np.arange(60), fold)[:, None] for fold in folds], list(y_score), np.nan
    )
    seen = []

    def search(some, true):
        seen.append((some, true))
        return np.full(3, 0.5)

    decided = decide(y_score, y_true, folds, search)
    for number, fold in enumerate(folds):
        rest = np.setdiff1d(np.arange(60), fold)
        for given, own in zip(seen[2 * number : 2 * number + 2], (y_score[number], held_out),
                              strict=True):  # fmt: skip
            np.testing.assert_array_equal(given[0], own[rest])
            np.testing.assert_array_equal(given[1], y_true[rest])
    np.testing.assert_array_equal(seen[-1][0], held_out)
    order = np.concatenate(folds)
    for way in ("carried over", "nested"):
        np.testing.assert_array_equal(decided[way][0], y_true[order])
        np.testing.assert_array_equal(decided[way][1], held_out[order] > 0.5)
    np.testing.assert_array_equal(decided["held-out"][1], held_out > 0.5)


def test_a_search_is_told_which_cells_are_known():
    y_score, y_true, folds = memorised()
    known = np.random.default_rng(1).random(y_true.shape) < 0.5
    seen = []

    def search(some, true, cells):
        seen.append((true, cells))
        return np.full(3, 0.5)

    decide(y_score, y_true, folds, search, known=known)
    rest = np.setdiff1d(np.arange(60), folds[0])
    np.testing.assert_array_equal(seen[0][1], known[rest])
    np.testing.assert_array_equal(seen[-1][1], known)
