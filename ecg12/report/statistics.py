"""The numbers of a report: scores with intervals, over all and per class, database and pair."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecg12.metrics import (
    accuracy,
    auroc,
    best_constant,
    beta_measures,
    challenge_score,
    confusion,
    f_measure,
    macro,
    precision_recall,
)
from ecg12.report.bootstrap import REPLICATES, Draws, WeightedMeasures, resample
from ecg12.report.intervals import (
    FEWEST,
    Estimate,
    logit_interval,
    mean_reach,
    percentile_interval,
    share_interval,
)
from ecg12.report.results import Results
from ecg12.report.tables import Table
from ecg12.runtime.optional_deps import require_extra

with require_extra("a report", "report"):
    from sklearn.metrics import (
        hamming_loss,
        jaccard_score,
        label_ranking_average_precision_score,
    )

PER_CLASS = ("AUROC", "AUPRC", "F-measure")
ALL_AT_ONCE = ("Challenge metric", "Margin")
MEASURES = ("Challenge metric", "macro AUROC", "macro AUPRC", "macro F-measure")


@dataclass(frozen=True, eq=False)
class Statistics:
    """A run with its measures: over all by name, per class a list of estimates by name."""

    results: Results
    overall: dict[str, Estimate]
    per_class: dict[str, list[Estimate]]
    constant: tuple[str, ...]  # the best constant answer


@dataclass(frozen=True, eq=False)
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
    n_replicates
        How many replicates there are.
    """

    runs: Sequence[Statistics]
    draws: Sequence[Draws]
    units: np.ndarray
    patients: bool
    n_replicates: int


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
    groups = np.unique(runs[0].databases, return_inverse=True)[1]
    weighted = [WeightedMeasures(r.targets, r.labels, r.scores, r.classes, groups) for r in runs]
    draws = resample(weighted, units, n_replicates, seed)
    whole = np.ones((len(units), 1))
    values = [{name: v[0] for name, v in run(whole).items()} for run in weighted]
    n_units = int(units.max()) + 1
    found = [_statistics(*run, n_units) for run in zip(runs, values, draws, strict=True)]
    return Study(found, draws, units, patients is not None, n_replicates)


def _statistics(results: Results, values: Draws, draws: Draws, n_units: int) -> Statistics:
    ends = intervals(values, draws, results.targets.sum(axis=0), len(results), n_units)
    overall = {
        name: Estimate(float(values[name]), *ends[name][0]) for name in (*MEASURES, "Margin")
    }
    per_class = {
        name: [Estimate(float(v), *e) for v, e in zip(values[name], ends[name], strict=True)]
        for name in PER_CLASS
    }
    answer, floor = best_constant(results.targets, results.classes)
    overall["Best constant answer"] = Estimate(floor, np.nan, np.nan)
    return Statistics(results, overall, per_class, names_of(answer, results))


