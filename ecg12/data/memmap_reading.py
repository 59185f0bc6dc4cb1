"""Reading recordings in random order from a memory map that may be larger than memory.

A random order of single recordings is no matter while the map stays in the page cache. A map that
does not fit would be read from the disk one recording at a time, tens of times slower. So an
epoch's order is *block shuffled*: the recordings are cut into runs of `BLOCK` neighbours, the runs
shuffled, and so many runs as fill a buffer of `BUFFER` recordings are read together and shuffled
once more. Every recording comes exactly once; the order depends only on the generator, not on the
machine; and a set that one buffer holds is permuted evenly. `benchmarks/feeding.py` measures it.

Runs are read with file calls, not through the map: the disk is asked for a run at once instead of
page by page, and what was read is not held against this process's memory.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BLOCK = 16  # recordings; as prepared for paper B, one takes 60 kB
BUFFER = 4096  # recordings, 246 MB; three buffers are held: in use, read, and being read


def shuffled(
    indices: np.ndarray, rng: np.random.Generator, block: int = BLOCK, buffer: int = BUFFER
) -> np.ndarray:
    """Return indices in block-shuffled order.

    Parameters
    ----------
    indices
        (n,) distinct recordings; neighbours on the disk have neighbouring numbers.
    rng
        Decides the order.
    block, buffer
        Recordings that stay together on the disk, and that are shuffled together in memory.

    Returns
    -------
    (n,) the same indices.
    """
    if len(indices) <= buffer:
        return rng.permutation(indices)
    runs = np.split(np.sort(indices), range(block, len(indices), block))
    order = np.concatenate([runs[i] for i in rng.permutation(len(runs))])
    for start in range(0, len(order), buffer):
        rng.shuffle(order[start : start + buffer])
    return order


def windows(order: np.ndarray, size: int, buffer: int = BUFFER) -> Iterator[np.ndarray]:
    """Cut an order into pieces that are read together: whole batches of `size`, or all at once.

    An order that one buffer holds is cut into batches, so that the first one is there at once.
    """
    step = size if len(order) <= buffer else size * max(1, buffer // size)
    yield from (order[start : start + step] for start in range(0, len(order), step))


def gather(signals: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Copy rows of an array, from its file if it is a whole memory map.

    Parameters
    ----------
    signals
        (n_rows, n_leads, n_samples), in C order.
    rows
        (n,) which rows; they are read in the order of the file, neighbours at once.

    Returns
    -------
    (n, n_leads, n_samples) in the order of `rows`.

    Raises
    ------
    OSError
        If the file has become shorter than the map.
    """
    if not (isinstance(signals, np.memmap) and isinstance(signals.base, mmap.mmap)):
        return signals[rows]
    order = np.argsort(rows)
    found = np.empty((len(rows), *signals.shape[1:]), signals.dtype)
    starts = np.flatnonzero(np.diff(rows[order], prepend=-2) != 1)
    with Path(str(signals.filename)).open("rb", buffering=0) as file:
        for run in np.split(order, starts[1:]):
            first, alone = run[0], len(run) == 1
            piece = found[first : first + 1] if alone else np.empty_like(found[: len(run)])
            file.seek(signals.offset + int(rows[first]) * found[first].nbytes)
            if file.readinto(memoryview(piece).cast("B")) != piece.nbytes:
                raise OSError(f"{signals.filename}: ends before row {rows[run[-1]]}")
            if not alone:
                found[run] = piece
    return found
