"""Label tables: the classes and the patient of each recording of a folder.

A csv file, one row per recording, where the recordings themselves hold no labels:

    recording,patient,270492004,164889003,…
    2004/S00012,9f86d081884c7d65…,0,1,…

* `recording` is the path below the data folder, with `/` between folders and without the suffix of
  a recording (`.hea`, `.mat`, `.dat`, `.xml`): `normal_form` makes it of any spelling, so that one
  table fits challenge recordings and MUSE files alike.
* `patient` is a salted hash, equal for the recordings of one patient, or empty where unknown
  (`demographics.known_patient` says what else counts as unknown).
* Then one column of 0 and 1 per plain SNOMED CT code of the table of weights, or per key of one's
  own classes (`class_table`), which may be any text. An empty cell means unknown: the recording
  counts neither for nor against that class. A column without any 0 or 1 is of a class that the
  source does not label at all.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path, PurePath

from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.demographics import known_patient
from ecg12.io.format_table import FORMATS
from ecg12.runtime.csv_tables import Table, read_table, table_writer
from ecg12.runtime.errors import InputError
from ecg12.runtime.text import storable

log = logging.getLogger(__name__)

RECORDING, PATIENT = "recording", "patient"
SUFFIXES = tuple({s: None for row in FORMATS if row.read for s in row.suffixes})  # in any case

Codes = tuple[str, ...]
Row = tuple[str, str, Codes]  # recording, patient, codes


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The labels of some recordings.

    Attributes
    ----------
    recordings
        Path of each recording below its folder, in normal form.
    patients
        Key of each recording's patient, a salted hash; "" where unknown.
    codes
        SNOMED CT codes of each recording, or keys of one's own classes, as `ScoredClasses.encode`
        takes them.
    unknown
        Codes or keys of each recording that it may or may not show; empty: none of any.
    """

    recordings: tuple[str, ...]
    patients: tuple[str, ...]
    codes: tuple[Codes, ...]
    unknown: tuple[Codes, ...] = ()

    def __len__(self) -> int:
        return len(self.recordings)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each recording, by its normal form."""
        return {name: row for row, name in enumerate(self.recordings)}


def normal_form(path: str | PurePath) -> str:
    """Return a recording's name in a label table: POSIX path without the recording's suffix.

    Bytes of a name that are no UTF-8 are escapes in it, as in the tables that are written.

    Parameters
    ----------
    path
        Path of the recording relative to its data folder, with or without suffix.
    """
    text = path.as_posix() if isinstance(path, PurePath) else path.strip().replace("\\", "/")
    return storable(without_suffix(text.removeprefix("./")))


def without_suffix(name: str) -> str:
    """Return the name of a recording without the suffix by which its format is known."""
    suffix = next((s for s in SUFFIXES if name.lower().endswith(s)), "")
    return name[: len(name) - len(suffix)]


def first_of_each(
    found: Iterable[Path], name: Callable[[Path], str]
) -> tuple[dict[str, Path], list[tuple[str, Path]]]:
    """Return the recordings by name, the first of each, and name and path of those left out."""
    paths: dict[str, Path] = {}
    named = [(name(path), path) for path in found]
    left_out = [(each, path) for each, path in named if paths.setdefault(each, path) is not path]
    return paths, left_out


def write_label_rows(
    path: str | Path,
    rows: Iterable[Row | tuple[str, str, Codes, Codes]],
    columns: Sequence[str] | None = None,
) -> None:
    """Write a label table atomically, row by row: a generator of millions needs no memory.

    Parameters
    ----------
    path
        The csv file.
    rows
        Recording, patient key, codes and, if there are any, unknown codes; codes without a column
        are left out.
    columns
        Plain SNOMED CT codes or keys; by default the codes of the table of weights.
    """
    columns = load_weights(WEIGHTS).columns if columns is None else columns
    with table_writer(path) as write:
        write([RECORDING, PATIENT, *columns])
        for recording, patient, codes, *unknown in rows:
            blank = unknown[0] if unknown else ()
            cells = ["1" if c in codes else "" if c in blank else "0" for c in columns]
            write([normal_form(recording), patient, *cells])


def read_label_table(path: str | Path, columns: Sequence[str] | None = None) -> LabelTable:
    """Read a label table.

    Parameters
    ----------
    path
        The csv file; its columns may be in any order.
    columns
        The plain SNOMED CT codes or keys that it must have. By default the codes of the table of
        weights, and no other column is allowed. If given, there may be others, which are left out;
        the log names those that are no SNOMED CT codes.

    Raises
    ------
    InputError
        If a column is missing, unknown or occurs twice, a cell is not 0, 1 or empty, a row is too
        short or too long, or a recording is empty or occurs twice. The message names file, line
        and value.
    FileNotFoundError
        If there is no such file.
    """
    rows = list(_rows(read_table(path, (RECORDING, PATIENT)), columns))
    unknown = tuple(blank for _, _, _, blank in rows)
    return LabelTable(
        tuple(recording for recording, _, _, _ in rows),
        tuple(patient for _, patient, _, _ in rows),
        tuple(codes for _, _, codes, _ in rows),
        unknown if any(unknown) else (),
    )


def _rows(table: Table, own: Sequence[str] | None) -> Iterator[tuple[str, str, Codes, Codes]]:
    """Yield recording, patient, codes and unknown codes of each row."""
    columns = load_weights(WEIGHTS).columns if own is None else own
    _check_header(table, columns, others_allowed=own is not None)
    ordered = itemgetter(*(table.columns.index(name) for name in (RECORDING, PATIENT, *columns)))
    line_of: dict[str, int] = {}
    codes_of: dict[tuple[str, ...], tuple[Codes, Codes]] = {}  # combinations of cells are few
    for line, cells in table:
        where = table.where(line)
        recording, patient, *values = ordered(cells)
        name, combination = normal_form(recording), tuple(values)
        if not name:
            raise InputError(f"{where}: no name of a recording")
        if name in line_of:
            raise InputError(f"{where}: {name!r} is in line {line_of[name]} already")
        line_of[name] = line
        if combination not in codes_of:
            codes_of[combination] = _codes(where, columns, [value.strip() for value in values])
        yield name, known_patient(patient), *codes_of[combination]


def _check_header(table: Table, columns: Sequence[str], others_allowed: bool) -> None:
    """Expect each column once, and others only where they are allowed."""
    expected, header = (RECORDING, PATIENT, *columns), table.columns
    unknown = [name for name in header if name not in expected]
    if others_allowed:
        if texts := [name for name in unknown if not (name.isascii() and name.isdecimal())]:
            log.warning("%s: columns of no class are left out: %s", table.path, ", ".join(texts))
        unknown = []
    problems = {
        "misses": [name for name in expected if name not in header],
        "does not know": unknown,
        "has twice": [name for name in expected if header.count(name) > 1],
    }
    for verb, names in problems.items():
        if names:
            raise InputError(
                f"{table.path}: the label table {verb} {', '.join(map(repr, names))}; its "
                f"columns are {RECORDING}, {PATIENT} and one per class: {' '.join(columns)}"
            )


def _codes(where: str, columns: Sequence[str], values: list[str]) -> tuple[Codes, Codes]:
    """Return the codes of the cells with 1, and those of the empty cells."""
    cells = list(zip(columns, values, strict=True))
    for code, value in cells:
        if value not in ("0", "1", ""):
            raise InputError(f"{where}, column {code}: {value!r} is neither 0 nor 1, nor empty")
    present = tuple(code for code, value in cells if value == "1")
    return present, tuple(code for code, value in cells if not value)
