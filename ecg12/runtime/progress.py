"""Progress bars and a log that suit a terminal and a log file alike."""

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar
from weakref import WeakSet

from tqdm import tqdm

from ecg12.runtime.terminal import null_device, tolerate

Result = TypeVar("Result")
SHOWN = 5  # failures whose reasons are shown
LOG_INTERVAL = 30.0  # s between lines where nobody watches
_bars: "WeakSet[tqdm]" = WeakSet()


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show: control characters, broken encodings."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def listed(failures: Sequence[str], total: int, what: str, more: str = "") -> str:
    """Return what is said of recordings that failed: how many, and the first with their reasons.

    Parameters
    ----------
    failures
        File and reason of each.
    total
        Recordings in all.
    what
        What became of them, such as ``failed``.
    more
        Ends the line that counts those that are not shown, such as where they are.
    """
    lines = [f"{len(failures)} of {total} recordings {what}:"]
    lines += [f"  {printable(text)}" for text in failures[:SHOWN]]
    if len(failures) > SHOWN:
        lines.append(f"  and {len(failures) - SHOWN} more{more}")
    return "\n".join(lines)


class _Lines(logging.Formatter):
    """Writes time, level and message, each line so that a file's name in it can do no harm."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(printable(line) for line in super().format(record).split("\n"))


class _BesideBars(logging.StreamHandler[TextIO]):
    """Writes a line of the log above the progress bars, not behind them."""

    def emit(self, record: logging.LogRecord) -> None:
        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        """Say nothing where the stream cannot be written: a program says so when it ends."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def log_to(stream: TextIO | None, level: int = logging.INFO) -> None:
    """Log lines such as ``12:34:56 INFO message`` to a stream; done once in a process, it stays.

    Of libraries nothing below INFO is logged; Python's warnings are part of the log at level DEBUG
    only.
    """
    stream = null_device() if stream is None else stream
    tolerate(stream)
    handler = _BesideBars(stream)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler])
    logging.getLogger("ecg12").setLevel(level)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it lists every glyph of a PDF
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(
        logging.WARNING if level <= logging.DEBUG else logging.ERROR
    )


@dataclass(frozen=True)
class LogSettings:
    """How a process logs, for those that it starts: to ``"stdout"`` or ``"stderr"``, and what."""

    stream: str
    level: int


def log_settings() -> LogSettings | None:
    """Return how this process logs; None if `log_to` was not called."""
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, _BesideBars):
            stream = "stdout" if handler.stream is sys.stdout else "stderr"
            return LogSettings(stream, logging.getLogger("ecg12").getEffectiveLevel())
    return None


def run_logged(
    settings: LogSettings | None, function: Callable[..., Result], *arguments: Any
) -> Result:
    """Return ``function(*arguments)``, in a process that logs as the one that started it."""
    if settings is not None:
        log_to(getattr(sys, settings.stream), settings.level)
    return function(*arguments)


def bar(iterable: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Return a tqdm bar with time left; in a log file a line every 30 s, in a quiet log none.

    Parameters
    ----------
    iterable
        What to count through; None to count with `update`.
    options
        As for tqdm: `desc`, `total`, `unit`, `initial`, `leave`, `disable`. In a log file the last
        line always stays, so that what follows begins a new one.
    """
    watched = sys.stderr is not None and sys.stderr.isatty()
    quiet = logging.getLogger("ecg12").level > logging.INFO  # as `log_to` sets it
    options["disable"] = options.get("disable", False) or quiet or sys.stderr is None
    options["leave"] = options.get("leave", True) or not watched
    shown = tqdm(iterable, mininterval=0.2 if watched else LOG_INTERVAL, **options)
    _bars.add(shown)
    return shown


def bar_is_open() -> bool:
    """Tell whether the cursor stands behind a progress bar."""
    return any(not shown.disable for shown in list(_bars))
