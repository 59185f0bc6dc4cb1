"""Held-out scores by subgroup, each fold decided as in a submission."""

from collections.abc import Iterator, Sequence

import numpy as np

from ecg12.crossval.folds import Fold
from ecg12.crossval.predictions import FoldPredictions
from ecg12.crossval.ways import Row, Truth
from ecg12.metrics.intervals import Estimate
from ecg12.subgroups import (
    MIN_GROUP,
    Comparison,
    Grouping,
    GroupScores,
    compare_groups,
    sorted_groups,
)

REPLICATES = 1000
NONE = Estimate(np.nan, np.nan, np.nan)


def held_out_groups(
    folds: Sequence[Fold],
    predictions: Sequence[FoldPredictions],
    truth: Truth,
    groupings: Sequence[Grouping],
    units: np.ndarray | None = None,
) -> list[GroupScores]:
    """Score the subgroups on what each recording got from the fold that held it out.

    The networks of two folds need not agree in the scale of their scores, so AUROC is over pairs of
    recordings of one fold.

    Parameters
    ----------
    folds, predictions
        One each per fold.
    truth
        Of all recordings.
    groupings
        Ways to divide the recordings.
    units
        (n,) number of each recording's patient; None: patients are unknown.
    """
    y_pred, y_score = np.zeros(truth.y_true.shape, bool), np.zeros(truth.y_true.shape)
    fold_of = np.zeros(len(truth.y_true), int)
    for number, (fold, own) in enumerate(zip(folds, predictions, strict=True)):
        part = fold.held_out
        y_pred[part], y_score[part], fold_of[part] = own.labels[part], own.scores[part], number
    return compare_groups(
        groupings,
        truth.y_true,
        y_pred,
        y_score,
        classes=truth.classes,
        units=units,
        known=truth.known,
        folds=fold_of,
        n_replicates=REPLICATES,
    )


def group_rows(found: Sequence[GroupScores]) -> list[Row]:
    """Return rows of a table, one per group and measure; a group not compared has one."""
    return [row for scores in sorted_groups(found) for row in _rows(scores)]


def _rows(scores: GroupScores) -> Iterator[Row]:
    if scores.reason:
        yield _row(scores, "", Comparison(NONE, NONE, NONE), scores.reason)
    for name, pair in scores.measures.items():
        yield _row(scores, name, pair)
    for name, pair in scores.classes.items():
        yield _row(scores, f"AUROC {name}", pair)


def _row(scores: GroupScores, measure: str, pair: Comparison, reason: str = "") -> Row:
    own, other = pair.group, pair.difference
    return {
        "by": scores.kind, "group": scores.group, "recordings": scores.n,
        "patients": "" if scores.n_patients is None else scores.n_patients, "measure": measure,
        "value": own.value, "low": own.low, "high": own.high, "rest": pair.rest.value,
        "difference": other.value, "difference_low": other.low, "difference_high": other.high,
        "differs": reason or ("yes" if pair.differs else "no"),
    }  # fmt: skip


def group_lines(found: Sequence[GroupScores]) -> list[str]:
    """Return the differences that exclude zero, for people, and which groups are too small."""
    lines = ["Subgroups that differ from all other recordings (difference, 95% interval):"]
    for scores in sorted_groups(found):
        differing = [f"{name} {scores.measures[name].difference}" for name in scores.differing]
        if differing:
            lines.append(f"{scores.kind} {scores.group} ({scores.n}): {'; '.join(differing)}")
    if len(lines) == 1:
        lines.append("none")
    small = [f"{s.kind} {s.group} ({s.n})" for s in found if s.reason.startswith("too few:")]
    if small:
        unit = "recordings" if all(s.n_patients is None for s in found) else "patients"
        lines.append(f"Not compared, of fewer than {MIN_GROUP} {unit}: {', '.join(small)}")
    return lines
