"""Losses on sigmoid scores: (n, n_columns) targets from 0 to 1, and scores → (n,) losses.

Two know the challenge's table of weights: `weighted_crossentropy`, where a false prediction costs
what the table does not credit (after the constant-weighted cross-entropy of DSAIL_SNU, Computing
in Cardiology 2021), and `soft_challenge`, the challenge metric with scores in place of labels
(as several entries of 2020 did, among them BUTTeam in a second phase of training).

A target that is NaN is unknown: `ignoring_unknown` takes such cells out of any loss.

Categorical cross-entropy with multi-hot targets is paper A's (Singstad and Tronstad, 2020). It is
written out here because Keras on TensorFlow, given that name, takes the logits from below the
sigmoids and computes `softmax_crossentropy` instead: another loss, with other gradients.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.runtime.backend import keras

ops = keras.ops
Loss = Callable[[Any, Any], Any]  # targets, scores → losses
SMALLEST = 1e-7  # scores are kept so far from 0 and 1, as Keras does


def _within(scores: Any) -> Any:
    return ops.clip(scores, SMALLEST, 1 - SMALLEST)


def categorical_crossentropy(targets: Any, scores: Any) -> Any:
    """Return −Σ y log(σ / Σ σ): each recording's scores are divided by their sum first."""
    shares = scores / ops.maximum(ops.sum(scores, axis=-1, keepdims=True), SMALLEST)
    return -ops.sum(targets * ops.log(_within(shares)), axis=-1)


def softmax_crossentropy(targets: Any, scores: Any) -> Any:
    """Return −Σ y log softmax(z), with z the sigmoids' logits."""
    scores = _within(scores)
    logits = ops.log(scores) - ops.log(1 - scores)
    return -ops.sum(targets * ops.log_softmax(logits, axis=-1), axis=-1)


def credits(classes: ScoredClasses) -> np.ndarray:
    """Return the credit for predicting column j where column i is true, (n_columns, n_columns)."""
    column = classes.class_of_column
    return classes.weights[np.ix_(column, column)].astype(np.float32)


def weighted_crossentropy(classes: ScoredClasses) -> Loss:
    """Return binary cross-entropy whose false predictions are weighted by the table of weights.

    A column that is not true weighs 1 less the highest credit that it earns beside a true one;
    true columns, and all columns of a recording without a true one, weigh 1.
    """
    table = credits(classes)

    def loss(targets: Any, scores: Any) -> Any:
        scores = _within(scores)
        credit = ops.max(targets[:, :, None] * table, axis=1)
        wrong = (1 - targets) * (1 - ops.maximum(credit, 0.0)) * ops.log(1 - scores)
        return -ops.mean(targets * ops.log(scores) + wrong, axis=-1)

    return loss


def soft_challenge(classes: ScoredClasses) -> Loss:
    """Return binary cross-entropy less the challenge metric with scores in the place of labels.

    A recording with targets y and scores p earns Σ w_ij y_i p_j / Σ (y + p − y p): the metric's
    credit, divided by the number of classes that are true or predicted; equivalent columns are
    merged first. (Perez Alday et al., Physiol Meas 41 124003, 2020, with soft labels.)
    """
    merge = np.eye(len(classes), dtype=np.float32)[classes.class_of_column]
    merge /= merge.sum(axis=0)
    table = classes.weights.astype(np.float32)

    def loss(targets: Any, scores: Any) -> Any:
        y, p = ops.matmul(targets, merge), ops.matmul(scores, merge)
        either = ops.sum(y + p - y * p, axis=-1)
        earned = ops.sum(ops.matmul(y, table) * p, axis=-1) / ops.maximum(either, 1.0)
        return keras.losses.binary_crossentropy(targets, scores) - earned

    return loss


def ignoring_unknown(loss: Loss) -> Loss:
    """Return a loss to which columns with an unknown target (NaN) add nothing.

    They count as absent and answered with score 0, which costs nothing in any of `LOSSES` and has
    no gradient. Means over columns still divide by all of them: each known label weighs the same,
    however many others its recording has.
    """

    def known_only(targets: Any, scores: Any) -> Any:
        known = ops.logical_not(ops.isnan(targets))
        nothing = ops.zeros_like(scores)
        return loss(ops.where(known, targets, nothing), ops.where(known, scores, nothing))

    return known_only


LOSSES: dict[str, Callable[[ScoredClasses], Loss]] = {
    "binary_crossentropy": lambda classes: keras.losses.binary_crossentropy,
    "categorical_crossentropy": lambda classes: categorical_crossentropy,
    "softmax_crossentropy": lambda classes: softmax_crossentropy,
    "weighted_crossentropy": weighted_crossentropy,
    "soft_challenge": soft_challenge,
}