def intervals(
    values: Draws, draws: Draws, positives: np.ndarray, n: int, n_units: int
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
        mean, reach = f"macro {name}", mean_reach(draws[name], positives)
        ends = logit_interval(draws[mean], float(values[mean]), n_units, 0.5 / n, reach)
        found[mean] = [ends]
    for name in PER_CLASS:
        columns = zip(values[name], draws[name].T, positives.tolist(), strict=True)
        found[name] = [_class_interval(name, *column, n) for column in columns]
    return found


def _class_interval(
    name: str, value: float, draws: np.ndarray, n_pos: int, n: int
) -> tuple[float, float]:
    if n_pos < FEWEST:
        return np.nan, np.nan
    if name == "AUROC" and n_pos < n:
        return logit_interval(draws, value, n_pos, 0.5 / (n_pos * (n - n_pos)))
    return share_interval(draws, n_pos)


def names_of(answer: np.ndarray, results: Results) -> tuple[str, ...]:
    """Return the abbreviations of the classes that are on in (n_classes,) bool."""
    return tuple(np.array(results.classes.names)[answer].tolist())


def overall_table(found: Statistics) -> Table:
    """Return the scores over all recordings; multi-label ones by scikit-learn's definitions."""
    results = found.results
    f2, g2 = beta_measures(results.targets, results.labels)
    overall = found.overall
    rows: list[tuple[str, float | Estimate]] = [
        ("Challenge metric", overall["Challenge metric"]),
        ("Best constant answer", overall["Best constant answer"].value),
        ("Challenge metric above the best constant", overall["Margin"]),
        *((name[0].upper() + name[1:], overall[name]) for name in MEASURES[1:]),
        ("Macro F2", macro(f2)),
        ("Macro G2", macro(g2)),
        ("Accuracy (all labels of a recording right)", accuracy(results.targets, results.labels)),
        ("Hamming loss", float(hamming_loss(results.targets, results.labels))),
        ("Jaccard index, mean over recordings", _jaccard(results)),
        ("Label ranking average precision", _ranking(results)),
    ]
    return Table("scores", "Scores over all recordings", ("measure", "value"), rows)


def _jaccard(results: Results) -> float:
    """Return |T ∩ L| / |T ∪ L|, averaged; 1 where both are empty."""
    pair = results.targets, results.labels
    return float(jaccard_score(*pair, average="samples", zero_division=1.0))


def _ranking(results: Results) -> float:
    """Return the label ranking average precision of the recordings with a scored diagnosis."""
    has = results.targets.any(axis=1)
    if not has.any() or not np.isfinite(results.scores).all():
        return float("nan")
    return float(label_ranking_average_precision_score(results.targets[has], results.scores[has]))


def class_table(found: Statistics) -> Table:
    """Return counts and scores per class."""
    results = found.results
    targets, labels = results.targets, results.labels
    both = (targets & labels).sum(axis=0)
    columns = (
        results.classes.names,
        targets.sum(axis=0).tolist(),
        *(found.per_class[name] for name in PER_CLASS),
        *(values.tolist() for values in precision_recall(targets, labels)),
        *(values.tolist() for values in beta_measures(targets, labels)),
        targets.mean(axis=0).tolist(),
        labels.sum(axis=0).tolist(),
        both.tolist(),
        (labels.sum(axis=0) - both).tolist(),
        (targets.sum(axis=0) - both).tolist(),
    )
    heading = (
        "class", "true", "AUROC", "AUPRC", "F", "precision", "recall", "F2", "G2", "prevalence",
        "given", "true positives", "false positives", "false negatives",
    )  # fmt: skip
    return Table("classes", "Scores per class", heading, list(zip(*columns, strict=True)))


def database_table(study: Study) -> Table:
    """Return the scores of each database."""
    results, units = study.runs[0].results, study.units
    rows = []
    for k, name in enumerate(sorted(set(results.databases))):
        chosen = np.array(results.databases) == name
        part, n_units = part_of(results, chosen), len(np.unique(units[chosen]))
        ends = (np.nan, np.nan)
        if n_units >= FEWEST:
            ends = percentile_interval(study.draws[0]["groups"][:, k], n_units)
        metric = Estimate(challenge_score(part.targets, part.labels, part.classes), *ends)
        areas = auroc(part.targets, part.scores)
        rows.append(
            (name, len(part), metric, best_constant(part.targets, part.classes)[1], macro(areas),
             int((~np.isnan(areas)).sum()), macro(f_measure(part.targets, part.labels)))
        )  # fmt: skip
    heading = (
        "database", "recordings", "challenge metric", "best constant answer", "macro AUROC",
        "classes with AUROC", "macro F",
    )  # fmt: skip
    return Table("databases", "Scores per database", heading, rows)


def part_of(results: Results, chosen: np.ndarray) -> Results:
    """Return the recordings for which a mask, (n,) bool, is true."""
    places = np.flatnonzero(chosen)
    return replace(
        results,
        headers=tuple(results.headers[i] for i in places),
        targets=results.targets[places],
        labels=results.labels[places],
        scores=results.scores[places],
        databases=tuple(results.databases[i] for i in places),
    )


def confusion_rows(results: Results) -> np.ndarray:
    """Return paper B's figure 3: the modified confusion matrix, rows divided by their sums.

    A class without positives, or whose positives were never answered, has a row of NaN.
    """
    matrix = confusion(results.targets, results.labels)
    total = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, total, out=np.full(matrix.shape, np.nan), where=total > 0)


def confusion_table(results: Results) -> Table:
    """Return the rows of figure 3."""
    names = results.classes.names
    rows = [(name, *row) for name, row in zip(names, confusion_rows(results).tolist(), strict=True)]
    return Table(
        "figure3_confusion", "Modified confusion matrix, rows: true", ("true", *names), rows
    )
