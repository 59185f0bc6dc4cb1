"""Write synthetic recordings, as a challenge folder or as a MUSE archive."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from ecg12.cli.arguments import number, output_folder, rate, seconds, seed, whole
from ecg12.cli.options import add_workers
from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)

MOST = 10_000_000  # recordings
LOUDEST = 100.0


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("output", type=output_folder, help="folder, made if missing")
    command.add_argument(
        "-n", type=whole(1, MOST), default=100, help="recordings (default %(default)s)"
    )
    command.add_argument("--seed", type=seed, default=0, help="same seed, same recordings")
    drawn = command.add_mutually_exclusive_group()
    drawn.add_argument("--classes", nargs="+", help="only these, such as AF SB 270492004")
    drawn.add_argument(
        "--mix",
        nargs="+",
        type=_share,
        metavar="CLASS=WEIGHT",
        help="only these, so often in proportion, such as AF=2 SB=1",
    )
    command.add_argument("--rates", nargs="+", type=rate, default=[500.0], help="Hz")
    command.add_argument("--seconds", nargs="+", type=seconds, default=[10.0], help="lengths")
    command.add_argument(
        "--sites", nargs="+", default=["general"], help="hospitals: filters, converters, habits"
    )
    command.add_argument(
        "--noise", type=number(0.0, LOUDEST), default=1.0, help="factor on the noise, 0 for none"
    )
    command.add_argument(
        "--format",
        choices=("wfdb", "muse"),
        default="wfdb",
        help="a challenge folder, or GE MUSE XML with diagnosis statements (default %(default)s)",
    )
    command.add_argument(
        "--dialect", choices=("A", "B"), help="header dialect of a challenge folder (default A)"
    )
    add_workers(command)


def _share(text: str) -> tuple[str, float]:
    """Split ``AF=2`` into a class and its weight."""
    name, separator, weight = text.partition("=")
    try:
        return name, number(above=True)(weight)
    except argparse.ArgumentTypeError:
        wanted = "a number above 0" if separator else "=WEIGHT"
        raise argparse.ArgumentTypeError(
            f"{text!r} lacks {wanted} after the class, as in AF=2"
        ) from None


def run(options: argparse.Namespace) -> None:
    """Write them."""
    classes, weights = options.classes, None
    if options.mix:
        classes, weights = zip(*options.mix, strict=True)
    if options.format == "muse" and options.dialect:
        raise InputError(f"--dialect {options.dialect}: MUSE files have no WFDB header")
    write = _write_muse if options.format == "muse" else _write_folder
    write(options, classes and tuple(classes), weights)


def _write_folder(
    options: argparse.Namespace,
    classes: tuple[str, ...] | None,
    weights: tuple[float, ...] | None,
) -> None:
    from ecg12.synthetic import generate

    paths = generate(
        options.output,
        options.n,
        options.seed,
        classes=classes,
        weights=weights,
        rates=options.rates,
        seconds=options.seconds,
        noise=options.noise,
        sites=options.sites,
        dialect=options.dialect or "A",
        workers=options.workers or -1,
        progress=True,
    )
    print(f"{len(paths)} synthetic recordings in {options.output}")
    _tell_of_others(options.output, ".hea", paths)


def _write_muse(
    options: argparse.Namespace,
    classes: tuple[str, ...] | None,
    weights: tuple[float, ...] | None,
) -> None:
    from ecg12.synthetic import Options
    from ecg12.synthetic.muse import generate_muse

    spans = tuple(options.rates), tuple(options.seconds)
    drawn = Options(classes, *spans, options.noise, tuple(options.sites), weights)
    paths = generate_muse(
        options.output, options.n, options.seed, drawn, workers=options.workers or -1, progress=True
    )
    print(f"{len(paths)} synthetic MUSE files in {options.output}")
    _tell_of_others(options.output, ".xml", paths)


def _tell_of_others(folder: Path, suffix: str, paths: Sequence[Path]) -> None:
    """Log that a folder holds recordings of another call, which a training would take too."""
    own = {path.stem for path in paths}
    if others := sorted(p.name for p in folder.glob(f"*{suffix}") if p.stem not in own):
        log.warning(
            "%s also holds %d recordings of another call, such as %s",
            folder, len(others), others[0],
        )  # fmt: skip
