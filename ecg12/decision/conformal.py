"""Prediction sets with a promised coverage: split conformal prediction, per class and truth value.

Method
    Of recordings that chose nothing (the *conformal half* of the validation part), the scores of
    those with a class and of those without are sorted, each by itself. The k-th highest score of
    the n with the class, k = ⌈(n + 1) c⌉, is the lowest at which "yes" belongs to a set of coverage
    c; the k-th lowest score of those without is the highest at which "no" does. If recordings are
    exchangeable, the truth is in the set with probability c or more, and at most
    c + 1 / (n + 1), whichever the truth is (Vovk, Gammerman and Shafer, Algorithmic Learning in a
    Random World, 2005; label-conditional: Vovk, ACML 2012). Another hospital has no promise.
Answers
    Yes or no where the set holds one, uncertain where it holds both. Where it holds neither, the
    class is separated better than the coverage asks: the label stands as it is, which can only
    raise the coverage.
Conventions
    A class with fewer than `MIN_EXAMPLES` recordings with it, or without it, has no promise.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

METHOD = "split, label-conditional"
MIN_EXAMPLES = 30
COVERAGES = tuple(percent / 100 for percent in range(50, 100))
YES, NO, UNCERTAIN = "yes", "no", "uncertain"


def conformal_rank(n: int, coverage: float) -> int:
    """Return ⌈(n + 1) coverage⌉, the rank of the score that bounds a set; n + 1: none does."""
    return math.ceil(round((n + 1) * coverage, 9))


@dataclass(frozen=True, eq=False)
class PredictionSets:
    """Sets of one coverage.

    Attributes
    ----------
    coverage
        What is promised.
    lowest, highest
        (n_classes,) the lowest score at which "yes" is in the set, and the highest at which "no"
        is; NaN for a class without a promise.
    """

    coverage: float
    lowest: np.ndarray
    highest: np.ndarray

    @property
    def promised(self) -> np.ndarray:
        """(n_classes,) bool: which classes have a promise."""
        return ~np.isnan(self.lowest)

    def holds(self, y_score: np.ndarray) -> np.ndarray:
        """Return what the sets of (n, n_classes) scores hold, (2, n, n_classes) bool: no, yes."""
        return np.stack([y_score <= self.highest, y_score >= self.lowest])

    def covers(self, y_score: np.ndarray, y_true: np.ndarray) -> np.ndarray:
        """Return whether each set holds the truth, (n, n_classes) bool; no set, no coverage."""
        no, yes = self.holds(y_score)
        return np.where(y_true, yes, no)

    def answers(self, y_score: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return `YES`, `NO`, `UNCERTAIN`, or "" without a promise, (n, n_classes).

        Parameters
        ----------
        y_score
            (n, n_classes) the ensemble's medians.
        labels
            (n, n_classes) bool, which stand where a set is empty.
        """
        no, yes = self.holds(y_score)
        sure = np.where(yes == no, labels, yes)
        found = np.where(sure, YES, NO)
        return np.where(self.promised, np.where(yes & no, UNCERTAIN, found), "")


@dataclass(frozen=True, eq=False)
class Conformal:
    """What a model folder holds of its conformal half.

    Attributes
    ----------
    lowest, highest
        (n_classes, len(COVERAGES)) as in `PredictionSets`, for each of `COVERAGES`.
    counts
        (n_classes, 2) recordings of the half without and with the class, of those that are known.
    """

    lowest: np.ndarray
    highest: np.ndarray
    counts: np.ndarray

    def at(self, coverage: float) -> PredictionSets:
        """Return the sets of the next of `COVERAGES` that is not below `coverage`.

        Raises
        ------
        ValueError
            If there is none, or it is below them all.
        """
        place = int(np.searchsorted(COVERAGES, coverage - 1e-9))
        if not (COVERAGES[0] <= coverage and place < len(COVERAGES)):
            raise ValueError(f"coverage {coverage:g}: from {COVERAGES[0]:g} to {COVERAGES[-1]:g}")
        return PredictionSets(COVERAGES[place], self.lowest[:, place], self.highest[:, place])

    def to_json(self) -> dict[str, Any]:
        """Return it as a model folder holds it; null for a class without a promise."""
        bounds = {"lowest": self.lowest, "highest": self.highest}
        lists = {name: [None if np.isnan(row).any() else row.tolist() for row in values]
                 for name, values in bounds.items()}  # fmt: skip
        return {"method": METHOD, "coverages": COVERAGES, "counts": self.counts.tolist(), **lists}

    @classmethod
    def from_json(cls, stored: dict[str, Any], n_classes: int) -> "Conformal":
        """Return what `to_json` stored.

        Raises
        ------
        ValueError
            If the method or the coverages are others, or a bound is none.
        """
        if stored["method"] != METHOD or tuple(stored["coverages"]) != COVERAGES:
            raise ValueError("prediction sets of another method or other coverages")
        width = len(COVERAGES)
        lowest, highest = (
            np.array([[np.nan] * width if row is None else row for row in stored[name]], float)
            for name in ("lowest", "highest")
        )
        counts = np.array(stored["counts"], int)
        shapes = [values.shape for values in (lowest, highest, counts)]
        if shapes != [(n_classes, width), (n_classes, width), (n_classes, 2)]:
            raise ValueError(f"prediction sets of shape {lowest.shape}, {n_classes} are scored")
        if (np.isnan(lowest) != np.isnan(highest)).any() or np.isinf([lowest, highest]).any():
            raise ValueError("prediction sets with a bound that is no number")
        return cls(lowest, highest, counts)


def fit_conformal(
    y_score: np.ndarray, y_true: np.ndarray, known: np.ndarray | None = None
) -> Conformal:
    """Fit prediction sets to recordings that chose nothing.

    Parameters
    ----------
    y_score
        (n, n_classes) in [0, 1], the ensemble's medians.
    y_true
        (n, n_classes) bool.
    known
        (n, n_classes) bool: of each class only these recordings count; None: all.
    """
    y_true = np.asarray(y_true, bool)
    cells = np.ones(y_true.shape, bool) if known is None else np.asarray(known, bool)
    n_classes = y_true.shape[1]
    bounds = np.full((2, n_classes, len(COVERAGES)), np.nan)
    counts = np.zeros((n_classes, 2), int)
    for k, (score, true, own) in enumerate(zip(y_score.T, y_true.T, cells.T, strict=True)):
        without, with_it = np.sort(score[own & ~true]), np.sort(score[own & true])
        counts[k] = len(without), len(with_it)
        if counts[k].min() >= MIN_EXAMPLES:
            # Scores are in [0, 1]: bounds at the ends exclude none.
            bounds[0, k] = [_at_rank(with_it[::-1], c, beyond=0.0) for c in COVERAGES]
            bounds[1, k] = [_at_rank(without, c, beyond=1.0) for c in COVERAGES]
    return Conformal(bounds[0], bounds[1], counts)


def _at_rank(ranked: np.ndarray, coverage: float, beyond: float) -> float:
    """Return the score of the rank that a coverage asks for; `beyond` if there is none."""
    rank = conformal_rank(len(ranked), coverage)
    return float(ranked[rank - 1]) if rank <= len(ranked) else beyond
