"""Files that are either whole or absent: atomic writes, bounded reads, JSON, checksums."""

import errno
import hashlib
import json
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any

from ecg12.runtime.errors import InputError
from ecg12.runtime.interrupts import unfinished
from ecg12.runtime.locks import try_lock

LONGEST_NAME = 255  # bytes of a file's name on Linux
LARGEST_JSON = 2**26  # bytes; the report of a hundred members takes 2**20
NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
# A pipe is opened without waiting for its other end.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # then no other file can be written either
# What `zipfile` raises of an archive with damaged entries: "encrypted" ones, unknown methods, …
DAMAGED_ZIP = (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, LZMAError, zlib.error)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # of a file system without locks


def _temporary(path: Path, label: str) -> Path:
    """Name a hidden file beside `path`, for one of its writers.

    It keeps the suffix, by which some writers choose a format. A name that would become too long
    for the file system is replaced by its checksum.
    """
    name = f".{path.stem}.part{label}{path.suffix}"
    if len(os.fsencode(name)) > LONGEST_NAME:
        digest = hashlib.sha256(os.fsencode(path.stem)).hexdigest()
        name = f".{digest}.part{label}{path.suffix}"
    return path.with_name(name)


def _own_temporary(path: Path) -> tuple[Path, IO[bytes]]:
    """Make an empty temporary file that no other writer of `path` has; return it and its lock.

    Concurrent writers take the numbers 0, 1, … A file that nobody holds was left by a writer that
    was killed; it is used again, or removed.
    """
    number, found = 0, None
    try:
        while (found := try_lock(_temporary(path, str(number)))) is None:
            number += 1
        after = number + 1
        while (leftover := _temporary(path, str(after))).exists():
            if (unused := try_lock(leftover)) is not None:
                with unused:
                    leftover.unlink()
            after += 1
    except OSError as error:
        if found is not None:
            with found, suppress(OSError):  # the first error is the one to tell
                _temporary(path, str(number)).unlink()
        if error.errno not in NO_LOCKS:
            raise
        _temporary(path, str(number)).unlink(missing_ok=True)  # made, but not to be locked
        temporary = _temporary(path, secrets.token_hex(8))
        return temporary, temporary.open("xb")
    found.truncate(0)
    return _temporary(path, str(number)), found


@contextmanager
def _temporary_file(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path`, which the block renames; remove it if the block fails.

    Errors name `path`, also those that would name the temporary file or none (a full disk).
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():  # such as /dev/null, which a rename would replace
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    try:
        with unfinished(partial(_own_temporary, path)) as (temporary, lock), lock:
            try:
                yield temporary
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        shown = "" if error.filename is None else Path(os.fsdecode(error.filename)).name
        if error.errno is None or not shown.startswith(_temporary(path, "").stem * bool(shown)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def is_file(path: str | Path) -> bool:
    """Tell whether there is such a file; a name that no file can have is none.

    Raises
    ------
    OSError
        If the file system does not tell, because of a damaged disk or a folder that is not open.
    """
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except ValueError:  # a zero byte in the name
        return False
    except OSError as error:
        if error.errno in NO_FILE:
            return False
        raise


def folders_below(
    folder: str | Path, failed: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder, `folder` itself first, with the names of its files.

    Names that begin with a dot are passed over; links to folders are not followed.

    Parameters
    ----------
    folder
        An existing folder.
    failed
        Called with the error of each folder below that cannot be listed; None: its error is raised.

    Raises
    ------
    OSError
        If `folder` itself cannot be listed.
    """
    top = Path(folder)

    def fail(error: OSError) -> None:
        if failed is None or Path(os.fsdecode(error.filename or top)) == top:
            raise error
        failed(error)

    for where, folders, files in os.walk(top, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield Path(where), [name for name in files if not name.startswith(".")]


def recordings_folder(path: str | Path) -> Path:
    """Return the path of a folder that is to hold recordings.

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
    handle = os.open(path, _READING)  # faster than a file object, and headers are many
    try:
        state = os.fstat(handle)
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(state.st_mode):
            raise InputError(f"{path}: not a regular file")
        data = b""
        while state.st_size <= most and len(data) <= most:
            if not (more := os.read(handle, state.st_size - len(data) + 1)):
                return data
            data += more
    finally:
        os.close(handle)
    raise InputError(f"{path}: larger than {most} bytes, the most that is read")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds.

    A reader, or a process that starts after a kill, sees the old file or the new one, never half
    of one. Of two that write the same file at once, each writes a whole one; the later one stays.

    Raises
    ------
    OSError
        If the file cannot be written; the error names `path`.
    """
    path = Path(path)
    with _temporary_file(path) as temporary:
        yield temporary
        temporary.replace(path)


def write_named_by_checksum(path: str | Path, write: Callable[[Path], None]) -> tuple[Path, str]:
    """Let `write` make a file, then name it `stem-checksum.suffix`; return path and SHA-256.

    A file of that name with other content is never overwritten, so that what refers to an
    earlier version stays valid.
    """
    path = Path(path)
    with _temporary_file(path) as temporary:
        write(temporary)
        checksum = sha256(temporary)
        final = path.with_name(f"{path.stem}-{checksum[:8]}{path.suffix}")
        temporary.replace(final)
    return final, checksum


def reserve(path: str | Path) -> None:
    """Allocate disk space for all of a file that may have holes; its content stays.

    A memory map of a file with holes ends the process at the first write for which the disk has
    no space (SIGBUS); reserved beforehand, a full disk is an error like any other.

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
    """Write a text file atomically, in UTF-8 with line ends as given.

    What cannot be encoded, such as a file name that is not UTF-8, is written as escapes.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(text.encode(errors="backslashreplace"))


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
    except DAMAGED_ZIP:
        return False
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # of a compression, and of places before the file
            return False
        raise


def sha256(path: str | Path) -> str:
    """Return the SHA-256 checksum of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
