"""Two runs on the same recordings: how much they differ, and which classes moved."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control, t

from ecg12.metrics.bootstrap import Draws
from ecg12.metrics.intervals import (
    MIN_UNITS,
    ROUNDING,
    Estimate,
    difference,
    percentile_interval,
)
from ecg12.report.statistics import MEASURES, PER_CLASS, Statistics, Study
from ecg12.report.tables import Table

FALSE_DISCOVERY_RATE = 0.05  # share of false alarms among the classes that are called moved
NONE = (float("nan"), float("nan"))  # ends of an interval that is not known


def difference_tables(study: Study) -> tuple[Table, Table]:
    """Compare the two runs of a study, first less second: over all, and per class.

    The last column tells which classes moved: see `moved_classes`.
    """
    draws, n_units = study.draws, int(study.units.max()) + 1
    rows = []
    for name in MEASURES:
        first, second = (run.overall[name] for run in study.runs)
        changed = _change(first, second, draws[0][name] - draws[1][name], n_units)
        rows.append((name, first.value, second.value, changed))
    titles = ("run", "against", "difference")
    overall = Table("comparison", "Difference over all", ("measure", *titles), rows)
    return overall, _class_differences(study)


def _class_differences(study: Study) -> Table:
    (first, second), draws = study.runs, study.draws
    positives, class_units = first.results.y_true.sum(axis=0).tolist(), first.class_units.tolist()
    columns: list[Sequence[str | int | float | Estimate]] = [first.results.classes.names, positives]
    heading = ["class", "true"]
    for name in PER_CLASS:
        pair = first.per_class[name], second.per_class[name]
        paired = (draws[0][name] - draws[1][name]).T
        changes = [
            _change(*each) if each[-1] >= MIN_UNITS else Estimate(each[0][0] - each[1][0], *NONE)
            for each in zip(*pair, paired, class_units, strict=True)
        ]
        columns += [*([estimate.value for estimate in own] for own in pair), changes]
        heading += [f"{name} run", f"{name} against", f"{name} difference"]
    few = "too few patients" if study.patients else "too few"
    verdicts = zip(moved_classes(study.runs, draws), class_units, strict=True)
    columns.append([few if n < MIN_UNITS else "yes" if moved else "no" for moved, n in verdicts])
    rows = list(zip(*columns, strict=True))
    return Table("comparison_classes", "Difference per class", (*heading, "AUROC moved"), rows)


def _change(first: Estimate, second: Estimate, draws: np.ndarray, n_units: int) -> Estimate:
    """Return the first less the second with its interval from the paired replicates, (m,).

    Its ends are percentiles. Where these agree though the runs differ, as of a class that one run
    separates perfectly and the other not at all, the ends follow from both runs' own intervals
    (`intervals.difference`), which are then Clopper and Pearson's.
    """
    change = first.value - second.value
    low, high = percentile_interval(draws, n_units)
    if abs(change) > ROUNDING and high - low <= ROUNDING:
        return difference(first, second)
    return Estimate(change, low, high)


def moved_classes(pair: Sequence[Statistics], draws: Sequence[Draws]) -> np.ndarray:
    """Return (n_classes,) bool: whose AUROC moved, by Benjamini and Hochberg's procedure.

    The chance of a difference without cause is Student's, from the standard deviation of the paired
    replicates. Classes whose positives are of fewer than `MIN_UNITS` units are not tested. A class
    whose replicates do not vary has no such chance; it moved if the interval of its difference (see
    `_change`) excludes zero: a difference of 0.5 with seven positives or more.
    """
    first, second = (run.per_class["AUROC"] for run in pair)
    class_units, paired = pair[0].class_units, draws[0]["AUROC"] - draws[1]["AUROC"]
    change = np.array([a.value - b.value for a, b in zip(first, second, strict=True)])
    tested = np.flatnonzero((class_units >= MIN_UNITS) & np.isfinite(change))
    spread = np.nanstd(paired[:, tested], axis=0)
    moved = np.zeros(len(change), dtype=bool)
    for k in tested[spread <= ROUNDING]:
        _, low, high = _change(first[k], second[k], paired[:, k], int(class_units[k]))
        moved[k] = low > 0 or high < 0
    tested, spread = tested[spread > ROUNDING], spread[spread > ROUNDING]
    if len(tested):
        m = class_units[tested]
        ratio = np.abs(change[tested]) / (spread * np.sqrt(m / (m - 1)))
        moved[tested] = false_discovery_control(2 * t.sf(ratio, m - 1)) <= FALSE_DISCOVERY_RATE
    return moved
