"""Tables of numbers as text (csv, tsv), a column or a row per lead.

Comma, semicolon, tab or blanks stand between the cells, which may be quoted; with a semicolon or a
tab the decimal sign may be a comma. An empty cell is a missing sample. The first row may name the
columns, also after a ``#``; columns without name, such as the row numbers that pandas writes, and
of times are left out. Names that only number the columns, 0, 1, 2 ... as pandas or V1 to V12 as R
writes them, are no leads. Units may stand behind the names, ``I (mV)``, or in a row of their own,
as WFDB's rdsamp writes them. Or the first cell of every row names a lead. Text is UTF-8, Latin-1
or UTF-16.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from ecg12.io.leads import LEADS, standard_lead, standard_leads
from ecg12.io.record import MILLIVOLTS_PER_UNIT
from ecg12.runtime.errors import RecordError
from ecg12.runtime.text import marked_encoding

LARGEST_TABLE = 2**26  # characters; 12 leads of an hour at 100 Hz take 2**25
DELIMITERS = ("\t", ";", ",")  # the first that a line has; none of them: blanks
FEWEST = 2  # columns of a table of leads, and names of leads among its columns
HEAD = 4096  # bytes from which a table is recognised
_WITH_UNIT = re.compile(r"(.*?)\s*[\[(]\s*([^\s\])]+)\s*[\])]")
_TIME = re.compile(r"[\d:.,/ TZ+\[\]-]*")
_NUMBERED = re.compile(r"(\D*)\d+")
_TIME_NAME = re.compile(r"(?:elapsed |time ?)?(?:time|stamp|t|s|ms|seconds?|samples?|index)\b.*")


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers (n_rows, n_columns) float64, NaN where a cell is empty, of columns as leads.

    `names` are their leads, none where the file has none; `unit` is "" where it says none.
    """

    values: np.ndarray
    names: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True)
class _Heading:
    """Names of the columns, without units, and the units, "" where there is none."""

    names: Sequence[str] = ()
    units: Sequence[str] = ()

    @property
    def leads(self) -> dict[int, str]:
        """Column → lead of the columns that are named as one of the twelve leads."""
        if _are_counted(self.names):
            return {}
        leads = enumerate(standard_leads(self.names))
        return {column: lead for column, lead in leads if lead in LEADS}


def is_text(head: bytes) -> bool:
    """Tell whether the first bytes are those of a text."""
    return bool(head) and "\0" not in head.decode(_encoding(head), errors="replace")


def is_table(head: bytes) -> bool:
    """Tell whether the first bytes are a table of numbers, with or without names of leads."""
    lines = head.decode(_encoding(head), errors="replace").splitlines()
    cut = len(head) >= HEAD
    if cut and len(lines) > 1:
        lines.pop()
    heading, rows = _split(iter(lines))
    cells = [_cells(row) for row in rows]
    if cut and len(lines) == 1 and cells:
        cells[0].pop()
    if not cells or len(cells[0]) < FEWEST or len({len(row) for row in cells}) > 1:
        return not cells and bool(lines) and _is_lead_row(_cells(lines[0])[: -1 if cut else None])
    if len(leads := heading.leads) >= FEWEST and max(leads) < len(cells[0]):
        others = [cell for row in cells for n, cell in enumerate(row) if n not in leads]
        cells = [[row[column] for column in leads] for row in cells]
        return all(map(_are_numbers, cells)) and all(_is_number_or_time(cell) for cell in others)
    named = not heading.names or _are_counted(heading.names)
    return named and all(map(_are_numbers, cells))


def read_table_of_numbers(path: Path, n_rows: int | None = None) -> Table:
    """Read a table of numbers.

    Parameters
    ----------
    path
        The file.
    n_rows
        Read only the first rows, if there are more; all of them by default.

    Returns
    -------
    Table
        If columns are named as leads, these columns alone.

    Raises
    ------
    RecordError
        If a cell is no number, rows differ in length, or the file is too large.
    """
    with path.open("rb") as file:
        encoding = _encoding(file.read(4))
    with path.open(encoding=encoding, errors="replace") as text:
        first = next((line for line in _lines(text, path) if line.strip()), "")
        text.seek(0)
        lines = _lines(text, path)
        if _is_lead_row(_cells(first)):
            return _lead_rows(lines, path, n_rows)
        heading, rows = _split(lines)
        return _columns(heading, islice(rows, n_rows), path)


def _columns(heading: _Heading, rows: Iterator[str], path: Path) -> Table:
    names, leads = heading.names, heading.leads
    if len(leads) >= FEWEST:
        values = _numbers(rows, path, list(leads), len(names))
        units = list(dict.fromkeys(heading.units[column] for column in leads if heading.units))
        if len(units) > 1:
            shown = ", ".join(unit or "no unit" for unit in units)
            raise RecordError(f"{path}: leads in {shown}; all must be in one unit")
        return Table(values, tuple(leads.values()), "".join(units))
    values = _numbers(rows, path)
    if values.shape[1] not in (len(names), len(LEADS)):
        values = _without_open_end(values)
    if not names:
        return Table(values)
    if len(names) != values.shape[1]:
        raise RecordError(f"{path}: {len(names)} names, but {values.shape[1]} columns")
    kept = [n for n, name in enumerate(names) if name and not _TIME_NAME.fullmatch(name.lower())]
    return Table(values[:, kept])


def _lead_rows(lines: Iterator[str], path: Path, n_rows: int | None) -> Table:
    """Read rows that begin with the name of their lead."""
    rows = [line for line in lines if line.strip()]
    width = len(_cells(rows[0]))
    values = _numbers(rows, path, range(1, width))
    names = standard_leads(_cells(row)[0] for row in rows)
    return Table(values.T[:n_rows], tuple(names))


