"""Recordings of any format to a challenge folder: headers, MATLAB files, and tables beside them.

A recording becomes `NAME.hea` and `NAME.mat`, named by its path below the folder that was given,
with the codes of its diagnoses. Of the patient only age and sex go into the header. Beside them:

* `recordings.csv`: name, patient key, source, format, and what was changed of the samples;
* `statements.csv`: name, patient key and the diagnosis statements `text_1`, `text_2`, ... of the
  formats that hold them, without the people whom a file names;
* `failures.csv`: what could not be converted, and why; absent if nothing failed.

A run that was killed goes on after what is finished (`ecg12.io.convert_log`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import cpu_count

from ecg12.io.arrays import split_index
from ecg12.io.convert_log import LOCK, Finished, Log
from ecg12.io.convert_tables import write_tables
from ecg12.io.format_table import ARRAY, MUSE, WFDB, Format
from ecg12.io.formats import elements, format_at, open_any
from ecg12.io.given import expand
from ecg12.io.int16 import LeadsChangeError, Steps, steps_of
from ecg12.io.label_table import normal_form
from ecg12.io.muse import patient_key, read_statements
from ecg12.io.open_record import OpenRecord, samples
from ecg12.io.record import Record
from ecg12.io.wfdb_files import (
    HEADER,
    SIGNALS,
    existing,
    header_path,
    read_header,
    signal_files,
    stem_of,
)
from ecg12.io.wfdb_write import write_stretches
from ecg12.runtime.errors import InputError, file_error, record_errors
from ecg12.runtime.executors import LocalExecutor
from ecg12.runtime.files import NO_SPACE, is_file
from ecg12.runtime.locks import locked
from ecg12.runtime.progress import bar

CHUNK = 16  # recordings of a job
STRETCH = 600.0  # s that are in memory at a time
LONGEST_NAME = 100  # characters of a part of a name
_NOT_IN_NAMES = re.compile("[^A-Za-z0-9_-]+")  # WFDB's names are of letters, digits, _ and -


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What became of a conversion.

    Attributes
    ----------
    total
        Recordings that were named.
    earlier
        Those that an earlier run had converted.
    formats
        Name of a format → how many recordings of it are converted, those of earlier runs included.
    changed
        Recordings whose samples or offsets are not as stored, of those in `formats`.
    with_statements
        Recordings that have diagnosis statements.
    failures
        Recording that could not be converted → why.
    """

    total: int
    earlier: int
    formats: Mapping[str, int]
    changed: int
    with_statements: int
    failures: Mapping[Path, str]


@dataclass(frozen=True)
class _Job:
    """A recording to be converted: its path, the output's name, and the source's stamp."""

    path: Path
    name: str
    stamp: str

    @property
    def source(self) -> str:
        return _source(self.path)


def convert(
    paths: Iterable[str | Path],
    output: str | Path,
    *,
    salt: str | None = None,
    workers: int | None = None,
    **array: Any,
) -> Summary:
    """Convert recordings; called again, only what is new, changed or not finished.

    Parameters
    ----------
    paths
        Recordings of any format, or folders of them; of an array all recordings.
    output
        A folder that is new, empty, or of an earlier conversion.
    salt
        Secret of the patient keys; None for none.
    workers
        Processes; all processors by default.
    array
        Rate, unit, leads of arrays of numbers, as `read_any` takes them.

    Raises
    ------
    InputError
        If the folder holds anything else, is in use, or is among those to be converted; or if
        processes keep being killed.
    OSError
        If the folder cannot be written.
    """
    output = Path(output)
    given = _given(paths, output, array)
    log = Log(output, {**array, "salt": patient_key("salt", salt)})
    with locked(output / LOCK), log:
        jobs = list(_jobs(given, log))
        waiting = [job for job in jobs if not log.has(job.source, job.stamp)]
        failures: dict[Path, str] = {}
        with bar(
            total=len(jobs), initial=len(jobs) - len(waiting), desc="recordings", unit="rec"
        ) as shown:
            for done, failed in _results(waiting, output, salt, workers, array):
                for entry in done:
                    log.add(entry)
                failures |= failed
                shown.update(len(done) + len(failed))
        for path in failures:
            log.drop(_source(path))
        write_tables(output, log.entries.values(), failures)
        return _summary(jobs, len(jobs) - len(waiting), log, failures)


def _given(paths: Iterable[str | Path], output: Path, array: Mapping[str, Any]) -> dict[Path, Path]:
    """Return recording → folder that it is below; nothing of the output is among them."""
    named, place = list(map(Path, paths)), output.resolve()
    for path in named:
        if path.resolve().is_relative_to(place):
            raise InputError(f"{path}: in {output}, which is to be written; name another folder")
    found: dict[str, tuple[Path, Path]] = {}
    for path, folder in expand(named, array or None).items():
        for recording in _single(path, array.get("leads")):
            if not Path(source := _source(recording)).is_relative_to(place):
                found.setdefault(source, (recording, folder))
    return dict(found.values())


def _single(path: Path, leads: Sequence[str] | str | None) -> list[Path]:
    """Return the recordings of an array, or the path of any other recording."""
    file, index = split_index(path)
    try:
        many = index is None and is_file(file) and format_at(path) is ARRAY
    except OSError:  # which reading it says again
        many = False
    return elements(path, leads) if many else [path]


def _jobs(given: Mapping[Path, Path], log: Log) -> Iterator[_Job]:
    """Name the outputs: as earlier, or by the path, with a number where that is taken."""
    taken = {entry.name.lower() for entry in log.entries.values()}
    numbers: Counter[str] = Counter()
    for path, folder in given.items():
        earlier = log.entries.get(_source(path))
        name = earlier.name if earlier else _name(path, folder)
        if not earlier:
            first = name
            while name.lower() in taken:
                numbers[first.lower()] += 1
                name = f"{first}-{numbers[first.lower()] + 1}"
        taken.add(name.lower())
        yield _Job(path, name, f"{log.options} {_state(path)}")


