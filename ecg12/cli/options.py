"""Arguments that several commands share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecg12.cli.arguments import hours, input_file, input_folder, rate, recordings, workers
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import read_limited
from ecg12.runtime.settings import SALT, Settings
from ecg12.runtime.text import decode

if TYPE_CHECKING:
    from ecg12.io.classes import ScoredClasses
    from ecg12.io.known_labels import LabelledClasses
    from ecg12.io.label_table import LabelTable
    from ecg12.io.manifest import ValidationFolder

LARGEST_SALT = 2**20  # bytes of a file with the secret of patient keys


def add_files(command: argparse.ArgumentParser) -> None:
    """Add recordings, one or more."""
    command.add_argument(
        "files",
        nargs="+",
        type=recordings,
        metavar="FILE",
        help="recordings of any format, or folders of them",
    )


def add_weights(command: argparse._ActionsContainer) -> None:
    """Add the table of scored classes."""
    command.add_argument(
        "--weights", type=input_file, help="table of scored classes (default: that of 2020)"
    )


def scored_classes(options: argparse.Namespace) -> "ScoredClasses":
    """Return the challenge's classes by the table named, or by that of the package."""
    from ecg12.io.classes import WEIGHTS, load_weights

    return load_weights(options.weights or WEIGHTS)


def add_classes(command: argparse.ArgumentParser, own: str = "as for finetune") -> None:
    """Add the table of one's own classes, or that of the challenge's."""
    scored = command.add_mutually_exclusive_group()
    scored.add_argument(
        "--classes", type=input_file, help=f"csv: code[,abbreviation[,name]], {own}"
    )
    add_weights(scored)


def chosen_classes(options: argparse.Namespace) -> "ScoredClasses":
    """Return one's own classes, or the challenge's."""
    from ecg12.io.class_table import read_classes

    return read_classes(options.classes) if options.classes else scored_classes(options)


def add_array(command: argparse.ArgumentParser) -> None:
    """Add what an array of numbers (csv, npy, npz, HDF5) does not say of itself."""
    array = command.add_argument_group("arrays of numbers (csv, npy, npz, HDF5)")
    array.add_argument("--rate", type=rate, help="sampling rate in Hz")
    array.add_argument("--unit", help="of the numbers: nV, uV, mV, V, or a step such as '5 uV'")
    array.add_argument("--leads", help="names in the order of the array, such as I,II,V1")


def array_options(options: argparse.Namespace) -> "dict[str, Any]":
    """Return what was said of arrays, as `read_any` takes it."""
    said = {name: getattr(options, name) for name in ("rate", "unit", "leads")}
    return {name: value for name, value in said.items() if value is not None}


def add_training(command: argparse.ArgumentParser) -> None:
    """Add the arguments that all training shares."""
    add_labels(command)
    command.add_argument(
        "--validation",
        type=input_folder,
        metavar="FOLDER",
        help="recordings that validate; all of DATA train (default: DATA is divided)",
    )
    command.add_argument(
        "--validation-labels",
        type=input_file,
        metavar="TABLE",
        help="label table of that folder, with paths below it (default: --labels)",
    )
    command.add_argument(
        "--hours",
        type=hours,
        default="46",
        help="time budget; a killed run goes on (default %(default)s)",
    )


def add_labels(command: argparse.ArgumentParser) -> None:
    """Add where labels are, and which of them are known."""
    add_label_table(command)
    command.add_argument(
        "--labelled-classes",
        type=input_file,
        metavar="TABLE",
        help="csv: database, codes that it labels, separated by blanks; others are unknown there",
    )


def add_label_table(command: argparse.ArgumentParser, what: str = "label table") -> None:
    """Add where labels are."""
    command.add_argument(
        "--labels", type=input_file, help=f"{what} (default: the codes in the headers)"
    )


def add_workers(command: argparse.ArgumentParser) -> None:
    """Add in how many processes recordings are read."""
    command.add_argument("--workers", type=workers, metavar="N", help="processes (default all)")


def read_labels(
    options: argparse.Namespace, classes: "ScoredClasses"
) -> "tuple[LabelTable | None, LabelledClasses | None]":
    """Return the label table and the labelled classes that were named."""
    from ecg12.io.known_labels import read_labelled_classes
    from ecg12.io.label_table import read_label_table

    path, labelled = options.labels, options.labelled_classes
    table = read_label_table(path, classes.columns) if path else None
    return table, read_labelled_classes(labelled) if labelled else None


def read_validation(
    options: argparse.Namespace, classes: "ScoredClasses", labels: "LabelTable | None"
) -> "ValidationFolder | None":
    """Return the validation folder that was named; its labels are DATA's unless named, too."""
    from ecg12.io.label_table import read_label_table
    from ecg12.io.manifest import ValidationFolder

    folder, path = options.validation, options.validation_labels
    if path and not folder:
        raise InputError(f"--validation-labels {path}: there is no --validation FOLDER")
    if path:
        labels = read_label_table(path, classes.columns)
    return ValidationFolder(folder, labels) if folder else None


def add_executor(command: argparse.ArgumentParser) -> None:
    """Add where jobs run."""
    places = command.add_mutually_exclusive_group()
    places.add_argument("--workers", type=workers, metavar="N", help="processes of this machine")
    places.add_argument("--scheduler", help="of a Dask cluster, such as tcp://10.0.0.5:8786")


def add_salt(command: argparse.ArgumentParser) -> None:
    """Add the secret of patient keys."""
    command.add_argument("--salt-file", type=input_file, help=f"secret of patient keys (or {SALT})")


def read_salt(path: Path | None) -> str | None:
    """Return the secret of the patient keys, from a file or the environment; None for none.

    Raises
    ------
    InputError
        If it is empty, or too large.
    """
    if path is None:
        return Settings.from_env().salt
    text = decode(read_limited(path, LARGEST_SALT)).strip()
    if not text:
        raise InputError(f"{path}: the salt of patient keys is empty")
    return text
