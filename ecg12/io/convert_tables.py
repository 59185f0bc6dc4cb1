"""The tables beside converted recordings: what they are, their statements, and what failed."""

from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from ecg12.io.convert_log import Finished
from ecg12.io.label_table import PATIENT, RECORDING
from ecg12.runtime.csv_tables import write_rows

RECORDINGS, STATEMENTS, FAILURES = "recordings.csv", "statements.csv", "failures.csv"


def write_tables(output: Path, finished: Iterable[Finished], failures: Mapping[Path, str]) -> None:
    """Write the tables of an output folder; what has no rows but the recordings' is removed.

    Parameters
    ----------
    output
        The folder.
    finished
        What is converted, by this run and earlier ones; entries without a stamp are left out.
    failures
        Recording → why it could not be converted.
    """
    entries = sorted((e for e in finished if e.stamp), key=lambda entry: entry.name)
    head = [RECORDING, PATIENT, "source", "format", "note"]
    rows = ([e.name, e.patient, e.source, e.format, e.note] for e in entries)
    write_rows(output / RECORDINGS, chain([head], rows))
    said = [(e.name, e.patient, *e.statements) for e in entries if e.statements is not None]
    width = max([3, *map(len, said)])
    head = [RECORDING, PATIENT, *(f"text_{i}" for i in range(1, width - 1))]
    rows = ([*cells, *[""] * (width - len(cells))] for cells in said)
    _table(output / STATEMENTS, head, rows if said else None)
    lines = ([str(path), reason] for path, reason in failures.items())
    _table(output / FAILURES, ["source", "reason"], lines if failures else None)


def _table(path: Path, head: list[str], rows: Iterable[list[str]] | None) -> None:
    """Write a table, or remove it if there are no rows."""
    if rows is None:
        path.unlink(missing_ok=True)
    else:
        write_rows(path, chain([head], rows))
