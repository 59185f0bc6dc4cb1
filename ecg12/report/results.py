"""What a report is about: recordings with their true and answered diagnoses, read from files."""

import csv
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.io.databases import databases_of
from ecg12.metrics import find_headers, read_answers
from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Results:
    """Recordings, their true diagnoses and a classifier's answers.

    Attributes
    ----------
    title
        Names the answers, such as their folder.
    headers
        The n header files.
    targets, labels
        (n, n_classes) bool: true and answered diagnoses.
    scores
        (n, n_classes) float64, higher where likelier.
    classes
        The scored classes.
    databases
        The name of each recording's database.
    """

    title: str
    headers: tuple[Path, ...]
    targets: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    classes: ScoredClasses
    databases: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.headers)


def read_results(
    label_folder: str | Path, output_folder: str | Path, classes: ScoredClasses
) -> Results:
    """Read a folder of headers and the outputs of the same stems.

    Raises
    ------
    FileNotFoundError, ValueError
        As `ecg12.metrics.read_folders`.
    """
    headers = find_headers(label_folder)
    arrays = read_answers(headers, output_folder, classes)
    databases = tuple(databases_of(headers.values(), label_folder))
    return Results(str(output_folder), tuple(headers.values()), *arrays, classes, databases)


def read_patients(path: str | Path, headers: tuple[Path, ...]) -> np.ndarray:
    """Read the patients of recordings from a csv table, as numbers, (n,) int.

    Parameters
    ----------
    path
        A table with the columns `recording` (the file's stem) and `patient`; others are not read.
    headers
        The recordings. One that the table lacks, or whose patient is empty, stands by itself.

    Raises
    ------
    InputError
        If a column is missing, a recording has two patients, or none of the recordings is there.
    """
    patients = _patient_table(Path(path))
    own = {header.stem: patients.get(header.stem, "") for header in headers}
    if not any(own.values()):
        raise InputError(f"{path}: none of the {len(headers)} recordings has a patient there")
    if alone := sum(not patient for patient in own.values()):
        log.warning("%s: %d recordings without patient count as one patient each", path, alone)
    names = [("patient", name) if name else ("recording", stem) for stem, name in own.items()]
    numbers: dict[tuple[str, str], int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


def _patient_table(path: Path) -> dict[str, str]:
    """Return recording → patient."""
    patients: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        found = reader.fieldnames or []
        if missing := {"recording", "patient"}.difference(found):
            raise InputError(
                f"{path}: no column {', '.join(sorted(missing))}; found: {', '.join(found)}"
            )
        for row in reader:
            recording, patient = (row["recording"] or "").strip(), (row["patient"] or "").strip()
            if patients.setdefault(recording, patient) != patient:
                raise InputError(f"{path}: recording {recording} has two patients")
    return patients
