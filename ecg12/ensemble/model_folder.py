"""Model folders: save and load an ensemble."""

import glob
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from ecg12.decision.calibration import Calibration
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.keras_file_check import check_archive
from ecg12.io.classes import ScoredClasses
from ecg12.models import network_of, specification
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.files import read_json, sha256, write_json, write_named_by_checksum
from ecg12.runtime.version import __version__
from ecg12.signal.preprocessing import Preprocessing

log = logging.getLogger(__name__)
FORMAT = 1
INDEX = "classifier.json"


def save_classifier(folder: str | Path, classifier: Classifier) -> None:
    """Write an ensemble into an existing folder, which stays loadable at every moment.

    Members are written under names that hold part of their checksum, the index is then replaced,
    and only after that are the files removed that it no longer names, be they an earlier
    ensemble's or left by a kill before the index was replaced.
    """
    folder = Path(folder)
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
    write_json(folder / INDEX, index)
    written = {
        path.name for member in classifier.members for path in _versions(folder, member.name)
    }
    for name in (before | written) - {entry["file"] for entry in entries}:
        (folder / name).unlink(missing_ok=True)


def _named_files(folder: Path) -> set[str]:
    """Return the member files that a folder's index names, if it has a readable one."""
    try:
        return {Path(entry["file"]).name for entry in read_json(folder / INDEX)["members"]}
    except (OSError, InputError, KeyError, TypeError):
        return set()


def _versions(folder: Path, name: str) -> list[Path]:
    """Return all files that `write_named_by_checksum` may have made of a member."""
    return list(folder.glob(f"{glob.escape(name)}-{'[0-9a-f]' * 8}.keras"))


def _save_member(folder: Path, member: Member) -> dict[str, Any]:
    file, checksum = write_named_by_checksum(
        folder / f"{member.name}.keras",
        lambda path: member.model.save(path, include_optimizer=False),
    )
    entry = {
        "name": member.name,
        "file": file.name,
        "sha256": checksum,
        "preprocessing": asdict(member.preprocessing),
        "thresholds": member.thresholds.tolist(),
        "validation_score": member.validation_score,
    }
    return entry | ({"network": specification(member.network)} if member.network else {})


def load_classifier(folder: str | Path) -> Classifier:
    """Load an ensemble.

    Raises
    ------
    ModelError
        If the folder holds no classifier, one of another format, or a member that is missing or
        differs from its checksum.
    """
    path = Path(folder) / INDEX
    index = read_index(folder)
    try:
        groups = tuple(tuple(group) for group in index["classes"])
        named = tuple((short, name) for short, name in index.get("named", ()))
        classes = ScoredClasses(groups, np.array(index["weights"]), index["year"], named)
        calibration = _load_calibration(path, index, classes)
        members = [_load_member(Path(folder), e, classes) for e in index["members"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a classifier's index: {error!r}") from error
    log.info("%s: %d members, %s", folder, len(members), backend.device())
    return Classifier(classes, members, calibration)


def read_index(folder: str | Path) -> dict[str, Any]:
    """Read a model folder's index, whose entries ``"members"`` and ``"classes"`` name some.

    Raises
    ------
    ModelError
        If there is none, or it is of another format or empty.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        raise ModelError(f"{path}: missing; train a model first: python train_model.py data model")
    index = read_json(path)
    try:
        if index["format"] != FORMAT:
            raise ModelError(f"{path}: format {index['format']}, this version reads {FORMAT}")
        for entry in ("members", "classes"):
            if not index[entry]:
                raise ModelError(f"{path}: names no {entry}")
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a classifier's index: {error!r}") from error
    return cast(dict[str, Any], index)


def _load_calibration(
    path: Path, index: dict[str, Any], classes: ScoredClasses
) -> Calibration | None:
    if "calibration" not in index:
        return None
    try:
        return Calibration.from_json(index["calibration"], len(classes))
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from error


def _load_member(folder: Path, entry: dict[str, Any], classes: ScoredClasses) -> Member:
    file = folder / Path(entry["file"]).name
    try:
        preprocessing = read_preprocessing(entry["preprocessing"])
        network = network_of(entry["network"]) if "network" in entry else None
    except (TypeError, ValueError) as error:
        raise ModelError(f"{folder / INDEX}: {error}") from error
    model = load_network(file, entry["sha256"])
    thresholds = np.array(entry["thresholds"], dtype=np.float64)
    expected = (None, len(preprocessing.leads), preprocessing.n_samples, 1)
    if model.input_shape != expected or model.output_shape[-1] != len(classes.columns):
        shapes = f"{model.input_shape} -> {model.output_shape}"
        raise ModelError(f"{file}: {shapes} does not fit {expected} -> {len(classes.columns)}")
    if thresholds.shape != (len(classes),) or not np.isfinite(thresholds).all():
        raise ModelError(
            f"{folder / INDEX}: {len(classes)} finite thresholds are needed per member"
        )
    return Member(
        entry["name"],
        model,
        preprocessing,
        thresholds=thresholds,
        validation_score=entry["validation_score"],
        network=network,
    )


def read_preprocessing(stored: dict[str, Any]) -> Preprocessing:
    """Return the preprocessing that an index holds; a Type- or ValueError if it is none."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    return Preprocessing(**fields)


def load_network(file: Path, checksum: str) -> Any:
    """Load a `.keras` file of a model folder.

    Raises
    ------
    ModelError
        If it is missing, differs from its checksum, cannot be loaded, or holds weights that are
        not finite.
    """
    if not file.is_file():
        raise ModelError(f"{file}: missing, though {INDEX} names it")
    if (found := sha256(file)) != checksum:
        raise ModelError(f"{file}: checksum {found} differs from {INDEX}: {checksum}")
    check_archive(file)
    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file can raise nearly anything in the parser
        raise ModelError(f"{file}: cannot be loaded: {error!r}") from error
    if not all(np.isfinite(weights).all() for weights in model.get_weights()):
        raise ModelError(f"{file}: holds weights that are no finite numbers")
    return model
