"""What a member's `.keras` file may hold, looked at before Keras builds anything from it.

A model folder may come from a stranger. Keras' safe mode refuses code inside a file, but imports
whatever module the file names, and unpacks whatever size it announces. Only layers of Keras' own
that run no code of the file are let through, and only sizes that a network here can have.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ecg12.runtime.errors import ModelError

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
LARGEST = {CONFIG: 2**24, WEIGHTS: 2**30, "metadata.json": 2**16}  # bytes after unpacking
MODULES = (
    "keras.activations", "keras.initializers", "keras.layers", "keras.models", "keras.ops",
    "keras.regularizers", "keras.src.layers", "keras.src.models", "keras.src.ops",
)  # fmt: skip
REGISTERED = "registered_name"
MOST_UNITS = 2**16  # units or filters of a layer
TOP_MODULE, TOP_CLASSES = "keras", ("DTypePolicy", "Functional", "Model", "Sequential")
# Layers that run code from the file, or load another file that does.
CODE_LAYERS = (
    "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__",
)  # fmt: skip


def check_archive(path: str | Path) -> None:
    """Refuse a `.keras` file that is anything but a network of Keras' own layers.

    Raises
    ------
    ModelError
        If it is no such archive, holds other or larger files, or names a class that is not let
        through. The message names the file and the class.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(path, archive)
            config = json.loads(archive.read(CONFIG))
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a Keras archive: {error}") from error
    if isinstance(config, dict):
        config.pop("compile_config", None)  # optimizer and loss, which are not loaded
    for found in _objects(config):
        module, name, registered = found.get("module"), found["class_name"], found.get(REGISTERED)
        if name in CODE_LAYERS or not _known(module, name, registered):
            shown = f"{module}.{name}" + (f" ({registered})" if registered else "")
            raise ModelError(f"{path}: names {shown[:200]!r}, which is no plain layer of Keras")
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


def _known(module: Any, name: Any, registered: Any) -> bool:
    if not isinstance(module, str | None) or not isinstance(name, str):
        return False
    if registered not in (None, name):  # a class that some program registered, "package>name"
        return False
    if module is None:  # tensors, shapes and numbers of the graph
        return name.startswith("__")
    if module == TOP_MODULE:
        return name in TOP_CLASSES
    return any(module == known or module.startswith(f"{known}.") for known in MODULES)


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
