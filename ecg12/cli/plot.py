"""Draw a recording on ECG paper."""

import argparse

from ecg12.cli.options import add_array, array_options


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("record", help="of any format")
    command.add_argument("-o", "--output", help=".png, .pdf or .svg (default RECORD.png)")
    command.add_argument("--start", type=float, default=0.0, help="s (default %(default)s)")
    command.add_argument("--seconds", type=float, default=10.0, help="length (default %(default)s)")
    command.add_argument("--lowpass", type=float, default=150.0, help="Hz (default %(default)s)")
    command.add_argument("--raw", action="store_true", help="unfiltered, less each lead's median")
    add_array(command)


def run(options: argparse.Namespace) -> None:
    """Draw it."""
    from ecg12.io.formats import open_any
    from ecg12.plotting import draw, save

    record = open_any(options.record, **array_options(options))
    path = options.output or f"{record.name}.png"
    span = {"start": options.start, "seconds": options.seconds}
    save(draw(record, **span, low_pass=options.lowpass, raw=options.raw), path)
    print(f"{record.name} drawn in {path}")
