"""Audit a data folder before training: what is there, what is odd, which labels are unknown."""

import argparse

from ecg12.cli.arguments import input_folder, output_folder
from ecg12.cli.messages import Failures, add_failures
from ecg12.cli.options import (
    add_array,
    add_classes,
    add_labels,
    add_workers,
    array_options,
    chosen_classes,
    read_labels,
)


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "data", type=input_folder, help="folder of recordings, flat or nested, of any format"
    )
    command.add_argument(
        "-o",
        "--output",
        type=output_folder,
        help="folder for csv tables, made if missing",
    )
    add_classes(command)
    add_labels(command)
    add_workers(command)
    add_failures(command)
    add_array(command)


def run(options: argparse.Namespace) -> int:
    """Audit it, print the counts, and write the tables if a folder is given."""
    from ecg12.audit import Tally, audit_folder, write_tables
    from ecg12.io.known_labels import warn_of_absent
    from ecg12.runtime.progress import bar

    classes = chosen_classes(options)
    tally = Tally(classes, *read_labels(options, classes))
    total, found = audit_folder(options.data, options.workers, **array_options(options))
    shown = bar(found, total=total, desc="recordings", unit="rec")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        write_tables(options.output, shown, tally)
    else:
        for audited in shown:
            tally.add(audited)
    if tally.labelled:
        warn_of_absent(tally.labelled, list(tally.recordings), classes)
    print(tally.text(), end="")
    failures = Failures(options)
    for name, reason in tally.errors.items():
        failures.add(options.data / name, reason)
    return failures.end(total, options.output and options.output / "recordings.csv")
