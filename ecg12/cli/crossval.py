"""Cross-validate a recipe: what it would score on unseen recordings, or on an unseen hospital.

Prints one table of held-out scores per fold, and one that sets ways of fitting thresholds side by
side, unbiased and optimistic ones.
"""

import argparse

from ecg12.cli.arguments import input_file, input_folder, networks, output_folder, seed, whole
from ecg12.cli.options import add_classes, add_label_table, chosen_classes


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "data", type=input_folder, help="folder of labelled recordings, flat or nested"
    )
    command.add_argument(
        "-o",
        "--output",
        type=output_folder,
        required=True,
        help="folder of the tables",
    )
    command.add_argument("--recipe", help="(default submission; with --classes as finetune)")
    add_classes(command, "one of them sinus rhythm")
    add_label_table(command)
    command.add_argument("--folds", type=whole(2), default=5, help="(default %(default)s)")
    command.add_argument(
        "--leave-one-database-out", action="store_true", help="databases instead of folds"
    )
    command.add_argument(
        "--patients",
        type=input_file,
        metavar="TABLE",
        help="csv: recording, patient; patients stay in one fold",
    )
    command.add_argument(
        "--pretrained",
        type=networks,
        help="model folder from which every fold starts, or shipped: the model of the package "
        "(default: from scratch)",
    )
    command.add_argument("--seed", type=seed, help="of folds and networks (default the recipe's)")


def run(options: argparse.Namespace) -> None:
    """Train what is not trained yet, and print the tables."""
    from dataclasses import replace

    from ecg12.crossval import cross_validate
    from ecg12.io.label_table import read_label_table
    from ecg12.runtime.settings import Settings
    from ecg12.training.recipes import begin_at, for_own_classes, get_recipe
    from ecg12.training.transfer import pretrained_folder

    folder = pretrained_folder(Settings(pretrained=options.pretrained or ""))
    classes = chosen_classes(options)
    if options.classes:
        recipe = for_own_classes(options.recipe, folder)
    else:
        recipe = begin_at(get_recipe(options.recipe or "submission"), folder)
    labels = read_label_table(options.labels, classes.columns) if options.labels else None
    if options.seed is not None:
        recipe = replace(recipe, seed=options.seed)
    summary = cross_validate(
        options.data,
        options.output,
        recipe,
        k=options.folds,
        patients=options.patients,
        by_database=options.leave_one_database_out,
        classes=classes,
        labels=labels,
    )
    print(summary.text())
