"""Pretrain networks on an archive, from which train_model.py and finetune can start."""

import argparse

from ecg12.cli.arguments import input_folder, output_folder
from ecg12.cli.options import (
    add_training,
    add_weights,
    read_labels,
    read_validation,
    scored_classes,
)


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "data",
        type=input_folder,
        help="folder of recordings of any format; arrays must be converted",
    )
    command.add_argument(
        "-o",
        "--output",
        type=output_folder,
        default="pretrained",
        help="model folder (default %(default)s)",
    )
    add_training(command)
    add_weights(command)
    command.add_argument("--recipe", default="submission", help="(default %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Train every network of the recipe and keep it, whatever its score."""
    from dataclasses import replace

    from ecg12.training.pipeline import train
    from ecg12.training.recipes import get_recipe

    recipe = replace(get_recipe(options.recipe), keep=None)
    classes = scored_classes(options)
    labels, labelled = read_labels(options, classes)
    trained = train(
        options.data,
        options.output,
        recipe,
        hours=options.hours,
        classes=classes,
        labels=labels,
        labelled=labelled,
        validation=read_validation(options, classes, labels),
    )
    print(f"{len(trained.members)} pretrained networks in {options.output}")
