"""Train networks on an archive, for others to begin at: python train_model.py, or finetune."""

import argparse


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("data", help="folder of recordings: challenge format or MUSE .xml")
    command.add_argument(
        "-o", "--output", default="pretrained", help="model folder (default %(default)s)"
    )
    add_training(command)
    command.add_argument("--recipe", default="submission", help="(default %(default)s)")


def add_training(command: argparse.ArgumentParser) -> None:
    """Add the arguments that all training shares."""
    command.add_argument("--labels", help="label table (default: the codes in the headers)")
    command.add_argument(
        "--hours", default="46", help="time budget; a killed run goes on (default %(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Train every network of the recipe and keep it, whatever its score."""
    from dataclasses import replace

    from ecg12.io.label_table import read_label_table
    from ecg12.training.pipeline import train
    from ecg12.training.recipes import get_recipe
    from ecg12.training.resources import read_hours

    recipe = replace(get_recipe(options.recipe), selection="all")
    labels = read_label_table(options.labels) if options.labels else None
    trained = train(options.data, options.output, recipe, read_hours(options.hours), labels=labels)
    print(f"{len(trained.members)} pretrained networks in {options.output}")
