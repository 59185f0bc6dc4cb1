"""What the ensemble of one fold predicts for every recording, kept in a file."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.runtime.files import atomic_write
from ecg12.training.selection import Candidate, join, member_scores, parts
from ecg12.training.task import Task

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """The predictions of one fold's ensemble for all recordings, training part included.

    Attributes
    ----------
    scores, probabilities
        (n, n_classes): medians of the members, and those calibrated on the validation part.
    labels
        (n, n_classes) bool: votes of the members at their own thresholds.
    seconds
        What the training took, in the call that finished it.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    seconds: float


def predict_all(candidates: Sequence[Candidate], task: Task, seconds: float) -> FoldPredictions:
    """Join a fold's candidates to an ensemble; predict its parts, in the dataset's order."""
    classifier = join(candidates, task)
    scores = np.empty(task.dataset.targets.shape)
    labels = np.empty(scores.shape, bool)
    for name, part in parts(task):
        prediction = classifier.decide(member_scores(candidates, name))
        scores[part], labels[part] = prediction.scores, prediction.labels
    calibration = classifier.calibration
    probabilities = scores if calibration is None else calibration.apply(scores)
    return FoldPredictions(scores, probabilities, labels, seconds)


def write_predictions(file: Path, predictions: FoldPredictions, identity: str) -> None:
    """Write a fold's predictions atomically, with the identity of all that decided them."""
    with atomic_write(file) as temporary:
        np.savez_compressed(temporary, identity=np.array(identity), **vars(predictions))


def read_predictions(file: Path, identity: str) -> FoldPredictions | None:
    """Return a fold's predictions if the file exists and has that identity."""
    if not file.is_file():
        return None
    with np.load(file) as saved:
        if str(saved["identity"]) != identity:
            log.warning(
                "%s: of other data, folds, recipe or version; training from the first epoch", file
            )
            return None
        scores, probabilities, labels = (
            saved[name] for name in ("scores", "probabilities", "labels")
        )
        return FoldPredictions(scores, probabilities, labels, float(saved["seconds"]))
