"""The submission, top to bottom: a folder of recordings becomes a model folder.

Paper B's protocol (Ansari et al., MCIRCC, Computing in Cardiology 2020, section 2.3.2): a random
60/20/20 split (or whole databases that validate, where the recipe says so; or a folder of one's own
that validates, and all else trains); each network trained by
the recipe's schedule, in the paper until the challenge metric on the validation part stops rising;
thresholds tuned on the validation part; the best of the networks, in the paper five of eight, form
the ensemble. Not of the paper: the ensemble's scores are calibrated, on the validation part too; of
a large validation part only one half does all this, and the other gives prediction sets; statistics
of the training part say later how far a recording is from it.
The test part chooses nothing: it is scored only for the report.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.dataset import Dataset, prepare_folder, summary
from ecg12.data.splits import split, split_off_databases, split_off_folder
from ecg12.ensemble.classifier import Classifier
from ecg12.ensemble.model_folder import INDEX, save_classifier
from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.io.databases import databases_of, sources_of
from ecg12.io.known_labels import LabelledClasses
from ecg12.io.label_table import LabelTable
from ecg12.io.manifest import ValidationFolder
from ecg12.runtime import backend
from ecg12.runtime.errors import InputError
from ecg12.runtime.executors import Executor
from ecg12.runtime.files import read_json, recordings_folder, write_json
from ecg12.runtime.locks import work_folder
from ecg12.runtime.version import __version__
from ecg12.training.conformal_half import set_apart
from ecg12.training.members import identity, train_members
from ecg12.training.novelty_fit import fit_novelty
from ecg12.training.recipes import Recipe
from ecg12.training.resources import RESERVE, Clock
from ecg12.training.selection import chosen, join, score_parts
from ecg12.training.task import Task
from ecg12.training.transfer import SHIPPED_REMARK, begins_at_shipped

log = logging.getLogger(__name__)
REPORT = "training.json"
WORK = "ecg12-work"


def train(
    data: str | Path,
    model: str | Path,
    recipe: Recipe,
    *,
    hours: float = 46.0,
    classes: ScoredClasses | None = None,
    labels: LabelTable | None = None,
    labelled: LabelledClasses | None = None,
    validation: ValidationFolder | None = None,
) -> Classifier:
    """Train a recipe on a folder of recordings.

    Parameters
    ----------
    data
        Recordings of any format that is read, flat or nested; read only.
    model
        The model folder, made if missing. Work files are in its folder `ecg12-work` and are
        removed on success; after a kill, the same call goes on where it stopped.
    recipe
        What to train.
    hours
        Wall-clock budget of this call; a tenth is kept for scoring.
    classes
        What to learn; by default the classes of the table of weights in use.
    labels
        Labels and patients of a label table; None for those in the headers.
    labelled
        The codes that databases label; other classes are unknown there. None: all label all.
    validation
        Recordings that choose epochs, thresholds and members, and calibrate; all of `data` train
        then, and there is no test part. None: the recipe divides `data`.

    Returns
    -------
    Classifier
        The ensemble, as saved.

    Raises
    ------
    FileNotFoundError, RecordError
        If the data hold no readable recording.
    InputError
        If no recording shows any of the classes given, another process trains into the same
        folder, databases or a folder are to validate and cannot, no network can be trained, or more
        devices are asked for than can be had.
    """
    clock = Clock(hours * (1 - RESERVE))
    data, folder = recordings_folder(data), Path(model)
    if validation is not None:
        _check_separate(data, recordings_folder(validation.path))
    work = folder / WORK
    with work_folder(work):
        dataset, classes = open_data(
            data,
            work,
            recipe,
            classes=classes,
            labels=labels,
            labelled=labelled,
            validation=validation,
        )
        if not recipe.starts:
            log.info("no pretrained networks: all begin from scratch")
        task = Task(dataset, divide(dataset, recipe), classes)
        keep = saver(folder, identity(recipe, task))
        candidates, members = train_members(recipe, task, work, clock, keep=keep)
        best = chosen(candidates, recipe.keep)
        classifier = join(best, task)
        parts = task.parts
        classifier.novelty = fit_novelty(
            classifier, dataset, parts["training"], parts["validation"]
        )
        (folder / REPORT).unlink(missing_ok=True)
        save_classifier(folder, classifier)
        counts = summary(dataset, classes) | _validating(task, recipe)
        made = {"version": __version__, "recipe": _fields(recipe), "data": counts}
        if begins_at_shipped(recipe.starts):
            made["remark"] = SHIPPED_REMARK
        if validation is not None:
            validated = summary(dataset, classes, validating=True)
            made["validation"] = {"folder": validation.path.resolve().name, **validated}
        scores = score_parts(classifier, best, task)
        write_json(folder / REPORT, {**made, "members": members, "ensemble": scores})
    return classifier


def saver(folder: Path, made_by: str) -> Callable[[Classifier], None] | None:
    """Return what saves the ensemble while members are still to come; None: nothing does.

    A folder without a model becomes a valid one after the first member. A model that was there
    before this training stays until the new one is complete. Which of the two a restarted training
    found at its beginning is noted in its work folder.

    Parameters
    ----------
    folder
        The model folder.
    made_by
        The training's identity.
    """
    note = folder / WORK / "first_model.json"
    if (folder / INDEX).is_file() and not (note.is_file() and read_json(note) == made_by):
        log.info("%s: its model stays until the new one is complete", folder)
        return None
    (folder / REPORT).unlink(missing_ok=True)  # of a model that is gone
    write_json(note, made_by)
    return partial(save_classifier, folder)


def _check_separate(data: Path, validation: Path) -> None:
    """Refuse a validation folder that holds the data, or the other way round."""
    one, other = data.resolve(), validation.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise InputError(
            f"{validation}: validates and is not separate from the data, {data}; neither folder "
            "may be in the other"
        )


def divide(dataset: Dataset, recipe: Recipe) -> dict[str, np.ndarray]:
    """Divide recordings into training, validation and test part, as the recipe wants it.

    Where there is a folder that validates, it does, whatever the recipe says. Half of a large
    validation part is set apart for prediction sets, see `set_apart`.

    Raises
    ------
    InputError
        If databases are to validate and cannot, see `check_apart`, or if a patient has recordings
        in the validation folder and elsewhere.
    """
    return set_apart(_parts(dataset, recipe), dataset, recipe.seed)


def _parts(dataset: Dataset, recipe: Recipe) -> dict[str, np.ndarray]:
    if dataset.validating is not None:
        return split_off_folder(dataset.validating, dataset.patients)
    if recipe.validation == "random":
        return split(len(dataset), recipe.seed, dataset.patients)
    sources = sources_of(databases_of(dataset.names, "."))
    return split_off_databases(sources, recipe.seed, dataset.patients)


def _validating(task: Task, recipe: Recipe) -> dict[str, Any]:
    """Name the databases that validate, if whole ones do."""
    if recipe.validation == "random" or task.dataset.validating is not None:
        return {}
    names = [task.dataset.names[i] for i in task.parts["validation"]]
    return {"validating_databases": sorted(set(databases_of(names, ".")))}


def _fields(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as the report holds it; where trainings began is in the members' rows."""
    return asdict(replace(recipe, starts=()))


