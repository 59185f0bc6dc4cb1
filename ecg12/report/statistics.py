"""The numbers of a report: scores with intervals, over all and per class, of one run or a pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg12.metrics import best_constant
from ecg12.metrics.bootstrap import (
    REPLICATES,
    Draws,
    WeightedMeasures,
    resample,
    units_per_class,
)
from ecg12.metrics.intervals import (
    MIN_UNITS,
    Estimate,
    area_interval,
    fewest_units,
    logit_interval,
    mean_area_interval,
    mean_factor,
    metric_interval,
    percentile_interval,
    share_interval,
)
from ecg12.report.results import Results

PER_CLASS = ("AUROC", "AUPRC", "F-measure")
MEASURES = ("Challenge metric", "macro AUROC", "macro AUPRC", "macro F-measure")


@dataclass(frozen=True, eq=False)
class Statistics:
    """A run with its measures: over all by name, per class a list of estimates by name.

    `class_units` (n_classes,) is how many units of resampling each class's positives come from.
    """

    results: Results
    overall: dict[str, Estimate]
    per_class: dict[str, list[Estimate]]
    constant: tuple[str, ...]  # the best constant prediction
    class_units: np.ndarray


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

    @property
    def unit(self) -> str:
        """What is resampled: ``"patients"`` or ``"recordings"``."""
        return "patients" if self.patients else "recordings"


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
    found = [_statistics(*run, units) for run in zip(runs, values, draws, strict=True)]
    return Study(
        runs=found, draws=draws, units=units, patients=patients is not None,
        n_replicates=n_replicates, seed=seed,
    )  # fmt: skip


def _statistics(results: Results, values: Draws, draws: Draws, units: np.ndarray) -> Statistics:
    class_units = units_per_class(results.y_true, units)
    ends = intervals(
        values, draws, positives=results.y_true.sum(axis=0), n=len(results),
        n_units=int(units.max()) + 1, class_units=class_units,
    )  # fmt: skip
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
    return Statistics(results, overall, per_class, constant, class_units)


def intervals(
    values: Draws,
    draws: Draws,
    *,
    positives: np.ndarray,
    n: int,
    n_units: int,
    class_units: np.ndarray | None = None,
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
    class_units
        (n_classes,) units of each class's positives. None: each recording is a unit.

    Returns
    -------
    dict
        Measure → one pair of ends, or one per class.
    """
    class_units = positives if class_units is None else class_units
    found = {"Challenge metric": [metric_interval(draws["Challenge metric"], n_units)]}
    found["Margin"] = [percentile_interval(draws["Margin"], n_units)]
    pairs = positives * (n - positives)
    for name in PER_CLASS:
        mean, factor = f"macro {name}", mean_factor(draws[name], class_units)
        measured = draws[mean], float(values[mean])
        if name == "AUROC":
            ends = mean_area_interval(*measured, class_units, pairs, factor)
        else:
            ends = logit_interval(*measured, fewest_units(class_units), 0.5 / n, factor=factor)
        found[mean] = [ends]
    counts = class_units.tolist(), pairs.tolist()
    for name in PER_CLASS:
        columns = zip(values[name], draws[name].T, *counts, strict=True)
        found[name] = [_class_interval(name, *column) for column in columns]
    return found


def _class_interval(
    name: str, value: float, draws: np.ndarray, n_units: int, n_pairs: int
) -> tuple[float, float]:
    if n_units < MIN_UNITS:
        return np.nan, np.nan
    if name == "AUROC" and n_pairs:
        return area_interval(draws, value, n_units, n_pairs)
    return share_interval(draws, n_units)
