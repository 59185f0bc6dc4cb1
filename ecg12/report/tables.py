"""Tables of a report: one set of rows for the page and for csv."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecg12.metrics.intervals import Estimate
from ecg12.report.curves import Curve
from ecg12.runtime.csv_tables import format_rows
from ecg12.runtime.files import write_text

Cell = str | int | float | Estimate
NONE = "–"  # an undefined value on the page


@dataclass(frozen=True)
class Table:
    """A table with named columns.

    Attributes
    ----------
    name
        Of its csv file, without suffix.
    title
        Its caption on the page.
    columns
        Column headings.
    rows
        The cells; NaN where undefined.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]

    @property
    def numeric(self) -> list[bool]:
        """Whether each column holds numbers."""
        return [not any(isinstance(cell, str) for cell in column) for column in self._cells()]

    def _cells(self) -> list[tuple[Cell, ...]]:
        return list(zip(*self.rows, strict=True)) or [() for _ in self.columns]

    def column(self, name: str) -> list:
        """Return the cells of the column with a heading."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def csv(self) -> str:
        """Return the table as csv with all digits; an estimate takes three columns."""
        wide = [any(isinstance(cell, Estimate) for cell in column) for column in self._cells()]
        heading: list[str] = []
        for name, estimate in zip(self.columns, wide, strict=True):
            heading += [name, f"{name} low", f"{name} high"] if estimate else [name]
        rows = ([part for cell in row for part in _parts(cell)] for row in self.rows)
        return format_rows([heading, *rows])

    def text(self, *names: str) -> str:
        """Return the named columns, or all, aligned for a terminal."""
        kept = [self.columns.index(name) for name in names or self.columns]
        rows = [[_plain(row[place]) for place in kept] for row in self.rows]
        cells = [[self.columns[place] for place in kept], *rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = (zip(row, widths, strict=True) for row in cells)
        return "\n".join("  ".join(f"{c:{w}}" for c, w in line).rstrip() for line in lines)

    def write(self, folder: Path) -> Path:
        """Write the table as `<name>.csv`; return its path."""
        path = folder / f"{self.name}.csv"
        write_text(path, self.csv())
        return path


def _parts(cell: Cell) -> list[str]:
    if isinstance(cell, Estimate):
        return [part for value in cell for part in _parts(value)]
    return ["" if isinstance(cell, float) and math.isnan(cell) else str(cell)]


def _plain(cell: Cell) -> str:
    return str(cell) if isinstance(cell, Estimate) else shown(cell)


def shown(cell: str | int | float) -> str:
    """Return a cell as the page shows it: fractions with three decimals."""
    if isinstance(cell, float):
        return NONE if math.isnan(cell) else _minus(f"{round(cell, 3) + 0.0:.3f}")
    return f"{cell:,}" if isinstance(cell, int) else cell


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def sort_key(cell: Cell) -> str:
    """Return what the page sorts a cell by: a number, or a text as it is; empty if undefined."""
    if isinstance(cell, Estimate):
        return sort_key(cell.value)
    return "" if isinstance(cell, float) and math.isnan(cell) else str(cell)


def points(
    name: str, axes: tuple[str, str], names: Sequence[str], found: Sequence[Curve | None]
) -> Table:
    """Return the points of curves as a table."""
    rows = [
        (short, x, y)
        for short, curve in zip(names, found, strict=True)
        if curve is not None
        for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True)
    ]
    return Table(name, name, ("class", *axes), rows)
