"""Draw recordings on ECG paper."""

import argparse
from pathlib import Path
from typing import Any

from ecg12.cli.arguments import LONGEST, number, output_path, seconds
from ecg12.cli.messages import Failures, add_failures
from ecg12.cli.options import add_array, add_files, array_options
from ecg12.runtime.errors import InputError, record_errors


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_files(command)
    command.add_argument(
        "-o",
        "--output",
        type=output_path,
        help=".png, .pdf or .svg; of several recordings a folder (default: RECORD.png, here)",
    )
    command.add_argument(
        "--start", type=number(0.0, LONGEST), default=0.0, help="s (default %(default)s)"
    )
    command.add_argument(
        "--seconds", type=seconds, default=10.0, help="length (default %(default)s)"
    )
    command.add_argument(
        "--lowpass", type=number(above=True), default=150.0, help="Hz (default %(default)s)"
    )
    command.add_argument("--raw", action="store_true", help="unfiltered, less each lead's median")
    add_array(command)
    add_failures(command)


def run(options: argparse.Namespace) -> int:
    """Draw them, and say what could not be drawn."""
    from ecg12.io.given import expand
    from ecg12.runtime.progress import bar

    said, output = array_options(options), options.output
    single = len(options.files) == 1 and not options.files[0].is_dir()
    if not single or (output and output.is_dir()):
        _make_folder(output)
        paths = list(expand(options.files, said or None))
    else:
        paths = options.files
        _check_file(output, paths[0])
    failures, taken = Failures(options), set[str]()
    for path in bar(paths, desc="recordings", unit="rec", disable=len(paths) == 1):
        try:
            file = _draw(path, options, taken, said)
        except InputError as error:
            failures.add(path, str(error))
        else:
            if single:
                print(f"{path} drawn in {file}")
    if not single:
        print(f"{len(taken)} recordings drawn in {output or Path.cwd()}")
    return failures.end(len(paths))


def _make_folder(path: Path | None) -> None:
    """Make the folder of several drawings."""
    from ecg12.plotting.paper import FORMATS

    if path is not None and (path.is_file() or path.suffix.lower() in FORMATS):
        raise InputError(f"{path}: a file; several recordings need a folder")
    if path is not None:
        path.mkdir(parents=True, exist_ok=True)


def _check_file(path: Path | None, recording: Path) -> None:
    """Refuse a file that cannot be written; the recording may be a folder that has just gone."""
    from ecg12.plotting.paper import check_suffix

    if path is not None:
        try:
            check_suffix(path)
        except InputError as error:
            raise InputError(f"{error}, for the drawing of {recording}") from error
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}")


def _draw(path: Path, options: argparse.Namespace, taken: set[str], said: dict[str, Any]) -> Path:
    """Draw one recording; return the file."""
    from ecg12.io.formats import open_any
    from ecg12.plotting import draw, save
    from ecg12.plotting.paper import free_name

    with record_errors(path):
        record = open_any(path, **said)
    span = {"start": options.start, "seconds": options.seconds}
    figure = draw(record, **span, low_pass=options.lowpass, raw=options.raw)
    file: Path = options.output or Path()
    if options.output is None or file.is_dir():
        file = file / f"{free_name(record.name, taken)}.png"
    save(figure, file)
    return file
