"""The private folder of a service, in which each request has its own while it is answered."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecg12.runtime.interrupts import common_temporary_folder
from ecg12.runtime.locks import LOCK, try_lock

PREFIX = "ecg12-serve-"
NEW = 60.0  # s; a younger folder may not have its lock yet


@contextmanager
def private_folder() -> Iterator[Path]:
    """Give a folder for temporary files that nobody else may enter; remove it in the end.

    Folders that services of this user left behind because they were killed are removed, too.
    """
    place = common_temporary_folder()
    _remove_leftovers(place)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True) as name:
        lock = try_lock(Path(name) / LOCK)
        try:
            yield Path(name)
        finally:
            if lock is not None:
                lock.close()


def _remove_leftovers(place: Path) -> None:
    for path in place.glob(f"{PREFIX}*"):
        found = path.lstat()
        if not path.is_dir() or path.is_symlink() or found.st_uid != os.getuid():
            continue
        if time.time() - found.st_mtime < NEW:
            continue
        lock = try_lock(path / LOCK)
        if lock is not None:
            with lock:
                shutil.rmtree(path, ignore_errors=True)
