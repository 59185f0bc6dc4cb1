"""Tables as text (csv, tsv): one reader and one writer for all of the package.

Spreadsheets and databases write tables in many ways. The reader takes all of these:

* UTF-8, UTF-16 and UTF-32 with a byte order mark; UTF-8 and UTF-16 without one; otherwise Windows'
  code page 1252, or ISO 8859-1 where a byte has no meaning in that.
* Comma, semicolon or tab between cells.
* Lines that end in CRLF, LF or CR; line breaks inside quoted cells, which stay as they are.

The writer knows one way: UTF-8 without mark, lines that end in LF, written whole or not at all.

A table is read as a stream, so its size does not matter. Lines are counted as an editor counts
them; a row has the number of the line in which it begins. What cannot be read is an `InputError`
that names the file and the line.

Source: RFC 4180, "Common Format and MIME Type for CSV Files".
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from ecg12.runtime.errors import InputError
from ecg12.runtime.files import atomic_write
from ecg12.runtime.text import marked_encoding

DELIMITERS = (",", ";", "\t")
LONGEST = 2**24  # characters of a line or a cell
CHUNK = 2**20  # bytes that are decoded at a time
_END = "\0"  # a cell that no file has; a last row of two such tells that all quotes are closed
_QUOTED = re.compile(r'"[^"]*"')

Row = tuple[int, list[str]]  # the line in which it begins, counted from 1, and its cells


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is being read, its columns already, its rows one after the other.

    Attributes
    ----------
    path
        The file.
    columns
        Names of the columns, without outer blanks, in the order of the file.
    rows
        Line and cells of each row below the header; their number is not checked.
    delimiter
        What stands between cells.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Iterator[Row]
    delimiter: str

    def __iter__(self) -> Iterator[Row]:
        """Yield line and cells of each row, as many cells as columns.

        Raises
        ------
        InputError
            If a row has more cells or fewer.
        """
        for line, cells in self.rows:
            self.check(line, cells)
            yield line, cells

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield line and cells by column, without outer blanks; errors as in `__iter__`."""
        for line, cells in self:
            yield line, dict(zip(self.columns, (cell.strip() for cell in cells), strict=True))

    def check(self, line: int, cells: Sequence[str]) -> None:
        """Refuse a row that has not one cell per column, with an `InputError`."""
        if len(cells) != len(self.columns):
            raise InputError(
                f"{self.where(line)}: {len(cells)} cells, but {len(self.columns)} columns; "
                "cells that hold the delimiter must be quoted"
            )

    def require(self, names: Iterable[str]) -> None:
        """Refuse a table in which a column is missing or occurs twice, with an `InputError`."""
        names = list(names)
        if missing := [name for name in names if name not in self.columns]:
            found = ", ".join(self.columns) or "none"
            shown = ", ".join(map(repr, missing))
            raise InputError(f"{self.path}: no column {shown}; columns: {found}")
        if twice := [name for name in names if self.columns.count(name) > 1]:
            raise InputError(f"{self.path}: column {twice[0]!r} occurs twice")

    def where(self, line: int) -> str:
        """Name a line in an error message."""
        return f"{self.path}, line {line}"


