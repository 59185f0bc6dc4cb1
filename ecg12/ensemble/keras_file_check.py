"""What a member's `.keras` file may hold, looked at before Keras builds anything from it.

A model folder may come from a stranger. Keras' safe mode refuses code inside a file, but imports
whatever module the file names, lets layers read other files, and unpacks whatever size the file
announces. So only the classes are read that the project's networks are made of, by name, and only
sizes that such a network can have.
"""

import json
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


def check_archive(path: str | Path) -> None:
    """Refuse a `.keras` file that is anything but a network of the layers in `LAYERS`.

    Raises
    ------
    ModelError
        If it is no such archive, holds other or larger files, or names another class. The
        message names the file and the class.
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
    for found in _objects(config):
        module, name, registered = found.get("module"), found["class_name"], found.get(REGISTERED)
        if not _is_allowed(module, name, registered):
            shown = f"{module}.{name}" + (f" ({registered})" if registered else "")
            raise ModelError(
                f"{path}: names {shown[:200]!r}, which is none of the layers that are read: "
                f"{', '.join(LAYERS)}"
            )
        _check_width(path, found.get("config"))


def _check_sizes(path: str | Path, archive: zipfile.ZipFile) -> None:
    for entry in archive.infolist():
        most = LARGEST.get(entry.filename, 0)
        if entry.file_size > most:
            name = f"{entry.filename[:80]!r} of {entry.file_size} bytes"
            raise ModelError(f"{path}: holds {name}; at most {most} are read")


def _check_width(path: str | Path, config: Any) -> None:
    """Refuse a layer so wide that building it, before its weights are read, fills the memory."""
    if not isinstance(config, dict):
        return
    for key in ("units", "filters"):
        if not isinstance(value := config.get(key, 1), int) or not 0 < value <= MOST_UNITS:
            raise ModelError(f"{path}: a layer of {value} {key}; 1 to {MOST_UNITS} are read")


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
