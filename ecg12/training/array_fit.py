"""Train an ensemble on recordings that are held in memory."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.ensemble.classifier import Classifier
from ecg12.io.classes import ScoredClasses
from ecg12.io.record import Record
from ecg12.runtime import backend
from ecg12.signal.preprocessing import prepare
from ecg12.training.members import train_members
from ecg12.training.novelty_fit import fit_novelty
from ecg12.training.pipeline import divide
from ecg12.training.recipes import Recipe, for_own_classes
from ecg12.training.resources import Clock
from ecg12.training.selection import chosen, join
from ecg12.training.task import Task


def array_recipe(
    recipe: str | Recipe | None, pretrained: str | Path | None, epochs: int | None, seed: int
) -> Recipe:
    """Return the recipe of an estimator's parameters.

    Raises
    ------
    InputError, ModelError
        As `for_own_classes`.
    """
    if not isinstance(recipe, Recipe):
        recipe = for_own_classes(recipe, pretrained)
    if epochs is not None:
        recipe = replace(recipe, schedule=replace(recipe.schedule, epochs=epochs))
    return replace(recipe, seed=seed)


def fit_records(
    records: Sequence[Record],
    y_true: np.ndarray,
    *,
    names: Sequence[str],
    patients: tuple[str, ...],
    recipe: Recipe,
    hours: float,
) -> Classifier:
    """Train a recipe on recordings in memory.

    Parameters
    ----------
    records
        n recordings.
    y_true
        (n, n_classes) bool.
    names
        Of the classes.
    patients
        Key of each recording's patient; empty: each recording is its own.
    recipe
        What to train.
    hours
        Wall-clock budget.
    """
    backend.start(recipe.seed)
    groups = tuple((name,) for name in names)
    named = tuple((name, name) for name in names)
    classes = ScoredClasses(groups, np.eye(len(groups)), 2021, named)
    dataset = Dataset(
        signals=np.array([prepare(record, recipe.preprocessing) for record in records]),
        rows=np.arange(len(records)),
        targets=y_true,
        names=tuple(record.name for record in records),
        failures=(),
        fingerprint="arrays",
        preprocessing=recipe.preprocessing,
        patients=patients,
    )
    task = Task(dataset, divide(dataset, recipe), classes)
    with tempfile.TemporaryDirectory(prefix="ecg12-") as place:
        candidates, _ = train_members(recipe, task, Path(place), Clock(hours))
    classifier = join(chosen(candidates, recipe.keep), task)
    parts = task.parts
    classifier.novelty = fit_novelty(classifier, dataset, parts["training"], parts["validation"])
    return classifier
