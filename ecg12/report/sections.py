"""The sections of the page: their tables, figures and texts, in order."""

from pathlib import Path

import numpy as np

from ecg12.metrics.intervals import FEW_UNITS, MIN_UNITS
from ecg12.report import figures, panels
from ecg12.report.comparison import difference_tables
from ecg12.report.curves import precision_recall, roc
from ecg12.report.hierarchy import load_hierarchy
from ecg12.report.misses import Explain, draw_miss, miss_table, worst_misses
from ecg12.report.page import Card, Section, image, picture
from ecg12.report.results import Results
from ecg12.report.score_tables import (
    confusion_rows,
    confusion_table,
    overall_table,
)
from ecg12.report.statistics import Statistics, Study
from ecg12.report.tables import Table, points


def cards(found: Statistics) -> list[Card]:
    """Return the numbers at the top."""
    overall = found.overall
    return [
        Card("Challenge metric", overall["Challenge metric"]),
        Card("Best constant prediction", overall["Best constant prediction"]),
        Card("Macro AUROC", overall["macro AUROC"]),
        Card("Macro AUPRC", overall["macro AUPRC"]),
        Card("Macro F", overall["macro F-measure"]),
        Card("Recordings", len(found.results)),
    ]


def notes(study: Study) -> list[str]:
    """Return what a reader must know to understand the numbers."""
    found = study.runs[0]
    results, positives = found.results, found.results.y_true.sum(axis=0)
    names = np.array(results.classes.names)
    lines = [
        f"Intervals hold with 95 % confidence, from {study.n_replicates:,} replicates in which "
        f"{len(np.unique(study.units)):,} {study.unit} are drawn with replacement.",
        "The best constant prediction is the same for every recording: "
        f"{', '.join(found.constant) or '(none)'}. Compare a challenge metric with its score.",
        "The page cannot know whether the model was trained on these recordings. Scores say how "
        "well it does elsewhere only if it was not.",
    ]
    if absent := names[positives == 0].tolist():
        lines.append(f"No recording has {', '.join(absent)}: such a class has no AUROC.")
    pairs = zip(names, found.class_units.tolist(), strict=True)
    few = [f"{name} ({count})" for name, count in pairs if 0 < count < FEW_UNITS]
    if few:
        lines.append(
            f"Warning: fewer than {FEW_UNITS} {study.unit} have {', '.join(few)}. Their intervals "
            f"are rough, and below {MIN_UNITS} there is none; do not rely on these classes' scores."
        )
    if without := int((~results.y_true.any(axis=1)).sum()):
        lines.append(
            f"{without:,} recordings have no scored diagnosis. They do not count in the "
            "challenge metric, but do in all other scores."
        )
    return lines


def scores(found: Statistics, classes: Table, folder: Path) -> Section:
    """Scores over all and per class, with paper B's figure 2."""
    drawn = picture(
        figures.areas(found.results.classes.names, classes),
        folder,
        "figure2_auroc_auprc",
        "Bars of AUROC and AUPRC per class with their intervals, and the prevalence",
        "AUROC and AUPRC per class. Thin lines: 95 % intervals; compare a class's AUPRC "
        "with its prevalence, which a random classifier reaches.",
        "narrow",
    )
    return Section("scores", "Scores", (), (overall_table(found), classes), (drawn,))


def comparison(study: Study, folder: Path) -> list[Section]:
    """Differences between two runs, where there are two."""
    if len(study.runs) < 2:
        return []
    overall, classes = difference_tables(study)
    moved = [str(row[0]) for row in classes.rows if row[-1] == "yes"]
    changes = {name: classes.column(f"{name} difference") for name in ("AUROC", "F-measure")}
    drawn = picture(
        figures.differences(classes.column("class"), changes),
        folder,
        "comparison",
        "Differences of AUROC and F per class with their intervals",
        "Differences per class; right of the line the run is better.",
        "narrow",
    )
    text = (
        f"The run is compared with {study.runs[1].results.title}; differences are run less "
        "against. Both were resampled together, so that their common variation cancels out.",
        f"Classes whose AUROC moved, at a false discovery rate of 5 %: {', '.join(moved) or 'none'}"
        ".",
    )
    return [Section("comparison", "Comparison", text, (overall, classes), (drawn,))]


def confusion(results: Results, folder: Path) -> Section:
    """Paper B's figure 3."""
    drawn = picture(
        figures.confusion(results.classes.names, confusion_rows(results)),
        folder,
        "figure3_confusion",
        "Matrix of true and predicted classes in percent",
        "Modified confusion matrix: a recording with true classes T and predicted classes L adds "
        "1 / |T ∪ L| to each pair of T × L. Rows are percent of their sum; below 0.5 % left blank.",
        "square",
    )
    table = confusion_table(results)
    return Section("confusion", "Confusion", (), (), (drawn,), files=(table,))


def hierarchy(found: Statistics, folder: Path) -> Section:
    """Paper B's figure 4."""
    values = [estimate.value for estimate in found.per_class["AUROC"]]
    drawn = picture(
        figures.hierarchy(load_hierarchy(), found.results.classes, values),
        folder,
        "figure4_hierarchy",
        "SNOMED CT hierarchy of the scored classes with their AUROC",
        "Arrows lead from a concept to its parents. Coloured: scored classes with their "
        "AUROC; codes: concepts that are not scored. Equivalent classes share their AUROC.",
    )
    return Section("hierarchy", "Hierarchy", (), (), (drawn,))


def curves(results: Results, classes: Table, folder: Path) -> Section:
    """ROC and precision-recall curves."""
    names = results.classes.names
    pairs = list(zip(results.y_true.T, results.y_score.T, strict=True))
    rocs, prs = [roc(*pair) for pair in pairs], [precision_recall(*pair) for pair in pairs]
    drawn = (
        picture(
            panels.roc_panels(names, rocs, classes),
            folder,
            "roc",
            "ROC curve of each class",
            "Receiver operating characteristic per class, with AUROC.",
        ),
        picture(
            panels.precision_recall_panels(names, prs, classes),
            folder,
            "precision_recall",
            "Precision over recall of each class",
            "Precision over recall per class, with AUPRC. Dotted: the prevalence.",
        ),
    )
    files = (
        points("roc", ("1 - specificity", "sensitivity"), names, rocs),
        points("precision_recall", ("recall", "precision"), names, prs),
    )
    return Section("curves", "Curves", (), (), drawn, files=files)


def misses(results: Results, folder: Path, n: int, explain: Explain | None = None) -> list[Section]:
    """Worst misses, drawn; with `explain` as `draw_miss` says."""
    if not n:
        return []
    found = worst_misses(results, n)
    drawings = folder / "misses"
    drawings.mkdir(exist_ok=True)
    drawn = [image(m.name, m.true, m.predicted, draw_miss(m, drawings, explain)) for m in found]
    text = (
        "The predictions that lost most credit in the challenge metric against the truth; of "
        "equals, those whose scores fit worst."
        + (" The tint: what the score of a wrong class rests on." if explain else ""),
    )
    return [Section("misses", "Worst misses", text, images=drawn, files=(miss_table(found),))]
