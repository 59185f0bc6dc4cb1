"""Types of arguments: numbers within limits, and files and folders that are there, or can be.

Each refuses a value before any work is done, with a line that says what is wanted.
"""

import os
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from math import inf
from pathlib import Path
from tempfile import TemporaryFile

from ecg12.runtime.settings import SHIPPED

_HOST = re.compile(r"[a-z0-9_][a-z0-9._-]*")
MOST = 10**9  # of anything that is counted
MOST_WORKERS = 1024
LONGEST = 86400.0  # s of signal: a day
FASTEST = 1e6  # Hz

PathType = Callable[[str], Path]


def whole(least: int, most: int = MOST) -> Callable[[str], int]:
    """Return the type of a whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return number

    return read


def number(least: float = 0.0, most: float = inf, *, above: bool = False) -> Callable[[str], float]:
    """Return the type of a finite number from `least` (or `above` it) to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -inf
        if not (least < value if above else least <= value) or not value <= most or value == inf:
            start = f"above {least:g}" if above else f"from {least:g} on"
            end = f", at most {most:g}" if most < inf else ""
            raise ArgumentTypeError(f"{text!r} is no number {start}{end}")
        return value

    return read


def host_name(text: str) -> str:
    """Return the name or address of a host, without port, scheme and path."""
    name = text.lower().removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(name) and not _is_address(name):
        raise ArgumentTypeError(f"{text!r}: a name without port is needed, such as ecg.example.org")
    return name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


workers = whole(1, MOST_WORKERS)
seed = whole(0, 2**32 - 1)
rate = number(0.0, FASTEST, above=True)
seconds = number(0.0, LONGEST, above=True)
hours = number(0.0, above=True)


def _checked(check: Callable[[Path], str]) -> PathType:
    """Return the type of a path for which `check` says nothing against it."""

    @wraps(check)
    def read(text: str) -> Path:
        path = Path(text)
        if not text or text == "-":
            raise ArgumentTypeError(f"{text!r}: a path is needed (./- for a file of that name)")
        try:
            against = check(path)
        except (OSError, ValueError) as error:  # a name that no file can have; a zero byte
            against = getattr(error, "strerror", None) or str(error)
        if against:
            raise ArgumentTypeError(f"{text}: {against}")
        return path

    return read


@_checked
def input_file(path: Path) -> str:
    """Take a file that can be read."""
    if path.is_dir():
        return "a folder, not a file"
    if not path.exists():
        return "no such file"
    return "" if os.access(path, os.R_OK) else "not to be read: permission denied"


@_checked
def input_folder(path: Path) -> str:
    """Take a folder that is there."""
    if not path.is_dir():
        return "a file, not a folder" if path.exists() else "no such folder"
    return "" if os.access(path, os.R_OK | os.X_OK) else "not to be read: permission denied"


def networks(text: str) -> str:
    """Take a model folder that is there, or the name of the model of the package."""
    return text if text == SHIPPED else str(input_folder(text))


@_checked
def recordings(path: Path) -> str:
    """Take a file, a folder, a recording without suffix, or an array of a file (``a.npy[3]``)."""
    from ecg12.io.arrays import split_index
    from ecg12.io.wfdb import is_recording

    file, _ = split_index(path)
    known = path.exists() or file.exists() or is_recording(path)
    return "" if known else "no such file or folder"


@_checked
def output_file(path: Path) -> str:
    """Take a file that can be written, in a folder that is there."""
    if path.is_dir():
        return "a folder; name a file"
    if path.exists():
        if not path.is_file():
            return "not a regular file"
    return _unwritable(path.parent)


@_checked
def output_folder(path: Path) -> str:
    """Take a folder that can be written, or made."""
    place = path
    while not place.exists() and place.parent != place:
        place = place.parent
    return _unwritable(place)


@_checked
def output_path(path: Path) -> str:
    """Take a folder that can be written, or made, or a file in one."""
    if path.exists() and not (path.is_dir() or path.is_file()):
        return "not a regular file"
    place = path if path.is_dir() else path.parent
    while not place.exists() and place.parent != place:
        place = place.parent
    return _unwritable(place)


def _unwritable(folder: Path) -> str:
    """Say why nothing can be written into a folder; "" if something can, which is tried."""
    if not folder.exists():
        return f"there is no folder {folder}"
    if not folder.is_dir():
        return f"{folder} is a file, not a folder"
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        return f"nothing can be written into {folder}: {error.strerror}"
    return ""
