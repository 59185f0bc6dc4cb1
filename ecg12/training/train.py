"""Train a model in one call: what to learn, from what, and into which folder."""

from pathlib import Path

from ecg12.inference.model import Model
from ecg12.io.class_table import read_classes
from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.io.known_labels import LabelledClasses, read_labelled_classes
from ecg12.io.label_table import LabelTable, read_label_table
from ecg12.io.manifest import ValidationFolder
from ecg12.runtime.errors import InputError
from ecg12.training import pipeline
from ecg12.training.recipes import Recipe, begin_at, for_own_classes, get_recipe


def train(
    data: str | Path,
    model: str | Path,
    recipe: str | Recipe | None = None,
    *,
    classes: str | Path | ScoredClasses | None = None,
    labels: str | Path | LabelTable | None = None,
    labelled_classes: str | Path | LabelledClasses | None = None,
    validation: str | Path | None = None,
    validation_labels: str | Path | LabelTable | None = None,
    weights: str | Path | None = None,
    pretrained: str | Path | None = None,
    hours: float = 46.0,
) -> Model:
    """Train an ensemble on a folder of recordings and save it as a model folder.

    Killed at any moment, the same call goes on after the last finished epoch.

    Parameters
    ----------
    data
        Recordings of any format that is read, flat or nested; read only.
    model
        The model folder, made if missing.
    recipe
        Name of a recipe, or a recipe. By default ``"submission"``; for classes of one's own its
        networks and schedule, with binary cross-entropy as the loss.
    classes
        One's own classes: a csv table ``code[,abbreviation[,name]]``. By default the challenge's.
    labels
        Label table beside the recordings; by default the codes in their headers.
    labelled_classes
        csv table ``database,codes`` of the codes, separated by blanks, that databases label at all;
        there every other class is unknown and counts nowhere. By default all are labelled.
    validation
        Folder of recordings that choose epochs, thresholds and members, and calibrate: then all of
        `data` train, and there is no test part. By default the recipe divides `data`.
    validation_labels
        Label table of the validation folder, with paths below that folder; by default `labels`.
    weights
        The challenge's table of weights, not with `classes`; by default that of 2020, which is part
        of the package.
    pretrained
        Model folder at whose networks the training begins; None: from scratch.
    hours
        Wall-clock budget; fewer epochs, then fewer members, where it is short.

    Returns
    -------
    Model
        The trained model, as saved.

    Raises
    ------
    FileNotFoundError, RecordError
        If the data hold no readable recording.
    InputError
        If an argument cannot be used; the message says why and names the choices.
    """
    if classes is not None and weights is not None:
        raise InputError(f"weights={str(weights)!r} with classes: one's own classes have none")
    scored = _classes(classes, weights)
    if not isinstance(recipe, Recipe):
        if classes is not None:
            recipe = for_own_classes(recipe, pretrained)
        else:
            recipe = begin_at(get_recipe(recipe or "submission"), pretrained)
    labels = _table(labels, scored)
    if validation_labels is not None and validation is None:
        raise InputError("validation_labels are of a validation folder, and none is named")
    validating = None
    if validation is not None:
        own = labels if validation_labels is None else _table(validation_labels, scored)
        validating = ValidationFolder(Path(validation), own)
    if isinstance(labelled_classes, str | Path):
        labelled_classes = read_labelled_classes(labelled_classes)
    return Model(
        pipeline.train(
            data,
            model,
            recipe,
            hours=hours,
            classes=scored,
            labels=labels,
            labelled=labelled_classes,
            validation=validating,
        )
    )


def _table(labels: str | Path | LabelTable | None, classes: ScoredClasses) -> LabelTable | None:
    return read_label_table(labels, classes.columns) if isinstance(labels, str | Path) else labels


def _classes(
    classes: str | Path | ScoredClasses | None, weights: str | Path | None
) -> ScoredClasses:
    if classes is None:
        return load_weights(weights or WEIGHTS)
    return classes if isinstance(classes, ScoredClasses) else read_classes(classes)
