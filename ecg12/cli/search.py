"""Search for networks: draw them at random, train all alike, retrain the best as an ensemble.

What is written lies in the output folder: search.csv has one row per trial, model is the model
folder. If it is stopped or killed, start the same command again: it continues where it stopped.
With --scheduler the trials run on the workers of a Dask cluster, which must see data and output
under the same paths.
"""

import argparse

from ecg12.cli.arguments import hours, input_folder, number, output_folder, seed, whole
from ecg12.cli.options import add_executor, add_label_table, add_weights, scored_classes

MOST_TRIALS = 100_000
cost = number(above=True)


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
        required=True,
        help="folder for all results",
    )
    command.add_argument(
        "--trials", type=whole(1, MOST_TRIALS), default=166, help="(default %(default)s)"
    )
    command.add_argument("--seed", type=seed, default=0, help="(default %(default)s)")
    command.add_argument(
        "--target", type=input_folder, help="recordings to retrain on (default DATA, other seeds)"
    )
    add_label_table(command, "label table of DATA")
    add_weights(command)
    command.add_argument(
        "--keep", type=whole(1), default=8, help="best networks retrained (default %(default)s)"
    )
    command.add_argument(
        "--ensemble", type=whole(1), default=5, help="of those at most (default %(default)s)"
    )
    command.add_argument(
        "--recipe", default="mcircc", help="schedule and signals of (default %(default)s)"
    )
    command.add_argument(
        "--hours", type=hours, default="46", help="for retraining (default %(default)s)"
    )
    add_limits(command)
    add_executor(command)


def add_limits(command: argparse.ArgumentParser) -> None:
    """Add what a network may cost, and successive halving."""
    limits = command.add_argument_group("what a network may cost at most")
    limits.add_argument("--parameters", type=cost, help="trainable weights, such as 1e6")
    limits.add_argument("--gflop", type=cost, help="of a forward pass of one recording")
    limits.add_argument("--memory", type=cost, help="GB of activations in a training step")
    limits.add_argument("--epoch-seconds", type=cost, help="seconds of an epoch")
    limits.add_argument("--speed", type=cost, help="GFLOP/s for these (default: measured)")
    halving = command.add_argument_group("successive halving instead of the whole schedule")
    halving.add_argument("--halving", action="store_true", help="give up early what is behind")
    halving.add_argument("--first", type=whole(1), default=3, help="epochs (default %(default)s)")
    halving.add_argument("--factor", type=whole(2), default=3, help="(default %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Search, and tell what was found."""
    from dataclasses import replace

    from ecg12.io.label_table import read_label_table
    from ecg12.runtime.executors import executor_of
    from ecg12.search import Constraints, Options, rungs, search
    from ecg12.training.recipes import get_recipe

    recipe = replace(get_recipe(options.recipe), seed=options.seed)
    names = ("parameters", "gflop", "memory", "epoch_seconds", "speed")
    constraints = Constraints(**{name: getattr(options, name) for name in names})
    steps = (options.trials, options.keep, recipe.schedule.epochs)
    ladder = rungs(*steps, first=options.first, factor=options.factor) if options.halving else ()
    asked = Options(
        trials=options.trials, keep=options.keep, ensemble=options.ensemble, recipe=recipe,
        constraints=constraints, ladder=ladder,
    )  # fmt: skip
    executor = executor_of(options.scheduler, options.workers or 1)
    classes = scored_classes(options)
    labels = read_label_table(options.labels, classes.columns) if options.labels else None
    found = search(
        options.data,
        options.output,
        asked,
        executor=executor,
        target=options.target,
        labels=labels,
        classes=classes,
        hours=options.hours,
    )
    print(f"{found['trials']} trials, {found['failed']} failed, {found['hours']:.2g} h of training")
    print(f"retrained: trials {', '.join(map(str, found['retrained']))}")
    print(f"model of {len(found['members'])} networks in {options.output}/model")
