"""Model folders: save and load an ensemble."""

import glob
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ecg12.decision.conformal import Conformal
from ecg12.decision.novelty import Novelty
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_index import (
    CHALLENGE,
    FORMAT,
    INDEX,
    decided_by,
    index_errors,
    read_calibration,
    read_classes,
    read_conformal,
    read_index,
    read_member,
    read_operating_points,
    read_preprocessing,
)
from ecg12.ensemble.novelty_file import load_novelty, save_novelty
from ecg12.ensemble.runtime_choice import choose_runtime
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.files import read_json, write_json
from ecg12.runtime.version import __version__

__all__ = [
    "INDEX",
    "amend_classifier",
    "load_classifier",
    "read_files",
    "read_index",
    "read_preprocessing",
    "save_classifier",
]
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
    if classifier.conformal is not None:
        index["conformal"] = classifier.conformal.to_json()
    if classifier.novelty is not None:
        index["novelty"] = save_novelty(folder, classifier.novelty)
    write_json(folder / INDEX, index)
    written = {
        path.name for member in classifier.members for path in _versions(folder, member.name)
    }
    for name in (before | written) - _files(index):
        (folder / name).unlink(missing_ok=True)


def amend_classifier(
    folder: str | Path, *, conformal: Conformal | None, novelty: Novelty | None
) -> None:
    """Replace the prediction sets and the statistics of a model folder; its networks stay."""
    folder = Path(folder)
    index = read_index(folder)
    before = _files(index)
    for name in ("conformal", "novelty"):
        index.pop(name, None)
    if conformal is not None:
        index["conformal"] = conformal.to_json()
    if novelty is not None:
        index["novelty"] = save_novelty(folder, novelty)
    write_json(folder / INDEX, index)
    for name in before - _files(index):
        (folder / name).unlink(missing_ok=True)


def _named_files(folder: Path) -> set[str]:
    """Return the files that a folder's index names, if it has a readable one."""
    try:
        return _files(read_json(folder / INDEX))
    except (OSError, InputError, KeyError, TypeError):
        return set()


def _files(index: dict[str, Any]) -> set[str]:
    """Return the files of networks and statistics that an index names."""
    holders = [*index["members"], index.get("graph", {}), index.get("novelty", {})]
    return {Path(one["file"]).name for one in holders if "file" in one}


def read_files(folder: str | Path) -> dict[str, bytes]:
    """Return the files of a model folder by name: its index, and all that the index names.

    Raises
    ------
    ModelError
        If it holds no index, or a file is missing.
    """
    place = Path(folder)
    with index_errors(place / INDEX):
        names = _files(read_index(place))
    missing = [name for name in sorted(names) if not (place / name).is_file()]
    if missing:
        raise ModelError(f"{place / missing[0]}: missing, though {INDEX} names it")
    return {name: (place / name).read_bytes() for name in (INDEX, *sorted(names))}


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
    coverage: float | None = None,
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
    coverage
        What prediction sets promise to hold; None: no sets.

    Raises
    ------
    ModelError
        If the folder holds no classifier, one of another format, no such thresholds or sets, or a
        file that is missing or differs from its checksum.
    InputError
        If what runs the networks is not installed, or there are no sets of such a coverage.
    """
    path = Path(folder) / INDEX
    index = read_index(folder)
    with index_errors(path):
        classes = read_classes(index)
        calibration = read_calibration(path, index, classes)
        points = read_operating_points(path, index, classes)
        conformal = read_conformal(path, index, classes)
        members = [read_member(path, entry, classes) for entry in index["members"]]
        members = decided_by(path, members, points, decide)
        chosen = choose_runtime(path, index, runtime, n_recordings)
        engine = None
        if chosen == "onnx":
            from ecg12.ensemble.onnx_runtime import load_graph

            engine = load_graph(path.parent, index["graph"], members, len(classes.columns))
        else:
            members = load_models(path.parent, index, members, len(classes.columns))
        novelty = _novelty(path.parent, index)
    classifier = Classifier(
        classes, members, calibration, engine, points, conformal=conformal, coverage=coverage
    )
    classifier.novelty = _fitting(folder, classifier, novelty)
    log.info("%s: %d members, %s", folder, len(members), classifier.runtime)
    return classifier


def _novelty(folder: Path, index: dict[str, Any]) -> Novelty | None:
    if "novelty" not in index:
        return None
    return load_novelty(folder, index["novelty"], len(index["members"]))


def _fitting(folder: str | Path, classifier: Classifier, novelty: Novelty | None) -> Novelty | None:
    """Return statistics that fit what the networks give; None for a graph without features.

    Raises
    ------
    ModelError
        If they are of other networks.
    """
    found = classifier.widths() if novelty is not None else None
    if novelty is None or found is None:
        return None
    if found != novelty.widths():
        raise ModelError(
            f"{folder}: statistics of {novelty.widths()} features, networks of {found}"
        )
    return novelty


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
