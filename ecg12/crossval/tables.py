"""From the folds' answers to tables: each way of deciding, fold by fold, and what they average."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from ecg12.crossval.answers import Answers
from ecg12.crossval.folds import Fold
from ecg12.decision.calibration import log_loss
from ecg12.decision.protocols import Decided, Search, decide, f2, g2
from ecg12.decision.thresholds import per_class, single
from ecg12.io.classes import ScoredClasses
from ecg12.metrics import auprc, auroc, best_constant, challenge_score, f_measure, macro
from ecg12.runtime.csv_tables import write_rows

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
SPANNED = ("challenge", "AUROC")  # shown with their span; the csv tables hold all
WIDTHS = {metric: 25 if metric in SPANNED else 8 for metric in METRICS}
MIN_POSITIVES = 5  # a class with fewer keeps the single threshold, as in `thresholds.tune`
CONFIDENCE = 0.95
SPANS = {"interval": f"{CONFIDENCE:.0%} interval", "range": "lowest to highest database"}

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Summary:
    """The tables of a cross-validation.

    Attributes
    ----------
    rows
        One per way and fold: the metrics.
    means
        One per way and metric: the mean over folds, and from where to where.
    folds
        One per fold, of the way *submission*, as `fold_row` makes them.
    span
        What the limits are, a key of `SPANS`.
    """

    rows: list[Row]
    means: list[Row]
    folds: list[Row]
    span: str

    def text(self) -> str:
        """Return the tables for people."""
        blocks = [self._folds(), self._ways(), self._notes()]
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
        lines.append(f"{'way':12} honest " + " ".join(m.rjust(WIDTHS[m]) for m in METRICS))
        for way, (_, _, honest) in WAYS.items():
            own = {row["metric"]: row for row in self.means if row["way"] == way}
            cells = " ".join(_cell(own[m]).rjust(WIDTHS[m]) for m in METRICS)
            lines.append(f"{way:12} {'yes' if honest else 'no':6} {cells}")
        return lines

    def _notes(self) -> list[str]:
        optimism = self.mean("in-fold", "challenge") - self.mean("nested", "challenge")
        before, after = (
            np.mean([row[name] for row in self.folds])
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


def _cell(row: Row) -> str:
    span = f" ({row['low']:.3f} to {row['high']:.3f})" if row["metric"] in SPANNED else ""
    return f"{row['mean']:.3f}{span}"


def summarise(
    folds: Sequence[Fold], answers: Sequence[Answers], targets: np.ndarray, classes: ScoredClasses
) -> Summary:
    """Judge the folds' answers in each of `WAYS`.

    Parameters
    ----------
    folds, answers
        One each per fold.
    targets
        (n, n_classes) bool.
    classes
        What the columns mean, and which credit they earn.
    """
    rows: list[Row] = []
    for way, decided in _decided(folds, answers, targets, classes).items():
        for fold, (true, labels, scores) in zip(folds, decided, strict=True):
            rows.append({"way": way, "fold": fold.name, **measure(true, labels, scores, classes)})
    by_number = all(fold.name.isdigit() for fold in folds)
    means = [_mean(way, metric, rows, by_number) for way in WAYS for metric in METRICS]
    own = [fold_row(fold, a, targets, classes) for fold, a in zip(folds, answers, strict=True)]
    return Summary(rows, means, own, "interval" if by_number else "range")


Judged = tuple[np.ndarray, np.ndarray, np.ndarray]  # targets, labels, scores of a fold


def _decided(
    folds: Sequence[Fold], answers: Sequence[Answers], targets: np.ndarray, classes: ScoredClasses
) -> dict[str, list[Judged]]:
    """Return for each way, fold by fold, the truth, what the way says, and the scores."""
    search = sweep(classes)
    parts = [fold.held_out for fold in folds]
    rests = [np.setdiff1d(np.arange(len(targets)), part) for part in parts]
    scores = np.array([own.scores for own in answers])
    ways = decide(scores, targets, parts, search)
    pairs = list(zip(scores, parts, strict=True))
    labels = {
        "in-sample": _split(ways["in-sample"], rests),
        "in-fold": [own[part] > search(own[part], targets[part]) for own, part in pairs],
        "held-out": [ways["held-out"][1][part] for part in parts],
        "carried over": _split(ways["carried over"], parts),
        "nested": _split(ways["nested"], parts),
        "submission": [own.labels[part] for own, part in zip(answers, parts, strict=True)],
    }
    places = {way: rests if way == "in-sample" else parts for way in WAYS}
    return {
        way: [
            (targets[place], said, own[place])
            for place, said, own in zip(places[way], labels[way], scores, strict=True)
        ]
        for way in WAYS
    }


def _split(decided: Decided, places: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Cut labels that stand one fold below the other."""
    ends = np.cumsum([len(place) for place in places])[:-1]
    return np.split(decided[1], ends)


