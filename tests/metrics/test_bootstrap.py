"""Weighted measures against repeated recordings and scikit-learn; intervals by hand and SciPy."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binomtest, norm, t
from sklearn.metrics import average_precision_score, roc_auc_score

from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics import auprc, auroc, challenge_score, f_measure
from ecg12.metrics.bootstrap import WeightedMeasures, draw_weights, resample, units_per_class
from ecg12.metrics.intervals import (
    logit_interval,
    mean_area_interval,
    mean_factor,
    metric_interval,
    percentile_interval,
    share_interval,
    student_interval,
)
from ecg12.metrics.ranking import RankedClass, RankedWithin
from ecg12.report.statistics import intervals
from experiments.bootstrap_coverage import coverage

CLASSES = load_weights(WEIGHTS)


def mediocre(n, seed=0):
    """Return y_true, y_pred and y_score in [0, 1] of a mediocre classifier, with ties."""
    rng = np.random.default_rng(seed)
    y_true = rng.random((n, len(CLASSES))) < 0.15
    y_score = norm.cdf(rng.normal(size=y_true.shape) + y_true - 1).round(2)
    return y_true, y_score > 0.4, y_score


def weighted(n, seed=0):
    arrays = mediocre(n, seed)
    return WeightedMeasures(*arrays, classes=CLASSES), *arrays


@pytest.mark.parametrize("seed", range(3))
def test_whole_weights_are_repeated_recordings(seed):
    n = 150
    run, y_true, y_pred, y_score = weighted(n, seed)
    counts = np.random.default_rng(seed).integers(0, 4, n)
    found = {name: value[0] for name, value in run(counts[:, None].astype(float)).items()}
    again = [np.repeat(array, counts, axis=0) for array in (y_true, y_pred, y_score)]
    expected = {
        "Challenge metric": challenge_score(*again[:2], CLASSES),
        "AUROC": auroc(again[0], again[2]),
        "AUPRC": auprc(again[0], again[2]),
        "F-measure": f_measure(*again[:2]),
        "macro AUROC": np.nanmean(auroc(again[0], again[2])),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)


def test_weighted_areas_equal_scikit_learn():
    run, y_true, _, y_score = weighted(200)
    weights = np.random.default_rng(1).integers(1, 5, (200, 3)).astype(float)
    found = run(weights)
    for j, column in enumerate(weights.T):
        for k, (true, score) in enumerate(zip(y_true.T, y_score.T, strict=True)):
            area = roc_auc_score(true, score, sample_weight=column)
            assert found["AUROC"][j, k] == pytest.approx(area, rel=1e-12)
            area = average_precision_score(true, score, sample_weight=column)
            assert found["AUPRC"][j, k] == pytest.approx(area, rel=1e-12)


def test_ranks_within_folds_are_the_folds_weighted_by_their_pairs():
    """scikit-learn's area of each fold, with weights, and the pairs' weights by hand."""
    rng = np.random.default_rng(2)
    y_true, y_score, folds = rng.random(90) < 0.4, rng.random(90).round(1), np.arange(90) % 3
    y_true[folds == 2] = False  # without pairs
    known, weights = rng.random(90) < 0.8, rng.integers(1, 5, (90, 4)).astype(float)
    ranked = RankedWithin(y_true, y_score, known, folds)
    expected = []
    for column in weights.T:
        areas, pairs = [], []
        for fold in (0, 1):
            own = known & (folds == fold)
            true, weight = y_true[own], column[own]
            areas.append(roc_auc_score(true, y_score[own], sample_weight=weight))
            pairs.append(weight[true].sum() * weight[~true].sum())
        expected.append(np.average(areas, weights=pairs))
    np.testing.assert_allclose(ranked(weights), expected, rtol=1e-12)
    own = [known & (folds == fold) for fold in (0, 1)]
    assert ranked.n_pairs == sum(y_true[o].sum() * (~y_true[o]).sum() for o in own)
    nothing = RankedWithin(y_true, y_score, known, np.arange(90))
    assert np.isnan(nothing(weights)).all()


def test_a_class_without_positives_is_undefined():
    y_true, y_pred, y_score = mediocre(40)
    y_true[:, 3] = False
    run = WeightedMeasures(y_true, y_pred, y_score, classes=CLASSES)
    found = run(np.ones((40, 1)))
    assert np.isnan(found["AUROC"][0, 3])
    assert np.isnan(found["AUPRC"][0, 3])
    others = np.delete(found["AUROC"][0], 3)
    np.testing.assert_allclose(found["macro AUROC"], others.mean(), rtol=1e-12)


def test_a_replicate_of_sinus_rhythm_alone_has_a_metric_of_0():
    """The inactive prediction is the truth: 0 by definition, and so is the margin."""
    run, y_true, y_pred, _ = weighted(60)
    only = np.arange(60) < 10
    y_true[only] = np.arange(len(CLASSES)) == CLASSES.normal
    run = WeightedMeasures(y_true, y_pred, y_true.astype(float), classes=CLASSES)
    found = run(np.stack([only, np.ones(60)], axis=1).astype(float))
    assert found["Challenge metric"][0] == challenge_score(y_true[only], y_pred[only], CLASSES) == 0
    assert found["Margin"][0] == 0
    expected = challenge_score(y_true, y_pred, CLASSES)
    assert found["Challenge metric"][1] == pytest.approx(expected, rel=1e-12)


def test_replicates_are_seeded_and_runs_are_paired():
    run = weighted(60)[0]
    pair = resample([run, run], np.arange(60), 70, seed=3)
    np.testing.assert_array_equal(pair[0]["AUROC"], pair[1]["AUROC"])
    assert pair[0]["Challenge metric"].shape == (70,)
    other = resample([run], np.arange(60), 70, seed=4)
    assert (other[0]["Challenge metric"] != pair[0]["Challenge metric"]).any()


def test_patients_are_resampled_whole():
    """With one patient nothing is random: every replicate is the data."""
    run, y_true, y_pred, _ = weighted(60)
    draws = resample([run], np.zeros(60, dtype=int), 20)[0]["Challenge metric"]
    np.testing.assert_allclose(draws, challenge_score(y_true, y_pred, CLASSES), rtol=1e-12)


def test_each_replicate_draws_as_many_units_as_there_are():
    units = np.array([0, 0, 1, 2, 2, 2])
    weights = np.concatenate(list(draw_weights(units, 150, seed=1)), axis=1)
    assert weights.shape == (6, 150)
    np.testing.assert_array_equal(weights[0], weights[1])  # of one unit
    np.testing.assert_array_equal(weights[[0, 2, 3]].sum(axis=0), 3)
    assert weights[0].mean() == pytest.approx(1, abs=0.2)


def test_units_of_a_class_by_hand():
    """Patient 0 has three recordings, 1 has one, 2 has two; the third class is nobody's."""
    units = np.array([0, 0, 0, 1, 2, 2])
    first, second, third = [1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 0, 1], [0] * 6
    y_true = np.array([first, second, third], bool).T
    assert units_per_class(y_true, units).tolist() == [1, 3, 0]
    assert units_per_class(y_true, np.arange(6)).tolist() == [3, 4, 0]


