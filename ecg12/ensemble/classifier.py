"""The ensemble: members, thresholds and preprocessing; scores and decisions."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ecg12.data.dataset import dequantize
from ecg12.decision.calibration import Calibration
from ecg12.io.classes import ScoredClasses
from ecg12.io.record import Record
from ecg12.models import INFERENCE_FILTERS, Network, rows_as_channels
from ecg12.runtime import backend
from ecg12.runtime.errors import ModelError
from ecg12.signal.preprocessing import Preprocessing, prepare_parts

BATCH = 32  # parts of recordings per call of the networks


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
    network: Network | None = None


@dataclass(frozen=True, eq=False)
class Decisions:
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
    calibration
        From median scores to probabilities; None for a model that was saved without. Labels and
        `Decisions.scores` do not depend on it.
    """

    def __init__(
        self,
        classes: ScoredClasses,
        members: Sequence[Member],
        calibration: Calibration | None = None,
    ) -> None:
        if not members:
            raise ModelError("an ensemble needs at least one member")
        self.classes = classes
        self.members = tuple(members)
        self.calibration = calibration
        self.preprocessings = tuple(dict.fromkeys(m.preprocessing for m in members))
        teams = [[m for m in members if m.preprocessing == p] for p in self.preprocessings]
        self._order = [self.members.index(member) for team in teams for member in team]
        for member in members:
            rows_as_channels(member.model, INFERENCE_FILTERS)
        self._calls = [
            backend.compiled([m.model for m in team], team[0].model.input_shape[1:])
            for team in teams
        ]

    def prepare(self, record: Record) -> tuple[np.ndarray, ...]:
        """Prepare a recording once for each distinct preprocessing of the members.

        Each is (n_parts, n_leads, n_samples) int16; only long recordings have several parts.
        """
        return tuple(prepare_parts(record, chain) for chain in self.preprocessings)

    def member_scores(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
        """Return (n_members, n, n_classes) scores of n prepared recordings, means over parts."""
        teams = zip(self._calls, self.preprocessings, zip(*prepared, strict=True), strict=True)
        outputs = [_mean_scores(call, signals, chain.step) for call, chain, signals in teams]
        scores = np.empty((len(self.members), len(prepared), len(self.classes.columns)))
        scores[self._order] = np.concatenate(outputs)
        return self.classes.merge(scores)

    def decide(self, scores: np.ndarray) -> Decisions:
        """Decide on members' scores, (n_members, n, n_classes)."""
        thresholds = np.array([member.thresholds for member in self.members])
        labels = scores > thresholds[:, None]
        return Decisions(vote(labels), np.median(scores, axis=0), labels.sum(axis=0))

    def predict(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> Decisions:
        """Predict n recordings, each as `prepare` returned it."""
        return self.decide(self.member_scores(prepared))


def _mean_scores(
    call: Callable[[np.ndarray], np.ndarray], signals: Sequence[np.ndarray], step: float
) -> np.ndarray:
    """Score all parts of some recordings; return (n_models, n_recordings, n_columns) means."""
    parts = np.concatenate(signals)
    chunks = [parts[i : i + BATCH] for i in range(0, len(parts), BATCH)]
    scores = np.concatenate([call(dequantize(chunk, step)) for chunk in chunks], axis=1)
    counts = np.array([len(recording) for recording in signals])
    starts = np.cumsum(counts) - counts
    return np.add.reduceat(scores, starts, axis=1) / counts[:, None].astype(scores.dtype)
