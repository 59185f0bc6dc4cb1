"""Official metrics against hand formulas, plain loops, scikit-learn and brute force."""

import itertools
import math
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from ecg12.io.classes import SINUS_RHYTHM, ScoredClasses, load_weights
from ecg12.io.wfdb import find_records
from ecg12.metrics import (
    ChallengeScorer,
    accuracy,
    auprc,
    auroc,
    best_constant,
    beta_measures,
    challenge_score,
    confusion,
    evaluate,
    f_measure,
    macro,
    precision_recall,
)
from ecg12.metrics.evaluation import read_codes

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ECG12_SHARED", ROOT / "../shared"))
CLASSES = load_weights(ROOT / "weights.csv")

# Three recordings, four classes A to D: {A}, {A, B}, {} answered by {A, C}, {B}, {C}.
TARGETS = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
LABELS = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]], dtype=bool)


def random_sets(n, seed, share=0.15):
    rng = np.random.default_rng(seed)
    return rng.random((n, len(CLASSES))) < share, rng.random((n, len(CLASSES))) < share


def loop_credit(targets, labels, weights):
    """Sum the credit pair by pair, as the challenge paper defines it."""
    total = 0.0
    for true, answered in zip(targets, labels, strict=True):
        union = max(1, sum(1 for t, a in zip(true, answered, strict=True) if t or a))
        for j, k in itertools.product(range(len(true)), repeat=2):
            if true[j] and answered[k]:
                total += weights[j, k] / union
    return total


def loop_score(targets, labels, classes):
    normal = [[k == classes.normal for k in range(len(classes))]] * len(targets)
    observed, correct, inactive = (
        loop_credit(targets, answer, classes.weights) for answer in (labels, targets, normal)
    )
    return (observed - inactive) / (correct - inactive)


def test_confusion_by_hand():
    expected = np.zeros((4, 4))
    expected[0, 0] = expected[0, 2] = expected[0, 1] = expected[1, 1] = 0.5
    np.testing.assert_array_equal(confusion(TARGETS, LABELS), expected)


def test_the_truth_scores_one_and_always_normal_zero():
    targets, _ = random_sets(200, seed=0)
    normal = np.zeros_like(targets)
    normal[:, CLASSES.normal] = True
    assert challenge_score(targets, targets, CLASSES) == 1
    assert challenge_score(targets, normal, CLASSES) == 0


@pytest.mark.parametrize("seed", range(3))
def test_challenge_score_equals_plain_loops(seed):
    targets, labels = random_sets(60, seed)
    expected = loop_score(targets, labels, CLASSES)
    assert challenge_score(targets, labels, CLASSES) == pytest.approx(expected, rel=1e-12)
    total = (CLASSES.weights * confusion(targets, labels)).sum()
    assert total == pytest.approx(loop_credit(targets, labels, CLASSES.weights), rel=1e-12)


def test_recordings_without_scored_label_do_not_touch_the_challenge_metric():
    targets, labels = random_sets(50, seed=1)
    more = np.vstack([targets, np.zeros_like(targets)])
    score = challenge_score(more, np.vstack([labels, ~labels]), CLASSES)
    assert score == pytest.approx(challenge_score(targets, labels, CLASSES), rel=1e-12)
    assert accuracy(more, np.vstack([targets, ~targets])) < 1


def test_challenge_score_is_zero_where_truth_and_always_normal_agree():
    targets = np.zeros((3, len(CLASSES)), dtype=bool)
    labels = ~targets
    assert challenge_score(targets, labels, CLASSES) == 0
    targets[:, CLASSES.normal] = True
    assert challenge_score(targets, labels, CLASSES) == 0


def test_scorer_can_be_used_again_and_again():
    targets, labels = random_sets(80, seed=2)
    scorer = ChallengeScorer(targets, CLASSES)
    for answer in (labels, ~labels, targets):
        assert scorer(answer) == pytest.approx(loop_score(targets, answer, CLASSES), rel=1e-12)


@pytest.mark.parametrize("decimals", [16, 1, 0])  # 0 and 1: nearly all scores are tied
def test_auroc_and_auprc_equal_scikit_learn(decimals):
    rng = np.random.default_rng(decimals)
    targets = rng.random((300, 6)) < 0.3
    scores = (rng.normal(size=(300, 6)) + targets).round(decimals)
    pairs = list(zip(targets.T, scores.T, strict=True))
    expected = [roc_auc_score(y, s) for y, s in pairs]
    np.testing.assert_allclose(auroc(targets, scores), expected, rtol=1e-12)
    expected = [average_precision_score(y, s) for y, s in pairs]
    np.testing.assert_allclose(auprc(targets, scores), expected, rtol=1e-12)


def test_areas_undefined_without_positives_or_negatives():
    targets = np.array([[0, 1, 0], [0, 1, 1]], dtype=bool)
    scores = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    np.testing.assert_array_equal(auroc(targets, scores), [np.nan, np.nan, 1])
    np.testing.assert_array_equal(auprc(targets, scores), [np.nan, 1, 1])
    assert macro(auprc(targets, scores)) == 1
    assert math.isnan(macro(auroc(targets[:, :2], scores[:, :2])))


def test_a_constant_score_knows_nothing():
    targets = np.array([[1], [0], [0], [0]], dtype=bool)
    assert auroc(targets, np.full((4, 1), 0.3)) == [0.5]
    assert auprc(targets, np.full((4, 1), 0.3)) == [0.25]


