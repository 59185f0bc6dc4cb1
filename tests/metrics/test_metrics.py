"""Official metrics against hand formulas, plain loops, scikit-learn and brute force."""

import itertools
import math
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
from ecg12.metrics.folders import read_codes

ROOT = Path(__file__).parents[2]
CLASSES = load_weights(ROOT / "weights.csv")

# Three recordings, four classes A to D: {A}, {A, B}, {} predicted as {A, C}, {B}, {C}.
Y_TRUE = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
Y_PRED = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]], dtype=bool)


def random_sets(n, seed, share=0.15):
    rng = np.random.default_rng(seed)
    return rng.random((n, len(CLASSES))) < share, rng.random((n, len(CLASSES))) < share


def loop_credit(y_true, y_pred, weights):
    """Sum the credit pair by pair, as the challenge paper defines it."""
    total = 0.0
    for true, predicted in zip(y_true, y_pred, strict=True):
        union = max(1, sum(1 for t, a in zip(true, predicted, strict=True) if t or a))
        for j, k in itertools.product(range(len(true)), repeat=2):
            if true[j] and predicted[k]:
                total += weights[j, k] / union
    return total


def loop_score(y_true, y_pred, classes):
    normal = [[k == classes.normal for k in range(len(classes))]] * len(y_true)
    observed, correct, inactive = (
        loop_credit(y_true, sets, classes.weights) for sets in (y_pred, y_true, normal)
    )
    return (observed - inactive) / (correct - inactive)


def test_confusion_by_hand():
    expected = np.zeros((4, 4))
    expected[0, 0] = expected[0, 2] = expected[0, 1] = expected[1, 1] = 0.5
    np.testing.assert_array_equal(confusion(Y_TRUE, Y_PRED), expected)


def test_the_truth_scores_one_and_always_normal_zero():
    y_true, _ = random_sets(200, seed=0)
    normal = np.zeros_like(y_true)
    normal[:, CLASSES.normal] = True
    assert challenge_score(y_true, y_true, CLASSES) == 1
    assert challenge_score(y_true, normal, CLASSES) == 0


@pytest.mark.parametrize("seed", range(3))
def test_challenge_score_equals_plain_loops(seed):
    y_true, y_pred = random_sets(60, seed)
    expected = loop_score(y_true, y_pred, CLASSES)
    assert challenge_score(y_true, y_pred, CLASSES) == pytest.approx(expected, rel=1e-12)
    total = (CLASSES.weights * confusion(y_true, y_pred)).sum()
    assert total == pytest.approx(loop_credit(y_true, y_pred, CLASSES.weights), rel=1e-12)


def test_recordings_without_scored_label_do_not_touch_the_challenge_metric():
    y_true, y_pred = random_sets(50, seed=1)
    more = np.vstack([y_true, np.zeros_like(y_true)])
    score = challenge_score(more, np.vstack([y_pred, ~y_pred]), CLASSES)
    assert score == pytest.approx(challenge_score(y_true, y_pred, CLASSES), rel=1e-12)
    assert accuracy(more, np.vstack([y_true, ~y_true])) < 1


def test_challenge_score_is_zero_where_truth_and_always_normal_agree():
    y_true = np.zeros((3, len(CLASSES)), dtype=bool)
    y_pred = ~y_true
    assert challenge_score(y_true, y_pred, CLASSES) == 0
    y_true[:, CLASSES.normal] = True
    assert challenge_score(y_true, y_pred, CLASSES) == 0


def test_scorer_can_be_used_again_and_again():
    y_true, y_pred = random_sets(80, seed=2)
    scorer = ChallengeScorer(y_true, CLASSES)
    for sets in (y_pred, ~y_pred, y_true):
        assert scorer(sets) == pytest.approx(loop_score(y_true, sets, CLASSES), rel=1e-12)


@pytest.mark.parametrize("decimals", [16, 1, 0])  # 0 and 1: nearly all scores are tied
def test_auroc_and_auprc_equal_scikit_learn(decimals):
    rng = np.random.default_rng(decimals)
    y_true = rng.random((300, 6)) < 0.3
    y_score = (rng.normal(size=(300, 6)) + y_true).round(decimals)
    pairs = list(zip(y_true.T, y_score.T, strict=True))
    expected = [roc_auc_score(y, s) for y, s in pairs]
    np.testing.assert_allclose(auroc(y_true, y_score), expected, rtol=1e-12)
    expected = [average_precision_score(y, s) for y, s in pairs]
    np.testing.assert_allclose(auprc(y_true, y_score), expected, rtol=1e-12)


def test_areas_undefined_without_positives_or_negatives():
    y_true = np.array([[0, 1, 0], [0, 1, 1]], dtype=bool)
    y_score = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    np.testing.assert_array_equal(auroc(y_true, y_score), [np.nan, np.nan, 1])
    np.testing.assert_array_equal(auprc(y_true, y_score), [np.nan, 1, 1])
    assert macro(auprc(y_true, y_score)) == 1
    assert math.isnan(macro(auroc(y_true[:, :2], y_score[:, :2])))


def test_a_constant_score_knows_nothing():
    y_true = np.array([[1], [0], [0], [0]], dtype=bool)
    assert auroc(y_true, np.full((4, 1), 0.3)) == [0.5]
    assert auprc(y_true, np.full((4, 1), 0.3)) == [0.25]


def test_infinite_scores_rank_first_and_last():
    y_true = np.array([[0], [1], [0], [1]], dtype=bool)
    y_score = np.array([[-np.inf], [np.inf], [0.5], [0.1]])
    assert auroc(y_true, y_score) == [0.75]  # three of the four pairs are in order


