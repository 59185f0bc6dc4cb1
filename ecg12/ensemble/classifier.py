"""The ensemble: members, thresholds and preprocessing; scores and decisions.

What runs the networks is a `Runtime`: Keras (`keras_runtime`), or onnxruntime on an exported graph
(`onnx_runtime`), for which neither Keras nor its backend is imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ecg12.decision.calibration import Calibration
from ecg12.decision.conformal import Conformal, PredictionSets
from ecg12.decision.novelty import Novelty
from ecg12.io.classes import ScoredClasses
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, ModelError
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

    def widths(self, group: int) -> list[int] | None:
        """Return how many features at depth (`models.depths`) the group's members have, or None."""
        ...

    def scores_and_features(
        self, group: int, inputs: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return scores as `scores`, and each member's features at depth, (n, width) float32."""
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
    """Decisions on n recordings: (n, n_classes) labels, median scores and votes.

    With prediction sets of a `coverage` also `answers`, and what each set `holds`: no, yes,
    (2, n, n_classes) bool; with novelty also `percentiles`, (n,), of the distances.
    """

    labels: np.ndarray
    scores: np.ndarray
    votes: np.ndarray
    answers: np.ndarray | None = None
    holds: np.ndarray | None = None
    coverage: float | None = None
    percentiles: np.ndarray | None = None


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
    conformal
        Prediction sets, of which `coverage` chooses; None for a model without.
    coverage
        What the sets of each prediction promise to hold; None: there are no sets.

    Attributes
    ----------
    novelty
        Statistics of the training recordings, set by who has them; None for a model without.
    """

    def __init__(
        self,
        classes: ScoredClasses,
        members: Sequence[Member],
        calibration: Calibration | None = None,
        runtime: Runtime | None = None,
        operating_points: Mapping[str, np.ndarray] | None = None,
        *,
        conformal: Conformal | None = None,
        coverage: float | None = None,
    ) -> None:
        if not members:
            raise ModelError("an ensemble needs at least one member")
        self.classes = classes
        self.members = tuple(members)
        self.calibration = calibration
        self.operating_points = dict(operating_points or {})
        self.conformal = conformal
        self.novelty: Novelty | None = None
        self.sets = sets_of(conformal, coverage)
        groups = grouped(members)
        self.preprocessings = tuple(groups)
        self._order = [place for own in groups.values() for place in own]
        if runtime is None:
            from ecg12.ensemble.keras_runtime import KerasRuntime

            runtime = KerasRuntime([[members[i].model for i in own] for own in groups.values()])
        self.runtime = runtime

    def widths(self) -> list[int] | None:
        """Return how many features at depth each member has; None if its runtime gives none."""
        found = [self.runtime.widths(group) for group in range(len(self.preprocessings))]
        if any(own is None for own in found):
            return None
        places = dict(zip(self._order, [n for own in found for n in own or ()], strict=True))
        return [places[place] for place in range(len(self.members))]

    def prepare(self, record: Record) -> tuple[np.ndarray, ...]:
        """Prepare a recording once for each distinct preprocessing of the members.

        Each is (n_parts, n_leads, n_samples) int16; only long recordings have several parts.
        """
        return tuple(prepare_parts(record, chain) for chain in self.preprocessings)

    def member_scores(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
        """Return (n_members, n, n_classes) scores of n prepared recordings, means over parts."""
        return self._outputs(prepared, None)[0]

    def _outputs(
        self, prepared: Sequence[tuple[np.ndarray, ...]], novelty: Novelty | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return scores as `member_scores`, and distances from the training, (n,), or None."""
        groups = enumerate(zip(*prepared, strict=True))
        means = np.concatenate([self._means(*group, novelty) for group in groups])
        outputs = np.empty((len(self.members), *means.shape[1:]))
        outputs[self._order] = means
        n_columns = len(self.classes.columns)
        scores = self.classes.merge(outputs[..., :n_columns])
        return scores, outputs[..., -1].mean(axis=0) if novelty else None

    def _means(
        self, group: int, signals: Sequence[np.ndarray], novelty: Novelty | None
    ) -> np.ndarray:
        """Run all parts of some recordings; return (n_models, n_recordings, n_columns) means.

        With novelty there is one column more, the distances.
        """
        parts, step = np.concatenate(signals), self.preprocessings[group].step
        run = partial(self._with_distances, novelty) if novelty else self.runtime.scores
        chunks = [parts[i : i + BATCH] for i in range(0, len(parts), BATCH)]
        outputs = np.concatenate([run(group, dequantize(chunk, step)) for chunk in chunks], axis=1)
        counts = np.array([len(recording) for recording in signals])
        starts = np.cumsum(counts) - counts
        return np.add.reduceat(outputs, starts, axis=1) / counts[:, None].astype(outputs.dtype)

    def _with_distances(self, novelty: Novelty, group: int, inputs: np.ndarray) -> np.ndarray:
        """Return the scores of a batch, with each member's distances as a last column."""
        scores, features = self.runtime.scores_and_features(group, inputs)
        own = [place for place, m in enumerate(self.members)
               if m.preprocessing == self.preprocessings[group]]  # fmt: skip
        pairs = zip(own, features, strict=True)
        apart = [novelty.member_distances(place, x) for place, x in pairs]
        return np.concatenate([scores, np.array(apart, np.float32)[..., None]], axis=2)

    def decide(self, scores: np.ndarray) -> Decisions:
        """Decide on members' scores, (n_members, n, n_classes)."""
        thresholds = np.array([member.thresholds for member in self.members])
        labels = scores > thresholds[:, None]
        return Decisions(vote(labels), np.median(scores, axis=0), labels.sum(axis=0))

    def predict(self, prepared: Sequence[tuple[np.ndarray, ...]]) -> Decisions:
        """Predict n recordings, each as `prepare` returned it."""
        scores, distances = self._outputs(prepared, self.novelty)
        decided = self.decide(scores)
        if self.sets is not None:
            answers = self.sets.answers(decided.scores, decided.labels)
            decided = replace(
                decided,
                answers=answers,
                holds=self.sets.holds(decided.scores),
                coverage=self.sets.coverage,
            )
        if self.novelty is None or distances is None:
            return decided
        return replace(decided, percentiles=self.novelty.percentiles(distances))


def sets_of(conformal: Conformal | None, coverage: float | None) -> PredictionSets | None:
    """Return the prediction sets of a coverage, or None if none is asked for.

    Raises
    ------
    ModelError
        If the model has no prediction sets.
    InputError
        If the coverage is none for which it has them.
    """
    if coverage is None:
        return None
    if conformal is None:
        raise ModelError(
            f"coverage {coverage:g}: the model has no prediction sets; a training with enough "
            "validation recordings makes them"
        )
    try:
        return conformal.at(coverage)
    except ValueError as error:
        raise InputError(str(error)) from error
