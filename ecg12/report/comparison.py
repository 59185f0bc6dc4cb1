"""Two runs on the same recordings: how much they differ, and which classes moved."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control, t

from ecg12.metrics.bootstrap import Draws
from ecg12.metrics.intervals import MIN_UNITS, ROUNDING, Estimate, percentile_interval
from ecg12.report.statistics import MEASURES, PER_CLASS, Statistics, Study
from ecg12.report.tables import Table

FALSE_DISCOVERY_RATE = 0.05  # share of false alarms among the classes that are called moved


def difference_tables(study: Study) -> tuple[Table, Table]:
    """Compare the two runs of a study, first less second: over all, and per class.

    The last column tells which classes moved: see `moved_classes`.
    """
    (first, second), draws = study.runs, study.draws
    n_units = int(study.units.max()) + 1
    rows = []
    for name in MEASURES:
        a, b = first.overall[name].value, second.overall[name].value
        spread = percentile_interval(draws[0][name] - draws[1][name], n_units)
        rows.append((name, a, b, Estimate(a - b, *spread)))
    titles = ("run", "against", "difference")
    overall = Table("comparison", "Difference over all", ("measure", *titles), rows)
    return overall, _class_differences(study)


def _class_differences(study: Study) -> Table:
    (first, second), draws = study.runs, study.draws
    positives, class_units = first.results.y_true.sum(axis=0).tolist(), first.class_units.tolist()
    columns: list[Sequence[str | int | float | Estimate]] = [first.results.classes.names, positives]
    heading = ["class", "true"]
    for name in PER_CLASS:
        a = [estimate.value for estimate in first.per_class[name]]
        b = [estimate.value for estimate in second.per_class[name]]
        changes = (draws[0][name] - draws[1][name]).T
        ends = [_change_interval(d, n) for d, n in zip(changes, class_units, strict=True)]
        columns += [a, b, [Estimate(x - y, *e) for x, y, e in zip(a, b, ends, strict=True)]]
        heading += [f"{name} run", f"{name} against", f"{name} difference"]
    few = "too few patients" if study.patients else "too few"
    verdicts = zip(moved_classes(study.runs, draws), class_units, strict=True)
    columns.append([few if n < MIN_UNITS else "yes" if moved else "no" for moved, n in verdicts])
    rows = list(zip(*columns, strict=True))
    return Table("comparison_classes", "Difference per class", (*heading, "AUROC moved"), rows)


def _change_interval(draws: np.ndarray, n_units: int) -> tuple[float, float]:
    return percentile_interval(draws, n_units) if n_units >= MIN_UNITS else (np.nan, np.nan)


def moved_classes(pair: Sequence[Statistics], draws: Sequence[Draws]) -> np.ndarray:
    """Return (n_classes,) bool: whose AUROC moved, by Benjamini and Hochberg's procedure.

    The chance of a difference without cause is Student's, from the standard deviation of the paired
    replicates. Classes whose positives are of fewer than `MIN_UNITS` units are not tested.
    """
    first, second = ([e.value for e in run.per_class["AUROC"]] for run in pair)
    class_units = pair[0].class_units
    change = np.subtract(first, second)
    tested = np.flatnonzero((class_units >= MIN_UNITS) & np.isfinite(change))
    spread = np.nanstd((draws[0]["AUROC"] - draws[1]["AUROC"])[:, tested], axis=0)
    tested, spread = tested[spread > ROUNDING], spread[spread > ROUNDING]
    moved = np.zeros(len(change), dtype=bool)
    if len(tested):
        m = class_units[tested]
        ratio = np.abs(change[tested]) / (spread * np.sqrt(m / (m - 1)))
        moved[tested] = false_discovery_control(2 * t.sf(ratio, m - 1)) <= FALSE_DISCOVERY_RATE
    return moved
