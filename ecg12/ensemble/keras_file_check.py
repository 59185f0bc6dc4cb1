"""What a member's `.keras` file may hold, looked at before Keras builds anything from it.

A model folder may come from a stranger. Keras' safe mode refuses code inside a file, but imports
whatever module the file names, lets layers read other files, and unpacks whatever size the file
announces. So only the classes are read that the project's networks are made of, by name, and only
sizes that such a network can have.
"""

import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecg12.runtime.errors import ModelError

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST = {CONFIG: 2**24, WEIGHTS: 2**30, "metadata.json": 2**16}  # bytes after unpacking
# All that the project's networks are made of; nothing else is built.
LAYERS = (
    "Add", "AveragePooling1D", "BatchNormalization", "Concatenate", "Conv1D", "Conv2D", "Dense",
    "Dropout", "Flatten", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "InputLayer",
    "LSTM", "MaxPooling1D", "MaxPooling2D", "Multiply", "Permute", "ReLU", "Reshape",
)  # fmt: skip
INITIALIZERS = ("GlorotUniform", "Ones", "Orthogonal", "Zeros")
ALLOWED = {
    *(("keras.layers", name) for name in LAYERS),
    *(("keras.initializers", name) for name in INITIALIZERS),
    ("keras", "DTypePolicy"),
    ("keras", "Functional"),
    ("keras.src.models.functional", "Functional"),
    (None, "__keras_tensor__"),
}
REGISTERED = "registered_name"
MOST_UNITS = 2**16  # units or filters of a layer
MOST_WIDTH = 2**10  # samples of a filter, a stride or a pool, on each axis
WIDTHS = ("kernel_size", "strides", "pool_size", "dilation_rate")
SHAPES = ("batch_shape", "target_shape")
MOST_VALUES = 2**22  # in one recording's input
MOST_WEIGHTS = LARGEST[WEIGHTS] // 4  # of all layers together: 32 bits each
WEIGHTED = ("BatchNormalization", "Conv1D", "Conv2D", "Dense", "LSTM")


def check_archive(path: str | Path) -> None:
    """Refuse a `.keras` file that is anything but a network of the layers in `LAYERS`.

    Raises
    ------
    ModelError
        If it is no such archive, holds other or larger files, names another class, or layers
        larger than those of such a network. The message names the file and the class.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(path, archive)
            config = json.loads(archive.read(CONFIG))
    except ModelError:
        raise
    except Exception as error:  # of a damaged archive zipfile lets out nearly anything
        raise ModelError(f"{path}: not a Keras archive: {error!r}") from error
    if isinstance(config, dict):
        config.pop("compile_config", None)  # optimizer and loss, which are not loaded
    found = [*_objects(config)]
    for one in found:
        module, name, registered = one.get("module"), one["class_name"], one.get(REGISTERED)
        if not _is_allowed(module, name, registered):
            shown = f"{module}.{name}" + (f" ({registered})" if registered else "")
            raise ModelError(
                f"{path}: names {shown[:200]!r}, which is none of the layers that are read: "
                f"{', '.join(LAYERS)}"
            )
    n_weights = 0
    for one in found:
        try:
            n_weights += _check_layer(one["class_name"], one.get("config"), one.get("build_config"))
        except (ValueError, KeyError) as error:
            raise ModelError(f"{path}: {one['class_name']}: {error}") from error
        if n_weights > MOST_WEIGHTS:
            raise ModelError(f"{path}: layers of {n_weights} weights; at most {MOST_WEIGHTS}")


def _check_sizes(path: str | Path, archive: zipfile.ZipFile) -> None:
    for entry in archive.infolist():
        most = LARGEST.get(entry.filename, 0)
        if entry.file_size > most:
            name = f"{entry.filename[:80]!r} of {entry.file_size} bytes"
            raise ModelError(f"{path}: holds {name}; at most {most} are read")


def _check_layer(kind: str, config: Any, built: Any) -> int:
    """Return how many weights an object makes; a ValueError if it is larger than a layer can be.

    Building it, before its weights are read, fills the memory otherwise. Keras builds what has
    weights for the shape in its `build_config`, if there is one, whatever its input is; so there
    must be one.
    """
    if not isinstance(config, dict):
        if kind in WEIGHTED:
            raise ValueError("a layer without settings")
        return 0
    for key in ("units", "filters"):
        if not isinstance(value := config.get(key, 1), int) or not 0 < value <= MOST_UNITS:
            raise ValueError(f"a layer of {value} {key}; 1 to {MOST_UNITS} are read")
    for key in WIDTHS:
        for value in _listed(config.get(key)):
            if not isinstance(value, int) or not 0 < value <= MOST_WIDTH:
                raise ValueError(f"a layer of {key} {value}; 1 to {MOST_WIDTH} are read")
    for key in SHAPES:
        _n_values(key, config.get(key))
    if config.get("unroll") or config.get("data_format", "channels_last") != "channels_last":
        raise ValueError("a layer that is unrolled, or whose channels are not last")
    return _n_weights(kind, config, built) if kind in WEIGHTED else 0


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _n_values(key: str, shape: Any) -> int:
    """Return the product of a shape, in which None and -1 stand for any length."""
    sizes = [size for size in _listed(shape) if size not in (None, -1)]
    if not all(isinstance(size, int) and 0 < size <= MOST_VALUES for size in sizes):
        raise ValueError(f"a layer of {key} {str(sizes)[:80]}")
    if (product := math.prod(sizes)) > MOST_VALUES:
        raise ValueError(f"a layer of {key} {str(sizes)[:80]}; at most {MOST_VALUES} values")
    return product


def _n_weights(kind: str, config: dict[str, Any], built: Any) -> int:
    shape = built.get("input_shape") if isinstance(built, dict) else None
    if not isinstance(shape, list) or len(shape) < 2 or not isinstance(shape[-1], int):
        raise ValueError("a layer that does not say the shape of its input")
    before = shape[-1]
    if before < 1:
        raise ValueError(f"a layer of input_shape {str(shape)[:80]}")
    _n_values("input_shape", before)
    if kind == "BatchNormalization":
        return 4 * max(_n_values("input_shape", size) for size in shape)
    if kind == "Dense":
        return (before + 1) * int(config["units"])
    if kind == "LSTM":
        units = int(config["units"])
        return 4 * units * (before + units + 1)
    width = math.prod(_listed(config["kernel_size"]))
    if kind == "Conv2D" and not isinstance(config["kernel_size"], list):
        width **= 2
    return (width * before + 1) * int(config["filters"])


def _is_allowed(module: Any, name: Any, registered: Any) -> bool:
    if not isinstance(module, str | None) or not isinstance(name, str):
        return False
    # A class that some program registered is called "package>name".
    return registered in (None, name) and (module, name) in ALLOWED


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a configuration: what has a class's name."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for part in value.values():
            yield from _objects(part)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part)
