"""Two runs on the same recordings: how much they differ, and which classes moved."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import false_discovery_control, t

from ecg12.report.bootstrap import Draws
from ecg12.report.intervals import FEWEST, SAME, Estimate, percentile_interval
from ecg12.report.statistics import MEASURES, PER_CLASS, Statistics, Study
from ecg12.report.tables import Table

DISCOVERY = 0.05  # false discovery rate: false alarms among the classes that are said to have moved


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
    return overall, _class_differences(study.runs, draws)


def _class_differences(pair: Sequence[Statistics], draws: Sequence[Draws]) -> Table:
    first, second = pair
    positives = first.results.targets.sum(axis=0).tolist()
    columns: list[Sequence[str | int | float | Estimate]] = [first.results.classes.names, positives]
    heading = ["class", "true"]
    for name in PER_CLASS:
        a = [estimate.value for estimate in first.per_class[name]]
        b = [estimate.value for estimate in second.per_class[name]]
        changes = (draws[0][name] - draws[1][name]).T
        ends = [_change_interval(d, n) for d, n in zip(changes, positives, strict=True)]
        columns += [a, b, [Estimate(x - y, *e) for x, y, e in zip(a, b, ends, strict=True)]]
        heading += [f"{name} run", f"{name} against", f"{name} difference"]
    verdicts = zip(moved_classes(pair, draws), positives, strict=True)
    columns.append([_verdict(moved, n_pos) for moved, n_pos in verdicts])
    rows = list(zip(*columns, strict=True))
    return Table("comparison_classes", "Difference per class", (*heading, "AUROC moved"), rows)


def _change_interval(draws: np.ndarray, n_pos: int) -> tuple[float, float]:
    return percentile_interval(draws, n_pos) if n_pos >= FEWEST else (np.nan, np.nan)


def _verdict(moved: bool, n_pos: int) -> str:
    return "too few" if n_pos < FEWEST else "yes" if moved else "no"


def moved_classes(pair: Sequence[Statistics], draws: Sequence[Draws]) -> np.ndarray:
    """Return (n_classes,) bool: whose AUROC moved, by Benjamini and Hochberg's procedure.

    The chance of a difference without cause is Student's, from the standard deviation of the paired
    replicates. Classes with fewer than `FEWEST` positives are not tested.
    """
    first, second = ([e.value for e in run.per_class["AUROC"]] for run in pair)
    positives = pair[0].results.targets.sum(axis=0)
    change = np.subtract(first, second)
    tested = np.flatnonzero((positives >= FEWEST) & np.isfinite(change))
    spread = np.nanstd((draws[0]["AUROC"] - draws[1]["AUROC"])[:, tested], axis=0)
    tested, spread = tested[spread > SAME], spread[spread > SAME]
    moved = np.zeros(len(change), dtype=bool)
    if len(tested):
        m = positives[tested]
        ratio = np.abs(change[tested]) / (spread * np.sqrt(m / (m - 1)))
        moved[tested] = false_discovery_control(2 * t.sf(ratio, m - 1)) <= DISCOVERY
    return moved
