"""The ways of deciding, and the measures of each, fold by fold."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ecg12.crossval.folds import Fold
from ecg12.crossval.predictions import FoldPredictions
from ecg12.decision.calibration import log_loss
from ecg12.decision.protocols import Decided, Search, decide, f2, g2
from ecg12.decision.thresholds import MIN_POSITIVES, per_class, single
from ecg12.io.classes import ScoredClasses
from ecg12.metrics import auprc, auroc, best_constant, challenge_score, f_measure, macro

# Way → thresholds fitted on, judged on, honest. See `ecg12.crossval`.
WAYS = {
    "in-sample": ("all but the fold", "the same", False),
    "in-fold": ("the fold", "the fold", False),
    "held-out": ("all folds, held out", "the fold", False),
    "carried over": ("all but the fold", "the fold", True),
    "nested": ("other folds, held out", "the fold", True),
    "submission": ("validation part, votes", "the fold", True),
}
METRICS = ("challenge", "constant", "AUROC", "AUPRC", "F", "F2", "G2")

Row = Mapping[str, Any]


class Judged(NamedTuple):
    """The truth, predictions and scores of the recordings on which a fold is judged."""

    y_true: np.ndarray
    y_pred: np.ndarray
    y_score: np.ndarray


def decide_folds(
    folds: Sequence[Fold],
    predictions: Sequence[FoldPredictions],
    y_true: np.ndarray,
    classes: ScoredClasses,
) -> dict[str, list[Judged]]:
    """Decide in each of `WAYS`; return for each way, fold by fold, what is judged.

    Parameters
    ----------
    folds, predictions
        One each per fold.
    y_true
        (n, n_classes) bool.
    classes
        What the columns mean, and which credit they earn.
    """
    search = sweep(classes)
    parts = [fold.held_out for fold in folds]
    rests = [np.setdiff1d(np.arange(len(y_true)), part) for part in parts]
    y_score = np.array([own.scores for own in predictions])
    decided = decide(y_score, y_true, parts, search)
    pairs = list(zip(y_score, parts, strict=True))
    y_pred = {
        "in-sample": _split(decided["in-sample"], rests),
        "in-fold": [own[part] > search(own[part], y_true[part]) for own, part in pairs],
        "held-out": [decided["held-out"][1][part] for part in parts],
        "carried over": _split(decided["carried over"], parts),
        "nested": _split(decided["nested"], parts),
        "submission": [own.labels[part] for own, part in zip(predictions, parts, strict=True)],
    }
    places = {way: rests if way == "in-sample" else parts for way in WAYS}
    return {
        way: [
            Judged(y_true[place], predicted, own[place])
            for place, predicted, own in zip(places[way], y_pred[way], y_score, strict=True)
        ]
        for way in WAYS
    }


def _split(decided: Decided, places: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Split predictions that lie one fold below the other."""
    ends = np.cumsum([len(place) for place in places])[:-1]
    return np.split(decided[1], ends)


def sweep(classes: ScoredClasses) -> Search:
    """Return the search for the best threshold of each class by the challenge metric, exactly."""

    def search(y_score: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        start = np.full(len(classes), single(y_score, y_true, classes))
        free = y_true.sum(axis=0) >= MIN_POSITIVES
        return per_class(y_score, y_true, classes, start, free=free)

    return search


def measure(judged: Judged, classes: ScoredClasses) -> dict[str, float]:
    """Return each of `METRICS`; ``constant`` is the best constant prediction's challenge metric."""
    y_true, y_pred, y_score = judged
    values = (
        challenge_score(y_true, y_pred, classes),
        best_constant(y_true, classes)[1],
        macro(auroc(y_true, y_score)),
        macro(auprc(y_true, y_score)),
        macro(f_measure(y_true, y_pred)),
        f2(y_true, y_pred),
        g2(y_true, y_pred),
    )
    return dict(zip(METRICS, values, strict=True))


def fold_row(
    fold: Fold, predictions: FoldPredictions, y_true: np.ndarray, classes: ScoredClasses
) -> Row:
    """Return a fold's row: sizes, time, and its held-out scores as a submission's."""
    part = fold.held_out
    sizes = {name: len(indices) for name, indices in fold.parts.items() if name != "test"}
    judged = Judged(y_true[part], predictions.labels[part], predictions.scores[part])
    return {
        "fold": fold.name,
        **sizes,
        "held_out": len(part),
        "seconds": round(predictions.seconds, 1),
        **measure(judged, classes),
        "log_loss": log_loss(y_true[part], predictions.scores[part]),
        "log_loss_calibrated": log_loss(y_true[part], predictions.probabilities[part]),
    }