def test_infinite_scores_rank_first_and_last():
    targets = np.array([[0], [1], [0], [1]], dtype=bool)
    scores = np.array([[-np.inf], [np.inf], [0.5], [0.1]])
    assert auroc(targets, scores) == [0.75]  # three of the four pairs are in order


def test_f_measure_and_accuracy_by_hand():
    np.testing.assert_allclose(f_measure(TARGETS, LABELS), [2 / 3, 1, 0, np.nan])
    assert macro(f_measure(TARGETS, LABELS)) == pytest.approx(5 / 9)
    assert accuracy(TARGETS, LABELS) == 0
    assert accuracy(TARGETS, np.vstack([TARGETS[:2], LABELS[2:]])) == pytest.approx(2 / 3)


def test_f2_and_g2_by_hand():
    """A: tp 1, fn 1/2; B: tp 1/2; C: fp 2; D never occurs."""
    f2, g2 = beta_measures(TARGETS, LABELS, beta=2)
    np.testing.assert_allclose(f2, [5 / (5 + 4 / 2), 1, 0, np.nan])
    np.testing.assert_allclose(g2, [1 / (1 + 2 / 2), 1, 0, np.nan])
    assert macro(f2) == pytest.approx(4 / 7)
    assert macro(g2) == pytest.approx(1 / 2)


def test_beta_weighs_misses():
    f1, g1 = beta_measures(TARGETS, LABELS, beta=1)
    np.testing.assert_allclose(f1, [2 / (2 + 1 / 2), 1, 0, np.nan])
    np.testing.assert_allclose(g1, [1 / (1 + 1 / 2), 1, 0, np.nan])


@pytest.mark.parametrize(("n", "seed"), [(40, 0), (40, 1), (3, 42), (3, 218)])
def test_best_constant_equals_brute_force(n, seed):
    """In the last two, a climb from no label at all ends below the best."""
    rng = np.random.default_rng(seed)
    keep = [CLASSES.normal, *rng.choice(np.delete(np.arange(24), CLASSES.normal), 8, False)]
    groups = tuple(CLASSES.groups[k] for k in keep)
    classes = ScoredClasses(groups, CLASSES.weights[np.ix_(keep, keep)], 2020)
    targets = rng.random((n, 9)) < rng.beta(0.7, 2, 9)
    labels, score = best_constant(targets, classes)
    answers = np.array(list(itertools.product([False, True], repeat=9)))
    scores = [challenge_score(targets, np.tile(a, (n, 1)), classes) for a in answers]
    assert score == pytest.approx(max(scores), rel=1e-12)
    assert challenge_score(targets, np.tile(labels, (n, 1)), classes) == pytest.approx(score)


def test_floor_of_the_metric_on_real_recordings():
    """The best constant answer has 14 labels and scores .300, as counted independently."""
    folder = SHARED / "data/real"
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}; set ECG12_SHARED")
    codes = [read_codes(f"{base}.hea") for base in find_records(folder)]
    labels, score = best_constant(CLASSES.encode(codes), CLASSES)
    assert (len(codes), labels.sum(), round(score, 3)) == (220, 14, 0.3)


@pytest.mark.parametrize("year", [2020, 2021])
def test_evaluate_names_the_official_scores(year):
    classes = ScoredClasses(CLASSES.groups, CLASSES.weights, year)
    targets, _ = random_sets(60, seed=3)
    scores = evaluate(targets, targets, targets.astype(float), classes)
    beta = ["Fbeta-measure", "Gbeta-measure"] if year == 2020 else []
    assert list(scores) == ["AUROC", "AUPRC", "Accuracy", "F-measure", *beta, "Challenge metric"]
    assert list(scores.values()) == [1] * len(scores)


def test_integers_are_sets_too():
    assert accuracy(TARGETS.astype(int), LABELS.astype(float)) == accuracy(TARGETS, LABELS)
    np.testing.assert_array_equal(
        confusion(TARGETS.astype(int), LABELS), confusion(TARGETS, LABELS)
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(TARGETS, LABELS[:2]), r"\(3, 4\), labels \(2, 4\)"),
        (lambda: accuracy(TARGETS, LABELS * 0.5), "labels must be 0 or 1"),
        (lambda: accuracy(TARGETS[0], LABELS[0]), r"got shape \(4,\)"),
        (lambda: accuracy(TARGETS[:0], LABELS[:0]), r"got shape \(0, 4\)"),
        (lambda: auroc(TARGETS, np.full((3, 4), np.nan)), "scores must not be NaN"),
        (lambda: auprc(TARGETS, np.zeros((3, 3))), r"scores \(3, 3\)"),
        (lambda: ChallengeScorer(TARGETS, CLASSES), "4 classes, 24 are scored"),
        (
            lambda: ChallengeScorer(random_sets(5, 0)[0], CLASSES)(random_sets(4, 0)[0]),
            r"\(4, 24\) for targets of shape \(5, 24\)",
        ),
        (
            lambda: best_constant(TARGETS, ScoredClasses((("1",),) * 4, np.eye(4), 2020)),
            SINUS_RHYTHM,
        ),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_precision_and_recall_equal_scikit_learn():
    rng = np.random.default_rng(0)
    targets, labels = rng.random((50, 6)) < 0.3, rng.random((50, 6)) < 0.4
    targets[:, 4], labels[:, 5] = False, False
    found = precision_recall(targets, labels)
    expected = precision_recall_fscore_support(targets, labels, zero_division=np.nan)
    np.testing.assert_allclose(found, expected[:2])
    assert np.isnan(found[1][4])
    assert np.isnan(found[0][5])
