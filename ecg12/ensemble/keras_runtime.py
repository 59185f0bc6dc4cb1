"""Members as `.keras` files, run by Keras."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.ensemble.classifier import Member
from ecg12.ensemble.keras_file_check import check_archive
from ecg12.ensemble.model_index import INDEX, check_file
from ecg12.models import INFERENCE_FILTERS, network_of, rows_as_channels, specification
from ecg12.models.depths import depth_means, with_depths
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import ModelError
from ecg12.runtime.files import write_named_by_checksum


class KerasRuntime:
    """Keras models, those of one group compiled into one call.

    Parameters
    ----------
    groups
        The models that share an input, for each group; changed as `rows_as_channels` does.
    """

    def __init__(self, groups: Sequence[Sequence[Any]]) -> None:
        for models in groups:
            for model in models:
                rows_as_channels(model, INFERENCE_FILTERS)
        self._groups = [list(models) for models in groups]
        self._calls = [backend.compiled(models, models[0].input_shape[1:]) for models in groups]
        self._deep: dict[int, Callable[[np.ndarray], list[np.ndarray]]] = {}  # made when asked for

    def scores(self, group: int, inputs: np.ndarray) -> np.ndarray:
        """Score a batch, as `Runtime.scores` says."""
        return self._calls[group](inputs)

    def widths(self, group: int) -> list[int] | None:
        """Return the widths of the features, as `Runtime.widths` says."""
        found = [sum(x.shape[-1] for x in depth_means(model)) for model in self._groups[group]]
        return found if all(found) else None

    def scores_and_features(
        self, group: int, inputs: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Score a batch and say what is seen at depth, as `Runtime.scores_and_features` says."""
        models = self._groups[group]
        if group not in self._deep:
            joined = [with_depths(model) for model in models]
            self._deep[group] = backend.compiled_each(joined, models[0].input_shape[1:])
        outputs, n = self._deep[group](inputs), models[0].output_shape[-1]
        return np.stack([y[:, :n] for y in outputs]), [y[:, n:] for y in outputs]

    def __str__(self) -> str:
        return f"Keras with {backend.device()}"


def save_model(folder: Path, member: Member) -> dict[str, Any]:
    """Write a member's model; return what an index says of it: file, checksum, specification."""
    file, checksum = write_named_by_checksum(
        folder / f"{member.name}.keras",
        lambda path: member.model.save(path, include_optimizer=False),
    )
    network = {"network": specification(member.network)} if member.network else {}
    return {"file": file.name, "sha256": checksum} | network


def load_model(folder: Path, entry: dict[str, Any], member: Member, n_columns: int) -> Member:
    """Return a member with its model and specification.

    Parameters
    ----------
    folder
        Model folder.
    entry
        What its index says of the member.
    member
        The member, still without a model.
    n_columns
        Outputs that are needed.

    Raises
    ------
    ModelError
        As `load_network`, or if the model does not fit its preprocessing or the classes, or its
        specification is none.
    """
    try:
        network = network_of(entry["network"]) if "network" in entry else None
    except ValueError as error:
        raise ModelError(f"{folder / INDEX}: {error}") from error
    file = folder / Path(entry["file"]).name
    model = load_network(file, entry["sha256"])
    chain = member.preprocessing
    expected = (None, len(chain.leads), chain.n_samples, 1)
    if model.input_shape != expected or model.output_shape[-1] != n_columns:
        shapes = f"{model.input_shape} -> {model.output_shape}"
        raise ModelError(f"{file}: {shapes} does not fit {expected} -> {n_columns}")
    return replace(member, model=model, network=network)


def load_network(file: Path, checksum: str) -> Any:
    """Load a `.keras` file of a model folder.

    Raises
    ------
    ModelError
        If it is missing, differs from its checksum, cannot be loaded, or holds weights that are
        not finite.
    """
    check_file(file, checksum)
    check_archive(file)
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file can raise nearly anything in the parser
        raise ModelError(f"{file}: cannot be loaded: {error!r}") from error
    if not all(np.isfinite(weights).all() for weights in model.get_weights()):
        raise ModelError(f"{file}: holds weights that are no finite numbers")
    return model