def _source(path: Path) -> str:
    """Return a recording's path as it is noted: the same in whatever way it was given."""
    if path.suffix.lower() in (HEADER, *SIGNALS):
        stem = stem_of(path)
        path = stem if is_file(header_path(stem)) else path
    return str(path.parent.resolve() / path.name)


def _name(path: Path, folder: Path) -> str:
    """Return a name of letters that WFDB allows, from the path below a folder."""
    file, index = split_index(path.relative_to(folder))
    parts = Path(normal_form(file)).parts
    clean = [
        _NOT_IN_NAMES.sub("_", part).strip("_")[:LONGEST_NAME] or "recording" for part in parts
    ]
    name = "/".join(clean) or "recording"
    return name if index is None else f"{name}_{index}"


def _state(path: Path) -> str:
    """Return size and time of a recording's files; "" of those that cannot be looked at."""
    try:
        return _stamp_of(path)
    except OSError:  # which reading it says again
        return ""


def _stamp_of(path: Path) -> str:
    file, _ = split_index(path)
    files = [file] if is_file(file) else []
    if file.suffix.lower() in (HEADER, *SIGNALS) or not files:
        stem = stem_of(file)
        own = (stem.with_name(f"{stem.name}{suffix}") for suffix in (HEADER, *SIGNALS))
        files = [existing(one) or one for one in own]
        try:
            files += signal_files(files[0], read_header(stem))
        except InputError:  # which reading it says again
            pass
    states = [file.stat() for file in dict.fromkeys(files) if is_file(file)]
    return " ".join(f"{state.st_size} {state.st_mtime_ns}" for state in states)


def _results(
    jobs: Sequence[_Job], output: Path, salt: str | None, workers: int | None, array: dict[str, Any]
) -> Iterator[tuple[list[Finished], dict[Path, str]]]:
    """Yield what is finished and what failed, some recordings at a time, in any order."""
    chunks = [jobs[i : i + CHUNK] for i in range(0, len(jobs), CHUNK)]
    executor = LocalExecutor(max(1, min(workers or cpu_count(), len(chunks))))
    arguments = {i: (chunk, output, salt, array) for i, chunk in enumerate(chunks)}
    for _, result in executor.completed(_convert_chunk, arguments):
        yield result


def _convert_chunk(
    jobs: Sequence[_Job], output: Path, salt: str | None, array: dict[str, Any]
) -> tuple[list[Finished], dict[Path, str]]:
    done, failed = [], {}
    for job in jobs:
        try:
            with record_errors(job.path):
                record = open_any(job.path, **array)
                if record.n_samples <= samples(STRETCH, record.rate):
                    record = OpenRecord.of(record.cut())  # read once
                record, steps = _planned(record)
                entry = _entry(job, salt, steps.note)
        except (InputError, MemoryError) as error:
            failed[job.path] = _reason(job.path, error)
            continue
        place = (output / job.name).parent
        kept = (steps.apply(one, Path(job.name).name) for one in _stretches(record))
        try:
            place.mkdir(parents=True, exist_ok=True)
            write_stretches(place, kept, record.n_samples)
        except InputError as error:  # of the recording, which is read again
            failed[job.path] = _reason(job.path, error)
            continue
        except OSError as error:
            if error.errno in NO_SPACE or not output.is_dir():  # no other can be written either
                raise
            failed[job.path] = _reason(job.path, error)
            continue
        done.append(entry)
    return done, failed


def _planned(record: OpenRecord) -> tuple[OpenRecord, Steps]:
    """Return the steps of a recording; in memory, if its leads change from segment to segment."""
    try:
        return record, steps_of(_stretches(record))
    except LeadsChangeError:
        whole = record.cut()
        return OpenRecord.of(whole), steps_of([whole])


def _stretches(record: OpenRecord) -> Iterator[Record]:
    """Read a recording stretch by stretch; most are no longer than one."""
    each = samples(STRETCH, record.rate)
    for first in range(0, record.n_samples, each):
        yield record.read(first, min(each, record.n_samples - first))


def _entry(job: _Job, salt: str | None, note: str) -> Finished:
    """Return what is noted of a recording."""
    row = format_at(job.path) or _format_by_options(job.path)
    patient, said = None, None
    if row is MUSE:
        patient, said = read_statements(job.path, salt)
    elif row.statements:
        said = row.statements(job.path)
    if salt and row.identifier:
        patient = patient_key(row.identifier(job.path), salt)
    return Finished(
        source=job.source, stamp=job.stamp, name=job.name, format=row.name,
        patient=patient or "", statements=said, note=note,
    )  # fmt: skip


def _format_by_options(path: Path) -> Format:
    """Return the format of what its first bytes do not tell: a table, or a stem of WFDB."""
    file, _ = split_index(path)
    return WFDB if file.suffix.lower() in (HEADER, *SIGNALS) or not is_file(file) else ARRAY


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return file_error(error, path)
    text = str(error) or type(error).__name__
    return text if str(path) in text else f"{path}: {text}"


def _summary(jobs: Sequence[_Job], earlier: int, log: Log, failures: Mapping[Path, str]) -> Summary:
    found = [log.entries[job.source] for job in jobs if job.path not in failures]
    return Summary(
        total=len(jobs),
        earlier=earlier,
        formats=dict(Counter(entry.format for entry in found)),
        changed=sum(bool(entry.note) for entry in found),
        with_statements=sum(bool(entry.statements) for entry in found),
        failures=failures,
    )
