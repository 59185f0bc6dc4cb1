"""Subgroups against scikit-learn and the official metric on each subset; intervals by hand."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from ecg12.io.classes import CPSC_2018, WEIGHTS, load_weights
from ecg12.metrics import best_constant, challenge_score
from ecg12.metrics.intervals import Estimate, correlation, difference
from ecg12.subgroups import Grouping, compare_groups

CLASSES = load_weights(WEIGHTS)


def mediocre(n, seed=0, classes=CLASSES, separation=1.0):
    rng = np.random.default_rng(seed)
    y_true = rng.random((n, len(classes))) < 0.15
    y_score = norm.cdf(rng.normal(size=y_true.shape) + separation * y_true - 1).round(2)
    return y_true, y_score > 0.4, y_score


def test_each_side_is_scored_as_if_it_were_alone():
    n = 400
    y_true, y_pred, y_score = mediocre(n)
    members = np.random.default_rng(1).integers(0, 2, n)
    y_true[members == 0, 5] = False  # no positive on one side, so no AUROC
    y_true[members == 0, 6] = np.arange((members == 0).sum()) < 9  # nine are too few
    sexes = Grouping("sex", ("female", "male"), members)
    found = compare_groups(
        [sexes], y_true, y_pred, y_score, classes=CLASSES, units=np.arange(n), n_replicates=64
    )
    kept = np.delete(np.arange(24), [5, 6])
    for group, scores in enumerate(found):
        own = members == group
        assert (scores.kind, scores.group) == ("sex", ("female", "male")[group])
        assert (scores.n, scores.n_patients) == (own.sum(), own.sum())
        metric, macro = (scores.measures[name] for name in ("challenge metric", "macro AUROC"))
        for side, estimate, mean in (
            (own, metric.group, macro.group),
            (~own, metric.rest, macro.rest),
        ):
            truth, scored = y_true[side], y_score[side]
            expected = challenge_score(truth, y_pred[side], CLASSES)
            assert estimate.value == pytest.approx(expected, rel=1e-12)
            areas = [roc_auc_score(truth[:, k], scored[:, k]) for k in kept]
            assert mean.value == pytest.approx(np.mean(areas), rel=1e-12)
            assert estimate.low < estimate.value < estimate.high
            assert mean.low < mean.value < mean.high
        assert metric.difference.value == metric.group.value - metric.rest.value
        assert scores.constant == best_constant(y_true[own], CLASSES)[1]
        assert list(scores.classes) == [CLASSES.names[k] for k in kept]
        assert scores.positives == {CLASSES.names[k]: y_true[own, k].sum() for k in kept}


def test_unknown_cells_count_nowhere():
    """An unknown cell's truth may be anything; areas are those of the known recordings alone."""
    n = 300
    y_true, y_pred, y_score = mediocre(n, 1, CPSC_2018)
    rng = np.random.default_rng(2)
    known, members = rng.random(y_true.shape) < 0.7, rng.integers(0, 2, n)
    groups = Grouping("age", ("young", "old"), members)
    options = {"classes": CPSC_2018, "units": np.arange(n), "known": known, "n_replicates": 64}
    first = compare_groups([groups], y_true, y_pred, y_score, **options)
    turned = np.where(known, y_true, ~y_true)
    second = compare_groups([groups], turned, y_pred, y_score, **options)
    for group, (one, other) in enumerate(zip(first, second, strict=True)):
        assert one.measures == other.measures
        for name, comparison in one.classes.items():
            k = CPSC_2018.names.index(name)
            own = known[:, k] & (members == group)
            area = roc_auc_score(y_true[own, k], y_score[own, k])
            assert comparison.group.value == pytest.approx(area, rel=1e-12)
            assert one.positives[name] == y_true[own, k].sum()
        own = members == group
        expected = challenge_score(y_true[own], y_pred[own], CPSC_2018, known[own])
        assert one.measures["challenge metric"].group.value == pytest.approx(expected, rel=1e-12)


def test_a_group_of_sinus_rhythm_alone_has_a_metric_of_0():
    """The inactive prediction is the truth, so that the metric is 0 by definition."""
    y_true, y_pred, y_score = mediocre(200)
    y_true[:40] = np.arange(len(CLASSES)) == CLASSES.normal
    groups = Grouping("sex", ("normal", "others"), (np.arange(200) >= 40).astype(int))
    options = {"classes": CLASSES, "units": np.arange(200), "n_replicates": 64}
    normal, others = compare_groups([groups], y_true, y_pred, y_score, **options)
    first, second = (g.measures["challenge metric"] for g in (normal, others))
    assert tuple(first.group) == (0, 0, 0)
    expected = challenge_score(y_true[40:], y_pred[40:], CLASSES)
    assert first.difference.value == pytest.approx(-expected)
    assert second.difference.value == pytest.approx(expected)


def test_a_group_of_few_patients_says_so_and_shows_no_number():
    """Forty recordings of two patients are two units; a group of all has no rest."""
    y_true, y_pred, y_score = mediocre(200)
    units = np.where(np.arange(200) < 40, np.arange(200) % 2, np.arange(200) - 38)
    few = Grouping("database", ("a", "b", "empty"), (np.arange(200) >= 40).astype(int))
    whole = Grouping("sex", ("unknown",), np.zeros(200, int))
    found = compare_groups(
        [few, whole], y_true, y_pred, y_score, classes=CLASSES, units=units, n_replicates=64
    )
    assert [(s.group, s.n, s.n_patients) for s in found] == [
        ("a", 40, 2), ("b", 160, 160), ("unknown", 200, 162)
    ]  # fmt: skip
    assert found[0].reason.startswith("too few")
    assert found[1].reason.startswith("too few others")
    assert found[2].reason == "all recordings"
    assert not any(scores.measures or scores.classes for scores in found)


