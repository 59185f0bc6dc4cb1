"""Losses on sigmoid scores: (n, n_columns) targets of 0 and 1, and scores → (n,) losses.

Categorical cross-entropy with multi-hot targets is paper A's (Singstad and Tronstad, 2020). It is
written out here because Keras on TensorFlow, given that name, takes the logits from below the
sigmoids and computes `softmax_crossentropy` instead: another loss, with other gradients.
"""

from typing import Any

from ecg12.backend import keras

ops = keras.ops
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


LOSSES = {
    "binary_crossentropy": keras.losses.binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "softmax_crossentropy": softmax_crossentropy,
}
