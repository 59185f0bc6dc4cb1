"""The ways of deciding, and the measures of each, fold by fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecg12.crossval.folds import Fold
from ecg12.crossval.predictions import FoldPredictions
from ecg12.decision.calibration import log_loss
from ecg12.decision.protocols import Decided, Search, decide, f2, g2
from ecg12.decision.thresholds import MIN_POSITIVES, per_class, single
from ecg12.io.classes import ScoredClasses
from ecg12.metrics import areas, best_constant, challenge_score, f_measure, macro

# Way → thresholds fitted on, judged on, unbiased. "All but the fold" is scored by the networks
# that were trained on it.
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


@dataclass(frozen=True, eq=False)
class Truth:
    """What predictions are judged by.

    Attributes
    ----------
    y_true
        (n, n_classes) bool; False where unknown.
    classes
        What the columns mean, and which credit they earn.
    known
        (n, n_classes) bool: which cells of y_true are known; the others do not count. None: all.
    """

    y_true: np.ndarray
    classes: ScoredClasses
    known: np.ndarray | None = None

    def part(self, rows: np.ndarray) -> "Truth":
        """Return the truth of some recordings."""
        known = None if self.known is None else self.known[rows]
        return Truth(self.y_true[rows], self.classes, known)


@dataclass(frozen=True, eq=False)
class Judged:
    """The recordings on which a fold is judged: truth, predictions and scores, (n, n_classes)."""

    truth: Truth
    y_pred: np.ndarray
    y_score: np.ndarray


def decide_folds(
    folds: Sequence[Fold], predictions: Sequence[FoldPredictions], truth: Truth
) -> dict[str, list[Judged]]:
    """Decide in each of `WAYS`; return for each way, fold by fold, what is judged.

    Parameters
    ----------
    folds, predictions
        One each per fold.
    truth
        Of all recordings.
    """
    search = sweep(truth.classes)
    parts = [fold.held_out for fold in folds]
    rests = [np.setdiff1d(np.arange(len(truth.y_true)), part) for part in parts]
    y_score = np.array([own.scores for own in predictions])
    decided = decide(y_score, truth.y_true, parts, search, known=truth.known)
    own_parts = [truth.part(part) for part in parts]
    in_fold = zip(y_score, parts, own_parts, strict=True)
    y_pred = {
        "in-sample": _split(decided["in-sample"], rests),
        "in-fold": [
            own[part] > search(own[part], true.y_true, true.known) for own, part, true in in_fold
        ],
        "held-out": [decided["held-out"][1][part] for part in parts],
        "carried over": _split(decided["carried over"], parts),
        "nested": _split(decided["nested"], parts),
        "submission": [own.labels[part] for own, part in zip(predictions, parts, strict=True)],
    }
    places = {way: rests if way == "in-sample" else parts for way in WAYS}
    return {
        way: [
            Judged(truth.part(place), predicted, own[place])
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

    def search(
        y_score: np.ndarray, y_true: np.ndarray, known: np.ndarray | None = None
    ) -> np.ndarray:
        start = np.full(len(classes), single(y_score, y_true, classes, known))
        free = y_true.sum(axis=0) >= MIN_POSITIVES
        return per_class(y_score, y_true, classes, start, free=free, known=known)

    return search


def measure(judged: Judged) -> dict[str, float]:
    """Return each of `METRICS`; ``constant`` is the best constant prediction's challenge metric."""
    truth, y_pred, y_score = judged.truth, judged.y_pred, judged.y_score
    y_true, classes, known = truth.y_true, truth.classes, truth.known
    counted = y_pred if known is None else y_pred & known
    values = (
        challenge_score(y_true, y_pred, classes, known),
        best_constant(y_true, classes, known)[1],
        *map(macro, areas(y_true, y_score, known).T),
        macro(f_measure(y_true, counted)),
        f2(y_true, counted),
        g2(y_true, counted),
    )
    return dict(zip(METRICS, values, strict=True))


def fold_row(fold: Fold, predictions: FoldPredictions, truth: Truth) -> Row:
    """Return a fold's row: sizes, time, and its held-out scores as a submission's."""
    part = fold.held_out
    sizes = {name: len(indices) for name, indices in fold.parts.items() if name != "test"}
    own = truth.part(part)
    losses = {
        name: log_loss(own.y_true, values[part], own.known)
        for name, values in (
            ("log_loss", predictions.scores),
            ("log_loss_calibrated", predictions.probabilities),
        )
    }
    return {
        "fold": fold.name,
        **sizes,
        "held_out": len(part),
        "seconds": round(predictions.seconds, 1),
        **measure(Judged(own, predictions.labels[part], predictions.scores[part])),
        **losses,
    }
