"""The prepared signals of a folder in one memory map on disk, filled in parallel.

`signals.npy` holds the rows, `signals.json` how far they are filled, the errors, and the key of
what they were made from: the recordings' files, the preprocessing and the version of the signal
chain. Labels are no part of it, so that a changed label filters nothing again. A run that was
killed goes on after the last finished chunk; signals of another key are prepared again. What could
not be read is tried again by each run: a library may have been missing, or a disk.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ecg12.io.formats import read_any
from ecg12.runtime.errors import RecordError
from ecg12.runtime.executors import Executor
from ecg12.runtime.files import read_json, reserve, write_json
from ecg12.runtime.progress import bar
from ecg12.signal.preprocessing import (
    CHAIN_VERSION,
    STORED_VERSION,
    Preprocessing,
    prepare_parts,
)

log = logging.getLogger(__name__)
CHUNK = 64  # recordings prepared, written and noted as done at a time


def signals_key(recordings: str, preprocessing: Preprocessing) -> str:
    """Name all that decides what prepared signals are.

    Parameters
    ----------
    recordings
        Digest of the recordings' names and files.
    preprocessing
        The chain's settings; its version is `CHAIN_VERSION`, or `STORED_VERSION`.
    """
    version = STORED_VERSION if preprocessing.amplitude == "stored" else CHAIN_VERSION
    description = [version, asdict(preprocessing), recordings]
    return hashlib.sha256(json.dumps(description).encode()).hexdigest()


def fill_map(
    work: Path,
    pairs: list[tuple[Path, int]],
    preprocessing: Preprocessing,
    *,
    key: str,
    executor: Executor,
) -> tuple[np.ndarray, dict[int, str]]:
    """Prepare recordings, or go on with what an earlier run of the same key prepared.

    Parameters
    ----------
    work
        Folder of the memory map, made if missing.
    pairs
        The recordings, and how many rows each has.
    preprocessing
        The chain to apply.
    key
        As `signals_key` returns it.
    executor
        Where to prepare.

    Returns
    -------
    signals
        (n_rows, n_leads, n_samples) int16, memory-mapped.
    errors
        Place of each recording that could not be read, and the message.
    """
    work.mkdir(parents=True, exist_ok=True)
    array, state = work / "signals.npy", work / "signals.json"
    done, errors = _done(array, state, key)
    if not done:  # in this order: a state must never describe a new array
        state.unlink(missing_ok=True)
        array.unlink(missing_ok=True)
    ends = np.cumsum([0, *(count for _, count in pairs)])
    shape = (int(ends[-1]), len(preprocessing.leads), preprocessing.n_samples)
    mode = "r+" if done else "w+"
    signals = np.lib.format.open_memmap(array, mode=mode, dtype=np.int16, shape=shape)
    reserve(array)
    chunks = [*_chunks(sorted(errors)), *_chunks(range(done, len(pairs)))]
    jobs = [([pairs[place] for place in chunk], preprocessing) for chunk in chunks]
    results = executor.in_order(prepare_chunk, jobs)
    with bar(total=len(pairs), initial=done - len(errors), desc="signals", unit="rec") as shown:
        for chunk, (prepared, failed) in zip(chunks, results, strict=True):
            rows = np.concatenate([np.arange(ends[place], ends[place + 1]) for place in chunk])
            signals[rows] = prepared
            signals.flush()
            errors = {place: errors[place] for place in errors if place not in chunk}
            errors |= {chunk[place]: message for place, message in failed.items()}
            done = max(done, chunk[-1] + 1)
            write_json(state, {"signals_key": key, "done": done, "errors": errors})
            shown.update(len(chunk))
    return np.load(array, mmap_mode="r"), errors


def _chunks(places: Sequence[int]) -> list[Sequence[int]]:
    return [places[start : start + CHUNK] for start in range(0, len(places), CHUNK)]


def _done(array: Path, state: Path, key: str) -> tuple[int, dict[int, str]]:
    """Return how many recordings an earlier run of the same key finished, and its errors."""
    if not (array.is_file() and state.is_file()):
        return 0, {}
    saved = read_json(state)
    if saved.get("signals_key") != key:
        log.warning(
            "%s: made from other recordings, by another preprocessing or another version of the "
            "signal chain; all recordings are prepared again",
            array,
        )
        return 0, {}
    return saved["done"], {int(row): message for row, message in saved["errors"].items()}


def prepare_chunk(
    pairs: list[tuple[Path, int]], preprocessing: Preprocessing
) -> tuple[np.ndarray, dict[int, str]]:
    """Prepare some recordings.

    Returns
    -------
    rows
        (n_rows, n_leads, n_samples) int16, one recording below the other; zeros for one that
        cannot be read.
    errors
        The place of each of these, and the message.
    """
    shape = (len(preprocessing.leads), preprocessing.n_samples)
    prepared, errors = [], {}
    for place, (path, count) in enumerate(pairs):
        rows = np.zeros((count, *shape), np.int16)
        try:
            record = read_any(path, preprocessing.needed_seconds)
            # A file shorter than its header says repeats its parts.
            rows[:] = np.resize(prepare_parts(record, preprocessing), rows.shape)
        except RecordError as error:
            errors[place] = str(error)
        prepared.append(rows)
    return np.concatenate(prepared), errors
