"""The ensemble: members, thresholds and preprocessing; save, load and predict.

A model folder holds one `.keras` file per member and `classifier.json`, which names them with
their SHA-256 checksums, preprocessing and thresholds. Loading executes no code from it.

Decision (Ansari et al., 2020, section 2.3.2): the score of a class is the median of the members'
scores, its label the mode of the members' labels; a tie is negative.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg12 import __version__, backend
from ecg12.backend import keras
from ecg12.dataset import to_inputs
from ecg12.errors import InputError, ModelError
from ecg12.files import read_json, sha256, write_json, write_named_by_checksum
from ecg12.labels import ScoredClasses
from ecg12.records import Record
from ecg12.signals import Preprocessing, prepare

log = logging.getLogger(__name__)
FORMAT = 1
INDEX = "classifier.json"


@dataclass(frozen=True, eq=False)
class Member:
    """One network of an ensemble.

    Attributes
    ----------
    name
        Names its file, without suffix; unique in the ensemble.
    model
        Keras model, (n, n_leads, n_samples, 1) → (n, n_columns).
    preprocessing
        What it expects of its input.
    thresholds
        (n_classes,); a label is positive where its score is greater.
    validation_score
        The challenge metric on the validation part, at these thresholds.
    """

    name: str
    model: Any
    preprocessing: Preprocessing
    thresholds: np.ndarray
    validation_score: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """Decisions on n recordings: (n, n_classes) labels, median scores and votes."""

    labels: np.ndarray
    scores: np.ndarray
    votes: np.ndarray


def vote(labels: np.ndarray) -> np.ndarray:
    """Return the mode of (n_members, ...) labels; a tie is negative."""
    return 2 * labels.sum(axis=0) > len(labels)


class Classifier:
    """An ensemble ready to predict.

    Parameters
    ----------
    classes
        What the members' outputs mean.
    members
        At least one; those with equal preprocessing run in one compiled call.
    """

    def __init__(self, classes: ScoredClasses, members: Sequence[Member]) -> None:
        if not members:
            raise ModelError("an ensemble needs at least one member")
        self.classes = classes
        self.members = tuple(members)
        self.preprocessings = tuple(dict.fromkeys(m.preprocessing for m in members))
        teams = [[m for m in members if m.preprocessing == p] for p in self.preprocessings]
        self._order = [self.members.index(member) for team in teams for member in team]
        self._calls = [
            backend.compiled([m.model for m in team], team[0].model.input_shape[1:])
            for team in teams
        ]

    def prepare(self, record: Record) -> tuple[np.ndarray, ...]:
        """Prepare a recording once for each distinct preprocessing of the members."""
        return tuple(prepare(record, preprocessing) for preprocessing in self.preprocessings)

    def member_scores(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
        """Return (n_members, n, n_classes) scores of n prepared recordings."""
        pairs = zip(self.preprocessings, zip(*prepared, strict=True), strict=True)
        inputs = [to_inputs(np.stack(signals), chain.step) for chain, signals in pairs]
        outputs = [call(x) for call, x in zip(self._calls, inputs, strict=True)]
        scores = np.empty((len(self.members), len(prepared), len(self.classes.columns)))
        scores[self._order] = np.concatenate(outputs)
        return self.classes.merge(scores)

    def decide(self, scores: np.ndarray) -> Prediction:
        """Decide on members' scores, (n_members, n, n_classes)."""
        thresholds = np.array([member.thresholds for member in self.members])
        labels = scores > thresholds[:, None]
        return Prediction(vote(labels), np.median(scores, axis=0), labels.sum(axis=0))

    def predict(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> Prediction:
        """Predict n recordings, each as `prepare` returned it."""
        return self.decide(self.member_scores(prepared))


def save_classifier(folder: str | Path, classifier: Classifier) -> None:
    """Write an ensemble into an existing folder, which stays loadable at every moment.

    Members are written under names that hold part of their checksum, the index is then replaced,
    and only after that are the members removed that it no longer names.
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
    write_json(folder / INDEX, index)
    for name in before - {entry["file"] for entry in entries}:
        (folder / name).unlink(missing_ok=True)


def _named_files(folder: Path) -> set[str]:
    """Return the member files that a folder's index names, if it has a readable one."""
    try:
        return {Path(entry["file"]).name for entry in read_json(folder / INDEX)["members"]}
    except (OSError, InputError, KeyError, TypeError):
        return set()


def _save_member(folder: Path, member: Member) -> dict[str, Any]:
    file, checksum = write_named_by_checksum(
        folder / f"{member.name}.keras",
        lambda path: member.model.save(path, include_optimizer=False),
    )
    return {
        "name": member.name,
        "file": file.name,
        "sha256": checksum,
        "preprocessing": asdict(member.preprocessing),
        "thresholds": member.thresholds.tolist(),
        "validation_score": member.validation_score,
    }


def load_classifier(folder: str | Path) -> Classifier:
    """Load an ensemble.

    Raises
    ------
    ModelError
        If the folder holds no classifier, one of another format, or a member that is missing or
        differs from its checksum.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        raise ModelError(f"{path}: missing; train a model first: python train_model.py data model")
    try:
        index = read_json(path)
        if index["format"] != FORMAT:
            raise ModelError(f"{path}: format {index['format']}, this version reads {FORMAT}")
        if not index["members"]:
            raise ModelError(f"{path}: names no member")
        groups = tuple(tuple(group) for group in index["classes"])
        classes = ScoredClasses(groups, np.array(index["weights"]), index["year"])
        members = [_load_member(Path(folder), e, classes) for e in index["members"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a classifier's index: {error!r}") from error
    log.info("%s: %d members, %s", folder, len(members), backend.device())
    return Classifier(classes, members)


def _load_member(folder: Path, entry: dict[str, Any], classes: ScoredClasses) -> Member:
    file = folder / Path(entry["file"]).name
    if not file.is_file():
        raise ModelError(f"{file}: missing, though {INDEX} names it")
    if (found := sha256(file)) != entry["sha256"]:
        raise ModelError(f"{file}: checksum {found} differs from {INDEX}: {entry['sha256']}")
    fields: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in entry["preprocessing"].items()
    }
    try:
        preprocessing = Preprocessing(**fields)
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except ValueError as error:
        raise ModelError(f"{file}: cannot be loaded: {error}") from error
    thresholds = np.array(entry["thresholds"], dtype=np.float64)
    expected = (None, len(preprocessing.leads), preprocessing.n_samples, 1)
    if model.input_shape != expected or model.output_shape[-1] != len(classes.columns):
        shapes = f"{model.input_shape} -> {model.output_shape}"
        raise ModelError(f"{file}: {shapes} does not fit {expected} -> {len(classes.columns)}")
    if thresholds.shape != (len(classes),) or not np.isfinite(thresholds).all():
        raise ModelError(
            f"{folder / INDEX}: {len(classes)} finite thresholds are needed per member"
        )
    return Member(entry["name"], model, preprocessing, thresholds, entry["validation_score"])
