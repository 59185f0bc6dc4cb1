"""Cross-validate a recipe: what it would score on unseen recordings, or on an unseen hospital.

Prints one table of held-out scores per fold, and one that sets ways of fitting thresholds side by
side, honest and optimistic ones.
"""

import argparse

HELP = "cross-validate a recipe, thresholds judged honestly"


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("data", help="folder of labelled recordings, flat or nested")
    command.add_argument("-o", "--output", required=True, help="folder of the tables")
    command.add_argument("--recipe", default="submission", help="(default %(default)s)")
    command.add_argument("--folds", type=int, default=5, help="(default %(default)s)")
    command.add_argument(
        "--leave-one-database-out", action="store_true", help="databases instead of folds"
    )
    command.add_argument(
        "--patients", metavar="TABLE", help="csv: recording, patient; patients stay in one fold"
    )
    command.add_argument("--seed", type=int, help="of folds and networks (default the recipe's)")


def run(options: argparse.Namespace) -> None:
    """Train what is not trained yet, and print the tables."""
    from dataclasses import replace

    from ecg12.crossvalidation import cross_validate
    from ecg12.recipe import get_recipe

    recipe = get_recipe(options.recipe)
    if options.seed is not None:
        recipe = replace(recipe, seed=options.seed)
    summary = cross_validate(
        options.data, options.output, recipe, options.folds, options.patients,
        by_database=options.leave_one_database_out,
    )  # fmt: skip
    print(summary.text())
