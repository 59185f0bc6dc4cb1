"""Where statements come from: a folder of MUSE files, or a csv table with a row per recording.

Both are read as a stream of `Statements`; nothing of a recording is kept.
"""

import ast
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from string import Formatter

from ecg12.io.format_table import ARRAY, FORMATS, MUSE, UNREADABLE, format_of
from ecg12.io.formats import scan
from ecg12.io.label_table import normal_form
from ecg12.io.muse import patient_key, read_statements
from ecg12.io.statements import counted_readers, without_readers
from ecg12.runtime.csv_tables import Table, read_table
from ecg12.runtime.errors import InputError, RecordError, record_errors
from ecg12.runtime.executors import LocalExecutor

log = logging.getLogger(__name__)

WITH_STATEMENTS = tuple(row.name for row in FORMATS if row.statements)
CHUNK = 64  # files per job


@dataclass(frozen=True)
class Statements:
    """The diagnosis statements of one recording.

    Attributes
    ----------
    recording
        Its name in a label table.
    stamp
        What changes when the statements do.
    patient
        Salted hash, or "".
    segments
        Statements in order; free text, so that `repr` does not show them.
    unnamed
        How many sentences were left out of them because they name a reader.
    """

    recording: str
    stamp: str
    patient: str
    segments: tuple[str, ...] = field(repr=False)
    unnamed: int = 0


@dataclass(frozen=True)
class Columns:
    """The meaning of a csv table's columns.

    Attributes
    ----------
    recording
        Name of the column with the recording's path below its data folder, or a pattern of several
        in braces, `files/p{subject_id:.4}/s{study_id}/{study_id}`, where `:.4` keeps the first four
        characters.
    texts
        Names of the columns with statements, in order; `report_*` stands for all that match. A
        cell may hold a dictionary, as the SCP codes of PTB-XL do: its keys are the statements.
    patient
        Name of the column that identifies the patient; None if there is none.
    """

    recording: str
    texts: tuple[str, ...]
    patient: str | None = None


def muse_statements(
    folder: str | Path,
    salt: str | None = None,
    workers: int = 1,
    is_known: Callable[[str, str], bool] = lambda name, stamp: False,
    *,
    paths: Sequence[Path] | None = None,
) -> tuple[int, Iterator[Statements | RecordError]]:
    """Read the statements of an archive in parallel, of all formats that hold statements.

    Parameters
    ----------
    folder
        The archive.
    salt
        Secret of the patient keys; None for none.
    workers
        Processes; -1 for all processors.
    is_known
        Returns from name and stamp whether a file need not be read.
    paths
        What `files_with_statements` found in it; None: it is called.

    Returns
    -------
    Number of files that are read, and an iterator over their statements, in order; in place of a
    file that cannot be read, the error.

    Raises
    ------
    FileNotFoundError
        If there are no files of these formats.
    """
    folder = Path(folder)
    paths = files_with_statements(folder) if paths is None else paths
    found = ((path, _name(folder, path), _stamp(path)) for path in paths)
    files = [file for file in found if not is_known(*file[1:])]
    parts = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    done = LocalExecutor(workers).in_order(_read, [(part, salt) for part in parts])
    return len(files), (statements for part in done for statements in part)


def files_with_statements(folder: Path) -> list[Path]:
    """List the files below a folder that may hold statements; tell in the log of all others.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    found = scan(folder)
    paths = [path for path, row in found.recordings.items() if row.statements or row is UNREADABLE]
    arrays = [path for path, row in found.unread.items() if row is ARRAY]
    for path in arrays:
        found.recordings[path] = found.unread.pop(path)
    others = Counter(found.recordings[path].name for path in found.recordings.keys() - {*paths})
    found.complain()
    lines = [f"{n} of {name}, which holds no statements" for name, n in others.items()]
    for line in (*lines, *found.left_out()):
        log.info("%s: %s", folder, line)
    if not paths:
        raise FileNotFoundError(
            f"{folder}: no files with statements ({', '.join(WITH_STATEMENTS)})"
        )
    return sorted(paths)


def _name(folder: Path, path: Path) -> str:
    return normal_form(path.relative_to(folder))


def _stamp(path: Path) -> str:
    """Return size and time of a file; "" if it cannot be read, as reading it will report."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def _read(files: list[tuple[Path, str, str]], salt: str | None) -> list[Statements | RecordError]:
    found: list[Statements | RecordError] = []
    for path, name, stamp in files:
        try:
            with record_errors(path), counted_readers() as left_out:
                patient, segments = _statements_of(path, salt)
        except RecordError as error:
            found.append(error)
        else:
            unnamed = left_out["dropped"]
            found.append(Statements(name, stamp, patient or "", segments, unnamed))
    return found


