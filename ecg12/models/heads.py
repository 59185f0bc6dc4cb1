"""What all networks share: a head that can be swapped, blocks that can be frozen, activations."""

import math
import re
from typing import Any

from ecg12.runtime.backend import keras

layers = keras.layers
HEADS = ("transfer_dropout", "scores")  # the first layer of a swapped head, of a head as built
_BLOCK = re.compile(r"block(\d+)_")


def swap_head(model: Any, n_outputs: int) -> Any:
    """Return a model with a new head on the body of a trained one (paper B, section 2.3.2).

    The last layer, or a head that was swapped in before, gives way to Dropout(0.5),
    Dense(128, ReLU), Dense(32, ReLU) and Dense(n_outputs, sigmoid). The body's layers are shared,
    not copied.
    """
    x = penultimate(model)
    x = layers.Dropout(0.5, name="transfer_dropout")(x)
    x = layers.Dense(128, "relu", name="transfer_dense1")(x)
    x = layers.Dense(32, "relu", name="transfer_dense2")(x)
    x = layers.Dense(n_outputs, "sigmoid", name="transfer_scores")(x)
    return keras.Model(model.input, x, name=f"{model.name.removesuffix('_transfer')}_transfer")


def penultimate(model: Any) -> Any:
    """Return the tensor that a model's head takes in: its features, (batch, n_features)."""
    names = [layer.name for layer in model.layers]
    return model.get_layer(next(name for name in HEADS if name in names)).input


def at_length(model: Any, n_samples: int) -> Any:
    """Return a model on recordings of another length, which shares all layers with the given one.

    Parameters
    ----------
    model
        A network whose layers do not depend on the length, such as an `SEResNet`.
    n_samples
        Samples per lead of the other recordings.
    """
    n_leads, channels = model.input_shape[1], model.input_shape[3]
    inputs = layers.Input((n_leads, n_samples, channels), name="signals")
    return keras.models.clone_model(model, inputs, clone_function=lambda layer: layer)


def freeze(model: Any, blocks: int) -> None:
    """Exclude the first blocks of a network from training, and no other layer.

    Parameters
    ----------
    model
        Built from a specification, its head swapped or not; to be compiled afterwards.
    blocks
        How many, 0 to the network's number of blocks. What is before the first block (the
        entry convolution) is frozen with it. Frozen batch normalisation uses its stored moments.

    Raises
    ------
    ValueError
        If there are not so many blocks.
    """
    number_of = {layer.name: _block(layer.name) for layer in model.layers}
    most = max(number for number in number_of.values() if number is not None)
    if not 0 <= blocks <= most:
        raise ValueError(f"{blocks} blocks of {model.name} cannot be frozen; 0 to {most} can")
    for layer in model.layers:
        number = number_of[layer.name]
        layer.trainable = number is None or number > blocks


def _block(name: str) -> int | None:
    """Return the block to which a layer belongs, 1 for the entry; None for none."""
    if name.startswith("stem"):
        return 1
    match = _BLOCK.match(name)
    return int(match[1]) if match else None


def activation_bytes(model: Any) -> int:
    """Return the bytes that all layers' float32 outputs take for one recording."""
    return 4 * sum(math.prod(layer.output.shape[1:]) for layer in model.layers)
