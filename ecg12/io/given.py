"""Which recordings the user means: files as they are, folders expanded."""

import logging
from collections.abc import Iterable, Iterator, Mapping
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
    for recording, folder, _ in _listed(paths, array):
        found.setdefault(_stem(recording), (recording, folder))
    return dict(found.values())


def expand_folders(
    paths: Iterable[str | Path], array: Mapping[str, Any] | None = None
) -> list[Path]:
    """Return the recordings that paths name: files as given, also again, folders expanded.

    Of a folder those are left out that stand before it. Parameters and what is kept are those of
    `expand`.
    """
    found: list[Path] = []
    known: set[Path] = set()
    for recording, _, in_folder in _listed(paths, array):
        if not in_folder or _stem(recording) not in known:
            found.append(recording)
        known.add(_stem(recording))
    return found


def _listed(
    paths: Iterable[str | Path], array: Mapping[str, Any] | None
) -> Iterator[tuple[Path, Path, bool]]:
    """Yield recording, the folder that it is below, and whether that folder was given."""
    for path in map(Path, paths):
        is_folder = _is_folder(path)
        folder = path if is_folder else path.parent
        for recording in _within(path, array) if is_folder else [path]:
            yield recording, folder, is_folder


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
