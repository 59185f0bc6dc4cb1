"""Locks of files: one process at a time, released by the system however the holder ends."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ecg12.runtime.errors import InputError

MOST_TRIES = 100  # to lock a file that others rename or remove at the same time
LOCK = "lock"  # name of the lock file of a work folder


def try_lock(path: Path) -> IO[bytes] | None:
    """Open a file, made if missing, and lock it; its content stays.

    A lock belongs to a file, not to its name. If the file was renamed or removed between the two
    steps, the file that now has the name is opened instead.

    Returns
    -------
    The open file, which holds the lock until it is closed; None if another one holds it.

    Raises
    ------
    OSError
        If the file cannot be opened, or the file system has no locks.
    """
    for _ in range(MOST_TRIES):
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:  # renamed or removed just now
            pass
        except BlockingIOError:
            file.close()
            return None
        except OSError:
            file.close()
            raise
        file.close()
    raise OSError(errno.ESTALE, "is replaced again and again", str(path))


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a lock file, which the system releases when this process ends, however it ends.

    Raises
    ------
    InputError
        If another process holds it.
    """
    file = try_lock(Path(path))
    if file is None:
        raise InputError(f"{path}: in use by another process")
    with file:
        yield


@contextmanager
def work_folder(folder: str | Path) -> Iterator[None]:
    """Hold a folder of work files, made if missing, for this process alone.

    It is removed if the block succeeds, its lock file last and as the holder of the lock. After an
    error or a kill it stays, and the next run can go on from what is in it.

    Raises
    ------
    InputError
        If another process holds it.
    """
    folder = Path(folder)
    for left in range(MOST_TRIES)[::-1]:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file = try_lock(folder / LOCK)
            break
        except FileNotFoundError:  # its last holder removed the folder just now
            if not left:
                raise
    if file is None:
        raise InputError(f"{folder / LOCK}: in use by another process")
    with file:
        yield
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, its lock file after all others."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
    (folder / LOCK).unlink()
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:  # another process has begun to use it
            raise