def test_expanded_percentiles_by_hand():
    draws = np.linspace(0, 1, 10001)
    tail = norm.cdf(-np.sqrt(10 / 9) * t.ppf(0.975, 9))
    assert percentile_interval(draws, 10) == pytest.approx((tail, 1 - tail), abs=1e-4)
    assert percentile_interval(draws, 10**6) == pytest.approx((0.025, 0.975), abs=1e-3)


def test_logit_interval_by_hand():
    """Replicates at log-odds 1 ± 0.5 about log-odds 1."""
    draws = 1 / (1 + np.exp(-np.array([0.5, 1.5] * 50)))
    reach = 0.5 * np.sqrt(20 / 19) * t.ppf(0.975, 19)
    expected = 1 / (1 + np.exp([reach - 1, -reach - 1]))
    value = 1 / (1 + np.exp(-1))
    assert logit_interval(draws, value, 20, 1e-6) == pytest.approx(expected)


def test_the_mean_of_like_classes_has_their_degrees_of_freedom_together():
    """Welch and Satterthwaite by hand: k equal variances of m - 1 degrees give k (m - 1)."""
    draws = np.tile(np.array([[0.4], [0.6]]), (50, 6))
    expected = np.sqrt(10 / 9) * t.ppf(0.975, 6 * 9)
    assert mean_factor(draws, np.full(6, 10)) == pytest.approx(expected)


def test_the_interval_of_a_mean_auroc_by_hand():
    """Half a pair of the class with 40 positives in 100, halved because there are two classes.

    Half of the replicates are 1, which counts as that much less; the reach is 2.5 deviations.
    """
    draws, edge = np.array([1.0, 0.99] * 50), 0.5 / (40 * 60) / 2
    ends = np.log([(1 - edge) / edge, 0.99 / 0.01])
    middle, reach = np.log(0.995 / 0.005), 2.5 * abs(ends[0] - ends[1]) / 2
    expected = 1 / (1 + np.exp([reach - middle, -reach - middle]))
    counts = np.array([10, 40]), np.array([10 * 90, 40 * 60])
    assert mean_area_interval(draws, 0.995, *counts, 2.5) == pytest.approx(expected)


