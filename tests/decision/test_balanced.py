"""Thresholds of balanced sensitivity and specificity, against scikit-learn's curve and by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from ecg12.decision.balanced import balanced_thresholds


def test_four_recordings_by_hand():
    """Positives .4 and .8, negatives .1 and .6: above .5 one of two each is right."""
    scores = np.array([[0.1], [0.4], [0.6], [0.8]])
    y_true = np.array([[0], [1], [0], [1]], bool)
    [threshold] = balanced_thresholds(scores, y_true)
    found = scores[:, 0] > threshold
    assert min(found[[1, 3]].mean(), (~found)[[0, 2]].mean()) == 0.5
    assert threshold in (0.25, 0.5, pytest.approx(0.7))


def test_no_threshold_of_scikit_learn_s_curve_is_better():
    rng = np.random.default_rng(0)
    y_true = rng.random((400, 3)) < [0.5, 0.1, 0.02]
    scores = np.clip(rng.normal(0.3 + 0.3 * y_true, 0.2), 0, 1)
    thresholds = balanced_thresholds(scores, y_true)
    for k, threshold in enumerate(thresholds):
        fpr, tpr, _ = roc_curve(y_true[:, k], scores[:, k], drop_intermediate=False)
        labels = scores[:, k] > threshold
        reached = min(labels[y_true[:, k]].mean(), (~labels)[~y_true[:, k]].mean())
        assert reached == pytest.approx(np.minimum(tpr, 1 - fpr).max())


def test_unknown_cells_and_classes_without_examples_count_nowhere():
    scores = np.array([[0.2, 0.3], [0.9, 0.4], [0.6, 0.5], [0.8, 0.1]])
    y_true = np.array([[0, 0], [0, 0], [1, 0], [1, 0]], bool)
    known = np.array([[1, 1], [0, 1], [1, 1], [1, 1]], bool)  # the negative at .9 is unknown
    first, second = balanced_thresholds(scores, y_true, known)
    assert first == pytest.approx(0.4)
    assert second == 0.5


def test_truth_of_zeros_and_ones_is_truth():
    rng = np.random.default_rng(0)
    y_true, scores = rng.random((50, 2)) < 0.4, rng.random((50, 2))
    expected = balanced_thresholds(scores, y_true)
    np.testing.assert_array_equal(balanced_thresholds(scores, y_true.astype(int)), expected)
    with pytest.raises(ValueError, match="y_true"):
        balanced_thresholds(scores, 2 * y_true.astype(int))
