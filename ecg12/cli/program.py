"""The challenge's programs: their arguments, the lines they end with, and their status."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from ecg12.cli.arguments import PathType
from ecg12.cli.main import ERRORS, Parser, end_with_error
from ecg12.runtime.terminal import prepare_streams


def run_program(
    name: str, function: Callable[..., Any], arguments: Mapping[str, PathType], example: str
) -> None:
    """Call a function with the paths of the command line; its errors end with one line.

    Parameters
    ----------
    name
        Of the program.
    function
        Takes the paths as text.
    arguments
        Name of each path → its type.
    example
        Arguments to show in the help.

    Raises
    ------
    SystemExit
        As `ecg12.cli.main.main`.
    """
    prepare_streams()
    parser = Parser(prog=name, description=f"example: python {name} {example}")
    for place, (argument, kind) in enumerate(arguments.items()):
        parser.add_argument(f"path{place}", metavar=argument, type=kind)
    paths = vars(parser.parse_args()).values()
    try:
        function(*map(str, paths))
        print("Done.")
        sys.stdout.flush()
    except ERRORS as error:
        end_with_error(name, error)