def test_a_mean_auroc_without_spread_has_the_units_of_the_rarest_class():
    """Nine positives of nine first; a class with one positive has no degree of freedom."""
    exact = binomtest(9, 9).proportion_ci(method="exact")
    units, pairs = np.array([9, 30, 1, 0]), np.array([900, 3000, 100, 0])
    assert mean_area_interval(np.ones(50), 1.0, units, pairs, np.nan) == pytest.approx(exact)
    assert np.isnan(mean_area_interval(np.ones(50), 1.0, units[2:], pairs[2:], np.nan)).all()


def test_of_one_class_the_mean_auroc_has_that_class_s_interval():
    """Ten positives of 200, nearly all first: the others' share would cut their spread off."""
    y_true = np.zeros((200, len(CLASSES)), bool)
    y_true[:10, 5] = True
    y_score = np.full(y_true.shape, 0.5)
    y_score[:, 5] = np.append(np.linspace(0.895, 0.99, 10), np.linspace(0.0425, 0.9, 190))
    run = WeightedMeasures(y_true, y_true, y_score, classes=CLASSES)
    draws = resample([run], np.arange(200), 300)[0]
    found = intervals(
        run.unweighted(), draws, positives=y_true.sum(axis=0), n=200, n_units=200
    )  # fmt: skip
    assert found["macro AUROC"][0] == pytest.approx(found["AUROC"][5])


@pytest.mark.slow
def test_intervals_of_a_mean_auroc_of_rare_classes_cover_the_truth():
    """Of 100 intervals of 95 % at least 88 cover, in 99.8 % of all cases (binomial).

    Two classes of 10 positives in 200, each with a true AUROC of .99.
    """
    rng, hits = np.random.default_rng(1), 0
    for seed in range(100):
        y_true = np.stack([rng.permutation(200) < 10 for _ in range(2)], axis=1)
        y_score = rng.normal(size=(200, 2)) + np.sqrt(2) * norm.ppf(0.99) * y_true
        areas = [RankedClass(*pair) for pair in zip(y_true.T, y_score.T, strict=True)]
        weights = np.concatenate(list(draw_weights(np.arange(200), 250, seed)), axis=1)
        draws = np.stack([area(weights)[0] for area in areas], axis=1)
        units, value = np.full(2, 10), np.mean([area(np.ones((200, 1)))[0] for area in areas])
        factor, pairs = mean_factor(draws, units), np.full(2, 10 * 190)
        low, high = mean_area_interval(np.nanmean(draws, axis=1), value, units, pairs, factor)
        hits += low <= 0.99 <= high
    assert hits >= 88


@pytest.mark.parametrize("n", [5, 10, 40])
def test_an_interval_without_spread_is_that_of_clopper_and_pearson(n):
    for value in (0.0, 1.0):
        exact = binomtest(round(value * n), n).proportion_ci(method="exact")
        draws = np.full(30, value)
        assert share_interval(draws, n) == pytest.approx(exact)
        assert logit_interval(draws, value, n, 1e-6) == pytest.approx(exact)


def test_the_challenge_metric_of_a_perfect_run_has_an_interval_of_some_width():
    """As 40 of 40 trials. What is 0 by definition, the inactive prediction, has no width."""
    y_true, _, y_score = mediocre(40)
    exact = binomtest(40, 40).proportion_ci(method="exact")
    for y_pred, expected in (
        (y_true, exact),
        (np.arange(len(CLASSES)) == np.full((40, 1), CLASSES.normal), (0, 0)),
    ):
        run = WeightedMeasures(y_true, y_pred, y_score, classes=CLASSES)
        draws = resample([run], np.arange(40), 50)[0]["Challenge metric"]
        assert metric_interval(draws, 40) == pytest.approx(tuple(expected))


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """Of 80 intervals of 95 % between 71 and 80 cover, in 99.5 % of all cases (binomial)."""
    found = coverage(2.0, 80, 200, population=100_000)
    for name in ("Challenge metric", "macro AUROC"):
        assert found[name] >= 71 / 80
    assert (
        found["AUROC"].min() >= 69 / 80
    )  # of the six classes the worst; the last has 10 positives


def test_student_interval_is_that_of_the_t_test():
    values = np.random.default_rng(0).normal(size=10)
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    assert student_interval(values) == pytest.approx((values.mean(), low, high))
    assert np.isnan(student_interval(values[:1])[1:]).all()
