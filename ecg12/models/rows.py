"""Convolutions over all rows, computed as one-dimensional ones: the same function, faster.

A 'same' convolution whose kernel is as high as its input lets every row see half to all of them.
Read with rows and channels as one axis, it is a one-dimensional convolution whose kernel repeats
the same weights along its diagonals. That multiplies a third more, by zeros, but processors have
much faster code for many channels than for the few of paper B (16 to 64, filters 12 rows high).
Training gains for any number; inference gains up to `INFERENCE_FILTERS` filters and loses beyond
it for single recordings (`benchmarks/rows.py`). Weights, layers and files stay those of
`keras.layers.Conv2D`.
"""

from typing import Any

from ecg12.runtime import backend
from ecg12.runtime.backend import keras

ops = keras.ops
INFERENCE_FILTERS = 32  # filters


def rows_as_channels(model: Any, most_filters: int | None = None) -> None:
    """Let a model's convolutions over all rows run as one-dimensional ones.

    Parameters
    ----------
    model
        A network's Keras model; changed in place, and all that share its layers. Only
        stride 1, no dilation, and 'same' padding qualify; other layers are left as they are, and
        on a GPU, where it has not been measured, all.
    most_filters
        Leave convolutions of more filters as they are.
    """
    if backend.gpus():
        return
    for layer in model.layers:
        if _qualifies(layer) and (most_filters is None or layer.filters <= most_filters):
            layer.convolution_op = convolve_rows


def _qualifies(layer: Any) -> bool:
    if type(layer) is not keras.layers.Conv2D or layer.data_format != "channels_last":
        return False
    whole = layer.kernel_size[0] == layer.input.shape[1]
    plain = layer.strides == layer.dilation_rate == (1, 1) and layer.groups == 1
    return whole and plain and layer.padding == "same"


def convolve_rows(inputs: Any, kernel: Any) -> Any:
    """Convolve with 'same' padding, a kernel as high as the input, and stride 1.

    Parameters
    ----------
    inputs
        (batch, rows, time, channels).
    kernel
        (rows, width, channels, filters).

    Returns
    -------
    (batch, rows, time, filters), to rounding what `keras.ops.conv` gives.
    """
    rows, width, channels, filters = kernel.shape
    time = inputs.shape[2]
    above = (rows - 1) // 2  # rows of padding, as 'same' divides them
    padded = ops.pad(kernel, ((rows - 1 - above, above), (0, 0), (0, 0), (0, 0)))
    # Output row o reads input row r through kernel row r - o + above.
    diagonals = [padded[rows - 1 - o : 2 * rows - 1 - o] for o in range(rows)]
    flat = ops.transpose(ops.stack(diagonals), (2, 1, 3, 0, 4))  # width, r, channels, o, filters
    flat = ops.reshape(flat, (width, rows * channels, rows * filters))
    x = ops.reshape(ops.transpose(inputs, (0, 2, 1, 3)), (-1, time, rows * channels))
    x = ops.conv(x, flat, padding="same", data_format="channels_last")
    return ops.transpose(ops.reshape(x, (-1, time, rows, filters)), (0, 2, 1, 3))
