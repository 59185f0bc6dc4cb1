"""Prepare recordings for training, beforehand or on a cluster.

Prepared into MODEL/ecg12-work they serve train_model.py and pretrain, into SEARCH/ecg12-work the
search: each goes on from there. If it is killed, start the same command again: it continues where
it stopped. With --scheduler the workers of a Dask cluster read and filter; they must see the data
under the same path.
"""

import argparse

from ecg12.cli.arguments import input_folder, output_folder
from ecg12.cli.messages import Failures, add_failures
from ecg12.cli.options import add_executor, add_label_table, add_weights, scored_classes


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
        help="folder for the prepared signals",
    )
    add_label_table(command)
    command.add_argument("--recipe", default="submission", help="signals of (default %(default)s)")
    add_weights(command)
    add_executor(command)
    add_failures(command)


def run(options: argparse.Namespace) -> int:
    """Prepare what is not prepared yet, and count."""
    from pathlib import Path

    from joblib import cpu_count

    from ecg12.data.dataset import prepare_folder
    from ecg12.io.label_table import read_label_table
    from ecg12.runtime.executors import executor_of
    from ecg12.runtime.files import recordings_folder
    from ecg12.runtime.locks import LOCK, locked
    from ecg12.training.recipes import get_recipe

    workers = options.workers or cpu_count()
    executor = executor_of(options.scheduler, workers)
    preprocessing, classes = get_recipe(options.recipe).preprocessing, scored_classes(options)
    labels = read_label_table(options.labels, classes.columns) if options.labels else None
    data, work = recordings_folder(options.data).resolve(), Path(options.output)
    work.mkdir(parents=True, exist_ok=True)
    with locked(work / LOCK):
        dataset = prepare_folder(
            data, work, preprocessing, classes, labels=labels, executor=executor
        )
    print(f"{len(dataset)} recordings prepared in {work}, {len(dataset.failures)} unreadable")
    failures = Failures(options)
    for message in dataset.failures:
        failures.add_message(message)
    return failures.end(len(dataset) + len(dataset.failures), said=True)
