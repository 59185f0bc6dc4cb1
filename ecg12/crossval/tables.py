"""From the folds' predictions to tables: each way of deciding, fold by fold, and the means."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.crossval.folds import Fold
from ecg12.crossval.predictions import FoldPredictions
from ecg12.crossval.subgroups import group_lines
from ecg12.crossval.ways import METRICS, WAYS, Row, Truth, decide_folds, fold_row, measure
from ecg12.metrics.intervals import LEVEL, Estimate, student_interval
from ecg12.runtime.csv_tables import write_rows
from ecg12.subgroups import GroupScores

SPANNED = ("challenge", "AUROC")  # printed with their span; the csv tables hold all
WIDTHS = {metric: 25 if metric in SPANNED else 8 for metric in METRICS}
SPANS = {"interval": f"{LEVEL:.0%} interval", "range": "lowest to highest database"}


@dataclass(frozen=True, eq=False)
class Summary:
    """The tables of a cross-validation.

    Attributes
    ----------
    rows
        One per way and fold: the metrics.
    means
        One per way and metric: the mean over folds, and its limits.
    folds
        One per fold, of the way *submission*, as `fold_row` makes them.
    span
        What the limits are, a key of `SPANS`.
    groups
        Scores of subgroups, of the way *submission*.
    """

    rows: list[Row]
    means: list[Row]
    folds: list[Row]
    span: str
    groups: tuple[GroupScores, ...] = ()

    def text(self) -> str:
        """Return the tables for people."""
        blocks = [self._folds(), self._ways(), self._notes()]
        if self.groups:
            blocks.append(group_lines(self.groups))
        return "\n\n".join("\n".join(block) for block in blocks)

    def _folds(self) -> list[str]:
        width = max(len(row["fold"]) for row in [*self.folds, {"fold": "fold"}])
        lines = ["Each fold held out, decided as in a submission:"]
        lines.append(f"{'fold':{width}} {'held out':>8} " + " ".join(f"{m:>9}" for m in METRICS))
        for row in self.folds:
            cells = " ".join(f"{row[metric]:9.3f}" for metric in METRICS)
            lines.append(f"{row['fold']:{width}} {row['held_out']:8} {cells}")
        return lines

    def _ways(self) -> list[str]:
        lines = [f"Mean over the folds ({SPANS[self.span]}) by the way of deciding:"]
        lines.append(f"{'way':12} unbiased " + " ".join(m.rjust(WIDTHS[m]) for m in METRICS))
        for way, (_, _, unbiased) in WAYS.items():
            own = {row["metric"]: row for row in self.means if row["way"] == way}
            cells = " ".join(_cell(own[m]).rjust(WIDTHS[m]) for m in METRICS)
            lines.append(f"{way:12} {'yes' if unbiased else 'no':8} {cells}")
        return lines

    def _notes(self) -> list[str]:
        optimism = self.mean("in-fold", "challenge") - self.mean("nested", "challenge")
        before, after = (
            _known_mean([row[name] for row in self.folds])
            for name in ("log_loss", "log_loss_calibrated")
        )
        return [
            f"Optimism of the challenge metric, in-fold less nested: {optimism:.3f}",
            f"Log loss, held out: scores {before:.3f}, calibrated {after:.3f}",
        ]

    def mean(self, way: str, metric: str) -> float:
        """Return the mean of a metric over the folds."""
        found = [row for row in self.means if row["way"] == way and row["metric"] == metric]
        return float(found[0]["mean"])


def _known_mean(values: Sequence[float]) -> float:
    """Return the mean of what is not NaN: of a fold without known labels nothing is measured."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _cell(row: Row) -> str:
    span = f" ({row['low']:.3f} to {row['high']:.3f})" if row["metric"] in SPANNED else ""
    return f"{row['mean']:.3f}{span}"


def summarise(
    folds: Sequence[Fold],
    predictions: Sequence[FoldPredictions],
    truth: Truth,
    groups: Sequence[GroupScores] = (),
    *,
    by_database: bool = False,
) -> Summary:
    """Judge the folds' predictions in each of `WAYS`.

    Parameters
    ----------
    folds, predictions
        One each per fold.
    truth
        Of all recordings.
    groups
        Scores of subgroups, as `subgroups.held_out_groups` returns them.
    by_database
        Each fold holds out a database: the means have their range, not an interval.
    """
    rows: list[Row] = []
    for way, decided in decide_folds(folds, predictions, truth).items():
        for fold, judged in zip(folds, decided, strict=True):
            rows.append({"way": way, "fold": fold.name, **measure(judged)})
    means = [_mean(way, metric, rows, by_database) for way in WAYS for metric in METRICS]
    pairs = zip(folds, predictions, strict=True)
    own = [fold_row(fold, predicted, truth) for fold, predicted in pairs]
    return Summary(rows, means, own, "range" if by_database else "interval", tuple(groups))


def interval(values: Sequence[float]) -> Estimate:
    """Return mean, lower and upper limit of what k-fold cross-validation gave.

    Student's t with the variance of the mean enlarged, because the folds share training recordings:
    s² (1/k + n_test / n_train), where n_test / n_train = 1 / (k - 1) (Nadeau and Bengio, Machine
    Learning 52, 2003). A fold whose value is NaN is left out, but not of the k in n_test / n_train.
    It holds for recordings like these; not for other hospitals.
    """
    known = [value for value in values if not math.isnan(value)]
    return student_interval(known, overlap=1 / max(1, len(values) - 1))


def _mean(way: str, metric: str, rows: Iterable[Row], by_database: bool) -> Row:
    """Average a metric over the folds for which it is defined; databases get their range."""
    every = [row[metric] for row in rows if row["way"] == way]
    values = [value for value in every if not math.isnan(value)]
    if len(values) < 2:
        mean, low, high = (values or [math.nan])[0], math.nan, math.nan
    elif by_database:
        mean, low, high = float(np.mean(values)), min(values), max(values)
    else:
        mean, low, high = interval(every)
    fitted, judged, unbiased = WAYS[way]
    return {
        "way": way, "fitted_on": fitted, "judged_on": judged, "unbiased": int(unbiased),
        "metric": metric, "folds": len(values), "mean": mean, "low": low, "high": high,
    }  # fmt: skip


def _csv_value(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 6)


def write_metrics(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of equal keys as csv, atomically; what is undefined (NaN) stays empty."""
    write_rows(path, [rows[0], *([_csv_value(value) for value in row.values()] for row in rows)])
