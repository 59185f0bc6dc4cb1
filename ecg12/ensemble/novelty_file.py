"""The statistics of a model folder's training recordings: one file of plain numbers.

Float32, little-endian, one after the other: of each member and depth the mean and the covariance's
upper triangle, row by row. The index says how many channels each depth has, and the quantiles.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ecg12.decision.novelty import LEVELS, Moments, Novelty, sizes_of
from ecg12.ensemble.model_index import read_checked
from ecg12.runtime.errors import ModelError
from ecg12.runtime.files import write_named_by_checksum

NAME = "novelty.f32"
METHOD = "mahalanobis, depths of length one"
STORED = np.dtype("<f4")
LARGEST = 2**26  # bytes
MOST_CHANNELS = 2**12


def save_novelty(folder: Path, novelty: Novelty) -> dict[str, Any]:
    """Write the statistics into a model folder; return what its index says of them."""
    pieces = [
        values
        for depths in novelty.members
        for own in depths
        for values in (own.mean, own.covariance[np.triu_indices(len(own.mean))])
    ]
    data = np.concatenate(pieces).astype(STORED).tobytes()
    file, checksum = write_named_by_checksum(folder / NAME, lambda path: _write(path, data))
    return {
        "file": file.name,
        "sha256": checksum,
        "method": METHOD,
        "channels": [sizes_of(depths) for depths in novelty.members],
        "levels": LEVELS,
        "quantiles": novelty.quantiles.tolist(),
    }


def load_novelty(folder: Path, entry: dict[str, Any], n_members: int) -> Novelty:
    """Load the statistics of a model folder; nothing in them is executed.

    Raises
    ------
    ModelError
        If the file is missing, differs from its checksum, or does not fit the index, or the
        method is another.
    InputError
        If the file is too large.
    """
    file = folder / Path(entry["file"]).name
    data = read_checked(file, entry["sha256"], LARGEST)
    quantiles, channels = np.array(entry["quantiles"], np.float64), entry["channels"]
    if entry["method"] != METHOD or tuple(entry["levels"]) != LEVELS:
        raise ModelError(f"{file}: distances of another method, which this version does not know")
    if quantiles.shape != (len(LEVELS),) or not (np.diff(quantiles) >= 0).all():
        raise ModelError(f"{file}: {len(LEVELS)} rising quantiles are needed")
    sizes = [int(size) for depths in channels for size in depths]
    if len(channels) != n_members or not all(0 < size <= MOST_CHANNELS for size in sizes):
        raise ModelError(f"{file}: channels {channels} do not fit {n_members} members")
    if len(data) != STORED.itemsize * sum(size + size * (size + 1) // 2 for size in sizes):
        raise ModelError(f"{file}: {len(data)} bytes do not fit channels {channels}")
    values = np.frombuffer(data, STORED)
    if not np.isfinite(values).all():
        raise ModelError(f"{file}: holds numbers that are not finite")
    moments = iter(_moments(values, sizes))
    return Novelty(tuple(tuple(next(moments) for _ in depths) for depths in channels), quantiles)


def _moments(values: np.ndarray, sizes: list[int]) -> list[Moments]:
    """Return mean and covariance of each depth."""
    found, at = [], 0
    for size in sizes:
        mean, at = values[at : at + size], at + size
        rows, columns = np.triu_indices(size)
        covariance = np.empty((size, size), STORED)
        covariance[rows, columns] = covariance[columns, rows] = values[at : at + len(rows)]
        found.append(Moments(mean, covariance))
        at += len(rows)
    return found


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
