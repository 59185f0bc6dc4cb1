"""Model folders: save and load an ensemble."""

import glob
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_index import (
    CHALLENGE,
    FORMAT,
    INDEX,
    decided_by,
    read_calibration,
    read_classes,
    read_index,
    read_member,
    read_operating_points,
    read_preprocessing,
)
from ecg12.ensemble.runtime_choice import choose_runtime
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.files import read_json, write_json
from ecg12.runtime.version import __version__

__all__ = ["INDEX", "load_classifier", "read_index", "read_preprocessing", "save_classifier"]
log = logging.getLogger(__name__)


def save_classifier(folder: str | Path, classifier: Classifier) -> None:
    """Write an ensemble into an existing folder, which stays loadable at every moment.

    Members are written under names that hold part of their checksum, the index is then replaced,
    and only after that are the files removed that it no longer names, be they an earlier
    ensemble's or left by a kill before the index was replaced. A graph that was exported of an
    earlier ensemble is such a file.

    Raises
    ------
    ModelError
        If the members have no Keras models, because the ensemble runs from a graph.
    """
    folder = Path(folder)
    for member in classifier.members:
        if member.model is None:
            raise ModelError(f"{folder}: {member.name} runs from a graph and cannot be saved anew")
    before = _named_files(folder)
    entries = [_save_member(folder, member) for member in classifier.members]
    classes = classifier.classes
    index = {
        "format": FORMAT,
        "version": __version__,
        "classes": classes.groups,
        "weights": classes.weights.tolist(),
        "year": classes.year,
        "members": entries,
    }
    if classes.named:
        index["named"] = classes.named
    if classifier.calibration is not None:
        index["calibration"] = classifier.calibration.to_json()
    if classifier.operating_points:
        points = classifier.operating_points
        index["operating_points"] = {name: values.tolist() for name, values in points.items()}
    write_json(folder / INDEX, index)
    written = {
        path.name for member in classifier.members for path in _versions(folder, member.name)
    }
    for name in (before | written) - {entry["file"] for entry in entries}:
        (folder / name).unlink(missing_ok=True)


def _named_files(folder: Path) -> set[str]:
    """Return the files of networks that a folder's index names, if it has a readable one."""
    try:
        index = read_json(folder / INDEX)
        holders = [*index["members"], index.get("graph", {})]
        return {Path(one["file"]).name for one in holders if "file" in one}
    except (OSError, InputError, KeyError, TypeError):
        return set()


def _versions(folder: Path, name: str) -> list[Path]:
    """Return all files that `write_named_by_checksum` may have made of a member."""
    return list(folder.glob(f"{glob.escape(name)}-{'[0-9a-f]' * 8}.keras"))


def _save_member(folder: Path, member: Member) -> dict[str, Any]:
    from ecg12.ensemble.keras_runtime import save_model

    return {
        "name": member.name,
        **save_model(folder, member),
        "preprocessing": asdict(member.preprocessing),
        "thresholds": member.thresholds.tolist(),
        "validation_score": member.validation_score,
    }


def load_classifier(
    folder: str | Path,
    runtime: str = "auto",
    n_recordings: int | None = None,
    decide: str = CHALLENGE,
) -> Classifier:
    """Load an ensemble.

    Parameters
    ----------
    folder
        A model folder, of `.keras` members, an exported graph, or both.
    runtime
        ``"keras"``, ``"onnx"``, or ``"auto"``, as `choose_runtime` chooses.
    n_recordings
        How many will be predicted, if that is known.
    decide
        By which thresholds: ``"challenge"`` or the name of another operating point.

    Raises
    ------
    ModelError
        If the folder holds no classifier, one of another format, no such thresholds, or a member
        that is missing or differs from its checksum.
    InputError
        If what runs the networks is not installed.
    """
    path = Path(folder) / INDEX
    index = read_index(folder)
    try:
        classes = read_classes(index)
        calibration = read_calibration(path, index, classes)
        points = read_operating_points(path, index, classes)
        members = [read_member(path, entry, classes) for entry in index["members"]]
        members = decided_by(path, members, points, decide)
        chosen = choose_runtime(path, index, runtime, n_recordings)
        engine = None
        if chosen == "onnx":
            from ecg12.ensemble.onnx_runtime import load_graph

            engine = load_graph(path.parent, index["graph"], members, len(classes.columns))
        else:
            members = load_models(path.parent, index, members, len(classes.columns))
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a classifier's index: {error!r}") from error
    classifier = Classifier(classes, members, calibration, engine, points)
    log.info("%s: %d members, %s", folder, len(members), classifier.runtime)
    return classifier


def load_models(
    folder: Path, index: dict[str, Any], members: Sequence[Member], n_columns: int
) -> list[Member]:
    """Return members with their Keras models, as the files have them.

    Raises
    ------
    ModelError
        If a file is missing, damaged, or does not fit.
    """
    from ecg12.ensemble.keras_runtime import load_model

    pairs = zip(index["members"], members, strict=True)
    return [load_model(folder, entry, member, n_columns) for entry, member in pairs]
