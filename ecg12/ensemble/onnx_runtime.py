"""An ensemble as one ONNX graph, run by onnxruntime.

The graph has one input for each distinct preprocessing of the members, ``signals_0`` and on, and
for each member the outputs ``scores_0`` and on, the penultimate ``features_0`` and on, and
``features_depths_0`` and on, the means over time at three depths (`models.depths`). Graphs of
earlier versions lack the last.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.ensemble.classifier import Member, grouped
from ecg12.ensemble.model_index import read_checked
from ecg12.ensemble.onnx_file_check import LARGEST, check_graph
from ecg12.runtime.errors import ModelError
from ecg12.runtime.optional_deps import require_extra

SIGNALS, SCORES, FEATURES = "signals_", "scores_", "features_"
DEPTHS = f"{FEATURES}depths_"
NO_TELEMETRY = "ORT_DISABLE_TELEMETRY", "1"  # else onnxruntime asks a host outside, and writes
FATAL = 4  # of onnxruntime's log: errors are raised


class OnnxRuntime:
    """A graph in a session of onnxruntime, on the processor.

    Parameters
    ----------
    file
        The graph's, for messages.
    session
        An `onnxruntime.InferenceSession`.
    groups
        For each input, the members that it feeds.
    """

    def __init__(self, file: Path, session: Any, groups: Sequence[Sequence[int]]) -> None:
        self._file = file
        self._session = session
        self._groups = groups
        # The inputs of the other members need something, too: one recording of zeros.
        self._zeros = {
            one.name: np.zeros((1, *one.shape[1:]), np.float32) for one in session.get_inputs()
        }

    def scores(self, group: int, inputs: np.ndarray) -> np.ndarray:
        """Score a batch, as `Runtime.scores` says.

        Raises
        ------
        ModelError
            If the graph cannot be run.
        """
        return np.stack(self._run(group, inputs, SCORES))

    def widths(self, group: int) -> list[int] | None:
        """Return the widths of the features, as `Runtime.widths` says."""
        known = {one.name: one.shape[1] for one in self._session.get_outputs()}
        names = [f"{DEPTHS}{member}" for member in self._groups[group]]
        return [known[name] for name in names] if known.keys() >= set(names) else None

    def scores_and_features(
        self, group: int, inputs: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Score a batch and say what is seen at depth, as `Runtime.scores_and_features` says."""
        outputs = self._run(group, inputs, SCORES, DEPTHS)
        n = len(outputs) // 2
        return np.stack(outputs[:n]), outputs[n:]

    def _run(self, group: int, inputs: np.ndarray, *kinds: str) -> list[np.ndarray]:
        """Return each kind of output of each of the group's members."""
        wanted = [f"{kind}{member}" for kind in kinds for member in self._groups[group]]
        feeds = self._zeros | {f"{SIGNALS}{group}": inputs}
        try:
            return list(self._session.run(wanted, feeds))
        except Exception as error:  # onnxruntime's errors have no common class
            raise ModelError(f"{self._file}: cannot be run: {error}") from error

    def __str__(self) -> str:
        import onnxruntime

        return f"onnxruntime {onnxruntime.__version__} on CPU"


def load_graph(
    folder: Path, entry: dict[str, Any], members: Sequence[Member], n_columns: int
) -> OnnxRuntime:
    """Load the graph of a model folder.

    Parameters
    ----------
    folder
        Model folder.
    entry
        What its index says of the graph: ``"file"`` and ``"sha256"``.
    members
        The index's members.
    n_columns
        Scores of each.

    Raises
    ------
    ModelError
        If the file is missing, differs from its checksum, is no such graph as `check_graph` lets
        through, cannot be loaded, or does not fit the members.
    InputError
        If onnxruntime is not installed, or the file is too large.
    """
    file = folder / Path(entry["file"]).name
    data = read_checked(file, entry["sha256"], LARGEST)
    check_graph(file, data)
    groups = grouped(members)
    session = _session(file, data)
    expected = {
        f"{SIGNALS}{group}": [len(chain.leads), chain.n_samples, 1]
        for group, chain in enumerate(groups)
    }
    _check_tensors(file, "input", session.get_inputs(), expected)
    scores = [one for one in session.get_outputs() if not one.name.startswith(FEATURES)]
    named = {f"{SCORES}{member}": [n_columns] for member in range(len(members))}
    _check_tensors(file, "output", scores, named)
    return OnnxRuntime(file, session, list(groups.values()))


def _session(file: Path, data: bytes) -> Any:
    os.environ.setdefault(*NO_TELEMETRY)  # before it is loaded
    with require_extra(f"{file}: its graph", "onnx"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL
    # Threads that wait leave the processor to those that read and prepare.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # a damaged file can raise nearly anything
        raise ModelError(f"{file}: cannot be loaded: {error}") from error


def _check_tensors(
    file: Path, kind: str, found: Sequence[Any], expected: dict[str, list[int]]
) -> None:
    """Refuse a graph whose inputs or outputs are not float32 of these names and shapes."""
    shapes = {one.name: one.shape[1:] for one in found}
    if shapes != expected or {one.type for one in found} != {"tensor(float)"}:
        raise ModelError(f"{file}: its {kind}s {shapes} do not fit the members': {expected}")
