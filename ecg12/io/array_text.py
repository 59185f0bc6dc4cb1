"""Tables of numbers as text (csv, tsv), a column or a row per lead.

Comma, semicolon, tab or blanks stand between the cells, which may be quoted; with a semicolon or a
tab the decimal sign may be a comma. An empty cell is a missing sample. The first row may name the
columns, also after a ``#``; columns without name, such as the row numbers that pandas writes, are
left out. Text is UTF-8, Latin-1 or UTF-16.
"""

from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from ecg12.io.leads import LEADS, standard_leads
from ecg12.io.xml_file import MARKS
from ecg12.runtime.errors import RecordError

LARGEST_TABLE = 2**26  # characters; 12 leads of an hour at 100 Hz take 2**25
DELIMITERS = ("\t", ";", ",")  # the first that a line has; none of them: blanks
FEWEST = 2  # columns of a table of leads, and names of leads among its columns
HEAD = 4096  # bytes from which a table is recognised


def is_text(head: bytes) -> bool:
    """Tell whether the first bytes are those of a text."""
    return bool(head) and "\0" not in head.decode(_encoding(head), errors="replace")


def is_table(head: bytes) -> bool:
    """Tell whether the first bytes are a table of numbers, with or without names of leads."""
    lines = head.decode(_encoding(head), errors="replace").splitlines()
    cut = len(head) >= HEAD
    if cut and len(lines) > 1:
        lines.pop()
    names, rows = _split(iter(lines))
    cells = [_cells(row) for row in rows]
    if cut and len(lines) == 1 and cells:
        cells[0].pop()
    if not cells or len(cells[0]) < FEWEST or len({len(row) for row in cells}) > 1:
        return False
    named = not names or len(_known(names)) >= FEWEST or _are_counted(names)
    return named and all(map(_are_numbers, cells))


def read_table_of_numbers(
    path: Path, n_rows: int | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read a table of numbers.

    Parameters
    ----------
    path
        The file.
    n_rows
        Read only the first rows, if there are more; all of them by default.

    Returns
    -------
    values
        (n_rows, n_columns) float64, NaN where a cell is empty. If columns are named as leads, these
        columns alone.
    names
        The names of these columns; none where the file has none.

    Raises
    ------
    RecordError
        If a cell is no number, rows differ in length, or the file is too large.
    """
    with path.open("rb") as file:
        encoding = _encoding(file.read(4))
    with path.open(encoding=encoding, errors="replace") as text:
        names, rows = _split(_lines(text, path))
        values = _numbers(islice(rows, n_rows), path)
    if values.shape[1] not in (len(names), len(LEADS)):
        values = _without_open_end(values)
    if not names:
        return values, ()
    if len(names) != values.shape[1]:
        raise RecordError(f"{path}: {len(names)} names, but {values.shape[1]} columns")
    wanted = _known(names)
    if len(wanted) < FEWEST:
        return values[:, [column for column, name in enumerate(names) if name]], ()
    return values[:, list(wanted)], tuple(wanted.values())


def _encoding(head: bytes) -> str:
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    if 0 in head[:2]:
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "latin-1"  # numbers and names of leads are ASCII, whatever else the file holds


def _lines(text: TextIO, path: Path) -> Iterator[str]:
    read = 0
    while line := text.readline(LARGEST_TABLE):
        read += len(line)
        if read >= LARGEST_TABLE:
            raise RecordError(f"{path}: larger than {LARGEST_TABLE} characters, the most read")
        yield line


def _split(lines: Iterator[str]) -> tuple[list[str], Iterator[str]]:
    """Return the names of the columns, if the file has any, and the lines that hold numbers."""
    names: list[str] = []
    for line in lines:
        line = line.lstrip("\ufeff")
        comment, content = line.lstrip().startswith("#"), line.lstrip(" #")
        cells = _cells(content)
        if content.strip() and not comment and _are_numbers(cells):
            return (cells, lines) if _are_counted(cells) else (names, chain([line], lines))
        if content.strip() and not comment:
            return cells, lines
        names = cells if content.strip() else names
    return names, iter(())


def _cells(line: str) -> list[str]:
    """Split a line; with other delimiters than a comma, that is a decimal sign."""
    delimiter = next((mark for mark in DELIMITERS if mark in line), None)
    cells = [cell.strip(' "\r\n') for cell in line.strip(" \r\n").split(delimiter)]
    return cells if delimiter in (",", None) else [cell.replace(",", ".") for cell in cells]


def _are_numbers(cells: Iterable[str]) -> bool:
    """Tell whether all cells are numbers or empty, and at least one is a number."""
    try:
        return any([cell and "_" not in cell and float(cell) is not None for cell in cells])
    except ValueError:
        return False


def _are_counted(cells: Iterable[str]) -> bool:
    """Tell whether these are the numbers of columns, 0, 1, 2 ..., which pandas writes as names."""
    named = [cell for cell in cells if cell]
    return named == [str(number) for number in range(len(named))]


def _known(names: Iterable[str]) -> dict[int, str]:
    """Return column → lead of the columns that are named as one of the twelve leads."""
    leads = enumerate(standard_leads(names))
    return {column: lead for column, lead in leads if lead in LEADS}


def _numbers(rows: Iterable[str], path: Path) -> np.ndarray:
    """Read rows of equal length."""
    values, width, n_rows = array("d"), 0, 0
    for row in rows:
        if not row.strip():
            continue
        cells = _cells(row)
        n_rows, width = n_rows + 1, width or len(cells)
        try:
            values.extend(float(cell) if cell else float("nan") for cell in cells)
        except ValueError:
            raise RecordError(f"{path}: row {n_rows} of numbers: a cell is no number") from None
        if len(cells) != width or "_" in row:
            raise RecordError(
                f"{path}: row {n_rows} of numbers has {len(cells)} cells, not {width}"
            )
    if not n_rows:
        raise RecordError(f"{path}: a table without numbers")
    return np.frombuffer(values).reshape(n_rows, width)


def _without_open_end(table: np.ndarray) -> np.ndarray:
    """Drop the column that a delimiter at the end of every row makes."""
    return table[:, :-1] if table.shape[1] > FEWEST and np.isnan(table[:, -1]).all() else table
