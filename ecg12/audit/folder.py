"""Audit every recording of a folder, in processes, one after the other in order."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count

from ecg12.audit.checks import reported
from ecg12.io.databases import database_of
from ecg12.io.format_table import WFDB
from ecg12.io.formats import find_any, format_at, open_any
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, record_errors
from ecg12.runtime.executors import LocalExecutor
from ecg12.signal.lead_checks import Finding
from ecg12.signal.quality import assess

CHUNK = 16  # recordings that a process audits at a time
LONGEST = 600.0  # s that are checked whole
STRETCHES, STRETCH = 60, 10.0  # how many, of how many s, of a longer recording


@dataclass(frozen=True)
class Audited:
    """What is known of one recording.

    Attributes
    ----------
    name
        Path below the folder, without suffix.
    database
        As `databases.database_of` names it.
    error
        Why it cannot be read, or ``""``; then the rest is empty.
    rate, seconds
        Sampling rate in Hz, length in s.
    gains
        Distinct gains with unit, such as ``"1000/mV"``.
    amplitude
        mV by the header's gains, the median over leads of the 99th percentile; NaN if unknown.
    codes
        Diagnosis codes as the header has them.
    coded
        Whether the format holds such codes.
    digest
        Of leads, rate, length and the samples checked; equal for recordings of the same signal.
    findings
        What is odd.
    """

    name: str
    database: str
    error: str = ""
    rate: float = 0.0
    seconds: float = 0.0
    gains: tuple[str, ...] = ()
    amplitude: float = float("nan")
    codes: tuple[str, ...] = ()
    coded: bool = False
    digest: bytes = b""
    findings: tuple[Finding, ...] = ()


def audit_folder(
    folder: str | Path, n_jobs: int | None = None, **array: Any
) -> tuple[int, Iterator[Audited]]:
    """Return how many recordings a folder holds and an iterator that audits them in order.

    Parameters
    ----------
    folder
        Recordings, flat or nested, of any format that is read.
    n_jobs
        Processes; all processors by default.
    array
        Rate, unit, leads of arrays of numbers, as `read_any` takes them; without, arrays are none
        of the recordings.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no recording in it.
    """
    paths = find_any(folder, array or None, unlisted=True)
    chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
    executor = LocalExecutor(n_jobs or cpu_count())
    results = executor.in_order(_audit_chunk, [(chunk, Path(folder), array) for chunk in chunks])
    return len(paths), (audited for chunk in results for audited in chunk)


def _audit_chunk(paths: list[Path], folder: Path, array: dict[str, Any]) -> list[Audited]:
    return [audit(path, folder, **array) for path in paths]


def audit(path: Path, folder: Path, **array: Any) -> Audited:
    """Audit one recording, given as `formats.read_any` takes it, of a data folder.

    Of one that is longer than `LONGEST`, `STRETCHES` are checked, evenly spaced.
    """
    name = path.relative_to(folder).as_posix()
    database = database_of(path, folder)
    try:
        with record_errors(path):
            coded = format_at(path) is WFDB
        opened = open_any(path, **array)
        long = opened.seconds > LONGEST
        record = opened.sample(STRETCHES, STRETCH) if long else opened.cut()
    except InputError as error:  # also of a library that is not installed
        return Audited(name, database, str(error))
    quality = assess(record)
    findings = reported(quality)
    if long:
        detail = f"{STRETCHES} stretches of {STRETCH:g} s of {opened.seconds:.0f} s were checked"
        findings.append(Finding("long recording", "", detail))
    return Audited(
        name,
        database,
        "",
        record.rate,
        opened.seconds,
        tuple(sorted({_gain(*pair) for pair in zip(record.gains, record.units, strict=True)})),
        quality.amplitude,
        record.codes,
        coded,
        _digest(record, opened.n_samples),
        tuple(findings),
    )


def _gain(gain: float, unit: str) -> str:
    return f"{'unknown' if np.isnan(gain) else format(gain, '.6g')}/{unit}"


def _digest(record: Record, n_samples: int) -> bytes:
    """Return 16 bytes that equal recordings share, whatever type their samples are stored in."""
    kind = "<f8" if record.stored.dtype.kind == "f" else "<i8"
    samples = np.ascontiguousarray(record.stored.T, kind)
    head = f"{record.leads} {record.rate} {n_samples} "
    return hashlib.sha256(head.encode() + samples.tobytes()).digest()[:16]
