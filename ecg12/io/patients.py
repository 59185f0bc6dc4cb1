"""Tables of patients: which patient each recording is of, wherever patients must be kept together.

A csv table with the columns `recording` and `patient`; others are not read, so a label table is one
too:

    recording,patient
    g1/A0001,9f86d081
    g1/A0002,9f86d081

* `recording` is the path below the data folder; `label_table.normal_form` makes one of any
  spelling. A recording that the table does not have under its path is looked for by its file's name
  alone, as long as only one recording and one row have that name.
* `patient` is any key, equal for the recordings of one patient, or empty where unknown, or a word
  that says so (`demographics.known_patient`).

A recording whose patient is unknown counts as a patient of its own. If that is wrong, folds share
patients and intervals come out too narrow, so the log says for how many recordings it is so, and
why.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ecg12.io.demographics import known_patient
from ecg12.io.label_table import PATIENT, RECORDING, normal_form
from ecg12.runtime.csv_tables import read_table
from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)


def read_patients(
    path: str | Path, recordings: Sequence[str | Path], folder: Iterable[str | Path] = ()
) -> list[str]:
    """Read the patient of each recording.

    Parameters
    ----------
    path
        The table.
    recordings
        Paths below the data folder, with or without suffix.
    folder
        All recordings of the data folder, if `recordings` are only some of them: they decide
        which file names are unique.

    Returns
    -------
    list of str
        Key of each recording's patient, "" where unknown.

    Raises
    ------
    InputError
        If a column is missing, a recording has two patients, or none of these recordings has one;
        the message names file, line and value.
    FileNotFoundError
        If there is no such file.
    """
    table = _read(path)
    names = [normal_form(name) for name in recordings]
    rows = Counter(map(_file_name, table))
    files = Counter(_file_name(normal_form(name)) for name in folder) or Counter(
        map(_file_name, names)
    )
    by_file = {_file_name(name): patient for name, patient in table.items()}
    keys: list[str] = []
    how: dict[str, list[str]] = {"name": [], "absent": [], "shared": [], "empty": []}
    for name in names:
        file, patient = _file_name(name), table.get(name)
        if patient is None and file in by_file:
            unique = rows[file] == files[file] == 1
            patient = by_file[file] if unique else None
            how["name" if unique else "shared"].append(name)
        elif patient is None:
            how["absent"].append(name)
        if patient == "":
            how["empty"].append(name)
        keys.append(patient or "")
    _report(path, keys, how)
    if not any(keys):
        first = next(iter(table), "none")
        raise InputError(
            f"{path}: names the patient of none of the {len(names)} recordings, the first of which "
            f"is {next(iter(names), 'none')!r}; the first in the table is {first!r}"
        )
    return keys


def _report(path: str | Path, keys: list[str], how: dict[str, list[str]]) -> None:
    """Log how many recordings were found by their file's name alone, and how many not, and why."""
    if by_name := how["name"]:
        log.info("%s: %d of %d recordings found by the name of their file alone, such as %r",
                 path, len(by_name), len(keys), by_name[0])  # fmt: skip
    why = {
        "absent": "are not in the table",
        "shared": "share the name of their file with others, and the table lacks their path",
        "empty": "have no patient there",
    }
    shown = [f"{len(how[k])} {text}, such as {how[k][0]!r}" for k, text in why.items() if how[k]]
    if shown:
        log.warning(
            "%s: no patient for %d of %d recordings, each of which counts as its own: %s",
            path, keys.count(""), len(keys), "; ".join(shown),
        )  # fmt: skip


def _read(path: str | Path) -> dict[str, str]:
    """Return recording → patient."""
    patients: dict[str, str] = {}
    table = read_table(path, (RECORDING, PATIENT))
    for line, row in table.records():
        name, patient = normal_form(row[RECORDING]), known_patient(row[PATIENT])
        if not name:
            raise InputError(f"{table.where(line)}: no name of a recording")
        earlier = patients.get(name)
        if earlier and patient and earlier != patient:
            raise InputError(f"{table.where(line)}: recording {name!r} has two patients")
        patients[name] = earlier or patient
    return patients


def _file_name(name: str) -> str:
    return name.rpartition("/")[2]


def patient_numbers(keys: Iterable[str]) -> np.ndarray:
    """Return a number for each key, (n,) int, equal for equal keys; each unknown ("") its own."""
    numbers: dict[str | int, int] = {}
    owners: list[str | int] = [key or place for place, key in enumerate(keys)]
    return np.array([numbers.setdefault(owner, len(numbers)) for owner in owners], dtype=np.intp)
