"""The ensemble: members, thresholds and preprocessing; scores and decisions.

What runs the networks is a `Runtime`: Keras (`keras_runtime`), or onnxruntime on an exported graph
(`onnx_runtime`), for which neither Keras nor its backend is imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ecg12.decision.calibration import Calibration
from ecg12.io.classes import ScoredClasses
from ecg12.io.record import Record
from ecg12.runtime.errors import ModelError
from ecg12.signal.preprocessing import Preprocessing, dequantize, prepare_parts

if TYPE_CHECKING:
    from ecg12.models import Network

BATCH = 32  # parts of recordings per call of the networks


class Runtime(Protocol):
    """What runs the networks of an ensemble."""

    def scores(self, group: int, inputs: np.ndarray) -> np.ndarray:
        """Score a batch with the members that share one preprocessing.

        Parameters
        ----------
        group
            Which of the ensemble's distinct preprocessings.
        inputs
            (n, n_leads, n_samples, 1) float32, n from 1 on.

        Returns
        -------
        (n_members of the group, n, n_columns) float32.
        """
        ...


@dataclass(frozen=True, eq=False)
class Member:
    """One network of an ensemble.

    Attributes
    ----------
    name
        Names its file, without suffix; unique in the ensemble.
    model
        Keras model, (n, n_leads, n_samples, 1) → (n, n_columns); None where a graph holds it.
    preprocessing
        What it expects of its input.
    thresholds
        (n_classes,); a label is positive where its score is greater.
    validation_score
        What was tuned (the challenge metric) on the validation part, at these thresholds.
    network
        The specification that the model was built from, by which others may start from it.
    """

    name: str
    model: Any
    preprocessing: Preprocessing
    _: KW_ONLY
    thresholds: np.ndarray
    validation_score: float
    network: "Network | None" = None


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions on n recordings: (n, n_classes) labels, median scores and votes."""

    labels: np.ndarray
    scores: np.ndarray
    votes: np.ndarray


def vote(labels: np.ndarray) -> np.ndarray:
    """Return the mode of (n_members, ...) labels; a tie is negative."""
    return 2 * labels.sum(axis=0) > len(labels)


def grouped(members: Sequence[Member]) -> dict[Preprocessing, list[int]]:
    """Return the distinct preprocessings, in the order of the members, and whose each is."""
    groups: dict[Preprocessing, list[int]] = {}
    for place, member in enumerate(members):
        groups.setdefault(member.preprocessing, []).append(place)
    return groups


class Classifier:
    """An ensemble ready to predict.

    Parameters
    ----------
    classes
        What the members' outputs mean.
    members
        At least one; those with equal preprocessing run in one call.
    calibration
        From median scores to probabilities; None for a model that was saved without. Labels and
        `Decisions.scores` do not depend on it.
    runtime
        What runs the networks; None for Keras, on the members' models.
    operating_points
        Other thresholds that all members may take, by name: (n_classes,) each.
    """

    def __init__(
        self,
        classes: ScoredClasses,
        members: Sequence[Member],
        calibration: Calibration | None = None,
        runtime: Runtime | None = None,
        operating_points: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        if not members:
            raise ModelError("an ensemble needs at least one member")
        self.classes = classes
        self.members = tuple(members)
        self.calibration = calibration
        self.operating_points = dict(operating_points or {})
        groups = grouped(members)
        self.preprocessings = tuple(groups)
        self._order = [place for own in groups.values() for place in own]
        if runtime is None:
            from ecg12.ensemble.keras_runtime import KerasRuntime

            runtime = KerasRuntime([[members[i].model for i in own] for own in groups.values()])
        self.runtime = runtime

    def prepare(self, record: Record) -> tuple[np.ndarray, ...]:
        """Prepare a recording once for each distinct preprocessing of the members.

        Each is (n_parts, n_leads, n_samples) int16; only long recordings have several parts.
        """
        return tuple(prepare_parts(record, chain) for chain in self.preprocessings)

    def member_scores(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
        """Return (n_members, n, n_classes) scores of n prepared recordings, means over parts."""
        outputs = [
            self._mean_scores(group, signals)
            for group, signals in enumerate(zip(*prepared, strict=True))
        ]
        scores = np.empty((len(self.members), len(prepared), len(self.classes.columns)))
        scores[self._order] = np.concatenate(outputs)
        return self.classes.merge(scores)

    def _mean_scores(self, group: int, signals: Sequence[np.ndarray]) -> np.ndarray:
        """Score all parts of some recordings; return (n_models, n_recordings, n_columns) means."""
        parts, step = np.concatenate(signals), self.preprocessings[group].step
        chunks = [parts[i : i + BATCH] for i in range(0, len(parts), BATCH)]
        scores = np.concatenate(
            [self.runtime.scores(group, dequantize(chunk, step)) for chunk in chunks], axis=1
        )
        counts = np.array([len(recording) for recording in signals])
        starts = np.cumsum(counts) - counts
        return np.add.reduceat(scores, starts, axis=1) / counts[:, None].astype(scores.dtype)

    def decide(self, scores: np.ndarray) -> Decisions:
        """Decide on members' scores, (n_members, n, n_classes)."""
        thresholds = np.array([member.thresholds for member in self.members])
        labels = scores > thresholds[:, None]
        return Decisions(vote(labels), np.median(scores, axis=0), labels.sum(axis=0))

    def predict(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> Decisions:
        """Predict n recordings, each as `prepare` returned it."""
        return self.decide(self.member_scores(prepared))
