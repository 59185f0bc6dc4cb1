"""Calibration against scikit-learn's, measures by hand and against scikit-learn's."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as reference_log_loss

from ecg12.decision.calibration import (
    MIN_EXAMPLES,
    Calibration,
    before_and_after,
    brier_score,
    calibrate,
    calibration_error,
    log_loss,
)


def drawn(n, seed, slopes=(0.4, 1.0, 2.5), intercepts=(-1.0, 0.5, -2.0)):
    """Return scores whose true probabilities are known: targets are drawn from them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1, 2, (n, len(slopes)))
    true = expit(np.array(slopes) * log_odds + np.array(intercepts))
    return expit(log_odds), rng.random(true.shape) < true, true


@pytest.mark.parametrize("n", [40, 400])
@pytest.mark.parametrize("seed", range(5))
def test_coefficients_are_scikit_learn_s(n, seed):
    """Its sigmoid method is Platt's, with his targets; the estimator given passes log-odds on."""
    y_score, y_true, _ = drawn(n, seed)
    found = calibrate(y_score, y_true)
    for k in np.flatnonzero(found.fitted):
        column = logit(y_score[:, [k]])
        through = LogisticRegression().fit(column, y_true[:, k])
        through.coef_, through.intercept_ = np.ones((1, 1)), np.zeros(1)
        reference = CalibratedClassifierCV(FrozenEstimator(through), method="sigmoid")
        reference.fit(column, y_true[:, k])
        expected = reference.predict_proba(column)[:, 1]
        np.testing.assert_allclose(found.apply(y_score)[:, k], expected, atol=1e-4)


def test_known_probabilities_are_found():
    y_score, y_true, true = drawn(100_000, 0)
    found = calibrate(y_score, y_true)
    np.testing.assert_allclose(found.slopes, [0.4, 1.0, 2.5], rtol=0.03)
    np.testing.assert_allclose(found.intercepts, [-1.0, 0.5, -2.0], atol=0.04)
    assert np.abs(found.apply(y_score) - true).max() < 0.02


def test_separable_scores_stay_inside():
    """Five of ten, all above the others: Platt's targets are 6/7 and 1/7, so no 0 and no 1."""
    y_true = np.repeat([False, True], 5)[:, None]
    probabilities = calibrate(np.where(y_true, 0.99, 0.01), y_true).apply(
        np.where(y_true, 0.99, 0.01)
    )
    np.testing.assert_allclose(probabilities, np.where(y_true, 6 / 7, 1 / 7), atol=1e-6)


def test_scores_that_mislead_give_the_class_s_share():
    """A falling curve is not allowed; what is left is the mean of Platt's targets."""
    y_true = np.repeat([True, False], [8, 32])[:, None]
    y_score = np.where(y_true, 0.2, 0.8) + np.linspace(-0.1, 0.1, 40)[:, None]
    found = calibrate(y_score, y_true)
    share = (8 * 9 / 10 + 32 * 1 / 34) / 40
    assert found.slopes[0] == 0
    np.testing.assert_allclose(found.apply(y_score), share, atol=1e-6)


@pytest.mark.parametrize("flip", [False, True])
def test_a_class_with_too_few_examples_keeps_its_scores(flip):
    y_score = np.random.default_rng(0).random((30, 2))
    y_true = np.zeros((30, 2), bool)
    y_true[: MIN_EXAMPLES - 1, 0] = y_true[:MIN_EXAMPLES, 1] = True
    found = calibrate(y_score, y_true ^ flip)
    assert found.fitted.tolist() == [False, True]
    np.testing.assert_array_equal(found.apply(y_score)[:, 0], y_score[:, 0])
    assert np.abs(found.apply(y_score)[:, 1] - y_score[:, 1]).max() > 0.05


def test_probabilities_rise_with_the_score_and_bear_0_and_1():
    y_score, y_true, _ = drawn(60, 3)
    found = calibrate(y_score, y_true)
    ladder = np.linspace(0, 1, 1001)[:, None].repeat(3, axis=1)
    probabilities = found.apply(ladder)
    assert (np.diff(probabilities, axis=0) >= 0).all()
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1


def test_stored_and_read_again():
    found = Calibration(np.array([0.5, np.nan]), np.array([-1.25, np.nan]))
    stored = found.to_json()
    assert stored == {"method": "platt", "slopes": [0.5, None], "intercepts": [-1.25, None]}
    again = Calibration.from_json(stored, 2)
    np.testing.assert_array_equal(again.slopes, found.slopes)
    np.testing.assert_array_equal(again.intercepts, found.intercepts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "isotonic"}, "'isotonic', this version knows 'platt'"),
        ({"slopes": [1.0]}, "classes"),
        ({"slopes": [-1.0, None]}, "below 0"),
        ({"slopes": [None, None]}, "half"),
    ],
)
def test_what_was_stored_is_checked(change, message):
    stored = {"method": "platt", "slopes": [0.5, None], "intercepts": [-1.25, None]} | change
    with pytest.raises(ValueError, match=message):
        Calibration.from_json(stored, 2)


def test_scores_outside_0_and_1_are_refused():
    with pytest.raises(ValueError, match=r"from -3.0 to 0.5; they must be in \[0, 1\]"):
        calibrate(np.array([[-3.0], [0.5]]), np.array([[True], [False]]))
    with pytest.raises(ValueError, match="1 classes"):
        Calibration(np.ones(1), np.zeros(1)).apply(np.zeros((2, 3)))


def test_log_loss_and_brier_score_are_scikit_learn_s():
    y_score, y_true, _ = drawn(200, 1)
    flat = y_true.ravel(), y_score.ravel()
    assert log_loss(y_true, y_score) == pytest.approx(reference_log_loss(*flat), rel=1e-12)
    assert brier_score(y_true, y_score) == pytest.approx(brier_score_loss(*flat), rel=1e-12)
    assert log_loss(np.array([[True]]), np.zeros((1, 1))) == pytest.approx(-np.log(1e-7))


def test_calibration_error_by_hand():
    """Class 1: bin .1 to .2 has mean .15 and share 1/2, bin .9 to 1 mean .95 and share 1.

    Class 2: one bin, mean .55 and share 1/2; 1 belongs to the last bin.
    """
    y_score = np.array([[0.1, 0.5], [0.2 - 1e-12, 0.52], [0.9, 0.58], [1.0, 0.6 - 1e-12]])
    y_true = np.array([[1, 1], [0, 0], [1, 0], [1, 1]], bool)
    first = 0.5 * abs(0.15 - 0.5) + 0.5 * abs(0.95 - 1)
    assert calibration_error(y_true, y_score) == pytest.approx((first + 0.05) / 2)


def test_calibration_lowers_all_measures_where_scores_are_wrong():
    y_score, y_true, _ = drawn(2000, 4)
    later, truth, _ = drawn(2000, 5)
    stages = before_and_after(calibrate(y_score, y_true), later, truth)
    for name, before in stages["before"].items():
        assert stages["after"][name] < before
