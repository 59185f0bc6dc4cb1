"""A user's own diagnosis classes, read from a csv table.

One class a line::

    code,abbreviation,name
    164873001,LVH,left ventricular hypertrophy
    713427006|59118001,RBBB,right bundle branch block

The header line may be absent, and so may abbreviation and name; then those of the challenge's
tables are taken, or the key. Keys joined by `|` are one class.

A key is what the labels say: a SNOMED CT code, as in the challenge's headers, or any text such as
`NORM` or `AFIB`, as in a label table or a header's `Dx` line of one's own. It names the class in
output files and label tables too, so it has no comma, quote or line break and no `#` at its begin.

Every class counts the same and a wrong one earns nothing: the table of weights is the identity. If
sinus rhythm is among the classes, the challenge metric is the mean of |true and predicted| /
|true or predicted|, scaled such that predicting sinus rhythm for all is 0. If not, the macro
F-measure takes its place (`metrics.macro_f`).
"""

from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses, key_fault
from ecg12.io.label_table import PATIENT, RECORDING
from ecg12.runtime.csv_tables import read_rows
from ecg12.runtime.errors import InputError

HEADER = "code"
EXAMPLE = "713427006|59118001,RBBB,right bundle branch block"


def read_classes(path: str | Path) -> ScoredClasses:
    """Read one's own classes.

    Raises
    ------
    InputError
        If there is no class, a key cannot be one, or a key or an abbreviation occurs twice. The
        message names file, line and value.
    FileNotFoundError
        If there is no such file.
    """
    groups: list[tuple[str, ...]] = []
    named: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for line, cells in _rows(path):
        where, group = f"{path}, line {line}", tuple(key.strip() for key in cells[0].split("|"))
        _check(where, group)
        known = ScoredClasses((group,), np.eye(1), 2021)
        short, name = (*cells[1:3], "", "")[:2]
        groups.append(group)
        named.append((short or known.names[0], name or known.titles[0]))
        for value in (*group, named[-1][0]) if named[-1][0] not in group else group:
            if value in seen:
                raise InputError(f"{where}: {value!r} is in line {seen[value]} already")
            seen[value] = line
    if not groups:
        raise InputError(f"{path}: no classes; a line reads {EXAMPLE}")
    return ScoredClasses(tuple(groups), np.eye(len(groups)), 2021, tuple(named))


def _check(where: str, group: tuple[str, ...]) -> None:
    """Refuse what cannot be a key, and the names of a label table's other columns."""
    for key in group:
        if fault := key_fault(key):
            raise InputError(f"{where}: class key {key!r} {fault}; a line reads {EXAMPLE}")
        if key in (RECORDING, PATIENT):
            raise InputError(f"{where}: class key {key!r} is the name of a label table's column")
        if group.count(key) > 1:
            raise InputError(f"{where}: {key!r} occurs twice")


def _rows(path: str | Path) -> list[tuple[int, list[str]]]:
    """Return line numbers and stripped cells, without empty lines and a header."""
    rows = [(line, [cell.strip() for cell in cells]) for line, cells in read_rows(path)]
    rows = [(line, cells) for line, cells in rows if any(cells)]
    return rows[1:] if rows and rows[0][1][0].lower() == HEADER else rows
