"""How far a recording is from all that the networks were trained on: a Mahalanobis distance.

Method
    At a few depths of a network, the means over time of its channels are a vector, which is scaled
    to length one (after Müller and Hein, "Mahalanobis++", ICML 2025). Its squared Mahalanobis
    distance from the training recordings (Lee et al., NeurIPS 2018; one mean and covariance, as no
    label is asked for), divided by the number of channels, is averaged over depths and members.
    Shallow depths see shuffled leads, deep ones rhythms that no heart has; the penultimate layer
    alone misses both (`reports/novelty.md`).
What is kept
    Means and covariances of the training recordings, and quantiles of the distances of validation
    recordings, which say how rare a distance is. Nothing of a single recording.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

RIDGE = 1e-4  # of each channel's variance, added to it
FLOOR = 1e-6  # of the mean variance, added to each: channels that never moved
SHORTEST = 1e-12  # a vector's length that it is divided by at least
LEVELS = (*np.arange(0.5, 99.1, 0.5).round(1).tolist(), 99.25, 99.5, 99.75, 99.9)  # percentiles


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean, (d,), and covariance, (d, d), of vectors of length one."""

    mean: np.ndarray
    covariance: np.ndarray

    @cached_property
    def whitening(self) -> np.ndarray:
        """(d, d) W: the squared length of (x - mean) W is the squared Mahalanobis distance."""
        variances = np.diag(self.covariance)
        added = RIDGE * variances + FLOOR * variances.mean() + SHORTEST
        values, vectors = np.linalg.eigh(self.covariance.astype(np.float64) + np.diag(added))
        # Rounded to float32, a covariance may have lost what makes it positive.
        return np.asarray(vectors / np.sqrt(np.maximum(values, added.min())))

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Return the squared Mahalanobis distance of each of (n, d) features, per channel, (n,)."""
        whitened = (unit_length(features) - self.mean) @ self.whitening
        return np.asarray(np.square(whitened).mean(axis=1))


def unit_length(features: np.ndarray) -> np.ndarray:
    """Scale (n, d) vectors to length one; zeros stay zeros."""
    features = np.asarray(features, np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, SHORTEST))


class RunningMoments:
    """Sums over vectors that come in batches; memory does not grow with their number."""

    def __init__(self, size: int) -> None:
        self.n = 0
        self._origin = np.zeros(size)  # the first batch's mean: products of small numbers
        self._sum, self._products = np.zeros(size), np.zeros((size, size))

    def add(self, features: np.ndarray) -> None:
        """Add (n, d) features, scaled to length one."""
        units = unit_length(features)
        if not self.n:
            self._origin = units.mean(axis=0)
        apart = units - self._origin
        self.n += len(apart)
        self._sum += apart.sum(axis=0)
        self._products += apart.T @ apart

    def moments(self) -> Moments:
        """Return mean and covariance of all, in the precision in which they are stored."""
        mean = self._sum / self.n
        covariance = self._products / self.n - np.outer(mean, mean)
        stored = np.float32
        return Moments((self._origin + mean).astype(stored), covariance.astype(stored))


def sizes_of(depths: Sequence[Moments]) -> list[int]:
    """Return how many channels each depth has."""
    return [len(own.mean) for own in depths]


def mean_distances(depths: Sequence[Moments], features: np.ndarray) -> np.ndarray:
    """Return the mean over depths of the distances of (n, width) features, (n,)."""
    pieces = np.split(features, np.cumsum(sizes_of(depths))[:-1], axis=1)
    found = [own.distances(x) for own, x in zip(depths, pieces, strict=True)]
    return np.asarray(np.mean(found, axis=0))


@dataclass(frozen=True, eq=False)
class Novelty:
    """Statistics of an ensemble's training recordings, and quantiles of distances.

    Attributes
    ----------
    members
        Of each member, the moments at each depth.
    quantiles
        (len(LEVELS),) the distances below which these percentages of validation recordings are.
    """

    members: tuple[tuple[Moments, ...], ...]
    quantiles: np.ndarray

    def widths(self) -> list[int]:
        """Return how many features each member has, all depths together."""
        return [sum(sizes_of(own)) for own in self.members]

    def member_distances(self, member: int, features: np.ndarray) -> np.ndarray:
        """Return the distances, (n,), of a member's (n, width) features, depths side by side."""
        return mean_distances(self.members[member], features)

    def percentiles(self, distances: np.ndarray) -> np.ndarray:
        """Return the share of validation recordings that are nearer, in percent, (n,).

        Beyond the last of `LEVELS` it is 100, before the first 0.
        """
        return np.interp(distances, self.quantiles, LEVELS, left=0.0, right=100.0)


def quantiles_of(distances: Iterable[float]) -> np.ndarray:
    """Return the quantiles of distances at `LEVELS`."""
    return np.asarray(np.percentile(list(distances), LEVELS))
