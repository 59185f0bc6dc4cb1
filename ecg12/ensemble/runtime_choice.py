"""Which of the runtimes predicts: Keras, or onnxruntime on an exported graph."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.settings import RUNTIMES

# Recordings up to which the graph is faster: Keras starts seconds later, and takes less for each
# recording of a batch. `benchmarks/start_up.py` measures it.
FEW = 1000


def choose_runtime(
    path: Path, index: dict[str, Any], asked: str = "auto", n_recordings: int | None = None
) -> str:
    """Choose a runtime for a model folder.

    Parameters
    ----------
    path
        Of its index, for messages.
    index
        What `read_index` read.
    asked
        One of `RUNTIMES`. ``"auto"`` takes the graph where the folder has one and onnxruntime is
        installed; but Keras, where the folder has its members and it is installed, for more than
        `FEW` recordings.
    n_recordings
        How many will be predicted, if that is known.

    Returns
    -------
    ``"keras"`` or ``"onnx"``.

    Raises
    ------
    ModelError
        If the folder does not hold what was asked for.
    InputError
        If no such runtime is known, or the one that the folder needs is not installed.
    """
    if asked not in RUNTIMES:
        raise InputError(f"runtime {asked!r}; choices: {', '.join(RUNTIMES)}")
    has_graph = "graph" in index
    has_members = all("file" in entry for entry in index["members"])
    if asked == "onnx" and not has_graph:
        raise ModelError(f"{path}: names no graph for onnxruntime; ecg12 export makes one")
    if not has_members and (asked == "keras" or not has_graph):
        raise ModelError(f"{path}: names no .keras files, so Keras cannot run it")
    keras = has_members and _installed("keras", os.environ.get("KERAS_BACKEND") or "tensorflow")
    onnx = has_graph and _installed("onnxruntime")
    if asked == "auto":
        many = n_recordings is not None and n_recordings > FEW
        asked = "onnx" if onnx and not (keras and many) else "keras"
        if not (onnx or keras) and has_graph:
            asked = "onnx"  # the smaller of the two to install
    if asked == "onnx" and not onnx:
        raise InputError(
            f"{path}: its graph needs onnxruntime; the extra 'onnx' installs it: "
            "pip install 'ecg12[onnx]'"
        )
    return asked  # without Keras, its import says what to install


def _installed(*modules: str) -> bool:
    return all(find_spec(module) is not None for module in modules)
