"""The optimizer of a schedule: decay of kernels, and a moving average of the weights.

The average is one of the optimizer's variables, so that a checkpoint holds it too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecg12.runtime.backend import keras
from ecg12.training.schedule import Schedule

SPARED = ["bias", "gamma", "beta"]  # names of the variables that do not decay


def make_optimizer(schedule: Schedule, steps: int) -> Any:
    """Build the Keras optimizer of a schedule with so many steps an epoch; kernels alone decay."""
    config: dict[str, Any] = {"learning_rate": schedule.learning_rate}
    if schedule.weight_decay:
        config["weight_decay"] = schedule.weight_decay
    if schedule.ema:
        config |= {"use_ema": True, "ema_momentum": schedule.momentum(steps)}
    optimizer = keras.optimizers.get({"class_name": schedule.optimizer, "config": config})
    if schedule.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=SPARED)
    return optimizer


@contextmanager
def averaged_weights(model: Any, optimizer: Any) -> Iterator[None]:
    """Give a model its averaged weights for a while, if the optimizer keeps an average.

    Parameters
    ----------
    model
        The Keras model that the optimizer trains; it has its own weights again afterwards.
    optimizer
        As `make_optimizer` builds it, after one step at least.
    """
    if not optimizer.use_ema:
        yield
        return
    variables = model.trainable_variables
    current = [np.array(variable.numpy()) for variable in variables]
    optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, current, strict=True):
            variable.assign(value)
