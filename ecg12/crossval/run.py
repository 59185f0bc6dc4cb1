"""Train and judge fold after fold; finished folds are kept when a run ends early."""

import logging
import shutil
import time
from pathlib import Path

from ecg12.crossval.folds import divide
from ecg12.crossval.predictions import (
    FoldPredictions,
    predict_all,
    read_predictions,
    write_predictions,
)
from ecg12.crossval.subgroups import group_rows, held_out_groups
from ecg12.crossval.tables import Summary, summarise, write_metrics
from ecg12.crossval.ways import Truth, fold_row
from ecg12.data.dataset import Dataset
from ecg12.io.classes import SINUS_RHYTHM, ScoredClasses
from ecg12.io.databases import databases_of
from ecg12.io.label_table import LabelTable
from ecg12.io.manifest import find_named
from ecg12.io.patients import patient_numbers, read_patients
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import recordings_folder
from ecg12.runtime.locks import work_folder
from ecg12.subgroups import Grouping, groupings, read_attributes
from ecg12.training.members import identity, train_members
from ecg12.training.pipeline import WORK, open_data
from ecg12.training.recipes import Recipe
from ecg12.training.resources import Clock
from ecg12.training.selection import chosen
from ecg12.training.task import Task

log = logging.getLogger(__name__)
FOLDS = "folds.csv"
UNLIMITED = 24.0 * 365  # hours; with a limit the later folds would train less


def cross_validate(
    data: str | Path,
    output: str | Path,
    recipe: Recipe,
    *,
    k: int = 5,
    patients: str | Path | None = None,
    by_database: bool = False,
    classes: ScoredClasses | None = None,
    labels: LabelTable | None = None,
) -> Summary:
    """Cross-validate a recipe on a folder of recordings.

    Parameters
    ----------
    data
        Recordings of any format that is read, flat or nested; read only.
    output
        Folder for the tables, made if missing. Each finished fold is kept there (`fold1.npz` …) and
        has a row in `folds.csv`; after a kill, the same call continues where it stopped, within the
        fold too. Work files lie in its folder `ecg12-work` and are removed at the end.
    recipe
        What to train; its seed decides the folds as well.
    k
        Number of folds.
    patients
        Table of patients, as for `ecg12.io.patients.read_patients`; None: those of the label table,
        or else each recording is its own.
    by_database
        Hold out one database after the other, instead of k folds.
    classes, labels
        As for `training.pipeline.train`.

    Raises
    ------
    FileNotFoundError, RecordError
        If the data hold no readable recording.
    InputError
        If the folds cannot be made, another process writes into the same folder, or sinus rhythm is
        none of the classes: folds are judged by the challenge metric.
    """
    if classes and not classes.has_normal:
        raise InputError(
            "folds are judged by the challenge metric, which is not defined without sinus rhythm "
            f"({SINUS_RHYTHM}); the classes are {', '.join(classes.names)}"
        )
    data, folder = recordings_folder(data), Path(output)
    work = folder / WORK
    with work_folder(work):
        dataset, classes = open_data(data, work, recipe, classes=classes, labels=labels)
        keys = read_patients(patients, dataset.names) if patients else dataset.patients
        folds = divide(
            dataset, k, recipe.seed, patients=keys, by_database=by_database,
            validation=recipe.validation,
        )  # fmt: skip
        truth = _truth(dataset, classes)
        predictions: list[FoldPredictions] = []
        rows = []
        for number, fold in enumerate(folds, start=1):
            task = Task(dataset, fold.parts, classes)
            predictions.append(_predictions(task, recipe, folder / f"fold{number}.npz", work))
            rows.append(fold_row(fold, predictions[-1], truth))
            write_metrics(folder / FOLDS, rows)
            log.info("fold %s, %d of %d, is done", fold.name, number, len(folds))
        units = patient_numbers(keys) if keys and any(keys) else None
        ways = _groupings(data, dataset)
        groups = held_out_groups(folds, predictions, truth, ways, units)
        summary = summarise(folds, predictions, truth, groups, by_database=by_database)
        write_metrics(folder / "ways.csv", summary.rows)
        write_metrics(folder / "summary.csv", summary.means)
        write_metrics(folder / "subgroups.csv", group_rows(groups))
    return summary


def _truth(dataset: Dataset, classes: ScoredClasses) -> Truth:
    """Return the labels, those that are unknown as False."""
    known = dataset.known
    return Truth(dataset.targets if known is None else dataset.targets & known, classes, known)


def _groupings(data: Path, dataset: Dataset) -> list[Grouping]:
    """Divide the recordings by sex, age, database, signal quality and heart rate."""
    found = find_named(data)
    attributes = read_attributes([found[name] for name in dataset.names])
    return groupings(attributes, databases_of(dataset.names, "."))


def _predictions(task: Task, recipe: Recipe, file: Path, work: Path) -> FoldPredictions:
    """Return a fold's predictions: as an earlier call wrote them, or by training on it."""
    name = identity(recipe, task)
    if (earlier := read_predictions(file, name)) is not None:
        return earlier
    fold_work = work / file.stem
    fold_work.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    candidates, _ = train_members(recipe, task, fold_work, Clock(UNLIMITED))
    best = chosen(candidates, recipe.keep)
    predictions = predict_all(best, task, time.monotonic() - begun)
    write_predictions(file, predictions, name)
    shutil.rmtree(fold_work)
    return predictions
