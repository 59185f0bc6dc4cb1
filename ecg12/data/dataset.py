"""A folder of recordings as one memory map of prepared signals, with labels and batches.

The signals of all recordings are in one int16 array on disk (`signal_map`); memory holds one batch
at a time.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count

from ecg12.data.memmap_reading import gather, windows
from ecg12.data.signal_map import fill_map, signals_key
from ecg12.io.classes import ScoredClasses
from ecg12.io.databases import databases_of
from ecg12.io.known_labels import LabelledClasses, known_cells, warn_of_absent
from ecg12.io.label_table import LabelTable
from ecg12.io.manifest import Manifest, ValidationFolder, build_manifest, join_manifests
from ecg12.runtime.errors import InputError, RecordError
from ecg12.runtime.executors import Executor, LocalExecutor
from ecg12.runtime.prefetch import prefetch
from ecg12.runtime.progress import listed
from ecg12.signal.preprocessing import Preprocessing, dequantize, parts_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Prepared recordings.

    Attributes
    ----------
    signals
        (n_rows, n_leads, n_samples) int16, memory-mapped; times the preprocessing's `step` it is
        the signal.
    rows
        (n_recordings,) the (first) row of each readable recording.
    targets
        (n_recordings, n_classes) bool.
    names
        Path of each recording below its folder, without suffix.
    failures
        One message per recording that could not be read.
    fingerprint
        Key of the task: changes whenever the signals (`signal_map.signals_key`), a label or
        whether it is known, a patient, a class or a weight does.
    preprocessing
        How the signals were prepared.
    patients
        Key of each recording's patient, "" where unknown; empty if all are.
    parts
        (n_recordings,) how many rows a recording has, one below the other: parts of a long one;
        empty if each has one.
    known
        (n_recordings, n_classes) bool: which targets are known; the others count neither for nor
        against a class. None: all are.
    validating
        (n_recordings,) bool: which recordings are of a folder that validates. None: there is none.
    validation_failures
        As `failures`, of that folder.
    """

    signals: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    _: KW_ONLY
    names: tuple[str, ...]
    failures: tuple[str, ...]
    fingerprint: str
    preprocessing: Preprocessing = Preprocessing()
    patients: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()
    known: np.ndarray | None = None
    validating: np.ndarray | None = None
    validation_failures: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, indices: np.ndarray) -> np.ndarray:
        """Return (n, n_leads, n_samples, 1) float32 network inputs."""
        return dequantize(self.signals[self.rows[indices]], self.preprocessing.step)

    def batches(
        self, indices: np.ndarray, size: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (indices, stored signals) of `size` recordings at a time, in order, read ahead.

        They are int16, as in `signals`, so that only what is cut out of them need be scaled. Of
        many recordings, `memmap_reading.BUFFER` are read at once. Of a long recording the first
        part is read, or one that `rng` draws.
        """
        rows = self.rows[indices]
        if rng is not None and self.parts:
            rows = rows + rng.integers(np.array(self.parts)[indices])
        for places, stored in self._read(rows, size):
            yield indices[places], stored

    def all_parts(self, indices: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (indices, inputs) of all parts of recordings, `size` at a time, read ahead."""
        counts = np.array(self.parts)[indices] if self.parts else np.ones(len(indices), int)
        owners = np.repeat(indices, counts)
        place = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        step, read = self.preprocessing.step, self._read(self.rows[owners] + place, size)
        inputs = prefetch(lambda piece: (piece[0], dequantize(piece[1], step)), read, 1, 3)
        for places, x in inputs:
            yield owners[places], x

    def _read(self, rows: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (places in `rows`, stored signals) of `size` rows at a time."""

        def read(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return places, gather(self.signals, rows[places])

        for places, signals in prefetch(read, windows(np.arange(len(rows)), size), 1, 1):
            for i in range(0, len(places), size):
                yield places[i : i + size], signals[i : i + size]


def prepare_folder(
    folder: str | Path,
    work: str | Path,
    preprocessing: Preprocessing,
    classes: ScoredClasses,
    *,
    n_jobs: int | None = None,
    labels: LabelTable | None = None,
    labelled: LabelledClasses | None = None,
    validation: ValidationFolder | None = None,
    executor: Executor | None = None,
) -> Dataset:
    """Prepare every labelled recording of a folder, or go on with what an earlier run prepared.

    What was prepared is used again as long as recordings, preprocessing and signal chain are the
    same, also with other labels; see `signal_map`.

    Parameters
    ----------
    folder
        Recordings, flat or nested: WFDB and MATLAB, or with a label table GE MUSE XML as well.
    work
        Folder for the memory map (`signals.npy`) and its progress (`signals.json`).
    preprocessing
        The chain to apply.
    classes
        Which labels to encode; their weights count in the fingerprint.
    n_jobs
        Processes; all processors by default.
    labels
        Labels and patients of a label table; None for the codes in the headers.
    labelled
        The codes that databases label; other classes are unknown there. None: all label all.
    validation
        Recordings that validate; they come after those of the folder.
    executor
        Where to prepare, instead of in `n_jobs` processes; workers on other machines must find
        the recordings under the same path.

    Raises
    ------
    FileNotFoundError
        If there is no recording.
    InputError
        If no recording has labels.
    RecordError
        If not one recording is readable; the message gives the first reason.
    """
    manifest, first = _manifest(folder, labels, validation)
    key = signals_key(manifest.signals_digest, preprocessing)
    known = _known(manifest, classes, labelled)
    description = [key, classes.groups, classes.weights.tolist(), manifest.digest]
    if known is not None:
        description.append(hashlib.sha256(known.tobytes()).hexdigest())
    counts = [parts_of(seconds, preprocessing) for seconds in manifest.seconds]
    pairs = list(zip(manifest.paths, counts, strict=True))
    executor = executor or LocalExecutor(n_jobs or cpu_count())
    signals, errors = fill_map(Path(work), pairs, preprocessing, key=key, executor=executor)
    errors = errors | dict(manifest.unread)
    description += [sorted(errors)] if errors else []
    fingerprint = hashlib.sha256(json.dumps(description).encode()).hexdigest()
    failures = tuple(errors[place] for place in sorted(errors))
    if failures:
        log.warning("%s", listed(failures, len(pairs), "left out"))
    good = [place for place in range(len(pairs)) if place not in errors]
    n_failed = sum(place < first for place in errors)
    _check_readable(folder, first, failures[:n_failed])
    if validation is not None:
        _check_readable(validation.path, len(pairs) - first, failures[n_failed:])
    return Dataset(
        signals,
        (np.cumsum(counts) - counts)[good],
        classes.encode([manifest.codes[place] for place in good]),
        names=tuple(manifest.names[place] for place in good),
        failures=failures[:n_failed],
        fingerprint=fingerprint,
        preprocessing=preprocessing,
        patients=tuple(manifest.patients[place] for place in good) if manifest.patients else (),
        parts=tuple(counts[place] for place in good) if preprocessing.parts > 1 else (),
        known=None if known is None else known[good],
        validating=None if validation is None else np.array(good) >= first,
        validation_failures=failures[n_failed:],
    )


def _manifest(
    folder: str | Path, labels: LabelTable | None, validation: ValidationFolder | None
) -> tuple[Manifest, int]:
    """List the recordings of a folder and then those that validate; return the number of the first.

    A label table that serves both has no recording too many.

    Raises
    ------
    InputError
        If the table serves both and has a row that is one recording of each.
    """
    if validation is None:
        manifest = build_manifest(folder, labels)
        return manifest, len(manifest.paths)
    shared = labels is not None and labels is validation.labels
    manifest = build_manifest(folder, labels, shared=shared)
    other = build_manifest(validation.path, validation.labels, shared=shared)
    if shared and (both := sorted({*manifest.names} & {*other.names})):
        raise InputError(
            f"{both[0]} is a recording of {folder} and one of {validation.path}, and the label "
            f"table has one row for both ({len(both)} such names); give a table for validation "
            "(--validation-labels)"
        )
    return join_manifests(manifest, other), len(manifest.paths)


def _check_readable(folder: str | Path, n: int, failures: Sequence[str]) -> None:
    if len(failures) == n:
        raise RecordError(f"{folder}: none of {n} recordings is readable: {failures[0]}")


def _known(
    manifest: Manifest, classes: ScoredClasses, labelled: LabelledClasses | None
) -> np.ndarray | None:
    """Return the known cells of a manifest's recordings, as `known_cells`."""
    databases = databases_of(manifest.names, ".")
    if labelled is not None:
        warn_of_absent(labelled, databases, classes)
    codes, unknown = manifest.codes, manifest.unknown
    return known_cells(classes, codes, unknown, databases=databases, labelled=labelled)


def summary(
    dataset: Dataset, classes: ScoredClasses, *, validating: bool = False
) -> dict[str, Any]:
    """Count recordings, failures, positives per class, and unknown labels where there are any.

    `validating`: of the folder that validates, instead of the other recordings.
    """
    own = np.full(len(dataset), True)
    if dataset.validating is not None:
        own = dataset.validating == validating
    targets = dataset.targets[own]
    counts = dict(zip(classes.names, targets.sum(axis=0).tolist(), strict=True))
    unscored = int((~targets.any(axis=1)).sum())
    unknown: dict[str, Any] = {}
    if dataset.known is not None:
        missing = (~dataset.known[own]).sum(axis=0).tolist()
        unknown = {"unknown": dict(zip(classes.names, missing, strict=True))}
    return {
        "recordings": len(targets),
        "unreadable": len(dataset.validation_failures if validating else dataset.failures),
        "without_scored_class": unscored,
        "positives": counts,
        **unknown,
    }
