"""Files that are either whole or absent: atomic writes, bounded reads, JSON, checksums."""

import fcntl
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg12.runtime.errors import InputError

LONGEST_NAME = 255  # bytes of a file's name on Linux
LARGEST_JSON = 2**26  # bytes; the report of a hundred members takes 2**20


def _temporary(path: Path) -> Path:
    """Name a hidden neighbour, always the same, so that a kill leaves no more than one behind.

    It keeps the suffix, by which some writers choose a format. A name that would become too long
    for the file system is replaced by its checksum.
    """
    name = f".{path.stem}.part{path.suffix}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.stem)).hexdigest()}.part{path.suffix}"
    return path.with_name(name)


def is_file(path: str | Path) -> bool:
    """Tell whether there is such a file; a name that no file can have is none."""
    try:
        return Path(path).is_file()
    except OSError:  # the name is too long
        return False


def recordings_folder(path: str | Path) -> Path:
    """Return the path of a folder that shall hold recordings.

    Raises
    ------
    FileNotFoundError
        If there is none; before anything is written beside it.
    """
    if not Path(path).is_dir():
        raise FileNotFoundError(f"{path}: no such folder of recordings")
    return Path(path)


def read_limited(path: str | Path, most: int) -> bytes:
    """Read a file of at most `most` bytes.

    Raises
    ------
    InputError
        If it is larger, or no regular file: a pipe or a device might never end.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: not a regular file")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise InputError(f"{path}: larger than {most} bytes, the most that is read")
    return data


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds.

    A reader, or a process that starts after a kill, sees the old file or the new one, never half
    of one.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        with _named(path):
            yield temporary
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in errors of writing that name none, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


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
        with _named(path):
            write(temporary)
        checksum = sha256(temporary)
        final = path.with_name(f"{path.stem}-{checksum[:8]}{path.suffix}")
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
    return final, checksum


def reserve(path: str | Path) -> None:
    """Make the disk keep room for all of a file that may have holes, its content unchanged.

    A memory map of a file with holes ends the process at the first write for which the disk has
    no room (SIGBUS); reserved beforehand, a full disk is an error like any other.

    Raises
    ------
    OSError
        If the disk is full; the file is removed, because it could never be filled.
    """
    path = Path(path)
    size = path.stat().st_size
    try:
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        path.unlink(missing_ok=True)
        reason = f"{error.strerror}; {size / 1e9:.3g} GB are needed"
        raise OSError(error.errno, reason, str(path)) from error


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically, in UTF-8 with line ends as given."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write a JSON file atomically; numbers that are not finite are refused with a ValueError."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    InputError
        If the file is not JSON, or beyond 64 MiB; the message names it.
    """
    data = read_limited(path, LARGEST_JSON)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file: {error}") from error


def is_whole_archive(path: str | Path) -> bool:
    """Tell whether a zip archive (`.npz`, `.keras`) is complete and agrees with its checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except zipfile.BadZipFile:
        return False


def sha256(path: str | Path) -> str:
    """Return the SHA-256 checksum of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
