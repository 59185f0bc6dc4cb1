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
    targets = rng.random((n, n_classes)) < share
    logits = (
        rng.normal(size=(n, n_classes)) + 2 * targets + np.log(share) + rng.normal(size=n_classes)
    )
    scores = (1 / (1 + np.exp(-logits))).round(decimals)
    return scores, targets, first_classes(n_classes)


def cuts(scores):
    """One threshold per way to part the distinct scores: below, between and above them."""
    levels = np.unique(scores)
    return np.concatenate([[levels[0] - 1], (levels[1:] + levels[:-1]) / 2, [levels[-1] + 1]])


@pytest.mark.parametrize("decimals", [16, 1])  # 1: many recordings and classes are tied
@pytest.mark.parametrize("seed", range(3))
def test_single_equals_brute_force(seed, decimals):
    scores, targets, classes = problem(40, 5, seed, decimals)
    score = ChallengeScorer(targets, classes)
    best = max(score(scores > cut) for cut in cuts(scores))
    assert score(scores > single(scores, targets, classes)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("decimals", [16, 1])
@pytest.mark.parametrize("seed", range(3))
def test_sweep_of_one_class_equals_brute_force(seed, decimals):
    scores, targets, classes = problem(40, 5, seed, decimals)
    score = ChallengeScorer(targets, classes)
    start = np.full(5, 0.4)
    for k in range(5):
        free = np.arange(5) == k
        found = per_class(scores, targets, classes, start, free)
        trials = [np.where(free, cut, start) for cut in cuts(scores[:, k])]
        best = max(score(scores > trial) for trial in [start, *trials])
        assert score(scores > found) == pytest.approx(best, abs=1e-12)
        np.testing.assert_array_equal(found[~free], start[~free])


@pytest.mark.parametrize("seed", range(3))
def test_per_class_ends_where_no_class_alone_can_improve(seed):
    scores, targets, classes = problem(60, 6, seed, decimals=2)
    score = ChallengeScorer(targets, classes)
    start = np.full(6, single(scores, targets, classes))
    found = per_class(scores, targets, classes, start)
    reached = score(scores > found)
    assert reached >= score(scores > start)
    for k in range(6):
        for cut in cuts(scores[:, k]):
            trial = np.where(np.arange(6) == k, cut, found)
            assert score(scores > trial) <= reached + 1e-9
    np.testing.assert_array_equal(per_class(scores, targets, classes, found), found)


@pytest.mark.parametrize("seed", range(3))
def test_per_class_beats_the_simplex(seed):
    scores, targets, classes = problem(500, 8, seed)
    score = ChallengeScorer(targets, classes)
    start = np.full(8, single(scores, targets, classes))
    ascent = score(scores > per_class(scores, targets, classes, start))
    assert ascent >= score(scores > simplex(scores, score, start))
    assert ascent > score(scores > start)


def test_thresholds_lie_half_way_between_distinct_scores():
    classes = first_classes(2)
    targets = np.array([[1, 0], [1, 0], [1, 1], [1, 1]], dtype=bool)
    scores = np.array([[0.9, 0.1], [0.9, 0.2], [0.9, 0.6], [0.9, 0.7]])
    found = per_class(scores, targets, classes, np.array([0.5, 0.05]))
    assert found.tolist() == [0.5, pytest.approx(0.4)]


@pytest.mark.parametrize("low", [0.5, np.nextafter(0.5, 1)])  # their middle rounds down, or up
def test_a_cut_between_neighbouring_floats_keeps_them_apart(low):
    classes = first_classes(2)
    targets = np.array([[1, 0], [1, 1]], dtype=bool)
    high = np.nextafter(low, 1)
    scores = np.array([[0.9, low], [0.9, high]])
    found = per_class(scores, targets, classes, np.array([0.1, 0.1]))
    np.testing.assert_array_equal(scores > found, targets)


def test_no_scored_label_at_all_gives_no_label():
    scores, targets, classes = problem(20, 4, seed=0)
    nothing = np.zeros_like(targets)
    assert single(scores, nothing, classes) == scores.max()
    tuning = tune(scores, nothing, classes)
    assert set(tuning.scores.values()) == {0}
    assert tuning.best == "single"


def test_one_recording_is_labelled_right():
    classes = first_classes(3)
    targets = np.array([[False, True, False]])
    scores = np.array([[0.2, 0.8, 0.3]])
    assert 0.3 <= single(scores, targets, classes) < 0.8
    tuning = tune(scores, targets, classes, min_positives=1)
    np.testing.assert_array_equal(scores > tuning.thresholds, targets)
    assert tuning.scores["per_class"] == 1


def test_constant_scores_give_the_better_of_all_and_none():
    classes = first_classes(2)
    targets = np.array([[1, 1], [1, 1], [1, 0]], dtype=bool)
    scores = np.full((3, 2), 0.5)
    cut = single(scores, targets, classes)
    assert cut < 0.5
    assert cut == pytest.approx(0.5)
    found = per_class(scores, targets, classes, np.array([0.5, 0.5]))
    assert (scores > found).all()


def test_simplex_takes_any_objective_and_moves_only_free_classes():
    scores, targets, _ = problem(200, 4, seed=1)

    def macro_f2(labels):
        return macro(beta_measures(targets, labels)[0])

    start = np.full(4, 0.5)
    free = np.array([True, False, True, True])
    found = simplex(scores, macro_f2, start, free)
    assert macro_f2(scores > found) > macro_f2(scores > start)
    assert found[1] == 0.5
    assert start.tolist() == [0.5] * 4
    np.testing.assert_array_equal(simplex(scores, macro_f2, start, np.zeros(4, bool)), start)


def test_simplex_returns_its_start_if_all_else_is_worse():
    calls = []

    def ever_falling(labels):
        calls.append(1)
        return -len(calls)

    start = np.array([0.5, 0.2, 0.9])
    np.testing.assert_array_equal(simplex(np.zeros((2, 3)), ever_falling, start), start)


def test_simplex_finds_the_corner_of_a_smooth_bowl():
    """On scores dense in (0, 1) the mean label is 1 − threshold, so the optimum is known."""
    scores = np.tile(np.linspace(0, 1, 20001)[:, None], (1, 3))
    wanted = np.array([0.3, 0.5, 0.8])
    found = simplex(
        scores, lambda labels: -np.square(1 - labels.mean(0) - wanted).sum(), np.full(3, 0.45)
    )
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_simplex_says_when_it_ran_out_of_evaluations(caplog):
    caplog.set_level(logging.INFO, logger="ecg12.decision.thresholds")
    calls = []

    def ever_rising(labels):
        calls.append(1)
        return float(len(calls))

    simplex(np.zeros((2, 2)), ever_rising, np.full(2, 0.5))
    assert "Maximum number of" in caplog.text


def test_tune_keeps_rare_classes_at_the_single_threshold():
    scores, targets, classes = problem(300, 6, seed=2)
    targets[:, 2] = False
    targets[:4, 2] = True
    tuning = tune(scores, targets, classes)
    names = ["single", "per_class", "simplex_from_single", "simplex_from_per_class"]
    assert list(tuning.variants) == list(tuning.scores) == names
    flat = single(scores, targets, classes)
    assert tuning.variants["single"].tolist() == [flat] * 6
    assert [cut[2] for cut in tuning.variants.values()] == [flat] * 4
    assert tune(scores, targets, classes, min_positives=4).variants["per_class"][2] != flat


def test_tune_never_scores_below_a_start_and_names_the_best():
    scores, targets, classes = problem(300, 6, seed=3)
    tuning = tune(scores, targets, classes)
    score = ChallengeScorer(targets, classes)
    for name, thresholds in tuning.variants.items():
        assert tuning.scores[name] == score(scores > thresholds)
    reached = tuning.scores
    assert reached["per_class"] >= reached["single"]
    assert reached["simplex_from_single"] >= reached["single"]
    assert reached["simplex_from_per_class"] >= reached["per_class"]
    assert reached[tuning.best] == max(reached.values())
    assert tuning.thresholds is tuning.variants[tuning.best]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((3, 4))}, r"\(3, 4\) for targets of \(9, 4\)"),
        ({"scores": np.full((9, 4), np.nan)}, "36 scores are not finite"),
        ({"start": 0.5}, r"got shapes \(\)"),
        ({"free": np.array([0, 1, 2])}, "int64"),
    ],
)
def test_errors_name_what_is_wrong(change, message):
    scores, targets, classes = problem(9, 4, seed=0)
    arguments = {"scores": scores, "start": np.full(4, 0.5), "free": None} | change
    with pytest.raises(ValueError, match=message):
        per_class(targets=targets, classes=classes, **arguments)


def test_an_objective_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="objective is nan"):
        simplex(np.zeros((2, 2)), lambda labels: np.nan, np.full(2, 0.5))


def test_flat_takes_the_highest_of_the_best_cuts_and_no_nan():
    scores = np.array([[0.25], [0.55]])

    def one_label(labels):
        return float(labels.sum() == 1) if labels.any() else np.nan

    assert flat(scores, one_label) == 0.54
    assert flat(scores, one_label, np.array([0.1, 0.3, 0.4])) == 0.4


def test_simplex_starts_from_the_edge_that_it_is_given():
    """One threshold: the second corner is the start and the edge."""
    tried = []

    def note(labels):
        tried.append(labels.sum())
        return 0.0

    scores = np.arange(100)[:, None] / 100
    simplex(scores, note, np.array([0.205]), edge=0.5)
    assert tried[1:3] == [79, 29]
