"""Which recordings the user means: files as they are, folders expanded."""

import os
from collections.abc import Iterable
from pathlib import Path

from ecg12.io.formats import find_any
from ecg12.io.wfdb import SUFFIXES

# Of a folder's files in formats that are not read, those that cannot be anything but an ECG.
TOLD = {".dcm", ".dicom", ".scp", ".edf", ".bdf", ".gdf", ".ecg", ".aecg"}


def expand(paths: Iterable[str | Path]) -> list[Path]:
    """Return the recordings that paths name, each once, in order.

    Parameters
    ----------
    paths
        Headers, signal files, MUSE XML, recordings without suffix; or folders, of which all
        recordings are taken, also ECGs in formats that are not read. Whatever cannot be read,
        a folder without recordings included, is kept, for reading it says why.
    """
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        for recording in _within(path) if path.is_dir() else [path]:
            found.setdefault(_stem(recording), recording)
    return list(found.values())


def _stem(path: Path) -> Path:
    """Return what a header and its signal file share, so that both together are one recording."""
    return path.with_suffix("") if path.suffix in SUFFIXES else path


def _within(folder: Path) -> list[Path]:
    foreign = [
        Path(where, name)
        for where, _, names in os.walk(folder)
        for name in names
        if Path(name).suffix.lower() in TOLD and not name.startswith(".")
    ]
    try:
        return sorted([*find_any(folder), *foreign])
    except FileNotFoundError:
        return sorted(foreign) or [folder]
