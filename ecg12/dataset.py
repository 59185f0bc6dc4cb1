"""A folder of recordings as one memory map of prepared signals, with labels, splits and batches.

The signals of all recordings lie in one int16 array on disk, (n_recordings, n_leads, n_samples);
memory holds one batch at a time. Preparing is parallel and goes on after a kill where it stopped.
"""

import hashlib
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from joblib import Parallel, cpu_count, delayed

from ecg12 import __version__
from ecg12.errors import RecordError
from ecg12.files import read_json, write_json
from ecg12.labels import ScoredClasses
from ecg12.progress import bar
from ecg12.records import find_records, read_header, read_record
from ecg12.signals import STEP, Preprocessing, prepare

log = logging.getLogger(__name__)
CHUNK = 64  # recordings prepared, written and noted as done at a time

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Prepared recordings.

    Attributes
    ----------
    signals
        (n_rows, n_leads, n_samples) int16, memory-mapped; times `step` it is the signal.
    rows
        (n_recordings,) the row of each readable recording.
    targets
        (n_recordings, n_classes) bool.
    names
        Path of each recording below its folder, without suffix.
    failures
        One message per recording that could not be read.
    fingerprint
        Changes whenever a recording, a label, a weight, the preprocessing or the version does.
    step
        Quantisation step of the signals.
    """

    signals: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    names: tuple[str, ...]
    failures: tuple[str, ...]
    fingerprint: str
    step: float = STEP

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, indices: np.ndarray) -> np.ndarray:
        """Return (n, n_leads, n_samples, 1) float32 network inputs."""
        return to_inputs(self.signals[self.rows[indices]], self.step)

    def batches(self, indices: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (indices, inputs) of `size` recordings at a time, in order, read ahead."""
        parts = [indices[i : i + size] for i in range(0, len(indices), size)]
        return ahead(lambda part: (part, self.inputs(part)), parts, workers=1, depth=3)


def to_inputs(prepared: np.ndarray, step: float) -> np.ndarray:
    """Scale prepared int16 signals, (n, n_leads, n_samples), and add the channel axis."""
    return (prepared * np.float32(step))[..., None]


def ahead(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, depth: int
) -> Iterator[Result]:
    """Map `function` over `items` in threads, in order, at most `depth` results ahead."""
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def prepare_folder(
    folder: str | Path,
    work: str | Path,
    preprocessing: Preprocessing,
    classes: ScoredClasses,
    n_jobs: int | None = None,
) -> Dataset:
    """Prepare every recording of a folder, or go on with what an earlier run prepared.

    Parameters
    ----------
    folder
        Recordings, flat or nested.
    work
        Folder for the memory map (`signals.npy`) and its progress (`signals.json`).
    preprocessing
        The chain to apply.
    classes
        Which labels to encode; their weights count in the fingerprint.
    n_jobs
        Processes; all processors by default.

    Raises
    ------
    RecordError
        If not one recording is readable; the message gives the first reason.
    """
    stems = find_records(folder)
    names = tuple(stem.relative_to(folder).as_posix() for stem in stems)
    codes, digests = zip(
        *(_scan(stem) for stem in bar(stems, desc="headers", unit="rec")), strict=True
    )
    weights = classes.weights.tolist()
    description = [__version__, asdict(preprocessing), classes.groups, weights, names, digests]
    fingerprint = hashlib.sha256(json.dumps(description).encode()).hexdigest()
    shape = (len(stems), len(preprocessing.leads), preprocessing.n_samples)
    signals, errors = _fill(Path(work), stems, shape, preprocessing, fingerprint, n_jobs)
    failures = tuple(errors[row] for row in sorted(errors))
    for message in failures:
        log.warning("left out: %s", message)
    rows = np.array([row for row in range(len(stems)) if row not in errors], dtype=np.int64)
    if not len(rows):
        raise RecordError(f"{folder}: none of {len(stems)} recordings is readable: {failures[0]}")
    targets = classes.encode([codes[row] for row in rows])
    readable = tuple(names[row] for row in rows)
    return Dataset(signals, rows, targets, readable, failures, fingerprint, preprocessing.step)