def _statements_of(path: Path, salt: str | None) -> tuple[str | None, tuple[str, ...]]:
    row = format_of(path)
    if row is None or row is MUSE or row.statements is None:
        return read_statements(path, salt)
    key = patient_key(row.identifier(path), salt) if salt and row.identifier else None
    return key, row.statements(path)


def table_statements(
    path: str | Path, columns: Columns, salt: str | None = None
) -> Iterator[Statements | RecordError]:
    """Read the statements of a csv table, row by row.

    Parameters
    ----------
    path
        The table.
    columns
        Which columns to read.
    salt
        Secret of the patient keys; None for none.

    Returns
    -------
    The statements of each row; in place of a row without a recording's name, or with cells too many
    or too few, an error.

    Raises
    ------
    InputError
        At once if a column does not exist, or the file is no csv table. The message lists the
        columns.
    """
    named = _fields(columns.recording) or [columns.recording]
    named += [columns.patient] if columns.patient else []
    table = read_table(path, named)
    return _rows_of(table, columns, _texts(table, columns.texts), salt)


def _rows_of(
    table: Table, columns: Columns, texts: list[str], salt: str | None
) -> Iterator[Statements | RecordError]:
    for line, row in table.rows:
        try:
            table.check(line, row)
        except InputError as error:
            yield RecordError(str(error))
            continue
        cells = dict(zip(table.columns, map(str.strip, row), strict=True))
        yield _statements(table.where(line), cells, columns, texts, salt)


def _texts(table: Table, patterns: Sequence[str]) -> list[str]:
    """Return the columns of text; refuse names that the table does not have."""
    texts = []
    for pattern in patterns:
        matching = [name for name in table.columns if fnmatchcase(name, pattern)]
        texts += sorted(matching, key=_by_number) or [pattern]
    table.require(texts)
    return texts


def _fields(pattern: str) -> list[str]:
    """Return the columns in braces of a pattern."""
    try:
        fields = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]
        pattern.format_map(dict.fromkeys(fields, ""))
    except (ValueError, LookupError, AttributeError) as error:
        raise InputError(f"cannot make a path of {pattern!r}: {error}") from None
    return fields


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sort report_2 before report_10."""
    return [(int(part or 0) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]


def _statements(
    where: str, cells: dict[str, str], columns: Columns, texts: list[str], salt: str | None
) -> Statements | RecordError:
    pattern = columns.recording
    path = pattern.format_map(cells) if "{" in pattern else cells[pattern]
    name = normal_form(path)
    if not name:
        return RecordError(f"{where}: no name of a recording in {pattern!r}")
    patient = patient_key(cells[columns.patient], salt) if columns.patient else None
    segments = tuple(segment for text in texts for segment in _segments(cells[text]))
    stamp = hashlib.sha256("\n".join([patient or "", *segments]).encode()).hexdigest()[:16]
    kept, unnamed = without_readers(segments)
    return Statements(name, stamp, patient or "", tuple(kept), unnamed)


def _segments(cell: str) -> list[str]:
    """Return the statements of a cell: its text, or the keys of a dictionary."""
    if cell.startswith("{"):
        try:
            return [str(key) for key in ast.literal_eval(cell)]
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return [cell]  # text that happens to begin with a brace
    return [cell] if cell else []
