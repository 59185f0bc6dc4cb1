"""Progress bars and a log that suit a terminal and a log file alike."""

import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

from tqdm import tqdm

from ecg12.runtime.terminal import null_device, tolerate

Result = TypeVar("Result")
LOG_INTERVAL = 30.0  # s between lines where nobody watches


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show: control characters, broken encodings."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


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


def log_to(stream: TextIO | None, level: int = logging.INFO) -> None:
    """Log lines such as ``12:34:56 INFO message`` to a stream; done once in a process, it stays."""
    stream = null_device() if stream is None else stream
    tolerate(stream)
    handler = _BesideBars(stream)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=level, handlers=[handler])


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
            return LogSettings("stdout" if handler.stream is sys.stdout else "stderr", root.level)
    return None


def run_logged(
    settings: LogSettings | None, function: Callable[..., Result], *arguments: Any
) -> Result:
    """Return ``function(*arguments)``, in a process that logs as the one that started it."""
    if settings is not None:
        log_to(getattr(sys, settings.stream), settings.level)
    return function(*arguments)


def bar(iterable: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Return a tqdm bar with time left; in a log file a line every 30 s.

    Parameters
    ----------
    iterable
        What to count through; None to count with `update`.
    options
        As for tqdm: `desc`, `total`, `unit`, `initial`, `leave`.
    """
    if sys.stderr is None:  # there is no terminal at all
        options["disable"] = True
    watched = sys.stderr is not None and sys.stderr.isatty()
    return tqdm(iterable, mininterval=0.2 if watched else LOG_INTERVAL, **options)