def _scan(stem: Path) -> tuple[tuple[str, ...], str]:
    """Return a recording's codes and a digest of its header and of its signal files' state.

    Samples are not read: size and time of change stand for them.
    """
    path = stem.with_name(f"{stem.name}.hea")
    text = path.read_bytes() if path.is_file() else b""
    try:
        header = read_header(stem)
    except RecordError:
        header = None  # reading the recording says what is wrong with it
    named = {Path(signal.file).name for signal in header.signals} if header else set()
    files = [stem.with_name(name) for name in sorted(named | {f"{stem.name}.mat"})]
    states = [
        (file.name, file.stat().st_size, file.stat().st_mtime_ns)
        for file in files
        if file.is_file()
    ]
    digest = hashlib.sha256(text + b"\0" + repr(states).encode())
    return header.codes if header else (), digest.hexdigest()


def _fill(
    work: Path,
    stems: list[Path],
    shape: tuple[int, int, int],
    preprocessing: Preprocessing,
    fingerprint: str,
    n_jobs: int | None,
) -> tuple[np.ndarray, dict[int, str]]:
    """Fill the memory map chunk by chunk; return it and the errors by row."""
    work.mkdir(parents=True, exist_ok=True)
    array, state = work / "signals.npy", work / "signals.json"
    done, errors = _done(array, state, fingerprint)
    mode = "r+" if done else "w+"
    signals = np.lib.format.open_memmap(array, mode=mode, dtype=np.int16, shape=shape)
    starts = range(done, len(stems), CHUNK)
    n_jobs = min(n_jobs or cpu_count(), max(1, len(starts)))
    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_prepare_chunk)(stems[start : start + CHUNK], preprocessing) for start in starts
    )
    with bar(total=len(stems), initial=done, desc="signals", unit="rec") as shown:
        for start, (prepared, failed) in zip(starts, results, strict=True):
            signals[start : start + len(prepared)] = prepared
            signals.flush()
            errors |= {start + row: message for row, message in failed.items()}
            done = start + len(prepared)
            write_json(state, {"fingerprint": fingerprint, "done": done, "errors": errors})
            shown.update(len(prepared))
    return np.load(array, mmap_mode="r"), errors


def _done(array: Path, state: Path, fingerprint: str) -> tuple[int, dict[int, str]]:
    """Return how many rows an earlier run with the same fingerprint finished, and its errors."""
    if not (array.is_file() and state.is_file()):
        return 0, {}
    saved = read_json(state)
    if saved["fingerprint"] != fingerprint:
        log.warning("%s: made from other data or by another version; preparing anew", array)
        return 0, {}
    return saved["done"], {int(row): message for row, message in saved["errors"].items()}


def _prepare_chunk(
    stems: list[Path], preprocessing: Preprocessing
) -> tuple[np.ndarray, dict[int, str]]:
    shape = (len(stems), len(preprocessing.leads), preprocessing.n_samples)
    prepared, errors = np.zeros(shape, np.int16), {}
    for row, stem in enumerate(stems):
        try:
            record = read_record(stem, preprocessing.needed_seconds)
            prepared[row] = prepare(record, preprocessing)
        except RecordError as error:
            errors[row] = str(error)
    return prepared, errors


def split(n: int, seed: int) -> dict[str, np.ndarray]:
    """Divide n recordings at random into 60 % training, 20 % validation and 20 % test (paper B).

    With one or two recordings there is no test part, and one recording trains and validates.
    """
    order = np.random.default_rng(seed).permutation(n)
    n_test = round(0.2 * n) if n > 2 else 0
    n_validation = max(1, round(0.2 * n))
    training = order[n_test + n_validation :]
    return {
        "training": training if len(training) else order,
        "validation": order[n_test : n_test + n_validation],
        "test": order[:n_test],
    }


def folds(n: int, k: int, seed: int) -> list[np.ndarray]:
    """Divide n recordings at random into k folds of equal size, to within one."""
    return [np.sort(part) for part in np.array_split(np.random.default_rng(seed).permutation(n), k)]


def summary(dataset: Dataset, classes: ScoredClasses) -> dict[str, Any]:
    """Count recordings, failures and positives per class."""
    counts = dict(zip(classes.names, dataset.targets.sum(axis=0).tolist(), strict=True))
    unscored = int((~dataset.targets.any(axis=1)).sum())
    return {
        "recordings": len(dataset),
        "unreadable": len(dataset.failures),
        "without_scored_class": unscored,
        "positives": counts,
    }
