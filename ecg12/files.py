"""Files that are either whole or absent: atomic writes, JSON, checksums."""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg12.errors import InputError


def _temporary(path: Path) -> Path:
    """Name a hidden neighbour, always the same, so that a kill leaves no more than one behind.

    It keeps the suffix, by which some writers choose a format.
    """
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds.

    A reader, or a process that starts after a kill, sees the old file or the new one, never half
    of one.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a lock file, which the system releases when this process ends, however it ends.

    Raises
    ------
    InputError
        If another process holds it.
    """
    with Path(path).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{path}: in use by another process") from error
        yield


def write_named_by_checksum(path: str | Path, write: Callable[[Path], None]) -> tuple[Path, str]:
    """Let `write` make a file, then name it `stem-checksum.suffix`; return path and SHA-256.

    A file of that name with other content is never overwritten, so that whatever refers to an
    earlier version stays whole.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        write(temporary)
        checksum = sha256(temporary)
        final = path.with_name(f"{path.stem}-{checksum[:8]}{path.suffix}")
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
    return final, checksum


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically, in UTF-8 with line ends as given."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON file atomically; numbers that are not finite are refused with a ValueError."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    InputError
        If the file is not JSON; the message names it.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not a JSON file: {error}") from error


def sha256(path: str | Path) -> str:
    """Return the SHA-256 checksum of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
