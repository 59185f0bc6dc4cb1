"""What every command says beside its results: how much of it, and which recordings failed."""

import argparse
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from ecg12.cli.arguments import output_file
from ecg12.runtime.errors import InputError
from ecg12.runtime.progress import listed, log_to, printable

COLUMNS = ("file", "reason")
LEVELS = {"quiet": logging.WARNING, "usual": logging.INFO, "verbose": logging.DEBUG}


def add_talk(command: argparse.ArgumentParser) -> None:
    """Add how much a command says."""
    talk = command.add_mutually_exclusive_group()
    for name, option, text in (
        ("quiet", "-q", "warnings and errors only, no progress bar"),
        ("verbose", "-v", "also warnings of libraries, and where an error arose"),
    ):
        talk.add_argument(
            option, f"--{name}", dest="talk", action="store_const", const=name, help=text
        )
    command.set_defaults(talk="usual")


def log_as(options: argparse.Namespace) -> None:
    """Log to standard error as a command's options say."""
    log_to(sys.stderr, LEVELS[options.talk])


def add_failures(command: argparse.ArgumentParser) -> None:
    """Add the table of recordings that failed."""
    command.add_argument(
        "--failures", type=output_file, metavar="FILE", help="csv for what failed: file, reason"
    )


class Failures:
    """The recordings that a command could not answer, each with its reason.

    Parameters
    ----------
    options
        Of the command, after `add_failures`.

    Raises
    ------
    InputError
        If their table would be written over the command's results.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.table: Path | None = options.failures
        output = getattr(options, "output", None)
        if self.table and output and self.table.resolve() == output.resolve():
            raise InputError(f"--failures {self.table}: the results go there; name another file")
        self.reasons: list[tuple[str, str]] = []

    def add(self, file: str | Path, reason: str) -> None:
        """Note a failure; a reason that begins with the file's name is divided behind it."""
        name = str(file)
        suffix, _, rest = reason[len(name) :].partition(": ")
        same = reason.startswith(name) and rest
        self.reasons.append((name + suffix, rest) if same else (name, reason))

    def add_message(self, message: str) -> None:
        """Note a failure whose message begins with the file; a file's name may hold a colon."""
        words = message.split(": ")
        names = [": ".join(words[:n]) for n in range(1, len(words))] or [message]
        there = [name for name in names if Path(name).exists()]
        self.add(there[-1] if there else names[0], message)

    def update(self, reasons: Mapping[Path, str]) -> None:
        """Note several."""
        for file, reason in reasons.items():
            self.add(file, reason)

    def end(self, total: int, listed_in: str | Path | None = None, *, said: bool = False) -> int:
        """Say what failed, five and how many more, and write the table; return the status.

        Parameters
        ----------
        total
            Recordings that were asked for.
        listed_in
            A table that the command itself has written of them.
        said
            Whether the log has said what failed.
        """
        from ecg12.runtime.csv_tables import write_rows

        if self.table:
            write_rows(self.table, [COLUMNS, *self.reasons])
        if not self.reasons:
            return 0
        table = self.table or listed_in
        more = f", all in {printable(str(table))}" if table else "; --failures FILE lists all"
        failures = [f"{file}: {reason}" for file, reason in self.reasons]
        text = listed(failures, total, "failed", more) if total > 1 else printable(failures[0])
        if not said:
            print(f"ecg12: {text}", file=sys.stderr)
        return 1
