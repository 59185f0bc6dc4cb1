"""What a network sees at three depths: the means over time of its channels."""

import re
from typing import Any

from ecg12.runtime.backend import keras

_OF_BLOCK = re.compile(r"(?:(stem)|block(\d+))(?:_|$)")


def depth_layers(model: Any) -> list[Any]:
    """Return the last layer of the entry, of a middle block and of the last block of a network.

    Without an entry of its own the first block stands for it; fewer than three blocks give fewer
    layers, a model without any none.
    """
    last: dict[int, Any] = {}
    for layer in model.layers:  # from input to output
        if match := _OF_BLOCK.match(layer.name):
            last[int(match[2] or 0)] = layer
    numbers = sorted(last)
    if not numbers:
        return []
    chosen = dict.fromkeys([numbers[0], numbers[-1] // 2 + 1, numbers[-1]])
    return [last[number] for number in chosen if number in last]


def depth_means(model: Any) -> list[Any]:
    """Return the tensors (batch, n_channels) of `depth_layers`, means over all other axes."""
    outputs = [layer.output for layer in depth_layers(model)]
    return [keras.ops.mean(x, axis=tuple(range(1, x.ndim - 1))) for x in outputs]


def with_depths(model: Any) -> Any:
    """Return a model on the same layers whose output is the scores and then `depth_means`.

    (batch, n_outputs + all channels); scores alone where there is no such layer.
    """
    outputs = [model.output, *depth_means(model)]
    joined = keras.ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
    return keras.Model(model.input, joined, name=model.name)
