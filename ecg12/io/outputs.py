"""The challenge's output file: one csv per recording, written once and read by either year's rules.

The file `<stem>.csv` has four lines: `#<stem>`, keys of the classes (SNOMED CT codes; for one's own
classes any text), decisions, probabilities::

    #A0001
    270492004,164889003,426783006
    0,1,0
    0.1,0.9,0.2

Writing is strict, so that the evaluators of 2020 and 2021 read the same; reading follows the
evaluator of the year, whose rules differ:

=========================  ================================  ===============================
what                       2020                              2021
=========================  ================================  ===============================
the lines                  the first three that are neither  the second to fourth, whatever
                           blank nor comments, all of the    they hold; entries beyond the
                           same number of entries            row of codes are not read
column ``a|b``             matches nothing                   matches every class of a or b
decision `1.0`             0                                 1
probability NaN            left out of its class's mean,     0
                           0 if none remains
probability infinite       kept                              0
=========================  ================================  ===============================

In both, equivalent columns are OR-ed (decisions) or averaged (probabilities), unscored columns are
ignored, `True`, `true`, `T` and `t` are 1, and a file whose lines do not fit together counts as all
negative; the evaluator of 2021 crashes at such a file, here it is read as in 2020. Whatever counts
for less than its author may think is reported through `logging`.

Sources: `evaluate_12ECG_score.py` (2020), `evaluate_model.py` and `helper_code.py` (2021), the
PhysioNet/CinC Challenges' evaluation programs.
"""

import io
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses, key_fault
from ecg12.runtime.files import read_limited, write_text
from ecg12.runtime.progress import printable

log = logging.getLogger(__name__)

TRUE = ("True", "true", "T", "t")
FALSE = ("0", "False", "false", "F", "f")
LARGEST_OUTPUT = 2**20  # bytes; an output of 27 classes takes 2**10
N_NAMED = 3  # files that a message names before it only counts


@dataclass(frozen=True, eq=False)
class Output:
    """One recording's output on the merged classes.

    Attributes
    ----------
    labels
        (n_classes,) bool decisions.
    scores
        (n_classes,) float64 probabilities, never NaN.
    remarks
        What the rules of the year read otherwise than it looks, one sentence each.
    """

    labels: np.ndarray
    scores: np.ndarray
    remarks: tuple[str, ...] = ()


def write_output(
    folder: str | Path,
    stem: str,
    columns: Sequence[str],
    labels: Sequence[int] | np.ndarray,
    probabilities: Sequence[float] | np.ndarray,
) -> Path:
    """Write one recording's output atomically as `<stem>.csv`; return its path.

    Parameters
    ----------
    folder
        An existing folder.
    stem
        The stem of the recording's file, which may differ from the name in its header.
    columns
        One plain key per column: a SNOMED CT code, or the key of one of one's own classes.
    labels
        (n_columns,) decisions, each 0 or 1.
    probabilities
        (n_columns,) finite numbers.

    Raises
    ------
    ValueError
        If the lengths differ, a column is no plain key (`classes.key_fault`) or occurs twice, a
        label is not 0 or 1, or a probability is not finite. The message names the stem and the
        value.
    """
    if not len(columns) == len(labels) == len(probabilities):
        raise ValueError(
            f"{stem}: {len(columns)} columns, {len(labels)} labels and {len(probabilities)} "
            "probabilities; one of each per column is needed"
        )
    for column, label, probability in zip(columns, labels, probabilities, strict=True):
        if fault := key_fault(column):
            raise ValueError(f"{stem}: column {column!r} {fault}; a plain key is needed")
        if label not in (0, 1):
            raise ValueError(f"{stem}: label {label} of {column} is neither 0 nor 1")
        if not math.isfinite(probability):
            raise ValueError(f"{stem}: probability {probability} of {column} is not finite")
    if len(set(columns)) < len(columns):
        raise ValueError(f"{stem}: a column occurs twice in {', '.join(columns)}")
    rows = (columns, [str(int(x)) for x in labels], [repr(float(x)) for x in probabilities])
    path = Path(folder) / f"{stem}.csv"
    write_text(path, "\n".join([f"#{printable(stem)}", *(",".join(row) for row in rows)]) + "\n")
    return path


def read_outputs(
    paths: Sequence[str | Path], classes: ScoredClasses
) -> tuple[np.ndarray, np.ndarray]:
    """Read output files by the rules of `classes.year`: labels, bool, and scores.

    Both are (n_files, n_classes).

    Each remark is logged once, as a warning, with the files to which it applies.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the error names it.
    """
    labels = np.empty((len(paths), len(classes)), dtype=bool)
    scores = np.empty(labels.shape)
    files_of: dict[str, list[str]] = {}
    for row, path in enumerate(paths):
        found = parse_output(_read(path), classes)
        labels[row], scores[row] = found.labels, found.scores
        for remark in found.remarks:
            files_of.setdefault(remark, []).append(Path(path).name)
    for remark, files in files_of.items():
        more = f" and {len(files) - N_NAMED} more" if len(files) > N_NAMED else ""
        log.warning("%s%s: %s", ", ".join(files[:N_NAMED]), more, remark)
    return labels, scores


