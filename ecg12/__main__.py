"""Command line: python -m ecg12 COMMAND."""

import argparse
import logging
import sys
from collections.abc import Sequence

from ecg12.cli import COMMANDS
from ecg12.runtime.errors import InputError
from ecg12.runtime.progress import log_to


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(prog="python -m ecg12", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        command.set_defaults(run=module.run)
        module.add(command)
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; bad input ends with one clear line and status 1."""
    options = parser().parse_args(arguments)
    log_to(sys.stderr)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it lists every glyph of a PDF
    try:
        options.run(options)
    except (OSError, InputError) as error:
        sys.exit(f"ecg12: {error}")


if __name__ == "__main__":
    main()
