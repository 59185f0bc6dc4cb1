"""Threshold searches against brute force over all cuts."""

import logging
from pathlib import Path

import numpy as np
import pytest

from ecg12.decision.thresholds import flat, per_class, simplex, single, tune
from ecg12.io.classes import ScoredClasses, load_weights
from ecg12.metrics import ChallengeScorer, beta_measures, macro

CLASSES = load_weights(Path(__file__).parents[2] / "weights.csv")


def first_classes(n):
    """Return sinus rhythm and the first classes of 2020."""
    keep = [CLASSES.normal, *range(n - 1)]
    groups = tuple(CLASSES.groups[k] for k in keep)
    return ScoredClasses(groups, CLASSES.weights[np.ix_(keep, keep)], 2020)


def problem(n, n_classes, seed, decimals=16):
    """Targets with rare and common classes, and informative scores in (0, 1)."""
    rng = np.random.default_rng(seed)
    share = rng.beta(1, 4, n_classes)
    y_true = rng.random((n, n_classes)) < share
    logits = (
        rng.normal(size=(n, n_classes)) + 2 * y_true + np.log(share) + rng.normal(size=n_classes)
    )
    y_score = (1 / (1 + np.exp(-logits))).round(decimals)
    return y_score, y_true, first_classes(n_classes)


def cuts(y_score):
    """One threshold per way to part the distinct scores: below, between and above them."""
    levels = np.unique(y_score)
    return np.concatenate([[levels[0] - 1], (levels[1:] + levels[:-1]) / 2, [levels[-1] + 1]])