def _read(path: str | Path) -> str:
    data = read_limited(path, LARGEST_OUTPUT)
    return io.StringIO(data.decode("utf-8", errors="replace"), newline=None).read()


def parse_output(text: str, classes: ScoredClasses) -> Output:
    """Interpret the text of an output file by the rules of `classes.year`."""
    late = classes.year > 2020
    rows, sizes = _rows_2021(text) if late else _rows_2020(text)
    labels, scores = np.zeros(len(classes), dtype=bool), np.zeros(len(classes))
    if len(rows) < 3:
        remark = f"{len(rows)} of the 3 lines codes, labels, probabilities; counts as all negative"
        return Output(labels, scores, (remark,))
    columns_of, used, on_columns = _match(tuple(rows[0]), classes.groups, late)
    fits = min(sizes) > max(used, default=-1) if late else len(set(sizes)) == 1
    if not fits:
        remark = f"lines of {', '.join(map(str, sizes))} entries; counts as all negative"
        return Output(labels, scores, (remark,))
    positive = {entry: _decision(entry, late) for entry in {rows[1][k] for k in used}}
    values, bad = _values(rows[2], used, late)
    on = {k for k in used if positive[rows[1][k]]}
    labels[:] = [not on.isdisjoint(columns) for columns in columns_of]
    scores[:] = [
        values[columns[0]] if len(columns) == 1 and not bad else _mean([values[k] for k in columns])
        for columns in columns_of
    ]
    return Output(labels, scores, (*on_columns, *_entry_remarks(positive, bad, late)))


def _rows_2020(text: str) -> tuple[list[list[str]], list[int]]:
    """Return the first three rows with content, and the number of entries of every such row."""
    lines = [line.strip() for line in text.split("\n")]
    rows = [_entries(line) for line in lines if line and not line.startswith("#")]
    return rows[:3], [len(row) for row in rows]


def _rows_2021(text: str) -> tuple[list[list[str]], list[int]]:
    """Return the second to fourth rows, and their numbers of entries."""
    rows = [_entries(line) for line in text.removesuffix("\n").split("\n")[1:4]]
    return rows, [len(row) for row in rows]


def _entries(line: str) -> list[str]:
    return list(map(str.strip, line.split(",")))


@lru_cache(maxsize=8)  # the files of a folder have the same columns
def _match(
    columns: tuple[str, ...], groups: tuple[tuple[str, ...], ...], late: bool
) -> tuple[list[list[int]], list[int], list[str]]:
    """Return the indices of each class's columns, those of all classes, and what to remark."""
    codes = [set(column.split("|")) if late else {column} for column in columns]
    found = [[k for k, c in enumerate(codes) if not c.isdisjoint(group)] for group in groups]
    used = sorted({k for own in found for k in own})
    return found, used, list(_column_remarks(columns, found, groups, late))


def _decision(entry: str, late: bool) -> bool:
    """Return whether an entry is positive: in 2020 the text `1`, in 2021 any number equal to 1."""
    return entry in TRUE or (_number(entry) == 1 if late else entry == "1")


def _values(row: list[str], used: list[int], late: bool) -> tuple[dict[int, float], set[str]]:
    """Return what the entries of some columns count as, and those that are no finite number.

    What is no number counts as 0; in 2021 also NaN and infinities.
    """
    entries = [row[k] for k in used]
    try:  # mostly all are finite, which is faster to find out at once
        numbers = list(map(float, entries))
        if all(map(math.isfinite, numbers)):
            return dict(zip(used, numbers, strict=True)), set()
    except ValueError:
        pass
    found = {entry: _number(entry) for entry in entries}
    bad = {entry for entry, x in found.items() if x is None or not math.isfinite(x)}
    zero = {entry for entry in bad if late or found[entry] is None}
    return {k: 0.0 if row[k] in zero else float(row[k]) for k in used}, bad


def _number(entry: str) -> float | None:
    try:
        return float(entry)
    except ValueError:
        return None


def _mean(values: list[float]) -> float:
    """Average what is not NaN; 0 if nothing remains, or only infinities that cancel out."""
    if len(values) == 1 and math.isfinite(values[0]):
        return values[0]
    known = [value for value in values if not math.isnan(value)]
    mean = sum(known) / len(known) if known else 0.0
    return 0.0 if math.isnan(mean) else mean


def _column_remarks(
    columns: tuple[str, ...],
    columns_of: list[list[int]],
    groups: tuple[tuple[str, ...], ...],
    late: bool,
) -> Iterator[str]:
    joined = [column for column in columns if "|" in column]
    if joined and not late:
        yield f"by the rules of 2020 no class matches column {', '.join(joined)}"
    found = zip(groups, columns_of, strict=True)
    if absent := ["|".join(group) for group, columns in found if not columns]:
        yield f"no column for {', '.join(absent)}; counts as negative"


def _entry_remarks(positive: dict[str, bool], bad: set[str], late: bool) -> Iterator[str]:
    no = {entry for entry, is_positive in positive.items() if not is_positive}.difference(FALSE)
    if unclear := sorted(entry for entry in no if not (late and _number(entry) == 0)):
        yield f"label {', '.join(map(repr, unclear))} counts as 0 by the rules of the year"
    if bad:
        yield f"probability {', '.join(map(repr, sorted(bad)))} is no finite number"