def test_f_measure_and_accuracy_by_hand():
    np.testing.assert_allclose(f_measure(Y_TRUE, Y_PRED), [2 / 3, 1, 0, np.nan])
    assert macro(f_measure(Y_TRUE, Y_PRED)) == pytest.approx(5 / 9)
    assert accuracy(Y_TRUE, Y_PRED) == 0
    assert accuracy(Y_TRUE, np.vstack([Y_TRUE[:2], Y_PRED[2:]])) == pytest.approx(2 / 3)


def test_f2_and_g2_by_hand():
    """A: tp 1, fn 1/2; B: tp 1/2; C: fp 2; D never occurs."""
    f2, g2 = beta_measures(Y_TRUE, Y_PRED, beta=2)
    np.testing.assert_allclose(f2, [5 / (5 + 4 / 2), 1, 0, np.nan])
    np.testing.assert_allclose(g2, [1 / (1 + 2 / 2), 1, 0, np.nan])
    assert macro(f2) == pytest.approx(4 / 7)
    assert macro(g2) == pytest.approx(1 / 2)


def test_beta_weighs_misses():
    f1, g1 = beta_measures(Y_TRUE, Y_PRED, beta=1)
    np.testing.assert_allclose(f1, [2 / (2 + 1 / 2), 1, 0, np.nan])
    np.testing.assert_allclose(g1, [1 / (1 + 1 / 2), 1, 0, np.nan])


@pytest.mark.parametrize(("n", "seed"), [(40, 0), (40, 1), (3, 42), (3, 218)])
def test_best_constant_equals_brute_force(n, seed):
    """In the last two, a climb from no label at all ends below the best."""
    rng = np.random.default_rng(seed)
    keep = [CLASSES.normal, *rng.choice(np.delete(np.arange(24), CLASSES.normal), 8, False)]
    groups = tuple(CLASSES.groups[k] for k in keep)
    classes = ScoredClasses(groups, CLASSES.weights[np.ix_(keep, keep)], 2020)
    y_true = rng.random((n, 9)) < rng.beta(0.7, 2, 9)
    y_pred, score = best_constant(y_true, classes)
    constants = np.array(list(itertools.product([False, True], repeat=9)))
    scores = [challenge_score(y_true, np.tile(a, (n, 1)), classes) for a in constants]
    assert score == pytest.approx(max(scores), rel=1e-12)
    assert challenge_score(y_true, np.tile(y_pred, (n, 1)), classes) == pytest.approx(score)


def test_best_constant_of_real_recordings(shared):
    """The best constant prediction has 14 labels and scores .300, as counted independently."""
    codes = [read_codes(f"{base}.hea") for base in find_records(shared / "data/real")]
    y_pred, score = best_constant(CLASSES.encode(codes), CLASSES)
    assert (len(codes), y_pred.sum(), round(score, 3)) == (220, 14, 0.3)


@pytest.mark.parametrize("year", [2020, 2021])
def test_evaluate_names_the_official_scores(year):
    classes = ScoredClasses(CLASSES.groups, CLASSES.weights, year)
    y_true, _ = random_sets(60, seed=3)
    scores = evaluate(y_true, y_true, y_true.astype(float), classes)
    beta = ["Fbeta-measure", "Gbeta-measure"] if year == 2020 else []
    assert list(scores) == ["AUROC", "AUPRC", "Accuracy", "F-measure", *beta, "Challenge metric"]
    assert list(scores.values()) == [1] * len(scores)


def test_integers_are_sets_too():
    assert accuracy(Y_TRUE.astype(int), Y_PRED.astype(float)) == accuracy(Y_TRUE, Y_PRED)
    np.testing.assert_array_equal(confusion(Y_TRUE.astype(int), Y_PRED), confusion(Y_TRUE, Y_PRED))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(Y_TRUE, Y_PRED[:2]), r"\(3, 4\), y_pred \(2, 4\)"),
        (lambda: accuracy(Y_TRUE, Y_PRED * 0.5), "y_pred must be 0 or 1"),
        (lambda: accuracy(Y_TRUE[0], Y_PRED[0]), r"got shape \(4,\)"),
        (lambda: accuracy(Y_TRUE[:0], Y_PRED[:0]), r"got shape \(0, 4\)"),
        (lambda: auroc(Y_TRUE, np.full((3, 4), np.nan)), "y_score must not be NaN"),
        (lambda: auprc(Y_TRUE, np.zeros((3, 3))), r"y_score \(3, 3\)"),
        (lambda: ChallengeScorer(Y_TRUE, CLASSES), "4 classes, 24 are scored"),
        (
            lambda: ChallengeScorer(random_sets(5, 0)[0], CLASSES)(random_sets(4, 0)[0]),
            r"\(4, 24\) for y_true of shape \(5, 24\)",
        ),
        (
            lambda: best_constant(Y_TRUE, ScoredClasses((("1",),) * 4, np.eye(4), 2020)),
            SINUS_RHYTHM,
        ),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_precision_and_recall_equal_scikit_learn():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.random((50, 6)) < 0.3, rng.random((50, 6)) < 0.4
    y_true[:, 4], y_pred[:, 5] = False, False
    found = precision_recall(y_true, y_pred)
    expected = precision_recall_fscore_support(y_true, y_pred, zero_division=np.nan)
    np.testing.assert_allclose(found, expected[:2])
    assert np.isnan(found[1][4])
    assert np.isnan(found[0][5])
