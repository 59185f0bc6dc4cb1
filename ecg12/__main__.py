"""Command line: python -m ecg12 COMMAND."""

import argparse
import logging
import sys
from collections.abc import Sequence

from ecg12.errors import InputError


def synth(options: argparse.Namespace) -> None:
    """Write synthetic recordings."""
    from ecg12.synthetic import generate

    if options.format == "muse":
        synth_muse(options)
        return
    paths = generate(
        options.output,
        options.n,
        options.seed,
        classes=options.classes,
        rates=options.rates,
        seconds=options.seconds,
        noise=options.noise,
        sites=options.sites,
        dialect=options.dialect,
        workers=options.workers,
        progress=True,
    )
    print(f"{len(paths)} synthetic recordings in {options.output}")


def synth_muse(options: argparse.Namespace) -> None:
    """Write synthetic recordings as MUSE XML."""
    from ecg12.synthetic import Options
    from ecg12.synthetic.muse import generate_muse

    classes = None if options.classes is None else tuple(options.classes)
    spans = tuple(options.rates), tuple(options.seconds)
    drawn = Options(classes, *spans, options.noise, tuple(options.sites))
    paths = generate_muse(
        options.output, options.n, options.seed, drawn, workers=options.workers, progress=True
    )
    print(f"{len(paths)} synthetic MUSE files in {options.output}")


def plot(options: argparse.Namespace) -> None:
    """Draw a recording on ECG paper."""
    from ecg12.drawing import draw, save
    from ecg12.formats import read_any

    record = read_any(options.record)
    path = options.output or f"{record.name}.png"
    span = {"start": options.start, "seconds": options.seconds}
    save(draw(record, **span, low_pass=options.lowpass, raw=options.raw), path)
    print(f"{record.name} drawn in {path}")


def report(options: argparse.Namespace) -> None:
    """Print the scores of a folder of outputs beside the best constant answer's."""
    from ecg12.labels import WEIGHTS, load_weights
    from ecg12.metrics import summarise_folders

    classes = load_weights(options.weights or WEIGHTS)
    print(summarise_folders(options.labels, options.outputs, classes))


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(prog="python -m ecg12", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("synth", help="write synthetic 12-lead recordings")
    command.set_defaults(run=synth)
    command.add_argument("output", help="folder, made if missing")
    command.add_argument("-n", type=int, default=100, help="recordings (default %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="same seed, same recordings")
    command.add_argument("--classes", nargs="+", help="only these, such as AF SB 270492004")
    command.add_argument("--rates", nargs="+", type=float, default=[500.0], help="Hz")
    command.add_argument("--seconds", nargs="+", type=float, default=[10.0], help="lengths")
    command.add_argument(
        "--sites", nargs="+", default=["general"], help="hospitals: filters, converters, habits"
    )
    command.add_argument("--noise", type=float, default=1.0, help="factor on the noise, 0 for none")
    command.add_argument(
        "--format",
        choices=("wfdb", "muse"),
        default="wfdb",
        help="a challenge folder, or GE MUSE XML with diagnosis statements (default %(default)s)",
    )
    command.add_argument("--dialect", choices=("A", "B"), default="A", help="header dialect")
    command.add_argument("--workers", type=int, default=-1, help="processes (default all)")

    command = commands.add_parser("plot", help="draw a recording on ECG paper")
    command.set_defaults(run=plot)
    command.add_argument("record", help="header, signal file or MUSE .xml")
    command.add_argument("-o", "--output", help=".png, .pdf or .svg (default RECORD.png)")
    command.add_argument("--start", type=float, default=0.0, help="s (default %(default)s)")
    command.add_argument("--seconds", type=float, default=10.0, help="length (default %(default)s)")
    command.add_argument("--lowpass", type=float, default=150.0, help="Hz (default %(default)s)")
    command.add_argument("--raw", action="store_true", help="unfiltered, less each lead's median")

    command = commands.add_parser("report", help="score outputs beside the best constant answer")
    command.set_defaults(run=report)
    command.add_argument("labels", help="folder of headers with the true diagnoses")
    command.add_argument("outputs", help="folder of output files")
    command.add_argument("--weights", help="table of weights (default the project's)")
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; bad input ends with one clear line and status 1."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it lists every glyph of a PDF
    try:
        options.run(options)
    except (OSError, InputError) as error:
        sys.exit(f"ecg12: {error}")


if __name__ == "__main__":
    main()
