"""The measures of some of the recordings, a group or its rest, as functions of weights."""

from dataclasses import dataclass

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.bootstrap import Draws, units_per_class
from ecg12.metrics.challenge import ChallengeScorer, normalise
from ecg12.metrics.intervals import (
    Estimate,
    area_interval,
    mean_area_interval,
    mean_factor,
    metric_interval,
)
from ecg12.metrics.ranking import RankedWithin

METRIC, MACRO = "challenge metric", "macro AUROC"


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """What is scored: truth, predictions, scores and known cells, (n, n_classes) each.

    `units` (n,) is the number of each recording's patient, `folds` (n,) that of its fold: scores of
    one fold alone can be compared.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    y_score: np.ndarray
    known: np.ndarray
    units: np.ndarray
    folds: np.ndarray
    classes: ScoredClasses

    def paired(self, rows: np.ndarray) -> np.ndarray:
        """Return which cells of some recordings count in AUROC, (n_rows, n_classes) bool.

        They are known, and among these recordings their fold has positives and negatives.
        """
        counted = self.known[rows]
        positive, folds = self.y_true[rows], self.folds[rows]
        for fold in np.unique(folds):
            own = folds == fold
            both = [(side & counted)[own].any(axis=0) for side in (positive, ~positive)]
            counted[own] &= both[0] & both[1]
        return counted


class Side:
    """A group or its rest: weights of all recordings, (n, m), → replicates of its measures.

    Parameters
    ----------
    cells
        Of all recordings.
    mask
        (n,) bool: the recordings of this side.
    enough
        The classes whose AUROC is measured.
    n_units
        How many patients it has.
    """

    def __init__(self, cells: Cells, mask: np.ndarray, enough: np.ndarray, n_units: int) -> None:
        self.rows = rows = np.flatnonzero(mask)
        y_true, known = cells.y_true[rows], cells.known[rows]
        scorer = ChallengeScorer(y_true, cells.classes, known)
        normal = np.broadcast_to(np.arange(y_true.shape[1]) == cells.classes.normal, y_true.shape)
        predictions = (cells.y_pred[rows], normal, y_true)
        self.credits = np.stack([scorer.credit(predicted) for predicted in predictions])
        self.names = [cells.classes.names[k] for k in enough]
        scores, folds = cells.y_score[rows], cells.folds[rows]
        self.ranked = [RankedWithin(y_true[:, k], scores[:, k], known[:, k], folds) for k in enough]
        self.positives, self.n_units = y_true[:, enough].sum(axis=0), n_units
        counted = (y_true & cells.paired(rows))[:, enough]
        self.class_units = units_per_class(counted, cells.units[rows])

    def __call__(self, weights: np.ndarray) -> Draws:
        """Return the challenge metric, the macro AUROC and the AUROC of each class, (m,) each."""
        weights = weights[self.rows]
        observed, inactive, correct = self.credits @ weights
        areas = [area(weights) for area in self.ranked]
        found = {METRIC: normalise(observed, inactive, correct)}
        if areas:
            found[MACRO] = np.mean(areas, axis=0)
        return found | dict(zip(self.names, areas, strict=True))

    def estimates(self, draws: Draws, n: int) -> dict[str, Estimate]:
        """Return each measure with its interval from replicates; n: of all recordings."""
        values = {name: float(value[0]) for name, value in self(np.ones((n, 1))).items()}
        ends = {METRIC: metric_interval(draws[METRIC], self.n_units)}
        pairs = np.array([area.n_pairs for area in self.ranked])
        columns = zip(self.names, self.class_units.tolist(), pairs.tolist(), strict=True)
        for name, *count in columns:
            ends[name] = area_interval(draws[name], values[name], *count)
        if self.names:
            replicates = np.stack([draws[name] for name in self.names], 1)
            factor = mean_factor(replicates, self.class_units)
            counts = self.class_units, pairs, factor
            ends[MACRO] = mean_area_interval(draws[MACRO], values[MACRO], *counts)
        return {name: Estimate(value, *ends[name]) for name, value in values.items()}
