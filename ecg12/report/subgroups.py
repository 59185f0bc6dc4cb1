"""Scores of subgroups: the groups that differ from all other recordings first."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg12.metrics.intervals import Estimate
from ecg12.report import figures
from ecg12.report.page import Section, picture
from ecg12.report.statistics import Study
from ecg12.report.tables import Table
from ecg12.subgroups import (
    MACRO,
    METRIC,
    MIN_CASES,
    MIN_GROUP,
    GroupScores,
    compare_groups,
    groupings,
    read_attributes,
    sorted_groups,
)

UNDEFINED = Estimate(np.nan, np.nan, np.nan)


def score_groups(study: Study, *, with_signals: bool = True) -> list[GroupScores]:
    """Score the subgroups of the run that is reported.

    Parameters
    ----------
    study
        Its replicates' number, seed and patients are used.
    with_signals
        Read the signals, for groups by quality and heart rate.
    """
    results = study.runs[0].results
    attributes = read_attributes(results.headers, with_signals=with_signals)
    return compare_groups(
        groupings(attributes, results.databases),
        results.y_true,
        results.y_pred,
        results.y_score,
        classes=results.classes,
        units=study.units if study.patients else None,
        n_replicates=study.n_replicates,
        seed=study.seed,
    )


def subgroups(found: Sequence[GroupScores], folder: Path, unit: str) -> Section:
    """Return the section: tables with the groups that differ first, and the differences drawn.

    Parameters
    ----------
    found
        As `score_groups` returns it.
    folder
        Receives the figure.
    unit
        What is resampled, ``"patients"`` or ``"recordings"``.
    """
    compared = [scores for scores in sorted_groups(found) if not scores.reason]
    tables, files = [group_table(found)], [class_differences(found)]
    if rows := [row[:-1] for row in files[0].rows if row[-1] == "yes"]:
        title, heading = "AUROC per class where groups differ", files[0].columns[:-1]
        tables.append(Table("subgroup_classes_that_differ", title, heading, rows))
    cases = f"{MIN_CASES} positives and {MIN_CASES} negatives"
    if unit == "patients":
        cases = f"positives of {MIN_CASES} patients and negatives of {MIN_CASES}"
    text = (
        "The difference is a group's score less that of all other recordings, over the same "
        f"classes: those with {cases} on both sides. "
        "Groups whose 95 % interval excludes zero come first. Of a group with fewer than "
        f"{MIN_GROUP} {unit} no score is shown.",
        _by_chance(compared),
        "The challenge metric also depends on how frequent the classes are, so a group can differ "
        "in it without being classified worse: compare its best constant prediction. AUROC does "
        "not depend on it.",
    )
    if not compared:
        return Section("subgroups", "Subgroups", text[:1], tables, files=files)
    drawn = picture(
        figures.differences(*_columns(compared)),
        folder,
        "subgroups",
        "Differences of challenge metric and macro AUROC of each group from the rest",
        "Each group less all other recordings, with 95 % intervals; left of the line the group is "
        "worse.",
        "narrow",
    )
    return Section("subgroups", "Subgroups", text, tables, (drawn,), files=files)


def _by_chance(compared: Sequence[GroupScores]) -> str:
    parts = []
    for name, pairs in (
        ("groups", [found for scores in compared for found in scores.measures.values()]),
        ("classes", [found for scores in compared for found in scores.classes.values()]),
    ):
        differing = sum(found.differs for found in pairs)
        parts.append(f"Of {len(pairs)} intervals of {name}, {differing} exclude zero; "
                     f"{0.05 * len(pairs):.0f} would by chance if no group differed.")  # fmt: skip
    parts.append("Intervals are not corrected for their number; two groups that are all recordings "
                 "together, such as the sexes, count twice.")  # fmt: skip
    return " ".join(parts)


def _columns(compared: Sequence[GroupScores]) -> tuple[list[str], dict[str, list[Estimate]]]:
    names = [f"{scores.kind}: {scores.group}" for scores in compared]
    measures = (METRIC, MACRO)
    return names, {m: [_difference(scores, m) for scores in compared] for m in measures}


def _difference(scores: GroupScores, measure: str) -> Estimate:
    found = scores.measures.get(measure)
    return UNDEFINED if found is None else found.difference


def group_table(found: Sequence[GroupScores]) -> Table:
    """Return a row for each group: those that differ first, those not compared last.

    Without a table of patients there is no column of patients.
    """
    with_patients = any(scores.n_patients is not None for scores in found)
    rows = []
    for scores in sorted_groups(found):
        own = {name: pair.group for name, pair in scores.measures.items()}
        differs = scores.reason or ", ".join(scores.differing) or "no"
        patients = (scores.n_patients or 0,) if with_patients else ()
        rows.append((
            scores.kind, scores.group, differs, scores.n, *patients,
            own.get(METRIC, UNDEFINED), scores.constant, _difference(scores, METRIC),
            own.get(MACRO, UNDEFINED), len(scores.classes), _difference(scores, MACRO),
        ))  # fmt: skip
    heading = (
        "by", "group", "differs", "recordings", *(("patients",) if with_patients else ()), METRIC,
        "best constant prediction", f"{METRIC} difference", MACRO, "classes with AUROC",
        f"{MACRO} difference",
    )  # fmt: skip
    return Table("subgroups", "Scores of subgroups", heading, rows)


def class_differences(found: Sequence[GroupScores]) -> Table:
    """Return the AUROC of each group and class with enough cases, the clearest first."""
    cells = [(scores, name, pair) for scores in found for name, pair in scores.classes.items()]
    cells.sort(key=lambda cell: -max(0.0, cell[2].certain))
    rows = [
        (scores.kind, scores.group, name, scores.positives[name], pair.group, pair.rest,
         pair.difference, "yes" if pair.differs else "no")
        for scores, name, pair in cells
    ]  # fmt: skip
    heading = ("by", "group", "class", "true", "AUROC", "of the rest", "difference", "differs")
    return Table("subgroup_classes", "AUROC per group and class", heading, rows)
