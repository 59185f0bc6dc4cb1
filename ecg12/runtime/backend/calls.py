"""Training steps and compiled inference."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ecg12.runtime.backend.quiet import BACKEND, keras
from ecg12.runtime.backend.sharing import filled_up, on_devices, replicas


def compile_options() -> dict[str, bool]:
    """Return the options of `Model.compile` that suit the backend.

    XLA slows TensorFlow's convolutions on a CPU two- to threefold; JAX needs it.
    """
    return {"jit_compile": BACKEND == "jax"}


def train_on_batch(model: Any, inputs: np.ndarray, targets: np.ndarray) -> float:
    """Train one step on a batch, divided among the devices if there are several.

    A batch that they cannot divide is filled up with recordings of its own that weigh nothing in
    the loss; batch normalisation sees those more than once.

    Parameters
    ----------
    model
        Compiled, with a loss per recording.
    inputs, targets
        (n, …) and (n, n_columns).

    Returns
    -------
    The mean loss of the n recordings.
    """
    if replicas() == 1:
        return float(model.train_on_batch(inputs, targets))
    places = filled_up(len(inputs))
    weights = np.zeros(len(places), np.float32)
    weights[: len(inputs)] = len(places) / len(inputs)  # Keras divides by the number of places
    return float(model.train_on_batch(inputs[places], targets[places], sample_weight=weights))


def compiled(models: Sequence[Any], shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Compile the forward passes of several models on the same input into one call.

    Parameters
    ----------
    models
        Keras models of equal input shape and equally many outputs.
    shape
        Shape of one input, without the batch.

    Returns
    -------
    callable
        (n, *shape) float32 → (n_models, n, n_outputs) float32.
    """
    call = compiled_each(models, shape)
    return lambda x: np.stack(call(x))


def compiled_each(
    models: Sequence[Any], shape: tuple[int, ...]
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Compile as `compiled` models that may differ in their outputs, which are not stacked."""
    if BACKEND == "tensorflow":
        import tensorflow

        signature = tensorflow.TensorSpec((None, *shape), tensorflow.float32)

        @tensorflow.function(input_signature=[signature], autograph=False)
        def call(x: Any) -> list[Any]:
            return [model(x, training=False) for model in models]

    else:
        import jax

        @jax.jit
        def forward(states: list[Any], x: Any) -> list[Any]:
            pairs = zip(models, states, strict=True)
            return [model.stateless_call(*state, x, training=False)[0] for model, state in pairs]

        def call(x: Any) -> list[Any]:  # weights are arguments: a closure would freeze them
            states = [_state(model) for model in models]
            if replicas() == 1:
                return forward(states, x)
            shared = on_devices(x[filled_up(len(x))])
            return [y[: len(x)] for y in forward(states, shared)]

    return lambda x: [keras.ops.convert_to_numpy(y) for y in call(x)]


def _state(model: Any) -> tuple[list[Any], list[Any]]:
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
