"""A whole report: statistics, csv tables, figures and the page in one folder."""

from pathlib import Path

from ecg12.report import sections
from ecg12.report.model import Model, calibration, thresholds
from ecg12.report.page import write_page
from ecg12.report.score_tables import class_table
from ecg12.report.selective import risk_coverage
from ecg12.report.statistics import Study
from ecg12.report.subgroups import score_groups, subgroups

PAGE = "index.html"
MISSES = 6


def write_report(
    folder: str | Path,
    label_folder: str | Path,
    study: Study,
    *,
    model: Model | None = None,
    n_misses: int = MISSES,
    with_signals: bool = True,
) -> Path:
    """Write the page, its figures (PNG and SVG) and its tables (csv); return the page's path.

    Parameters
    ----------
    folder
        Made if missing; files of the same names are replaced.
    label_folder
        Named on the page.
    study
        What to report.
    model
        Adds each member's thresholds, the calibration, and reasons to the misses.
    n_misses
        How many recordings to draw.
    with_signals
        Read all signals, for subgroups by quality and heart rate.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = study.runs[0]
    results, classes = found.results, class_table(found)
    groups = score_groups(study, with_signals=with_signals)
    parts = [
        sections.scores(found, classes, folder),
        *sections.comparison(study, folder),
        sections.confusion(results, folder),
        sections.hierarchy(found, folder),
        sections.curves(results, classes, folder),
        calibration(results, model, folder),
        *thresholds(results, model),
        subgroups(groups, folder, study.unit),
        *risk_coverage(study, model, folder),
        *sections.misses(results, folder, n_misses, model.explain if model else None),
    ]
    for table in (table for part in parts for table in (*part.tables, *part.files)):
        table.write(folder)
    context = {"title": results.title, "labels": str(label_folder)}
    cards, notes = sections.cards(found), sections.notes(study)
    write_page(folder / PAGE, parts, cards=cards, notes=notes, **context)
    return folder / PAGE