def read_table(path: str | Path, names: Sequence[str] = ()) -> Table:
    """Read the header of a table; its rows are read as they are asked for.

    Parameters
    ----------
    path
        The file.
    names
        Columns that it must have. Others are allowed. The delimiter is the one that gives these
        columns, or else the one that the first line that is not blank holds most often.

    Raises
    ------
    InputError
        If one of them is missing or occurs twice, or as `read_rows`.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    delimiter, rows = _open(path, names)
    _, header = next(rows, (1, []))
    table = Table(path, tuple(cell.strip() for cell in header), rows, delimiter)
    table.require(names)
    return table


def read_rows(path: str | Path) -> Iterator[Row]:
    """Yield line and cells of each row of a table, the header like any other; blank lines not.

    Raises
    ------
    InputError
        If the file is no text, a line or a cell is longer than `LONGEST`, or a quote is not closed.
    FileNotFoundError
        If there is no such file.
    """
    return _open(Path(path), ())[1]


def _open(path: Path, names: Sequence[str]) -> tuple[str, Iterator[Row]]:
    """Return the delimiter of a table and its rows."""
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        lines = iter(partial(file.readline, LONGEST), "")
        delimiter = _delimiter(next((line for line in lines if line.strip()), ""), names)
    return delimiter, _rows(path, encoding, delimiter)


def _delimiter(first: str, names: Sequence[str]) -> str:
    """Return the delimiter that gives the first line the named columns, or else the commonest."""
    for delimiter in DELIMITERS if names else ():
        cells = next(csv.reader([first], delimiter=delimiter), [])
        if set(names) <= {cell.strip() for cell in cells}:
            return delimiter
    plain = _QUOTED.sub("", first)
    return max(DELIMITERS, key=plain.count)


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST)
    begin, cells = 1, [""]
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(_lines(path, file, delimiter), delimiter=delimiter)
        try:
            for cells in reader:
                if cells and cells[-1].endswith(_END):
                    break
                if len(cells) > 1 or "".join(cells).strip():
                    yield begin, cells
                begin = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{path}, line {begin}: no row of a table: {error}") from None
    if cells != [_END, _END]:
        raise InputError(f"{path}, line {begin}: a quote is opened here and never closed")


def _lines(path: Path, file: TextIO, delimiter: str) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        if len(line) == LONGEST:
            raise InputError(f"{path}, line {number}: longer than {LONGEST} characters")
        yield line
    yield f"{_END}{delimiter}{_END}"


def encoding_of(path: Path) -> str:
    """Return the encoding of a text file, under the name by which Python knows it.

    Text without a mark is taken for UTF-8 if it is such, or for one of the single-byte encodings if
    all before the first byte that is not UTF-8 is ASCII.

    Raises
    ------
    InputError
        If the file is no text in any of them, or no regular file, which could not be read again.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: not a regular file; copy the table into one")
    with path.open("rb") as file:
        marked = marked_encoding(file.read(4))
    for encoding in [marked] if marked else ["utf-8", "cp1252", "latin-1"]:
        fault = _first_fault(path, encoding)
        if fault is None:
            return encoding
        line, only_ascii = fault
        if marked or (encoding == "utf-8" and not only_ascii):
            break
    raise InputError(f"{path}, line {line}: not a text in {encoding.upper()}; save it as UTF-8")


def _first_fault(path: Path, encoding: str) -> tuple[int, bool] | None:
    """Look for bytes that are no text in an encoding.

    Returns
    -------
    The line of the first such bytes, and whether only ASCII stands before them; None if there are
    none.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line, only_ascii, before = 1, True, ""
    with path.open("rb") as file:
        while True:
            data = file.read(CHUNK)
            try:
                text, broken = decoder.decode(data, final=not data), False
            except UnicodeDecodeError as error:
                whole = error.object[: error.start]
                text, broken = whole.decode(encoding, errors="ignore"), True
            if "\0" in text:
                line += _breaks(before, text.partition("\0")[0])
                raise InputError(f"{path}, line {line}: a zero byte: not a text")
            line += _breaks(before, text)
            only_ascii = only_ascii and text.isascii()
            if broken:
                return line, only_ascii
            if not data:
                return None
            before = text or before


def _breaks(before: str, text: str) -> int:
    """Count the line breaks of a text; a CR that `before` ends in counts already."""
    n = text.count("\n") + text.count("\r") - text.count("\r\n")
    return n - (before.endswith("\r") and text.startswith("\n"))


@contextmanager
def table_writer(
    path: str | Path, delimiter: str = ","
) -> Iterator[Callable[[Iterable[Any]], Any]]:
    """Give a function that writes one row; the file appears, or is replaced, when all went well.

    Characters that cannot be encoded, such as those of a file name that is not UTF-8, are written
    as escapes.
    """
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        yield csv.writer(file, delimiter=delimiter, lineterminator="\n").writerow


def write_rows(path: str | Path, rows: Iterable[Iterable[object]], delimiter: str = ",") -> None:
    """Write a table, row by row: a generator of millions needs no memory.

    Parameters
    ----------
    path
        The file; see `table_writer`.
    rows
        The cells of each row, the header first; None is an empty cell.
    delimiter
        What stands between cells.
    """
    with table_writer(path, delimiter) as write:
        for cells in rows:
            write(cells)


def format_rows(rows: Iterable[Iterable[object]]) -> str:
    """Return the text of a table, as `write_rows` would write it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
