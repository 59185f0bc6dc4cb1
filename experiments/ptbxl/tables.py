"""Tables of results that grow by a row at a time; a killed run leaves them whole."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg12.runtime.files import atomic_write


def read_rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a csv table; none if there is no such file."""
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append_row(table: Path, fields: Sequence[str], row: Mapping[str, Any]) -> None:
    """Write a table once more with one row added; cells that `row` lacks are empty."""
    rows: list[Mapping[str, Any]] = [*read_rows(table), row]
    with (
        atomic_write(table) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
