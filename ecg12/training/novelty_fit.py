"""Statistics of an ensemble's training recordings; memory does not grow with their number."""

import logging
from collections.abc import Iterable

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.decision.novelty import Moments, Novelty, RunningMoments, mean_distances, quantiles_of
from ecg12.ensemble.classifier import Classifier
from ecg12.models.depths import depth_means
from ecg12.runtime.progress import bar

log = logging.getLogger(__name__)
MIN_RECORDINGS = 100  # to train on, and to validate; fewer have no percentiles
BATCH = 32
Inputs = Iterable[np.ndarray]  # (n, n_leads, n_samples, 1) float32 each


def fit_novelty(
    classifier: Classifier, dataset: Dataset, training: np.ndarray, validation: np.ndarray
) -> Novelty | None:
    """Run the training and the validation part through an ensemble once.

    Parameters
    ----------
    classifier
        With Keras models of one preprocessing, that of the dataset.
    dataset
        Prepared recordings; all parts of a long one count.
    training, validation
        Indices; means and covariances are of the former, quantiles of the latter.

    Returns
    -------
    None if there are too few recordings, or a network has no depths.
    """
    if min(len(training), len(validation)) < MIN_RECORDINGS or classifier.widths() is None:
        log.info("no statistics of the training part: %d and %d recordings to train and validate",
                 len(training), len(validation))  # fmt: skip
        return None
    members = moments_of(classifier, _inputs(dataset, training, "training part"))
    apart = distances_of(classifier, members, _inputs(dataset, validation, "validation part"))
    return Novelty(members, quantiles_of(apart))


def moments_of(classifier: Classifier, inputs: Inputs) -> tuple[tuple[Moments, ...], ...]:
    """Return each member's means and covariances at each depth, of inputs of one preprocessing."""
    sizes = [[x.shape[-1] for x in depth_means(member.model)] for member in classifier.members]
    sums = [[RunningMoments(size) for size in own] for own in sizes]
    for batch in inputs:
        features = classifier.runtime.scores_and_features(0, batch)[1]
        for own, x, width in zip(sums, features, sizes, strict=True):
            pieces = np.split(x, np.cumsum(width)[:-1], axis=1)
            for one, piece in zip(own, pieces, strict=True):
                one.add(piece)
    return tuple(tuple(one.moments() for one in own) for own in sums)


def distances_of(
    classifier: Classifier, members: tuple[tuple[Moments, ...], ...], inputs: Inputs
) -> np.ndarray:
    """Return the distances of inputs, means over the members, (n,)."""
    found = []
    for batch in inputs:
        features = classifier.runtime.scores_and_features(0, batch)[1]
        pairs = zip(members, features, strict=True)
        found.append(np.mean([mean_distances(own, x) for own, x in pairs], axis=0))
    return np.concatenate(found)


def _inputs(dataset: Dataset, indices: np.ndarray, name: str) -> Inputs:
    pieces = (x for _, x in dataset.all_parts(indices, BATCH))
    return bar(pieces, desc=name, total=-(-len(indices) // BATCH), leave=False, unit="batch")
