"""Which recordings the user means: files as they are, folders expanded."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ecg12.io.formats import scan
from ecg12.io.wfdb import SUFFIXES

log = logging.getLogger(__name__)


def expand(paths: Iterable[str | Path], array: Mapping[str, Any] | None = None) -> dict[Path, Path]:
    """Return the recordings that paths name, each once, in order, with the folder each is below.

    Parameters
    ----------
    paths
        Files of any format, WFDB recordings without suffix, or folders, of which all recordings are
        taken, also ECGs of formats that are not read. Whatever cannot be read, a folder without
        recordings included, is kept, for reading it says why.
    array
        What arrays of numbers in folders do not say, as `scan` takes it.

    Returns
    -------
    dict
        Recording, as `read_any` takes it, → the folder that was given, or that of a given file.
    """
    found: dict[Path, tuple[Path, Path]] = {}
    for path in map(Path, paths):
        is_folder = _is_folder(path)
        folder = path if is_folder else path.parent
        for recording in _within(path, array) if is_folder else [path]:
            found.setdefault(_stem(recording), (recording, folder))
    return dict(found.values())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # which reading it says again
        return False


def _stem(path: Path) -> Path:
    """Return what a header and its signal file share, so that both together are one recording."""
    return path.with_suffix("") if path.suffix.lower() in SUFFIXES else path


def _within(folder: Path, array: Mapping[str, Any] | None) -> list[Path]:
    try:
        found = scan(folder, array)
    except OSError:  # which reading it says again
        return [folder]
    found.complain()
    for line in found.left_out():
        log.info("%s: %s", folder, line)
    ecgs = [path for path, row in found.unread.items() if row.only_ecg and not row.read]
    return sorted([*found.recordings, *found.unlisted, *ecgs]) or [folder]