@pytest.mark.parametrize("decimals", [16, 1])  # 1: many recordings and classes are tied
@pytest.mark.parametrize("seed", range(3))
def test_single_equals_brute_force(seed, decimals):
    y_score, y_true, classes = problem(40, 5, seed, decimals)
    score = ChallengeScorer(y_true, classes)
    best = max(score(y_score > cut) for cut in cuts(y_score))
    assert score(y_score > single(y_score, y_true, classes)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("decimals", [16, 1])
@pytest.mark.parametrize("seed", range(3))
def test_sweep_of_one_class_equals_brute_force(seed, decimals):
    y_score, y_true, classes = problem(40, 5, seed, decimals)
    score = ChallengeScorer(y_true, classes)
    start = np.full(5, 0.4)
    for k in range(5):
        free = np.arange(5) == k
        found = per_class(y_score, y_true, classes, start, free=free)
        trials = [np.where(free, cut, start) for cut in cuts(y_score[:, k])]
        best = max(score(y_score > trial) for trial in [start, *trials])
        assert score(y_score > found) == pytest.approx(best, abs=1e-12)
        np.testing.assert_array_equal(found[~free], start[~free])


@pytest.mark.parametrize("seed", range(3))
def test_per_class_ends_where_no_class_alone_can_improve(seed):
    y_score, y_true, classes = problem(60, 6, seed, decimals=2)
    score = ChallengeScorer(y_true, classes)
    start = np.full(6, single(y_score, y_true, classes))
    found = per_class(y_score, y_true, classes, start)
    reached = score(y_score > found)
    assert reached >= score(y_score > start)
    for k in range(6):
        for cut in cuts(y_score[:, k]):
            trial = np.where(np.arange(6) == k, cut, found)
            assert score(y_score > trial) <= reached + 1e-9
    np.testing.assert_array_equal(per_class(y_score, y_true, classes, found), found)


@pytest.mark.parametrize("seed", range(3))
def test_per_class_beats_the_simplex(seed):
    y_score, y_true, classes = problem(500, 8, seed)
    score = ChallengeScorer(y_true, classes)
    start = np.full(8, single(y_score, y_true, classes))
    ascent = score(y_score > per_class(y_score, y_true, classes, start))
    assert ascent >= score(y_score > simplex(y_score, score, start))
    assert ascent > score(y_score > start)


def test_thresholds_lie_half_way_between_distinct_scores():
    classes = first_classes(2)
    y_true = np.array([[1, 0], [1, 0], [1, 1], [1, 1]], dtype=bool)
    y_score = np.array([[0.9, 0.1], [0.9, 0.2], [0.9, 0.6], [0.9, 0.7]])
    found = per_class(y_score, y_true, classes, np.array([0.5, 0.05]))
    assert found.tolist() == [0.5, pytest.approx(0.4)]


@pytest.mark.parametrize("low", [0.5, np.nextafter(0.5, 1)])  # their middle rounds down, or up
def test_a_cut_between_neighbouring_floats_keeps_them_apart(low):
    classes = first_classes(2)
    y_true = np.array([[1, 0], [1, 1]], dtype=bool)
    high = np.nextafter(low, 1)
    y_score = np.array([[0.9, low], [0.9, high]])
    found = per_class(y_score, y_true, classes, np.array([0.1, 0.1]))
    np.testing.assert_array_equal(y_score > found, y_true)


def test_no_scored_label_at_all_gives_no_label():
    y_score, y_true, classes = problem(20, 4, seed=0)
    nothing = np.zeros_like(y_true)
    assert single(y_score, nothing, classes) == y_score.max()
    tuning = tune(y_score, nothing, classes)
    assert set(tuning.scores.values()) == {0}
    assert tuning.best == "single"


def test_one_recording_is_labelled_right():
    classes = first_classes(3)
    y_true = np.array([[False, True, False]])
    y_score = np.array([[0.2, 0.8, 0.3]])
    assert 0.3 <= single(y_score, y_true, classes) < 0.8
    tuning = tune(y_score, y_true, classes, min_positives=1)
    np.testing.assert_array_equal(y_score > tuning.thresholds, y_true)
    assert tuning.scores["per_class"] == 1


def test_constant_scores_give_the_better_of_all_and_none():
    classes = first_classes(2)
    y_true = np.array([[1, 1], [1, 1], [1, 0]], dtype=bool)
    y_score = np.full((3, 2), 0.5)
    cut = single(y_score, y_true, classes)
    assert cut < 0.5
    assert cut == pytest.approx(0.5)
    found = per_class(y_score, y_true, classes, np.array([0.5, 0.5]))
    assert (y_score > found).all()


def test_simplex_takes_any_objective_and_moves_only_free_classes():
    y_score, y_true, _ = problem(200, 4, seed=1)

    def macro_f2(y_pred):
        return macro(beta_measures(y_true, y_pred)[0])

    start = np.full(4, 0.5)
    free = np.array([True, False, True, True])
    found = simplex(y_score, macro_f2, start, free=free)
    assert macro_f2(y_score > found) > macro_f2(y_score > start)
    assert found[1] == 0.5
    assert start.tolist() == [0.5] * 4
    np.testing.assert_array_equal(simplex(y_score, macro_f2, start, free=np.zeros(4, bool)), start)


def test_simplex_returns_its_start_if_all_else_is_worse():
    calls = []

    def ever_falling(y_pred):
        calls.append(1)
        return -len(calls)

    start = np.array([0.5, 0.2, 0.9])
    np.testing.assert_array_equal(simplex(np.zeros((2, 3)), ever_falling, start), start)


def test_simplex_finds_the_corner_of_a_smooth_bowl():
    """On scores dense in (0, 1) the mean label is 1 − threshold, so the optimum is known."""
    y_score = np.tile(np.linspace(0, 1, 20001)[:, None], (1, 3))
    wanted = np.array([0.3, 0.5, 0.8])
    found = simplex(
        y_score, lambda y_pred: -np.square(1 - y_pred.mean(0) - wanted).sum(), np.full(3, 0.45)
    )
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_simplex_says_when_it_ran_out_of_evaluations(caplog):
    caplog.set_level(logging.INFO, logger="ecg12.decision.simplex")
    calls = []

    def ever_rising(y_pred):
        calls.append(1)
        return float(len(calls))

    simplex(np.zeros((2, 2)), ever_rising, np.full(2, 0.5))
    assert "Maximum number of" in caplog.text


def test_tune_keeps_rare_classes_at_the_single_threshold():
    y_score, y_true, classes = problem(300, 6, seed=2)
    y_true[:, 2] = False
    y_true[:4, 2] = True
    tuning = tune(y_score, y_true, classes)
    names = ["single", "per_class", "simplex_from_single", "simplex_from_per_class"]
    assert list(tuning.variants) == list(tuning.scores) == names
    flat = single(y_score, y_true, classes)
    assert tuning.variants["single"].tolist() == [flat] * 6
    assert [cut[2] for cut in tuning.variants.values()] == [flat] * 4
    assert tune(y_score, y_true, classes, min_positives=4).variants["per_class"][2] != flat


def test_tune_never_scores_below_a_start_and_names_the_best():
    y_score, y_true, classes = problem(300, 6, seed=3)
    tuning = tune(y_score, y_true, classes)
    score = ChallengeScorer(y_true, classes)
    for name, thresholds in tuning.variants.items():
        assert tuning.scores[name] == score(y_score > thresholds)
    reached = tuning.scores
    assert reached["per_class"] >= reached["single"]
    assert reached["simplex_from_single"] >= reached["single"]
    assert reached["simplex_from_per_class"] >= reached["per_class"]
    assert reached[tuning.best] == max(reached.values())
    assert tuning.thresholds is tuning.variants[tuning.best]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_score": np.zeros((3, 4))}, r"\(3, 4\) for y_true of \(9, 4\)"),
        ({"y_score": np.full((9, 4), np.nan)}, "36 scores"),
        ({"start": 0.5}, r"got shapes \(\)"),
        ({"free": np.array([0, 1, 2])}, "int64"),
    ],
)
def test_errors_name_what_is_wrong(change, message):
    y_score, y_true, classes = problem(9, 4, seed=0)
    arguments = {"y_score": y_score, "start": np.full(4, 0.5), "free": None} | change
    with pytest.raises(ValueError, match=message):
        per_class(y_true=y_true, classes=classes, **arguments)


def test_an_objective_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="objective is nan"):
        simplex(np.zeros((2, 2)), lambda y_pred: np.nan, np.full(2, 0.5))


def test_flat_takes_the_highest_of_the_best_cuts_and_no_nan():
    y_score = np.array([[0.25], [0.55]])

    def one_label(y_pred):
        return float(y_pred.sum() == 1) if y_pred.any() else np.nan

    assert flat(y_score, one_label) == 0.54
    assert flat(y_score, one_label, np.array([0.1, 0.3, 0.4])) == 0.4


def test_simplex_starts_from_the_edge_that_it_is_given():
    """One threshold: the second corner is the start and the edge."""
    tried = []

    def note(y_pred):
        tried.append(y_pred.sum())
        return 0.0

    y_score = np.arange(100)[:, None] / 100
    simplex(y_score, note, np.array([0.205]), edge=0.5)
    assert tried[1:3] == [79, 29]