def open_data(
    data: str | Path,
    work: Path,
    recipe: Recipe,
    *,
    classes: ScoredClasses | None = None,
    labels: LabelTable | None = None,
    labelled: LabelledClasses | None = None,
    validation: ValidationFolder | None = None,
    executor: Executor | None = None,
) -> tuple[Dataset, ScoredClasses]:
    """Start the backend and prepare a folder for a recipe; say on what, and what was found.

    Classes and labels are as for `train`, the executor as for `prepare_folder`.

    Raises
    ------
    FileNotFoundError, RecordError, InputError
        As `train`.
    """
    log.info("recipe %s on %s", recipe.name, backend.start(recipe.seed))
    classes = classes or load_weights(WEIGHTS)
    log.info("classes: %d, %s", len(classes), classes.source or ", ".join(classes.names))
    dataset = prepare_folder(
        data,
        work,
        recipe.preprocessing,
        classes,
        labels=labels,
        labelled=labelled,
        validation=validation,
        executor=executor,
    )
    log.info("data: %s", summary(dataset, classes))
    absent = _absent(dataset, classes, validating=False)
    if validation is not None:
        log.info("validation: %s", summary(dataset, classes, validating=True))
        if len(_absent(dataset, classes, validating=True)) == len(classes):
            raise InputError(
                f"{validation.path}: no recording shows any of the classes, so that "
                "it cannot validate"
            )
    if classes.named and len(absent) == len(classes):
        raise InputError(f"{data}: no recording shows any of the classes {', '.join(absent)}")
    if absent:
        log.warning("no recording shows %s, so nothing learns them", ", ".join(absent))
    if one_sided := _never_denied(dataset, classes):
        log.warning(
            "no recording is known to be without %s, so nothing learns what is not", one_sided
        )
    return dataset, classes


def _never_denied(dataset: Dataset, classes: ScoredClasses) -> str:
    """Name the classes of which all known labels are positive, as those of a wrong table are."""
    if dataset.known is None:
        return ""
    denied = (dataset.known & ~dataset.targets).any(axis=0)
    shown = dataset.targets.any(axis=0)
    return ", ".join(np.array(classes.names)[shown & ~denied])


def _absent(dataset: Dataset, classes: ScoredClasses, *, validating: bool) -> list[str]:
    """Name the classes that no recording shows, of the data or of the validation folder."""
    positives = summary(dataset, classes, validating=validating)["positives"]
    return [name for name, n in positives.items() if not n]
