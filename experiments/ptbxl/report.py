"""The tables of reports/ptbxl.md, from the shipped ensemble and the networks behind it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.ensemble.classifier import Classifier
from ecg12.metrics import best_constant
from experiments.ptbxl.evaluation import (
    Estimate,
    Hospitals,
    estimates,
    macro_estimate,
    metric_estimate,
)
from experiments.ptbxl.task import CHALLENGE, SUPERCLASSES, Material, challenge_cells

BEGIN, END = "<!-- tables: written by python -m {} -->", "<!-- end of tables -->"
MIN_TEST, MIN_HOSPITALS = 20, 5  # positives of a class, for its AUROC to count
Lines = list[str]


def classifier_scores(classifier: Classifier, signals: np.ndarray) -> np.ndarray:
    """Return the median scores of prepared signals, (n, n_classes)."""
    one = [(row[None],) * len(classifier.preprocessings) for row in signals]
    return np.median(classifier.member_scores(one), axis=0)


def superclass_table(by_way: dict[str, np.ndarray], material: Material, part: str) -> Lines:
    """Return the table of superclasses.

    `by_way` names ways of answering, with (n, 5) scores of the part's recordings.
    """
    rows = material.parts[part]
    truth = material.superclasses[rows]
    some = truth.any(axis=1)
    groups = [material.dataset.patients[row] for row in rows[some]]
    known = np.ones(truth[some].shape, bool)
    lines = ["| input | macro AUROC | " + " | ".join(SUPERCLASSES) + " |", "|---" * 7 + "|"]
    for way, scores in by_way.items():
        found, values, replicates = estimates(truth[some], scores[some], known, groups)
        mean = macro_estimate(values, replicates, np.ones(len(values), bool))
        lines.append(f"| {way} | {mean} | " + " | ".join(map(str, found)) + " |")
    return lines


def test_table(
    scores: np.ndarray, points: dict[str, np.ndarray], material: Material, part: str
) -> tuple[Lines, dict[str, Estimate]]:
    """Return the table of the challenge's classes on a part, and the summary."""
    rows = material.parts[part]
    targets, known = (cells[rows] for cells in challenge_cells(material))
    groups = [material.dataset.patients[row] for row in rows]
    return class_table(scores, points, (targets, known), groups)


def class_table(
    scores: np.ndarray,
    points: dict[str, np.ndarray],
    cells: tuple[np.ndarray, np.ndarray],
    groups: Sequence[str],
) -> tuple[Lines, dict[str, Estimate]]:
    """Return the table of the challenge's classes, and the summary.

    `cells` are targets and known cells, (n, n_classes) bool; `groups` the recordings' patients.
    """
    targets, known = cells
    found, values, replicates = estimates(targets, scores, known, groups)
    positives = (targets & known).sum(axis=0)
    labels = scores > points["challenge"]
    summary = {
        "macro AUROC": macro_estimate(values, replicates, positives >= MIN_TEST),
        "challenge metric": metric_estimate(targets, labels, known, groups),
    }
    constant = best_constant(targets, CHALLENGE, known)[1]
    summary["best constant"] = Estimate(constant, constant, constant)
    lines = ["| class | positives | AUROC | sensitivity | specificity |", "|---|---|---|---|---|"]
    for column, name in enumerate(CHALLENGE.names):
        rates = _rates(targets, scores > points["balanced"], known, column)
        lines.append(f"| {name} | {positives[column]} | {found[column]} | {rates} |")
    return lines, summary


def _rates(targets: np.ndarray, labels: np.ndarray, known: np.ndarray, column: int) -> str:
    rows = known[:, column]
    true, said = targets[rows, column], labels[rows, column]
    if not true.any() or true.all():
        return "– | –"
    return f"{said[true].mean():.2f} | {(~said[~true]).mean():.2f}"


def hospital_tables(
    scores: np.ndarray, points: dict[str, np.ndarray], hospitals: Hospitals
) -> tuple[Lines, dict[str, Estimate]]:
    """Return the tables of other hospitals, per class and per source, and the summary."""
    targets, known = hospitals.targets, hospitals.known
    found, values, replicates = estimates(targets, scores, known, None)
    positives = (targets & known).sum(axis=0)
    enough = positives >= MIN_HOSPITALS
    labels = scores > points["challenge"]
    constant = best_constant(targets, CHALLENGE, known)[1]
    summary = {
        "macro AUROC": macro_estimate(values, replicates, enough),
        "challenge metric": metric_estimate(targets, labels, known, None),
        "best constant": Estimate(constant, constant, constant),
    }
    lines = ["| class | positives | of | AUROC | sensitivity | specificity |", "|---" * 6 + "|"]
    for column in np.flatnonzero(enough):
        rates = _rates(targets, scores > points["balanced"], known, column)
        counts = f"{positives[column]} | {known[:, column].sum()}"
        lines.append(f"| {CHALLENGE.names[column]} | {counts} | {found[column]} | {rates} |")
    return lines + ["", *_source_table(scores, labels, hospitals)], summary


def _source_table(scores: np.ndarray, labels: np.ndarray, hospitals: Hospitals) -> Lines:
    lines = ["| source | recordings | classes | macro AUROC | challenge metric | best constant |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for source in np.unique(hospitals.sources):
        rows = hospitals.sources == source
        targets, known = hospitals.targets[rows], hospitals.known[rows]
        _, values, replicates = estimates(targets, scores[rows], known, None)
        enough = targets.sum(axis=0) >= MIN_HOSPITALS
        mean = macro_estimate(values, replicates, enough)
        metric = metric_estimate(targets, labels[rows], known, None)
        constant = best_constant(targets, CHALLENGE, known)[1]
        lines.append(
            f"| {source} | {rows.sum()} | {enough.sum()} | {mean} | {metric} | {constant:.3f} |"
        )
    return lines


def pairs_line(
    classifier: Classifier, twins: Hospitals, material: Material, points: dict[str, np.ndarray]
) -> str:
    """Say how alike the answers to the same hearts at 500 Hz and at 100 Hz are."""
    place = {name.split("/")[1]: row for row, name in enumerate(material.dataset.names)}
    rows = np.array([place[name.split("/")[1]] for name in twins.names])
    at_100 = classifier_scores(classifier, material.dataset.signals[material.dataset.rows[rows]])
    at_500 = classifier_scores(classifier, twins.signals)
    apart = np.abs(at_100 - at_500)
    cuts = points["challenge"]
    differing = int(((at_100 > cuts) != (at_500 > cuts)).sum())
    return (
        f"{len(rows)} recordings at 500 Hz and at 100 Hz: scores differ by {apart.mean():.4f} on "
        f"average and {apart.max():.3f} at most; {differing} of {apart.size} labels differ."
    )


def summary_lines(title: str, summary: dict[str, Estimate]) -> Lines:
    """Return a heading and one line per summary value."""
    return [f"### {title}", "", *(f"- {name}: {value}" for name, value in summary.items()), ""]


def write_between(path: Path, lines: Sequence[Any], module: str = "experiments.ptbxl") -> None:
    """Replace what stands between the marks of a report; a new file holds the marks alone."""
    begin = BEGIN.format(module)
    text = path.read_text(encoding="utf-8") if path.is_file() else f"{begin}\n{END}\n"
    head, rest = text.split(begin)
    tail = rest.split(END)[1]
    body = "\n".join(map(str, lines))
    path.write_text(f"{head}{begin}\n\n{body}\n{END}{tail}", encoding="utf-8")