def _is_lead_row(cells: Sequence[str]) -> bool:
    return len(cells) > FEWEST and standard_lead(cells[0]) in LEADS and _are_numbers(cells[1:])


def _is_number_or_time(cell: str) -> bool:
    return _TIME.fullmatch(cell) is not None or _are_numbers([cell])


def _encoding(head: bytes) -> str:
    # Numbers and names of leads are ASCII, whatever else the file holds.
    return marked_encoding(head[:4]) or "latin-1"


def _lines(text: TextIO, path: Path) -> Iterator[str]:
    read = 0
    while line := text.readline(LARGEST_TABLE):
        read += len(line)
        if read >= LARGEST_TABLE:
            raise RecordError(f"{path}: larger than {LARGEST_TABLE} characters, the most read")
        yield line


def _split(lines: Iterator[str]) -> tuple[_Heading, Iterator[str]]:
    """Return what heads the columns, if anything does, and the lines that hold numbers."""
    names: list[str] = []
    for line in lines:
        line = line.lstrip("\ufeff")
        comment, content = line.lstrip().startswith("#"), line.lstrip(" #")
        cells = _cells(content)
        if content.strip() and not comment and _are_numbers(cells):
            counted = _are_counted(cells)
            return _headed(cells if counted else names), lines if counted else chain([line], lines)
        if content.strip() and not comment:
            following = next(lines, "")
            if _are_units(_cells(following)):
                return _headed(cells, _cells(following)), lines
            return _headed(cells), chain([following] if following else [], lines)
        names = cells if content.strip() else names
    return _headed(names), iter(())


def _headed(names: Sequence[str], units: Sequence[str] = ()) -> _Heading:
    """Part names from units behind them, ``I (mV)``."""
    found = [_WITH_UNIT.fullmatch(name) for name in names]
    parted = [
        (match[1], match[2]) if match and _is_voltage(match[2]) else (name, "")
        for name, match in zip(names, found, strict=True)
    ]
    if len(units) != len(names):
        units = [unit for _, unit in parted]
    known = [_as_written(unit) if _is_voltage(unit) else "" for unit in units]
    return _Heading([name for name, _ in parted], known)


def _as_written(unit: str) -> str:
    """Return a unit with the micro sign that was read as two letters of Latin-1."""
    return unit.replace("\u00c2\u00b5", "\u00b5").replace("\u00ce\u00bc", "\u03bc")


def _is_voltage(unit: str) -> bool:
    return _as_written(unit).lower() in MILLIVOLTS_PER_UNIT


def _are_units(cells: Sequence[str]) -> bool:
    """Tell whether these are units in a row of their own: of two columns or more voltages."""
    return sum(map(_is_voltage, cells)) >= FEWEST and not any(_are_numbers([c]) for c in cells)


def _cells(line: str) -> list[str]:
    """Split a line; with other delimiters than a comma, that is a decimal sign."""
    delimiter = next((mark for mark in DELIMITERS if mark in line), None)
    cells = [cell.strip(" \"'\r\n") for cell in line.strip(" \r\n").split(delimiter)]
    return cells if delimiter in (",", None) else [cell.replace(",", ".") for cell in cells]


def _are_numbers(cells: Iterable[str]) -> bool:
    """Tell whether all cells are numbers or empty, and at least one is a number."""
    try:
        return any([cell and "_" not in cell and float(cell) is not None for cell in cells])
    except ValueError:
        return False


def _are_counted(cells: Iterable[str]) -> bool:
    """Tell whether these only number the columns, from 0 or 1, alone or like leads (V1 to V12).

    V1 to V6 are leads, and so is every such row of which all are. Two numbers that begin with 1
    may as well be samples.
    """
    named = [cell for cell in cells if cell and not _TIME_NAME.fullmatch(cell.lower())]
    found = _NUMBERED.fullmatch(named[0]) if named else None
    if found is None:
        return False
    letters, count = found[1], len(named)
    firsts = (0,) if count <= FEWEST and not letters else (0, 1)
    counted = any(named == [f"{letters}{first + k}" for k in range(count)] for first in firsts)
    leads = [lead in LEADS for lead in standard_leads(named)]
    return counted and not all(leads) and (not letters or any(leads))


def _numbers(
    rows: Iterable[str],
    path: Path,
    columns: Sequence[int] | None = None,
    n_names: int | None = None,
) -> np.ndarray:
    """Read rows of equal length, all columns or some; `n_names` is how many have a name."""
    values, width, n_rows = array("d"), 0, 0
    for row in rows:
        if not row.strip():
            continue
        cells = _cells(row)
        n_rows, width = n_rows + 1, width or len(cells)
        if n_names and not n_names <= width <= n_names + 1:  # a delimiter may end every row
            raise RecordError(f"{path}: {n_names} names, but {width} columns")
        if len(cells) != width or "_" in row:
            raise RecordError(
                f"{path}: row {n_rows} of numbers has {len(cells)} cells, not {width}"
            )
        wanted = cells if columns is None else [cells[column] for column in columns]
        try:
            values.extend(float(cell) if cell else float("nan") for cell in wanted)
        except ValueError:
            raise RecordError(f"{path}: row {n_rows} of numbers: a cell is no number") from None
    if not n_rows:
        raise RecordError(f"{path}: a table without numbers")
    return np.frombuffer(values).reshape(n_rows, -1)


def _without_open_end(table: np.ndarray) -> np.ndarray:
    """Drop the column that a delimiter at the end of every row makes."""
    return table[:, :-1] if table.shape[1] > FEWEST and np.isnan(table[:, -1]).all() else table
