"""Risk and coverage against a hand-worked example and scikit-learn's accuracy of what is kept."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from ecg12.metrics.selective import class_curve, label_certainty, recording_curve, risk_coverage


def test_curve_of_a_hand_worked_example():
    """Five recordings by falling certainty: right, right, wrong, right, wrong."""
    curve = risk_coverage(
        np.array([False, True, True, False, True]), np.array([0.1, 0.9, 0.2, 0.5, 0.7])
    )
    assert curve.coverage == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert curve.accuracy == pytest.approx([1, 1, 2 / 3, 3 / 4, 3 / 5])
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert curve.left_to_person(0) == pytest.approx(3 / 5)
    assert curve.left_to_person(0.2) == pytest.approx(3 / 4)
    assert curve.left_to_person(0.3) == pytest.approx(3 / 4)  # 70 % kept needs the fourth
    assert curve.left_to_person(0.6) == 1


def test_equally_certain_recordings_come_together():
    curve = risk_coverage(np.array([1, 0, 1, 1]), np.array([0.5, 0.5, 0.5, 0.9]))
    assert curve.coverage == pytest.approx([0.25, 1])
    assert curve.accuracy == pytest.approx([1, 0.75])


def test_class_curve_is_the_accuracy_of_what_is_kept():
    rng = np.random.default_rng(0)
    p = rng.random(200)
    true, said = rng.random(200) < p, p > 0.3
    curve = class_curve(true, said, p, None)
    certain = np.where(said, p, 1 - p)
    for share in (0.0, 0.1, 0.25, 0.5):
        kept = np.argsort(-certain)[: round(200 * (1 - share))]
        expected = accuracy_score(true[kept], said[kept])
        assert curve.left_to_person(share) == pytest.approx(expected)


def test_unknown_labels_count_nowhere():
    true = np.array([[1, 0], [1, 1], [0, 0]], bool)
    said = np.array([[1, 1], [0, 1], [1, 1]], bool)
    p = np.array([[0.9, 0.6], [0.2, 0.7], [0.6, 0.6]])
    known = np.array([[1, 0], [1, 1], [0, 0]], bool)
    assert label_certainty(p, said)[1] == pytest.approx([0.8, 0.7])
    curve = recording_curve(true, said, p, known)
    # The third has no known label. Certainties .75 and .75: both at once; shares right 1 and 1/2.
    assert curve.coverage == pytest.approx([1])
    assert curve.accuracy == pytest.approx([0.75])


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_share_outside_its_range_is_refused(share):
    curve = risk_coverage(np.array([1.0]), np.array([1.0]))
    with pytest.raises(ValueError, match=str(share)):
        curve.left_to_person(share)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="shape"):
        risk_coverage(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="NaN"):
        risk_coverage(np.ones(2), np.array([1, np.nan]))
