"""Standard streams that take every text, whatever terminal they lead to, or none."""

import os
import sys
from pathlib import Path
from typing import TextIO


def prepare_streams() -> None:
    """Let the standard streams be there, and take every text.

    A character that a terminal's encoding lacks is written as an escape. In place of a stream that
    is closed, the null device is opened.
    """
    reserve_descriptors()
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, null_device("r" if name == "stdin" else "w"))
    for stream in (sys.stdout, sys.stderr):
        tolerate(stream)


def reserve_descriptors() -> None:
    """Open the null device as each of the descriptors 0, 1 and 2 that is closed.

    So no file or pipe takes the number, here or in processes that are started, which inherit it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def tolerate(stream: TextIO) -> None:
    """Let a stream write a character that its encoding lacks as an escape."""
    if reconfigure := getattr(stream, "reconfigure", None):
        reconfigure(errors="backslashreplace")


def null_device(mode: str = "w") -> TextIO:
    """Open a stream that keeps nothing."""
    return Path(os.devnull).open(mode, encoding="utf-8")  # type: ignore[return-value]
