"""What a report is about: recordings with their true and answered diagnoses, read from files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.io.databases import databases_of
from ecg12.io.patients import patient_numbers, read_patients
from ecg12.io.wfdb import find_records
from ecg12.metrics import find_headers, read_answers


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

    Of recordings with the same stem the first counts, as in the driver; the log names the others.

    Raises
    ------
    FileNotFoundError
        As `ecg12.metrics.read_folders`.
    """
    headers = find_headers(label_folder, first_only=True)
    arrays = read_answers(headers, output_folder, classes)
    databases = tuple(databases_of(headers.values(), label_folder))
    return Results(str(output_folder), tuple(headers.values()), *arrays, classes, databases)


def read_groups(path: str | Path, label_folder: str | Path, results: Results) -> np.ndarray:
    """Return the number of each recording's patient, (n,) int, by a table of patients.

    Raises
    ------
    InputError, FileNotFoundError
        As `ecg12.io.patients.read_patients`.
    """
    names = [header.relative_to(label_folder) for header in results.headers]
    folder = [base.relative_to(label_folder) for base in find_records(label_folder)]
    return patient_numbers(read_patients(path, names, folder))
