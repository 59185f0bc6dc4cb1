"""Progress bars and a log that suit a terminal and a log file alike."""

import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

LOG_INTERVAL = 30.0  # s between lines where nobody watches


def printable(text: str) -> str:
    """Escape what a terminal would obey or cannot show: control characters, broken encodings."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class _Lines(logging.Formatter):
    """Writes each line of a message so that a file's name in it can do no harm."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(printable(line) for line in super().format(record).split("\n"))


def log_to(stream: TextIO, level: int = logging.INFO) -> None:
    """Log messages alone, without time or level, to a stream; done once in a process, it stays."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Lines("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def bar(iterable: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Return a tqdm bar with time left; in a log file it speaks every 30 s, not ten times a second.

    Parameters
    ----------
    iterable
        What to count through; None to count with `update`.
    options
        As for tqdm: `desc`, `total`, `unit`, `initial`, `leave`.
    """
    watched = sys.stderr.isatty()
    return tqdm(iterable, mininterval=0.2 if watched else LOG_INTERVAL, **options)