def sweep(classes: ScoredClasses) -> Search:
    """Return the search for the best threshold of each class by the challenge metric, exactly."""

    def search(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
        start = np.full(len(classes), single(scores, targets, classes))
        free = targets.sum(axis=0) >= MIN_POSITIVES
        return per_class(scores, targets, classes, start, free)

    return search


def measure(
    targets: np.ndarray, labels: np.ndarray, scores: np.ndarray, classes: ScoredClasses
) -> dict[str, float]:
    """Return each of `METRICS`; ``constant`` is the best constant answer's challenge metric."""
    values = (
        challenge_score(targets, labels, classes),
        best_constant(targets, classes)[1],
        macro(auroc(targets, scores)),
        macro(auprc(targets, scores)),
        macro(f_measure(targets, labels)),
        f2(targets, labels),
        g2(targets, labels),
    )
    return dict(zip(METRICS, values, strict=True))


def fold_row(fold: Fold, answers: Answers, targets: np.ndarray, classes: ScoredClasses) -> Row:
    """Return a fold's row: sizes, time, and its held-out scores as a submission's."""
    part = fold.held_out
    sizes = {name: len(indices) for name, indices in fold.parts.items() if name != "test"}
    return {
        "fold": fold.name,
        **sizes,
        "held_out": len(part),
        "seconds": round(answers.seconds, 1),
        **measure(targets[part], answers.labels[part], answers.scores[part], classes),
        "log_loss": log_loss(targets[part], answers.scores[part]),
        "log_loss_calibrated": log_loss(targets[part], answers.probabilities[part]),
    }


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Return mean, lower and upper limit of what k-fold cross-validation gave.

    Student's t with the variance of the mean enlarged, because the folds share training recordings:
    s² (1/k + n_test / n_train), where n_test / n_train = 1 / (k - 1) (Nadeau and Bengio, Machine
    Learning 52, 2003). It speaks of recordings like these; not of other hospitals.
    """
    k = len(values)
    mean = float(np.mean(values))
    error = math.sqrt(np.var(values, ddof=1) * (1 / k + 1 / (k - 1)))
    half = float(student.ppf((1 + confidence) / 2, k - 1)) * error
    return mean, mean - half, mean + half


def _mean(way: str, metric: str, rows: Iterable[Row], by_number: bool) -> Row:
    """Average a metric over the folds for which it is defined; databases get their range."""
    values = [row[metric] for row in rows if row["way"] == way and not math.isnan(row[metric])]
    if len(values) < 2:
        mean, low, high = (values or [math.nan])[0], math.nan, math.nan
    elif by_number:
        mean, low, high = interval(values)
    else:
        mean, low, high = float(np.mean(values)), min(values), max(values)
    fitted, judged, honest = WAYS[way]
    return {
        "way": way, "fitted_on": fitted, "judged_on": judged, "honest": int(honest),
        "metric": metric, "folds": len(values), "mean": mean, "low": low, "high": high,
    }  # fmt: skip


def _shown(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 6)


def write_metrics(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of equal keys as csv, atomically; what is undefined (NaN) stays empty."""
    write_rows(path, [rows[0], *([_shown(value) for value in row.values()] for row in rows)])
