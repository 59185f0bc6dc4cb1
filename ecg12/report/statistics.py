"""The numbers of a report: scores with intervals, over all and per class, of one run or a pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg12.metrics import best_constant
from ecg12.metrics.bootstrap import REPLICATES, Draws, WeightedMeasures, resample
from ecg12.metrics.intervals import (
    MIN_UNITS,
    Estimate,
    area_interval,
    logit_interval,
    mean_factor,
    percentile_interval,
    share_interval,
)
from ecg12.report.results import Results

PER_CLASS = ("AUROC", "AUPRC", "F-measure")
ALL_AT_ONCE = ("Challenge metric", "Margin")
MEASURES = ("Challenge metric", "macro AUROC", "macro AUPRC", "macro F-measure")


@dataclass(frozen=True, eq=False)
class Statistics:
    """A run with its measures: over all by name, per class a list of estimates by name."""

    results: Results
    overall: dict[str, Estimate]
    per_class: dict[str, list[Estimate]]
    constant: tuple[str, ...]  # the best constant prediction


@dataclass(frozen=True, eq=False, kw_only=True)
class Study:
    """Measured runs: the one reported and, if given, the one that it is compared with.

    Attributes
    ----------
    runs, draws
        The statistics of each run, and the replicates behind their intervals.
    units
        (n,) number of each recording's unit of resampling.
    patients
        Whether those units are patients.
    n_replicates, seed
        How many replicates there are, and the stream of random numbers.
    """

    runs: Sequence[Statistics]
    draws: Sequence[Draws]
    units: np.ndarray
    patients: bool
    n_replicates: int
    seed: int


def measure(
    runs: Sequence[Results],
    patients: np.ndarray | None = None,
    n_replicates: int = REPLICATES,
    seed: int = 0,
) -> Study:
    """Measure one run, or two on the same recordings.

    Parameters
    ----------
    runs
        What to report and, second, what to compare it with.
    patients
        (n,) number of each recording's patient, which are then resampled instead of recordings.
    n_replicates, seed
        Of the bootstrap.
    """
    units = np.arange(len(runs[0])) if patients is None else patients
    weighted = [WeightedMeasures(r.y_true, r.y_pred, r.y_score, classes=r.classes) for r in runs]
    draws = resample(weighted, units, n_replicates, seed)
    values = [run.unweighted() for run in weighted]
    n_units = int(units.max()) + 1
    found = [_statistics(*run, n_units) for run in zip(runs, values, draws, strict=True)]
    return Study(
        runs=found, draws=draws, units=units, patients=patients is not None,
        n_replicates=n_replicates, seed=seed,
    )  # fmt: skip


def _statistics(results: Results, values: Draws, draws: Draws, n_units: int) -> Statistics:
    positives = results.y_true.sum(axis=0)
    ends = intervals(values, draws, positives=positives, n=len(results), n_units=n_units)
    overall = {
        name: Estimate(float(values[name]), *ends[name][0]) for name in (*MEASURES, "Margin")
    }
    per_class = {
        name: [Estimate(float(v), *e) for v, e in zip(values[name], ends[name], strict=True)]
        for name in PER_CLASS
    }
    predicted, baseline = best_constant(results.y_true, results.classes)
    overall["Best constant prediction"] = Estimate(baseline, np.nan, np.nan)
    constant = tuple(np.array(results.classes.names)[predicted].tolist())
    return Statistics(results, overall, per_class, constant)


def intervals(
    values: Draws, draws: Draws, *, positives: np.ndarray, n: int, n_units: int
) -> dict[str, list[tuple[float, float]]]:
    """Return the ends of all intervals.

    Parameters
    ----------
    values, draws
        Measure → what was measured, and its replicates.
    positives
        (n_classes,) recordings of each class.
    n, n_units
        How many recordings and units of resampling there are.

    Returns
    -------
    dict
        Measure → one pair of ends, or one per class.
    """
    found = {name: [percentile_interval(draws[name], n_units)] for name in ALL_AT_ONCE}
    for name in PER_CLASS:
        mean, factor = f"macro {name}", mean_factor(draws[name], positives)
        value = float(values[mean])
        found[mean] = [logit_interval(draws[mean], value, n_units, 0.5 / n, factor=factor)]
    for name in PER_CLASS:
        columns = zip(values[name], draws[name].T, positives.tolist(), strict=True)
        found[name] = [_class_interval(name, *column, n) for column in columns]
    return found


def _class_interval(
    name: str, value: float, draws: np.ndarray, n_pos: int, n: int
) -> tuple[float, float]:
    if n_pos < MIN_UNITS:
        return np.nan, np.nan
    if name == "AUROC" and n_pos < n:
        return area_interval(draws, value, n_pos, n - n_pos)
    return share_interval(draws, n_pos)
