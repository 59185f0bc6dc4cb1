"""Label an archive: free-text diagnosis statements become scored classes, to be reviewed."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ecg12.cli.arguments import input_file, output_folder, recordings, whole
from ecg12.cli.messages import Failures, add_failures
from ecg12.cli.options import add_salt, add_weights, add_workers, read_salt, scored_classes
from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import SALT

if TYPE_CHECKING:
    from ecg12.labelling import Columns, Options, Summary


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "source", type=recordings, help="folder of files with statements, or a csv table"
    )
    command.add_argument(
        "-o", "--output", type=output_folder, required=True, help="folder of the results"
    )
    add_vocabulary(command)
    add_splitting(command)
    add_columns(command)
    add_salt(command)
    add_weights(command)
    add_workers(command)
    add_failures(command)


def add_vocabulary(command: argparse.ArgumentParser) -> None:
    """Add the release files."""
    group = command.add_argument_group("vocabulary", "release files of your own licence")
    group.add_argument("--umls", type=input_file, help="MRCONSO.RRF of UMLS")
    group.add_argument(
        "--descriptions", type=input_file, help="or sct2_Description_Snapshot of SNOMED"
    )
    group.add_argument("--snomed", type=input_file, help="sct2_Relationship_Snapshot of SNOMED CT")
    group.add_argument(
        "--all-ancestors", action="store_true", help="every scored ancestor, not the nearest"
    )


def add_splitting(command: argparse.ArgumentParser) -> None:
    """Add where statements are cut."""
    group = command.add_argument_group("phrases")
    group.add_argument("--min-count", type=whole(1), default=50, help="(default %(default)s)")
    group.add_argument(
        "--connectives", nargs="+", metavar="WORD", help="cut here only; paper: the paper's four"
    )
    group.add_argument(
        "--certain", action="store_true", help='drop what follows "possible" and its like'
    )


def add_columns(command: argparse.ArgumentParser) -> None:
    """Add the columns of a csv table."""
    group = command.add_argument_group("columns of a csv table")
    group.add_argument(
        "--recording", help="column of the path, or a pattern such as p{subject_id}/{study_id}"
    )
    group.add_argument("--text", nargs="+", help="columns of statements, such as report_*")
    group.add_argument("--patient", help="column that tells patients apart")


def run(options: argparse.Namespace) -> int:
    """Label it, and tell what came out and what failed."""
    from ecg12.labelling import Vocabulary, label

    vocabulary = Vocabulary(options.umls, options.descriptions, options.snomed)
    classes = scored_classes(options)
    summary = label(options.source, options.output, classes, vocabulary, _options(options))
    print(_told(summary, options.output, classes.columns))
    _tell_of_vocabulary(options)
    failures = Failures(options)
    for message in summary.failures:
        failures.add_message(message)
    return failures.end(summary.recordings + len(summary.failures))


def _tell_of_vocabulary(options: argparse.Namespace) -> None:
    """Say what was not known for want of release files."""
    if not (options.umls or options.descriptions):
        print(
            "No vocabulary (--umls or --descriptions): only the challenge's own names of its "
            "classes and the decisions of the review file are known."
        )
    elif not options.snomed:
        print("No --snomed: codes that are not scored themselves stay without a class.")


def _options(options: argparse.Namespace) -> "Options":
    from ecg12.labelling import CONNECTIVES, PAPER, Options, Splitting

    connectives = tuple(options.connectives or CONNECTIVES)
    return Options(
        _columns(options),
        Splitting(PAPER if connectives == ("paper",) else connectives, not options.certain),
        options.min_count,
        options.all_ancestors,
        read_salt(options.salt_file),
        options.workers or -1,
    )


def _columns(options: argparse.Namespace) -> "Columns | None":
    """Return the columns to read, of a table; None for a folder."""
    from ecg12.io.format_table import format_of
    from ecg12.labelling import Columns

    if options.source.is_dir():
        if options.recording or options.text or options.patient:
            raise InputError(f"{options.source} is a folder; columns belong to a csv table")
        return None
    if known := format_of(options.source):
        raise InputError(
            f"{options.source}: {known.name}, no table of statements; of files that hold "
            "statements name the folder"
        )
    if not (options.recording and options.text):
        raise InputError(f"{options.source}: a csv table needs --recording and --text")
    return Columns(options.recording, tuple(options.text), options.patient)


def _told(summary: "Summary", output: Path, columns: tuple[str, ...]) -> str:
    from ecg12.labelling.counting import format_counts

    lines = [
        format_counts(columns, summary.counts),
        f"{summary.recordings} recordings, {summary.unlabelled} of them without a scored class; "
        f"{len(summary.failures)} not read, {summary.repeated} repeated",
        f"{summary.phrases} phrases, {summary.mapped} of them with a class, {summary.decided} "
        f"decided in {output / 'review.csv'}: edit it and run this again",
        f"labels: {output / 'labels.csv'}; counts: {output / 'counts.csv'}",
    ]
    if not summary.patients:
        lines.append(
            f"No patient keys (--salt-file or {SALT}, and an identifier): recordings of one "
            "patient may then fall into training and test alike, and scores come out too high."
        )
    return "\n".join(lines)
