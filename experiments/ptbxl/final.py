"""The last step: scores of every member, the shipped folder, one evaluation, tables."""

import json
import logging
from pathlib import Path

import numpy as np

from ecg12.ensemble.classifier import Classifier
from ecg12.ensemble.model_folder import load_classifier
from ecg12.runtime import backend
from ecg12.runtime.files import atomic_write
from experiments.ptbxl.evaluation import LEFT_OUT, Estimate, read_hospitals
from experiments.ptbxl.report import (
    classifier_scores,
    hospital_tables,
    pairs_line,
    summary_lines,
    superclass_table,
    test_table,
    write_between,
)
from experiments.ptbxl.runs import (
    MIN_POSITIVES,
    Config,
    add_row,
    superclass_auroc,
    superclass_columns,
    unit_scores,
)
from experiments.ptbxl.shipping import load, ship
from experiments.ptbxl.task import Material

log = logging.getLogger(__name__)
PARTS = ("validation", "test")


def member_scores(networks: Path, name: str, material: Material) -> dict[str, np.ndarray]:
    """Return a member's scores by part and unit, all columns; stored, and made if missing."""
    path = networks / f"{name}.scores.npz"
    if not path.is_file():
        model = load(networks / f"{name}.keras")
        forward = backend.compiled([model], model.input_shape[1:])
        found = {
            f"{part}_{unit}": scores
            for part in PARTS
            for unit, scores in unit_scores(forward, material, part).items()
        }
        with atomic_write(path) as temporary:
            np.savez(temporary, **found)
    with np.load(path) as saved:
        return {key: saved[key] for key in saved.files}


def superclass_ways(members: list[dict[str, np.ndarray]], part: str) -> dict[str, np.ndarray]:
    """Return the ensemble's scores of the superclasses, by what the networks are given."""
    mean = {
        unit: np.mean([superclass_columns(own[f"{part}_{unit}"]) for own in members], axis=0)
        for unit in ("recording", "millivolts")
    }
    return {
        "divided by its amplitude": mean["recording"],
        "millivolts": mean["millivolts"],
        "mean of both": (mean["recording"] + mean["millivolts"]) / 2,
    }


def finish(
    runs: dict[str, tuple[Config, int]],
    material: Material,
    work: Path,
    real: Path,
    reports: Path,
) -> None:
    """Ship the ensemble of the given runs and write its tables.

    Parameters
    ----------
    runs
        An odd number of finished runs.
    material
        PTB-XL.
    work
        Holds `multitask`, the runs' networks; the ensemble goes to `shipped`.
    real
        Recordings of other hospitals.
    reports
        Folder of `ptbxl.csv` and `ptbxl.md`.
    """
    shipped = work / "shipped"
    members = [member_scores(work / "multitask", name, material) for name in runs]
    configs = {name: config for name, (config, _) in runs.items()}
    reached = ship(shipped, work / "multitask", configs, material)
    log.info("challenge metric by last layer, halves of validation: %s", reached)
    classifier = load_classifier(shipped)
    own = {"challenge": classifier.members[0].thresholds}  # of all members alike
    points = own | classifier.operating_points
    lines = []
    for part, title in (("validation", "PTB-XL, validation"), ("test", "PTB-XL, test")):
        lines += _part(classifier, points, members, material, part, title, reports, list(runs))
    hospitals = read_hospitals(real, work / "prepared" / "real")
    twins = read_hospitals(real, work / "prepared" / "real", only=LEFT_OUT[1:])
    scores = classifier_scores(classifier, hospitals.signals)
    table, summary = hospital_tables(scores, points, hospitals)
    lines += summary_lines("Other hospitals", summary) + table
    lines += ["", pairs_line(classifier, twins, material, points)]
    _log(reports, "other hospitals", list(runs), summary, {})
    write_between(reports / "ptbxl.md", lines)


def _part(
    classifier: Classifier,
    points: dict[str, np.ndarray],
    members: list[dict[str, np.ndarray]],
    material: Material,
    part: str,
    title: str,
    reports: Path,
    names: list[str],
) -> list[str]:
    rows = material.dataset.rows[material.parts[part]]
    scores = classifier_scores(classifier, material.dataset.signals[rows])
    table, summary = test_table(scores, points, material, part)
    ways = superclass_ways(members, part)
    reached = {way: superclass_auroc(own, material, part) for way, own in ways.items()}
    _log(reports, part, names, summary, reached)
    lines = summary_lines(title, summary) + superclass_table(ways, material, part)
    return [*lines, "", *(table if part == "test" else []), ""]


def _log(
    reports: Path,
    part: str,
    names: list[str],
    summary: dict[str, Estimate],
    superclasses: dict[str, float],
) -> None:
    """Add a row on an evaluation to the table of results."""
    settings = json.dumps({"members": names, "least_positives": MIN_POSITIVES} | superclasses)
    row = {"kind": "evaluation", "name": "ensemble", "settings": settings, "part": part}
    if superclasses:
        row["superclasses_auroc"] = f"{superclasses['divided by its amplitude']:.4f}"
        row["superclasses_auroc_mv"] = f"{superclasses['millivolts']:.4f}"
    row["challenge_auroc"] = f"{summary['macro AUROC'].value:.4f}"
    row["challenge_metric"] = f"{summary['challenge metric'].value:.4f}"
    row["best_constant"] = f"{summary['best constant'].value:.4f}"
    add_row(reports / "ptbxl.csv", row)
