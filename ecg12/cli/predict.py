"""Say what a trained ensemble sees in recordings. Research software, no medical device."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecg12.cli.arguments import (
    LONGEST,
    input_folder,
    number,
    output_file,
    output_folder,
)
from ecg12.cli.messages import Failures, add_failures
from ecg12.cli.options import add_array, add_files, array_options
from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import RUNTIMES

if TYPE_CHECKING:
    from ecg12.inference.model import Model
    from ecg12.inference.results import Outcome


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_files(command)
    command.add_argument(
        "--model", type=input_folder, help="model folder (default: the package's own model)"
    )
    command.add_argument(
        "--decide",
        choices=("challenge", "balanced"),
        default="challenge",
        help="thresholds: of the highest challenge metric, or of balanced sensitivity and "
        "specificity (default %(default)s)",
    )
    command.add_argument(
        "--coverage",
        type=float,
        help="answer each class yes, no or uncertain; this share (.5 to .99) is not wrong",
    )
    command.add_argument(
        "--runtime",
        choices=RUNTIMES,
        help="what runs the networks (default: ECG12_RUNTIME, or auto)",
    )
    command.add_argument(
        "--format", choices=("text", "json", "csv"), default="text", help="(default %(default)s)"
    )
    command.add_argument("--all", action="store_true", help="every class in the text")
    command.add_argument("-o", "--output", type=output_file, help="file (default: the screen)")
    command.add_argument(
        "--strict", action="store_true", help="no prediction where the signal is unusable"
    )
    command.add_argument(
        "--plot",
        type=output_folder,
        metavar="DIR",
        help="draw each recording with its diagnoses",
    )
    command.add_argument(
        "--explain",
        action="store_true",
        help="for each diagnosis the leads and times that its score rests on, in text, JSON and "
        "drawings; takes seconds for each recording",
    )
    command.add_argument(
        "--every",
        type=number(1.0, LONGEST),
        metavar="SECONDS",
        help="predict long recordings window by window; --format json has a line for each, "
        "--plot draws a timeline",
    )
    add_failures(command)
    add_array(command)


def run(options: argparse.Namespace) -> int:
    """Predict, write results as they come, and say what has no prediction."""
    from ecg12.inference.layouts import render
    from ecg12.inference.model import load_model
    from ecg12.inference.results import refuse_unusable
    from ecg12.io.given import expand
    from ecg12.runtime.files import atomic_write
    from ecg12.runtime.progress import bar

    if options.every is not None:
        if options.explain:
            raise InputError("--explain with --every: windows are not explained; leave one out")
        if options.coverage is not None:
            raise InputError("--coverage with --every: windows have no sets; leave one out")
        from ecg12.cli.predict_windows import run_windows

        return run_windows(options)
    said = array_options(options)
    paths = list(expand(options.files, said or None))
    model = load_model(
        options.model,
        decide=options.decide,
        coverage=options.coverage,
        runtime=options.runtime,
        n_recordings=len(paths),
    )
    outcomes = bar(
        model.predict_files(paths, **said), total=len(paths), desc="recordings", unit="rec",
        leave=False, disable=len(paths) == 1 or (not options.output and sys.stdout.isatty()),
    )  # fmt: skip
    failures = Failures(options)
    if options.strict:
        outcomes = map(refuse_unusable, outcomes)
    if options.explain:
        outcomes = _explained(model, outcomes, failures, said)
    pieces = render(options.format, _watched(outcomes, failures, options.plot, said), options.all)
    if options.output:
        with (
            atomic_write(options.output) as temporary,
            temporary.open("w", encoding="utf-8", errors="backslashreplace") as file,
        ):
            file.writelines(pieces)
    else:
        sys.stdout.writelines(pieces)
    return failures.end(len(paths))


def _explained(
    model: "Model", items: "Iterable[Outcome]", failures: Failures, said: dict[str, Any]
) -> "Iterator[Outcome]":
    """Give diagnoses their reasons; note what has none, and pass it on as it is."""
    from ecg12.explanation.predictions import with_reasons
    from ecg12.runtime.errors import file_error

    for item in items:
        explained = item
        try:
            explained = with_reasons(model, item, **said)
        except InputError as error:
            failures.add(item.source, f"not explained: {error}")
        except OSError as error:
            failures.add(item.source, f"not explained: {file_error(error, item.source)}")
        yield explained


def _watched(
    items: "Iterable[Outcome]", failures: Failures, folder: Path | None, said: dict[str, Any]
) -> "Iterator[Outcome]":
    """Pass results on; note what failed, and draw what was predicted if a folder is given."""
    from ecg12.inference.results import Failure
    from ecg12.runtime.errors import file_error

    taken: set[str] = set()
    for item in items:
        if isinstance(item, Failure):
            failures.add(item.source, item.reason)
        elif folder:
            from ecg12.plotting.predictions import draw_result

            try:
                draw_result(item, folder, taken, **said)
            except InputError as error:
                failures.add(item.source, f"not drawn: {error}")
            except OSError as error:
                failures.add(item.source, f"not drawn: {file_error(error, item.source)}")
        yield item
