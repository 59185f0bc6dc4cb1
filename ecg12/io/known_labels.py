"""Which labels are known: cells of recordings and classes that may count for or against a class.

A label is unknown where a label table has an empty cell (`label_table`), and where the recording's
database does not label the class at all and the recording does not show it either. A csv table says
which codes a database labels, one database a line, codes separated by blanks, or by "|" where one's
own keys hold blanks:

    database,codes
    cpsc2018,164889003 270492004 164909002 426783006
    mine,atrial fibrillation|sinus rhythm

Databases are named as by `databases.database_of`. Of one that is not in the table all is known.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.runtime.csv_tables import read_table
from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)
DATABASE, CODES = "database", "codes"


@dataclass(frozen=True, eq=False)
class LabelledClasses:
    """Which codes some databases label.

    Attributes
    ----------
    codes
        Database → the codes, or keys of one's own classes, that it labels.
    source
        Path of the table that they were read from.
    """

    codes: Mapping[str, frozenset[str]]
    source: str = ""

    def unlabelled(self, database: str, columns: Sequence[str]) -> tuple[str, ...]:
        """Return those of the columns that a database does not label."""
        labelled = self.codes.get(database)
        return () if labelled is None else tuple(c for c in columns if c not in labelled)


def read_labelled_classes(path: str | Path) -> LabelledClasses:
    """Read which codes each database labels.

    Raises
    ------
    InputError
        If a column is missing, a database has no name, no codes or two lines, or there is none. The
        message names file and line.
    FileNotFoundError
        If there is no such file.
    """
    table = read_table(path, (DATABASE, CODES))
    found: dict[str, frozenset[str]] = {}
    for line, cells in table.records():
        database, codes = cells[DATABASE], _codes_of(cells[CODES])
        if not database or not codes:
            raise InputError(f"{table.where(line)}: needs a database and its codes; got {cells}")
        if "," in cells[CODES]:
            raise InputError(
                f"{table.where(line)}: codes {cells[CODES]!r}; blanks or | divide them, not commas"
            )
        if database in found:
            raise InputError(f"{table.where(line)}: {database!r} has a line already")
        found[database] = codes
    if not found:
        raise InputError(f"{path}: names no database; a line reads cpsc2018,164889003 270492004")
    return LabelledClasses(found, str(path))


def _codes_of(cell: str) -> frozenset[str]:
    codes = cell.split("|") if "|" in cell else cell.split()
    return frozenset(filter(None, map(str.strip, codes)))


def warn_of_absent(
    labelled: LabelledClasses, databases: Sequence[str], classes: ScoredClasses
) -> None:
    """Name in the log what a table has in vain.

    These are databases to which none of the recordings belongs, and those that label none of the
    classes by it, such that all that they do not show is unknown.
    """
    columns = set(classes.columns)
    if foreign := [name for name, codes in labelled.codes.items() if columns.isdisjoint(codes)]:
        log.warning(
            "%s: no code of %s is one of the classes: %s",
            labelled.source, ", ".join(foreign), ", ".join(sorted(labelled.codes[foreign[0]])[:5]),
        )  # fmt: skip
    present = sorted(set(databases))
    if absent := [name for name in labelled.codes if name not in present]:
        log.warning(
            "%s: no recording belongs to %s; the databases are %s",
            labelled.source, ", ".join(absent), ", ".join(present),
        )  # fmt: skip


def known_cells(
    classes: ScoredClasses,
    codes: Sequence[Sequence[str]],
    unknown: Sequence[Sequence[str]] = (),
    *,
    databases: Sequence[str] = (),
    labelled: LabelledClasses | None = None,
) -> np.ndarray | None:
    """Return of which classes each recording is known to show them or not.

    Of equivalent codes one that is known is enough.

    Parameters
    ----------
    classes
        The scored classes.
    codes
        The codes that each recording shows; what it shows is known.
    unknown
        The codes of which each recording does not say it; empty: none of any.
    databases
        Each recording's database; needed with `labelled`.
    labelled
        The codes that databases label; None: all label all.

    Returns
    -------
    (n_recordings, n_classes) bool; None if all are known.
    """
    column_of = {code: column for column, code in enumerate(classes.columns)}
    cells = np.ones((len(codes), len(classes.columns)), bool)
    for row, blank in zip(cells, unknown, strict=False):
        row[[column_of[code] for code in blank if code in column_of]] = False
    if labelled is not None:
        for row, database in zip(cells, databases, strict=True):
            blank = labelled.unlabelled(database, classes.columns)
            row[[column_of[code] for code in blank]] = False
    for row, shown in zip(cells, codes, strict=True):
        row[[column_of[code] for code in shown if code in column_of]] = True
    starts = np.searchsorted(classes.class_of_column, np.arange(len(classes)))
    known = np.asarray(np.logical_or.reduceat(cells, starts, axis=1))
    return None if known.all() else known
