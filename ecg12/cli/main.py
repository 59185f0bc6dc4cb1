"""12-lead ECG classification. Research software, not a medical device."""

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from ecg12.cli import COMMANDS
from ecg12.runtime.errors import InputError
from ecg12.runtime.progress import log_to
from ecg12.runtime.version import __version__

INTERRUPTED = 130  # status of a command that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; bad input ends with one clear line and status 1.

    Parameters
    ----------
    arguments
        Of the command line, without the program's name; those of the process by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    named = given[0] if given and given[0] in COMMANDS else None
    options = parser(named).parse_args(given)
    log_to(sys.stderr)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it lists every glyph of a PDF
    try:
        options.run(options)
    except (OSError, InputError) as error:
        sys.exit(f"ecg12: {error}")
    except KeyboardInterrupt:
        print("ecg12: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)


def parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of one command, whose module is imported, or of the list of commands."""
    top = argparse.ArgumentParser(prog="ecg12", description=__doc__)
    top.add_argument("--version", action="version", version=f"ecg12 {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        if command not in (None, name):
            continue
        one = commands.add_parser(name, help=text)
        if name == command:
            module = import_module(f"ecg12.cli.{name}")
            one.description = module.__doc__
            one.set_defaults(run=module.run)
            module.add(one)
    return top
