"""Train for your own diagnosis classes, from pretrained networks if there are any.

The csv table of classes has one line each: code[,abbreviation[,name]], codes that mean the same
joined by |. All classes count the same. If sinus rhythm (426783006) is none of them, thresholds and
epochs are chosen by the macro F-measure, since the challenge metric is not defined then.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ecg12.cli.arguments import input_file, input_folder, networks, output_folder, whole
from ecg12.cli.options import add_training, read_labels, read_validation

if TYPE_CHECKING:
    from ecg12.io.classes import ScoredClasses


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "data",
        type=input_folder,
        help="folder of recordings of any format; arrays must be converted",
    )
    command.add_argument(
        "--classes", type=input_file, required=True, help="csv: code[,abbreviation[,name]]"
    )
    command.add_argument(
        "-o",
        "--output",
        type=output_folder,
        default="model",
        help="model folder (default %(default)s)",
    )
    add_training(command)
    command.add_argument(
        "--pretrained",
        type=networks,
        help="model folder to start from, or shipped: the model of the package "
        "(default: ECG12_PRETRAINED, or from scratch)",
    )
    command.add_argument(
        "--freeze", type=whole(0), default=0, metavar="J", help="first blocks that are not trained"
    )
    command.add_argument(
        "--recipe", help="(default: the pretrained networks; from scratch: submission)"
    )


def run(options: argparse.Namespace) -> None:
    """Train, and say where the model is."""
    from dataclasses import replace

    from ecg12.io.class_table import read_classes
    from ecg12.runtime.errors import InputError
    from ecg12.runtime.settings import Settings
    from ecg12.training.pipeline import train
    from ecg12.training.recipes import for_own_classes
    from ecg12.training.transfer import pretrained_folder

    classes = read_classes(options.classes)
    _spare(options.output, classes)
    settings = Settings.from_env()
    if options.pretrained:
        settings = replace(settings, pretrained=options.pretrained)
    folder = pretrained_folder(settings)
    if options.freeze and folder is None:
        raise InputError(f"--freeze {options.freeze}: there are no pretrained networks to freeze")
    recipe = for_own_classes(options.recipe, folder, options.freeze)
    labels, labelled = read_labels(options, classes)
    train(
        options.data,
        options.output,
        recipe,
        hours=options.hours,
        classes=classes,
        labels=labels,
        labelled=labelled,
        validation=read_validation(options, classes, labels),
    )
    print(f"model for {len(classes)} classes in {options.output}")


def _spare(folder: Path, classes: "ScoredClasses") -> None:
    """Refuse to replace a model of other classes."""
    from ecg12.ensemble.model_folder import INDEX, read_index
    from ecg12.runtime.errors import InputError

    if not (folder / INDEX).is_file():
        return
    known = [tuple(group) for group in read_index(folder)["classes"]]
    if known != list(classes.groups):
        raise InputError(
            f"{folder}: holds a model for {len(known)} other classes, which this training would "
            "replace; choose another folder (-o) or remove it"
        )
