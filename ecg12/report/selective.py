"""How accurate a run is if the least certain recordings are left to a person."""

from pathlib import Path

import numpy as np

from ecg12.metrics.bootstrap import Draws, resample
from ecg12.metrics.intervals import Estimate, share_interval
from ecg12.metrics.selective import class_curve, label_certainty, recording_curve
from ecg12.report import figures
from ecg12.report.model import Model, probabilities
from ecg12.report.page import Section, picture
from ecg12.report.results import Results
from ecg12.report.statistics import Study
from ecg12.report.tables import Cell, Table

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)  # left to a person


def risk_coverage(study: Study, model: Model | None, folder: Path) -> list[Section]:
    """Return the section with curve and tables; nothing if the scores are no probabilities."""
    results = study.runs[0].results
    certain = probabilities(results, model)
    if certain is None:
        return []
    drawn = picture(
        figures.risk_coverage(recording_curve(results.y_true, results.y_pred, certain)),
        folder,
        "risk_coverage",
        "Share of right labels over the share of recordings left to a person",
        "The most certain recordings stay, the least certain are left to a person.",
        "narrow",
    )
    text = (
        "A label is as certain as its probability (its score, without a calibrated model), a "
        "recording as certain as the mean of its labels. The share of right labels counts every "
        "class of every recording, also those rightly not given, of which most labels are.",
    )
    tables = (_overall(study, certain), _per_class(results, certain))
    return [Section("risk-coverage", "Risk and coverage", text, tables, (drawn,))]


def _overall(study: Study, certain: np.ndarray) -> Table:
    """Return the share of right labels for each of `SHARES`, with intervals.

    The units of an interval are those of the recordings that are kept.
    """
    results = study.runs[0].results
    kept = _Kept(results, certain)
    values = kept(np.ones((len(results), 1)))
    [draws] = resample([kept], study.units, study.n_replicates, study.seed)
    rows: list[list[Cell]] = []
    for share in SHARES:
        n_units = len(np.unique(study.units[kept.rows(share)]))
        names = [f"{name} {share}" for name in ("labels", "recordings")]
        ends = [share_interval(draws[name], n_units) for name in names]
        found = [Estimate(float(values[n][0]), *e) for n, e in zip(names, ends, strict=True)]
        rows.append([f"{share:.0%}", *found])
    heading = ("left to a person", "right labels", "recordings with all labels right")
    return Table("risk_coverage", "The others, if the least certain are left out", heading, rows)


class _Kept:
    """Weights of recordings, (n, m), → shares of what is right among the most certain, (m,)."""

    def __init__(self, results: Results, certain: np.ndarray) -> None:
        certainty = label_certainty(certain, results.y_pred).mean(axis=1)
        self.order = np.argsort(-certainty, kind="stable")
        ranked = certainty[self.order]
        self.last = np.searchsorted(-ranked, -ranked, side="right") - 1  # of the equally certain
        right = (results.y_true == results.y_pred)[self.order]
        self.right = {"labels": right.mean(axis=1), "recordings": right.all(axis=1)}

    def rows(self, share: float) -> np.ndarray:
        """Return which recordings are kept if a share of all is left to a person."""
        n = len(self.order)
        place = np.searchsorted(np.arange(1, n + 1), (1 - share) * n - 1e-9)
        return self.order[: self.last[place] + 1]

    def __call__(self, weights: np.ndarray) -> Draws:
        weights = weights[self.order]
        total = weights.cumsum(axis=0)
        found = {}
        for name, right in self.right.items():
            correct = (weights * right[:, None]).cumsum(axis=0)
            for share in SHARES:
                place = (total < (1 - share) * total[-1] - 1e-9).sum(axis=0)
                last = self.last[place][None]
                kept = (np.take_along_axis(sums, last, 0)[0] for sums in (correct, total))
                found[f"{name} {share}"] = np.divide(*kept)
        return found


def _per_class(results: Results, certain: np.ndarray) -> Table:
    """Return each class's share of right labels if its least certain ones are left out."""
    columns = zip(results.y_true.T, results.y_pred.T, certain.T, strict=True)
    curves = [class_curve(*column, None) for column in columns]
    rows: list[list[Cell]] = [
        [name, *(curve.left_to_person(share) for share in SHARES)]
        for name, curve in zip(results.classes.names, curves, strict=True)
    ]
    heading = ("class", *(f"{share:.0%} left" for share in SHARES))
    return Table("risk_coverage_classes", "Right labels of each class", heading, rows)
