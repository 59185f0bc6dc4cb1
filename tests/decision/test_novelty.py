"""Distances against SciPy's Mahalanobis, moments against scikit-learn's, percentiles by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.stats import percentileofscore
from sklearn.covariance import EmpiricalCovariance

from ecg12.decision.novelty import (
    FLOOR,
    LEVELS,
    RIDGE,
    Novelty,
    RunningMoments,
    mean_distances,
    quantiles_of,
)


def drawn(n, size, seed):
    """Return features of ReLU-like channels that depend on each other."""
    rng = np.random.default_rng(seed)
    return np.maximum(rng.normal(0.5, 1, (n, size)) @ rng.normal(0.2, 1, (size, size)), 0) + 0.01


def running(features, batch):
    sums = RunningMoments(features.shape[1])
    for at in range(0, len(features), batch):
        sums.add(features[at : at + batch])
    return sums.moments()


def scaled(features):
    return features / np.sqrt((features**2).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("batch", [1, 32, 500])
def test_moments_are_scikit_learn_s(batch):
    features = drawn(500, 6, 0)
    found = running(features, batch)
    expected = EmpiricalCovariance().fit(scaled(features))
    np.testing.assert_allclose(found.mean, expected.location_, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, expected.covariance_, rtol=1e-5, atol=1e-8)


def test_distances_are_scipy_s():
    moments = running(drawn(500, 6, 0), 64)
    regular = EmpiricalCovariance().fit(scaled(drawn(500, 6, 0))).covariance_
    variances = np.diag(regular)
    regular = regular + np.diag(RIDGE * variances + FLOOR * variances.mean())
    new = drawn(20, 6, 1)
    inverse = np.linalg.inv(regular)
    expected = [mahalanobis(x, moments.mean, inverse) ** 2 / 6 for x in scaled(new)]
    np.testing.assert_allclose(moments.distances(new), expected, rtol=1e-3)


def test_depths_and_members_are_averaged():
    first, second = drawn(300, 4, 0), drawn(300, 7, 1)
    depths = running(first, 50), running(second, 50)
    both = np.hstack([first, second])[:5]
    expected = (depths[0].distances(first[:5]) + depths[1].distances(second[:5])) / 2
    np.testing.assert_allclose(mean_distances(depths, both), expected)
    novelty = Novelty((depths, depths[:1]), np.arange(len(LEVELS), dtype=float))
    assert novelty.widths() == [11, 4]
    np.testing.assert_allclose(novelty.member_distances(0, both), expected)


def test_the_scale_of_a_recording_does_not_count():
    moments = running(drawn(300, 5, 0), 50)
    new = drawn(5, 5, 1)
    np.testing.assert_allclose(moments.distances(new), moments.distances(7 * new))


def test_channels_that_never_moved_and_zeros_give_numbers():
    features = drawn(300, 5, 0)
    features[:, 2] = 0
    moments = running(features, 50)
    moved = features[:3].copy()
    moved[:, 2] = 0.5
    assert np.isfinite(moments.distances(np.zeros((1, 5)))).all()
    assert (moments.distances(moved) > 1000 * moments.distances(features[:3])).all()


def test_percentiles_are_the_share_that_is_nearer():
    distances = np.random.default_rng(0).gamma(3, size=2000)
    novelty = Novelty((), quantiles_of(distances))
    asked = np.quantile(distances, [0.013, 0.25, 0.5, 0.9, 0.99, 0.9955])
    expected = [percentileofscore(distances, x) for x in asked]
    np.testing.assert_allclose(novelty.percentiles(asked), expected, atol=0.3)
    assert novelty.percentiles(np.array([0, 1e9])).tolist() == [0, 100]