def test_copies_of_each_patient_change_no_interval():
    """Five copies of a patient are drawn as the one recording is, and are one unit as it is."""
    cells, members = mediocre(400), (np.arange(400) % 3 == 0).astype(int)
    copies, found = np.repeat(np.arange(400), 5), []
    for rows in (np.arange(400), copies):
        groups = Grouping("sex", ("female", "male"), members[rows])
        chosen = [array[rows] for array in cells]
        found.append(
            compare_groups([groups], *chosen, classes=CLASSES, units=rows, n_replicates=64)
        )
    for once, many in zip(*found, strict=True):
        assert (many.n, many.n_patients) == (5 * once.n, once.n_patients)
        assert many.positives == {name: 5 * n for name, n in once.positives.items()}
        for kind in ("measures", "classes"):
            expected = list(getattr(once, kind).values())
            pairs = list(getattr(many, kind).values())
            for side in ("group", "rest", "difference"):
                wanted, given = ([getattr(p, side) for p in own] for own in (expected, pairs))
                np.testing.assert_allclose(given, wanted, atol=1e-9)


def test_cases_of_a_class_are_patients():
    """Of ten positives, or negatives, of nine patients a class has no AUROC; of ten it has one."""
    n = 400
    y_true, y_pred, y_score = mediocre(n)
    members = np.arange(n) // 200
    rows = np.arange(200)
    y_true[:200, 5] = rows < 10
    y_true[:200, 6] = rows >= 10  # has ten negatives
    y_true[:200, 7] = rows < 11
    units = np.arange(n)
    units[1:] -= 1  # the first two recordings are of one patient
    groups = Grouping("sex", ("female", "male"), members)
    options = {"classes": CLASSES, "n_replicates": 64}
    kept = [
        list(compare_groups([groups], y_true, y_pred, y_score, units=u, **options)[0].classes)
        for u in (np.arange(n), units)
    ]
    assert kept[0] == list(CLASSES.names)
    assert kept[1] == [name for k, name in enumerate(CLASSES.names) if k not in (5, 6)]


def test_a_group_that_is_worse_is_found():
    """Half of the recordings have scores without meaning."""
    y_true, _, y_score = mediocre(600, separation=2.0)
    members = (np.arange(600) < 300).astype(int)
    y_score[:300] = np.random.default_rng(3).permutation(y_score[:300])
    groups = Grouping("quality", ("good", "bad"), members)
    options = {"classes": CLASSES, "units": np.arange(600), "n_replicates": 200}
    good, bad = compare_groups([groups], y_true, y_score > 0.5, y_score, **options)
    for scores, sign in ((good, 1), (bad, -1)):
        assert scores.differing == ["challenge metric", "macro AUROC"]
        assert all(np.sign(c.difference.value) == sign for c in scores.measures.values())
    area = bad.measures["macro AUROC"].group
    assert area.low < 0.5 < area.high


def test_difference_of_independent_groups_by_hand():
    """Symmetric intervals of half-width .03 and .04 give √(.03² + .04²) = .05."""
    first, second = Estimate(0.9, 0.87, 0.93), Estimate(0.8, 0.76, 0.84)
    assert difference(first, second) == pytest.approx((0.1, 0.05, 0.15))
    alike = difference(first, second, r=1.0)  # then half-widths subtract
    assert alike == pytest.approx((0.1, 0.09, 0.11))


def test_difference_of_a_perfect_group_keeps_its_uncertainty():
    """Of ten positives, all first: 1 (.691 to 1) by Clopper and Pearson, .025 ** (1 / 10)."""
    perfect, other = Estimate(1.0, 0.025**0.1, 1.0), Estimate(0.95, 0.94, 0.96)
    value, low, high = difference(perfect, other)
    assert value == pytest.approx(0.05)
    assert low == pytest.approx(0.05 - np.hypot(1 - 0.025**0.1, 0.01))
    assert high == pytest.approx(0.05 + 0.01)


def test_correlation_is_pearson_s_of_what_is_defined():
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    second = first + rng.normal(size=50)
    expected = np.corrcoef(first, second)[0, 1]
    padded = np.append(first, np.nan), np.append(second, 0)
    assert correlation(*padded) == pytest.approx(expected)
    assert correlation(first, np.ones(50)) == 0


@pytest.mark.slow
def test_equal_groups_seldom_differ():
    """Of true nulls a twentieth may exclude zero: of 150 at most 15, in 99.7 % (binomial)."""
    false = np.zeros(2)
    for seed in range(150):
        cells = mediocre(400, seed, CPSC_2018)
        groups = Grouping("sex", ("a", "b"), (np.arange(400) % 4 == 0).astype(int))
        options = {"classes": CPSC_2018, "units": np.arange(400) // 2, "n_replicates": 192}
        scores = compare_groups([groups], *cells, **options)[1]
        false += [found.differs for found in scores.measures.values()]
    assert (false <= 15).all()
