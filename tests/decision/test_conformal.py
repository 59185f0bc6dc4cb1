"""Prediction sets: quantiles worked by hand, and the coverage that theory gives."""

import numpy as np
import pytest
from scipy.stats import betabinom

from ecg12.decision.conformal import (
    COVERAGES,
    MIN_EXAMPLES,
    Conformal,
    PredictionSets,
    conformal_rank,
    fit_conformal,
)


@pytest.mark.parametrize(
    ("n", "coverage", "rank"),
    [(9, 0.9, 9), (10, 0.9, 10), (19, 0.9, 18), (30, 0.9, 28), (99, 0.9, 90), (30, 0.99, 31)],
)
def test_ranks_worked_by_hand(n, coverage, rank):
    """10 x .9 = 9; 11 x .9 = 9.9; 20 x .9 = 18; 31 x .9 = 27.9; 100 x .9 = 90; 31 x .99 = 30.7."""
    assert conformal_rank(n, coverage) == rank


def by_hand():
    """Return 40 recordings with the class, scores .31 to .70, and 59 without, .01 to .59."""
    y_score = np.concatenate([np.arange(31, 71), np.arange(1, 60)])[:, None] / 100
    return y_score, np.repeat([True, False], [40, 59])[:, None]


def test_bounds_worked_by_hand():
    """Of 40: rank 41 x .9 = 36.9, so the 37th from above, .34. Of 59: the 54th from below, .54."""
    sets = fit_conformal(*by_hand()).at(0.9)
    assert sets.lowest.tolist() == [0.34]
    assert sets.highest.tolist() == [0.54]
    scores = np.array([0.33, 0.34, 0.54, 0.55])[:, None]
    labels = np.ones((4, 1), bool)
    assert sets.answers(scores, labels).ravel().tolist() == ["no", "uncertain", "uncertain", "yes"]
    assert sets.covers(scores, labels).ravel().tolist() == [False, True, True, True]
    assert sets.covers(scores, ~labels).ravel().tolist() == [True, True, True, False]


def test_the_label_stands_where_a_set_is_empty():
    """At .5: the 21st of 40 from above, .50, and the 30th of 59 from below, .30."""
    sets = fit_conformal(*by_hand()).at(0.5)
    assert (sets.lowest[0], sets.highest[0]) == (0.50, 0.30)
    between = np.array([[0.4], [0.4]])
    assert not sets.holds(between).any()
    assert sets.answers(between, np.array([[True], [False]])).ravel().tolist() == ["yes", "no"]
    assert not sets.covers(between, np.array([[True], [False]])).any()


def test_beyond_the_last_score_nothing_is_excluded():
    """Of 40, 41 x .99 = 40.6 asks for the 41st: every score is possible with the class."""
    sets = fit_conformal(*by_hand()).at(0.99)
    assert sets.lowest.tolist() == [0.0]
    assert sets.holds(np.array([[0.0]]))[1].all()


def test_no_promise_for_too_few():
    y_score, y_true = by_hand()
    known = np.ones(y_true.shape, bool)
    known[: 40 - MIN_EXAMPLES + 1] = False  # 29 with the class are left
    few = fit_conformal(y_score, y_true, known)
    assert few.counts.tolist() == [[59, 29]]
    sets = few.at(0.9)
    assert not sets.promised.any()
    assert sets.answers(y_score, y_true).ravel().tolist() == [""] * len(y_true)
    known[0] = True
    assert fit_conformal(y_score, y_true, known).at(0.9).promised.all()


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_coverage_is_that_of_theory(coverage):
    """Of m new recordings beta-binomially many are covered: mean rank / (n + 1)."""
    rng = np.random.default_rng(0)
    n, m, repeats = 50, 100, 2000
    covered = np.empty((2, repeats))
    for i in range(repeats):
        y_true = np.repeat([False, True], n + m)[:, None]
        y_score = rng.beta(2 + 2 * y_true, 3)
        own = np.tile(np.arange(n + m) < n, 2)
        sets = fit_conformal(y_score[own], y_true[own]).at(coverage)
        found = sets.covers(y_score[~own], y_true[~own]).ravel()
        covered[:, i] = found[:m].sum(), found[m:].sum()
    rank = np.ceil(round((n + 1) * coverage, 9))
    law = betabinom(m, rank, n + 1 - rank)
    error = law.std() / np.sqrt(repeats)
    assert covered.mean(axis=1) == pytest.approx([law.mean()] * 2, abs=4 * error)
    assert covered.std(axis=1) == pytest.approx([law.std()] * 2, rel=0.08)


def test_coverages_between_two_are_rounded_up():
    fitted = fit_conformal(*by_hand())
    assert fitted.at(0.901).coverage == 0.91
    assert fitted.at(0.9).coverage == 0.9


@pytest.mark.parametrize("coverage", [0.49, 0.995, 1.0, float("nan")])
def test_coverages_beyond_those_stored_are_refused(coverage):
    with pytest.raises(ValueError, match=f"{coverage:g}"):
        fit_conformal(*by_hand()).at(coverage)


def test_stored_and_read_again():
    y_score, y_true = by_hand()
    both = np.hstack([y_score, y_score]), np.hstack([y_true, y_true & False])
    fitted = fit_conformal(*both)
    stored = fitted.to_json()
    assert stored["lowest"][1] is None
    again = Conformal.from_json(stored, 2)
    for coverage in COVERAGES:
        assert isinstance(again.at(coverage), PredictionSets)
        np.testing.assert_array_equal(again.at(coverage).lowest, fitted.at(coverage).lowest)
        np.testing.assert_array_equal(again.at(coverage).highest, fitted.at(coverage).highest)
    assert again.counts.tolist() == fitted.counts.tolist() == [[59, 40], [99, 0]]


@pytest.mark.parametrize(
    "change",
    [{"method": "other"}, {"coverages": [0.9]}, {"lowest": [[0.5]]}, {"counts": [[1, 2, 3]]}],
)
def test_stored_otherwise_is_refused(change):
    stored = fit_conformal(*by_hand()).to_json()
    with pytest.raises(ValueError, match="prediction sets|shape|inhomogeneous"):
        Conformal.from_json({**stored, **change}, 1)
