"""Export an ensemble as one ONNX graph, for prediction without Keras.

The graph computes the scores and features of every member (`onnx_runtime` names its inputs and
outputs); thresholds, calibration and preprocessing stay in the index beside it.
"""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.ensemble.classifier import Member, grouped
from ecg12.ensemble.model_folder import load_models
from ecg12.ensemble.model_index import INDEX, index_errors, read_classes, read_index, read_member
from ecg12.ensemble.novelty_file import load_novelty, save_novelty
from ecg12.ensemble.onnx_runtime import DEPTHS, FEATURES, SCORES, SIGNALS, load_graph
from ecg12.ensemble.onnx_tidying import tidy
from ecg12.models.depths import depth_means
from ecg12.models.heads import penultimate
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.files import read_json, write_json, write_named_by_checksum
from ecg12.runtime.interrupts import temporary_folder
from ecg12.runtime.optional_deps import require_extra

log = logging.getLogger(__name__)
OPSET = 18
NAME = "ensemble.onnx"
CLOSE = 1e-5  # the scores' largest difference from Keras'
TRIED = 4  # inputs on which they are compared


def export_model(model: str | Path, folder: str | Path) -> Path:
    """Write a model folder whose networks are one ONNX graph.

    Parameters
    ----------
    model
        Model folder with `.keras` members.
    folder
        Made if missing. The same folder keeps its members and receives the graph as well.

    Returns
    -------
    The graph's path.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or the graph's scores differ from Keras' by more than
        `CLOSE`.
    InputError
        If a library is not installed, or the folder holds another model.
    """
    model, folder = Path(model), Path(folder)
    index = read_index(model)
    if not all("file" in entry for entry in index["members"]):
        raise ModelError(f"{model / INDEX}: names no .keras files, from which a graph is made")
    same = folder.exists() and folder.samefile(model)
    _check_free(folder, same)
    with index_errors(model / INDEX):
        classes = read_classes(index)
        members = [read_member(model / INDEX, entry, classes) for entry in index["members"]]
        members = load_models(model, index, members, len(classes.columns))
    data = graph_of(members)
    folder.mkdir(parents=True, exist_ok=True)
    file, checksum = write_named_by_checksum(folder / NAME, lambda path: _write(path, data))
    entry = {"file": file.name, "sha256": checksum, "opset": OPSET}
    difference = _largest_difference(folder, entry, members, len(classes.columns))
    if not difference <= CLOSE:
        file.unlink()
        raise ModelError(f"{file}: its scores differ from Keras' by up to {difference:.2g}")
    before = _named(folder)
    if not same:
        index["members"] = [_without_file(one) for one in index["members"]]
        if "novelty" in index:
            statistics = load_novelty(model, index["novelty"], len(members))
            index["novelty"] = save_novelty(folder, statistics)
    index["graph"] = entry
    write_json(folder / INDEX, index)
    for name in before - _beside(index):
        (folder / name).unlink(missing_ok=True)
    log.info("%s: %d members, scores within %.1g of Keras'", file, len(members), difference)
    return file


def graph_of(members: Sequence[Member]) -> bytes:
    """Return an ensemble as an ONNX model, checked.

    Parameters
    ----------
    members
        With Keras models as they were loaded, before `rows_as_channels` changes them.

    Raises
    ------
    InputError
        If a library is not installed, or Keras runs on another backend than TensorFlow.
    """
    with require_extra("an export", "export"):
        import onnx
        import tf2onnx  # noqa: F401  # Keras imports it
    if backend.BACKEND != "tensorflow":
        raise InputError(f"an export needs KERAS_BACKEND=tensorflow, not {backend.BACKEND}")
    ensemble = _joined(members)
    ensemble([np.zeros((1, *one.shape[1:]), np.float32) for one in ensemble.inputs])
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with temporary_folder() as place, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        path = place / NAME
        ensemble.export(path, format="onnx", verbose=False, opset_version=OPSET)
        graph = onnx.load(path)
    tidy(graph)
    onnx.checker.check_model(graph, full_check=True)
    return bytes(graph.SerializeToString())


def _joined(members: Sequence[Member]) -> Any:
    """Return one Keras model of all members: an input for each group, some outputs for each."""
    inputs: list[Any] = []
    outputs: dict[str, Any] = {}
    for group, (chain, own) in enumerate(grouped(members).items()):
        shape = (len(chain.leads), chain.n_samples, 1)
        inputs.append(keras.layers.Input(shape, name=f"{SIGNALS}{group}"))
        for place in own:
            model = members[place].model
            wanted = {SCORES: model.output, FEATURES: penultimate(model)}
            if means := depth_means(model):
                wanted[DEPTHS] = keras.ops.concatenate(means, axis=-1)
            whole = keras.Model(model.input, list(wanted.values()), name=f"m{place}")
            found = zip(wanted, whole(inputs[-1]), strict=True)
            outputs |= {f"{kind}{place}": output for kind, output in found}
    return keras.Model(inputs, outputs)


def _largest_difference(
    folder: Path, entry: dict[str, Any], members: Sequence[Member], n_columns: int
) -> float:
    """Return the largest difference of the graph's scores from Keras', on noise of all sizes."""
    runtime = load_graph(folder, entry, members, n_columns)
    rng = np.random.default_rng(0)
    differences = []
    for group, (chain, own) in enumerate(grouped(members).items()):
        inputs = rng.normal(0, 1, (TRIED, len(chain.leads), chain.n_samples, 1))
        inputs *= np.arange(TRIED)[:, None, None, None]  # the first is zero throughout
        inputs = inputs.astype(np.float32)
        expected = [np.asarray(members[place].model(inputs)) for place in own]
        differences.append(np.abs(runtime.scores(group, inputs) - np.array(expected)).max())
    return float(max(differences))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _without_file(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("file", "sha256")}


def _check_free(folder: Path, same: bool) -> None:
    """Refuse a folder with another model's members, which its index would no longer name."""
    if same or not (folder / INDEX).is_file():
        return
    if any("file" in entry for entry in read_index(folder)["members"]):
        raise InputError(f"{folder}: holds another model; choose another folder (-o) or remove it")


def _named(folder: Path) -> set[str]:
    """Return the graph and the statistics that a folder's index names so far."""
    if not (folder / INDEX).is_file():
        return set()
    return _beside(read_json(folder / INDEX))


def _beside(index: dict[str, Any]) -> set[str]:
    """Return the graph and the statistics that an index names."""
    entries = index.get("graph", {}), index.get("novelty", {})
    return {Path(entry["file"]).name for entry in entries if "file" in entry}
