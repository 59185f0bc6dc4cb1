"""`ecg12 predict --every`: long recordings, window by window."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ecg12.cli.messages import Failures
from ecg12.cli.options import array_options

if TYPE_CHECKING:
    from ecg12.inference.model import Model
    from ecg12.inference.window_summary import WindowSummary
    from ecg12.inference.windows import Window


def run_windows(options: argparse.Namespace) -> int:
    """Predict recording after recording, write rows as they come, and a summary of each.

    The summary is the text; with csv or JSON in a file it is shown on the screen.
    """
    from ecg12.inference.model import load_model
    from ecg12.inference.window_rows import ROWS, csv_head
    from ecg12.io.given import expand
    from ecg12.runtime.errors import InputError
    from ecg12.runtime.files import atomic_write

    if options.plot:
        import ecg12.plotting.timeline  # noqa: F401  what is not installed is said at once
    said = array_options(options)
    paths = list(expand(options.files, said or None))
    model = load_model(options.model, decide=options.decide, runtime=options.runtime)
    failures = Failures(options)
    drawn: set[str] = set()
    output: Any = atomic_write(options.output) if options.output else nullcontext()
    with output as temporary:
        with (
            temporary.open("w", encoding="utf-8", errors="backslashreplace")
            if temporary
            else nullcontext(sys.stdout)
        ) as file:
            if options.format == "csv":
                file.write(csv_head(model.classes))
            for path in paths:
                try:
                    summary, windows = _opened(model, path, options.every, said)
                    seen = _watched(windows, summary, options.strict)
                    if options.format in ROWS:
                        _write(file, ROWS[options.format](seen, model.classes))
                    _finish(options, summary, seen, file, drawn)
                except InputError as error:
                    failures.add(path, str(error))
                    continue
                if summary.failed or not summary.predicted:
                    n = len(summary) - summary.predicted
                    failures.add(path, f"{n} of {len(summary)} windows without prediction")
    return failures.end(len(paths))


def _opened(
    model: "Model", path: Path, every: float, said: dict[str, Any]
) -> "tuple[WindowSummary, Iterator[Window]]":
    """Return an empty summary of a recording, and its windows with a bar that tells time left."""
    from ecg12.inference.window_summary import WindowSummary
    from ecg12.inference.windows import Windows, predict_windows
    from ecg12.io.formats import open_any
    from ecg12.runtime.progress import bar

    record = open_any(path, **said)
    windows = Windows.of(model.classifier, record, every)
    found = predict_windows(model.classifier, record, windows, str(path))
    shown = bar(found, total=len(windows), desc=path.name, unit="win", leave=False)
    return WindowSummary(str(path), model.classes, record.seconds, every), iter(shown)


def _watched(
    windows: "Iterator[Window]", summary: "WindowSummary", strict: bool
) -> "Iterator[Window]":
    """Pass windows on and count them; with `strict`, without predictions of unusable signals."""
    from ecg12.inference.results import refuse_unusable

    for window in windows:
        if strict:
            window = replace(window, outcome=refuse_unusable(window.outcome))
        summary.add(window)
        yield window


def _write(file: TextIO, rows: Iterable[str]) -> None:
    """Write rows so that who reads the other end of a pipe has each at once."""
    for row in rows:
        file.write(row)
        file.flush()


def _finish(
    options: argparse.Namespace,
    summary: "WindowSummary",
    windows: "Iterator[Window]",
    file: TextIO,
    drawn: set[str],
) -> None:
    """Consume what is left, show the summary and draw the timeline."""
    from ecg12.runtime.errors import InputError, file_error

    for _ in windows:
        pass
    if options.format == "text":
        file.write(summary.text(options.all))
    elif options.output:
        sys.stdout.write(summary.text(options.all))
    if options.plot:
        from ecg12.plotting.timeline import save_timeline

        try:
            save_timeline(summary, options.plot, drawn)
        except OSError as error:
            raise InputError(f"not drawn: {file_error(error, options.plot)}") from error
