"""A user's own diagnosis classes, read from a csv table.

One class a line::

    code,abbreviation,name
    164873001,LVH,left ventricular hypertrophy
    713427006|59118001,RBBB,right bundle branch block

The header line may be absent, and so may abbreviation and name; then those of the challenge's
tables are taken, or the code. Codes joined by `|` are one class. Codes are numbers, as the output
file's readers expect.

Every class counts the same and a wrong one earns nothing: the table of weights is the identity. The
challenge metric then is the mean of |true and answered| / |true or answered|, scaled by the answer
sinus rhythm, if that is among the classes; if not, the macro F-measure takes its place
(`metrics.macro_f`).
"""

from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.runtime.csv_tables import read_rows
from ecg12.runtime.errors import InputError

HEADER = "code"
EXAMPLE = "713427006|59118001,RBBB,right bundle branch block"


def read_classes(path: str | Path) -> ScoredClasses:
    """Read one's own classes.

    Raises
    ------
    InputError
        If there is no class, a code is no number, or a code or an abbreviation stands twice. The
        message names file, line and value.
    FileNotFoundError
        If there is no such file.
    """
    groups: list[tuple[str, ...]] = []
    named: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for line, cells in _rows(path):
        group = tuple(code.strip() for code in cells[0].split("|"))
        known = ScoredClasses((group,), np.eye(1), 2021)
        short, name = (*cells[1:3], "", "")[:2]
        groups.append(group)
        named.append((short or known.names[0], name or known.titles[0]))
        for value in (*group, named[-1][0]) if named[-1][0] not in group else group:
            if value in seen:
                raise InputError(
                    f"{path}, line {line}: {value!r} stands in line {seen[value]} already"
                )
            seen[value] = line
        if bad := [code for code in group if not (code.isascii() and code.isdecimal())]:
            raise InputError(
                f"{path}, line {line}: {bad[0]!r} is not a SNOMED CT code, which is a number; "
                f"a line reads {EXAMPLE}"
            )
    if not groups:
        raise InputError(f"{path}: no classes; a line reads {EXAMPLE}")
    return ScoredClasses(tuple(groups), np.eye(len(groups)), 2021, tuple(named))


def _rows(path: str | Path) -> list[tuple[int, list[str]]]:
    """Return line numbers and stripped cells, without empty lines and a header."""
    rows = [(line, [cell.strip() for cell in cells]) for line, cells in read_rows(path)]
    rows = [(line, cells) for line, cells in rows if any(cells)]
    return rows[1:] if rows and rows[0][1][0].lower() == HEADER else rows
