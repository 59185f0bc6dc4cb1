"""12-lead ECG classification. Research software, not a medical device."""

import argparse
import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from signal import SIGINT, SIGTERM
from typing import NoReturn

from ecg12.cli import COMMANDS
from ecg12.runtime.errors import InputError, RecordError, UnfinishedError, file_error
from ecg12.runtime.interrupts import ENDINGS, Terminated, end_on_signals
from ecg12.runtime.terminal import prepare_streams
from ecg12.runtime.version import __version__

ERRORS = (OSError, InputError, MemoryError)  # that end a program with one line
INCOMPLETE, WRONG_USE = 1, 2  # status: some are not answered; an option, input or output is wrong
# Errors that the machine causes, not what the user asks for.
MACHINE = {
    errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; whatever prevents it ends with one line and a status of its own.

    Parameters
    ----------
    arguments
        Of the command line, without the program's name; those of the process by default, which is
        then ended by SIGINT and SIGTERM.

    Raises
    ------
    SystemExit
        If not everything that was asked for is done. Its text is the message, already written; its
        code is the status: see `docs/reference/exit-status.md`.
    """
    if arguments is None:
        end_on_signals("ecg12")
    prepare_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    named = given[0] if given and given[0] in COMMANDS else None
    try:
        options = parser(named).parse_args(given)
        from ecg12.cli.messages import log_as

        log_as(options)
        status = options.run(options)
        sys.stdout.flush()  # what cannot be written is an error, too
    except ERRORS as error:
        end_with_error("ecg12", error)
    except KeyboardInterrupt as error:
        said, status = ENDINGS[SIGTERM if isinstance(error, Terminated) else SIGINT]
        _end(f"ecg12: {said}", status)
    if status:
        sys.exit(status)


def end_with_error(program: str, error: Exception) -> NoReturn:
    """End with one line and the status of one of `ERRORS`; that of `UnfinishedError` is a list."""
    import logging

    from ecg12.runtime.progress import printable

    logging.getLogger("ecg12").debug("", exc_info=error)
    if isinstance(error, BrokenPipeError):  # who reads the output has had enough
        sys.stdout = None
        sys.exit(INCOMPLETE)
    machine = isinstance(error, OSError) and error.errno in MACHINE
    unanswered = isinstance(error, RecordError | UnfinishedError | MemoryError) or machine
    text = file_error(error) if isinstance(error, OSError) else str(error) or "not enough memory"
    text = text if isinstance(error, UnfinishedError) else printable(text)
    _end(f"{program}: {text}", INCOMPLETE if unanswered else WRONG_USE)


def _end(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr)
    end = SystemExit(message)
    end.code = status
    raise end


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        from ecg12.runtime.progress import printable

        _end(printable(f"{self.prog}: {message}; see {self.prog} --help"), WRONG_USE)


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of one command, whose module is imported, or of the list of commands."""
    top = Parser(prog="ecg12", description=__doc__)
    top.add_argument("--version", action="version", version=f"ecg12 {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if command not in (None, name):
            continue
        one = commands.add_parser(name, help=text)
        if name == command:
            from ecg12.cli.messages import add_talk

            module = import_module(f"ecg12.cli.{name}")
            one.description = module.__doc__
            one.set_defaults(run=module.run)
            module.add(one)
            add_talk(one)
    return top
