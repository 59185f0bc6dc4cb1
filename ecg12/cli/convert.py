"""Convert recordings of any format to a challenge folder (.hea, .mat); labels, statements are kept.

Outputs are named by the path below the folder that is given. Of the patient only age and sex are
kept, and with a salt a key instead of the identifier. If it is killed, start the same command
again: it continues where it stopped.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ecg12.cli.arguments import output_folder
from ecg12.cli.messages import Failures, add_failures
from ecg12.cli.options import add_array, add_files, add_salt, add_workers, array_options, read_salt

if TYPE_CHECKING:
    from ecg12.io.convert import Summary


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_files(command)
    command.add_argument(
        "-o",
        "--output",
        type=output_folder,
        required=True,
        help="folder: new, or of an earlier conversion",
    )
    add_salt(command)
    add_workers(command)
    add_failures(command)
    add_array(command)


def run(options: argparse.Namespace) -> int:
    """Convert, tell what became of it, and what failed."""
    from ecg12.io.convert import convert
    from ecg12.io.convert_tables import FAILURES

    salt, array = read_salt(options.salt_file), array_options(options)
    found = convert(options.files, options.output, salt=salt, workers=options.workers, **array)
    print("\n".join(_told(found, options.output)))
    failures = Failures(options)
    failures.update(found.failures)
    return failures.end(found.total, listed_in=options.output / FAILURES)


def _told(found: "Summary", output: Path) -> list[str]:
    from ecg12.io.convert_tables import RECORDINGS, STATEMENTS

    n = sum(found.formats.values())
    before = f", {found.earlier} of them earlier" if found.earlier else ""
    lines = [f"{n} recordings in {output}{before}"]
    lines += [f"  {count} {name}" for name, count in sorted(found.formats.items())]
    if found.changed:
        lines.append(
            f"{found.changed} not as stored, for 16 bits; {output / RECORDINGS} has the steps"
        )
    if found.with_statements:
        lines.append(f"statements of {found.with_statements}: {output / STATEMENTS}")
    return lines
