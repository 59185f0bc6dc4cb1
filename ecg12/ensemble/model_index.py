"""A model folder's index: which networks it holds, for which classes, with which thresholds."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ecg12.decision.calibration import Calibration
from ecg12.decision.conformal import Conformal
from ecg12.ensemble.classifier import Member
from ecg12.io.classes import ScoredClasses
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.files import read_json, read_limited, sha256
from ecg12.signal.preprocessing import Preprocessing

FORMAT = 1
INDEX = "classifier.json"
SHIPPED = Path(__file__).with_name("shipped")  # the model that is part of the package
CHALLENGE, BALANCED = "challenge", "balanced"  # operating points


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


@contextmanager
def index_errors(path: str | Path) -> Iterator[None]:
    """Turn what a damaged index raises while it is read into a `ModelError` that names it."""
    try:
        yield
    except InputError:  # which names it, or another file
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ModelError(f"{path}: not a classifier's index: {error!r}") from error


def read_classes(index: dict[str, Any]) -> ScoredClasses:
    """Return the classes of an index; a Key-, Type- or ValueError if it holds none that fit."""
    groups = tuple(tuple(group) for group in index["classes"])
    named = tuple((short, name) for short, name in index.get("named", ()))
    weights = np.array(index["weights"], np.float64)
    n = len(groups)
    if not all(groups) or not _are_texts([*groups, *named]):
        raise ValueError("classes, or their names, that are no texts")
    if weights.shape != (n, n) or not np.isfinite(weights).all():
        raise ValueError(f"weights of shape {weights.shape}; {n} x {n} finite numbers are needed")
    if named and len(named) != n:
        raise ValueError(f"{len(named)} names of {n} classes")
    return ScoredClasses(groups, weights, index["year"], named)


def _are_texts(rows: Iterable[tuple[Any, ...]]) -> bool:
    return all(isinstance(text, str) for row in rows for text in row)


def read_calibration(
    path: Path, index: dict[str, Any], classes: ScoredClasses
) -> Calibration | None:
    """Return the calibration of an index, or None; a ModelError if it does not fit."""
    if "calibration" not in index:
        return None
    try:
        return Calibration.from_json(index["calibration"], len(classes))
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from error


def read_conformal(path: Path, index: dict[str, Any], classes: ScoredClasses) -> Conformal | None:
    """Return the prediction sets of an index, or None; a ModelError if they do not fit."""
    if "conformal" not in index:
        return None
    try:
        return Conformal.from_json(index["conformal"], len(classes))
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from error


def read_operating_points(
    path: Path, index: dict[str, Any], classes: ScoredClasses
) -> dict[str, np.ndarray]:
    """Return the other thresholds of an index by name; a ModelError if they do not fit."""
    points = {
        name: np.array(values, dtype=np.float64)
        for name, values in index.get("operating_points", {}).items()
    }
    for name, values in points.items():
        if values.shape != (len(classes),) or not np.isfinite(values).all():
            raise ModelError(f"{path}: operating point {name!r} needs {len(classes)} thresholds")
    return points


def decided_by(
    path: Path, members: Sequence[Member], points: Mapping[str, np.ndarray], decide: str
) -> list[Member]:
    """Return members with the thresholds of an operating point.

    Parameters
    ----------
    path
        Of the index, for messages.
    members
        With the thresholds that maximise the challenge metric, or the macro F-measure.
    points
        The other thresholds, by name.
    decide
        ``"challenge"``: the members' own; or a name of `points`.

    Raises
    ------
    ModelError
        If there is no such operating point; the message names the choices.
    """
    if decide == CHALLENGE:
        return list(members)
    if decide not in points:
        choices = ", ".join(dict.fromkeys([CHALLENGE, *points]))
        raise ModelError(f"{path}: no thresholds {decide!r}; choices: {choices}")
    return [replace(member, thresholds=points[decide]) for member in members]


def read_member(path: Path, entry: dict[str, Any], classes: ScoredClasses) -> Member:
    """Return a member of an index, without its model.

    Raises
    ------
    ModelError
        If preprocessing or thresholds cannot be; the message names the index, `path`.
    """
    try:
        preprocessing = read_preprocessing(entry["preprocessing"])
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: {error}") from error
    thresholds = np.array(entry["thresholds"], dtype=np.float64)
    if thresholds.shape != (len(classes),) or not np.isfinite(thresholds).all():
        raise ModelError(f"{path}: {len(classes)} finite thresholds are needed per member")
    return Member(
        entry["name"],
        None,
        preprocessing,
        thresholds=thresholds,
        validation_score=entry["validation_score"],
    )


def read_preprocessing(stored: dict[str, Any]) -> Preprocessing:
    """Return the preprocessing that an index holds; a Type- or ValueError if it is none."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    return Preprocessing(**fields)


def check_file(file: Path, checksum: str) -> None:
    """Refuse a file of a model folder that is missing or differs from its SHA-256."""
    _check_present(file)
    _compare(file, sha256(file), checksum)


def read_checked(file: Path, checksum: str, most: int) -> bytes:
    """Read a file of a model folder once, so that what is checked is what is used.

    Raises
    ------
    ModelError
        If it is missing or differs from its SHA-256.
    InputError
        If it is larger than `most` bytes.
    """
    _check_present(file)
    data = read_limited(file, most)
    _compare(file, hashlib.sha256(data).hexdigest(), checksum)
    return data


def _check_present(file: Path) -> None:
    if not file.is_file():
        raise ModelError(f"{file}: missing, though {INDEX} names it")


def _compare(file: Path, found: str, checksum: str) -> None:
    if found != checksum:
        raise ModelError(f"{file}: checksum {found} differs from {INDEX}: {checksum}")
