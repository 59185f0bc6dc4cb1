"""A last layer for the challenge metric, fitted to a trained network's features.

Cross-entropy alone asks how likely each class is; the metric asks which set of labels earns most.
`losses.soft_challenge` knows its table of weights. Only the last layer learns it, in seconds.
"""

from typing import Any

import numpy as np

from ecg12.data.dataset import dequantize
from ecg12.models.losses import ignoring_unknown, soft_challenge
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.signal.augmentation import drop_leads, kept_leads
from ecg12.signal.preprocessing import STEP
from ecg12.training.task import Task
from experiments.ptbxl.task import CHALLENGE, SINGLE

BATCH = 64
EVERY = 2  # of so many training recordings one
EPOCHS, FITTED_BATCH, RATE, DROPOUT = 6, 512, 2e-3, 0.3


def fitted_head(model: Any, task: Task, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of a last layer for the challenge's classes.

    Parameters
    ----------
    model
        A network of all columns of the task; it stays as it is.
    task
        Its training part is learned from, divided by amplitude: each recording once whole and once
        with leads lost.
    seed
        Decides which leads are lost, and the order.

    Returns
    -------
    kernel, bias
        (n_features, 24) and (24,).
    """
    n, part = len(CHALLENGE), task.parts["training"][::EVERY]
    x = features(model, task, part, np.random.default_rng(seed))
    targets = task.outputs()[part][:, :n]
    inputs = keras.layers.Input((x.shape[1],))
    head = keras.layers.Dense(n, "sigmoid")
    learner = keras.Model(inputs, head(keras.layers.Dropout(DROPOUT, seed=seed)(inputs)))
    kernel, bias = model.get_layer("scores").get_weights()
    head.set_weights([kernel[:, :n], bias[:n]])
    loss = ignoring_unknown(soft_challenge(SINGLE))
    learner.compile(keras.optimizers.Adam(RATE), loss, **backend.compile_options())
    keras.utils.set_random_seed(seed)
    learner.fit(x, np.tile(targets, (2, 1)), FITTED_BATCH, EPOCHS, verbose=0)
    kernel, bias = head.get_weights()
    return kernel, bias


def features(model: Any, task: Task, part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what the last layer sees of recordings, whole and then with leads lost.

    (2 * n, n_features) float32.
    """
    pooled = keras.Model(model.input, model.get_layer("dropout").input)
    forward = backend.compiled([pooled], model.input_shape[1:])
    whole, fewer = [], []
    for at in range(0, len(part), BATCH):
        rows = task.dataset.rows[part[at : at + BATCH]]
        signals = dequantize(task.dataset.signals[rows], STEP)
        lost = drop_leads(signals[..., 0], kept_leads(rng, len(rows), 1.0), rescale=True)
        whole.append(forward(signals)[0])
        fewer.append(forward(lost[..., None])[0])
    return np.concatenate([*whole, *fewer])
