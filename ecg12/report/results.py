"""What a report describes: recordings with true and predicted classes, read from files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.io.databases import databases_of
from ecg12.io.patients import patient_numbers, read_patients
from ecg12.io.wfdb import find_records
from ecg12.metrics import find_headers, read_predictions


@dataclass(frozen=True, eq=False, kw_only=True)
class Results:
    """Recordings, their true classes and a classifier's predictions.

    Attributes
    ----------
    title
        Names the predictions, such as their folder.
    headers
        The n header files.
    y_true, y_pred
        (n, n_classes) bool: true and predicted classes.
    y_score
        (n, n_classes) float64, higher where likelier.
    classes
        The scored classes.
    databases
        The name of each recording's database.
    """

    title: str
    headers: tuple[Path, ...]
    y_true: np.ndarray
    y_pred: np.ndarray
    y_score: np.ndarray
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
    y_true, y_pred, y_score = read_predictions(headers, output_folder, classes)
    return Results(
        title=str(output_folder),
        headers=tuple(headers.values()),
        y_true=y_true,
        y_pred=y_pred,
        y_score=y_score,
        classes=classes,
        databases=tuple(databases_of(headers.values(), label_folder)),
    )


def read_patient_numbers(
    path: str | Path, label_folder: str | Path, results: Results
) -> np.ndarray:
    """Return the number of each recording's patient, (n,) int, by a table of patients.

    Raises
    ------
    InputError, FileNotFoundError
        As `ecg12.io.patients.read_patients`.
    """
    names = [header.relative_to(label_folder) for header in results.headers]
    folder = [base.relative_to(label_folder) for base in find_records(label_folder)]
    return patient_numbers(read_patients(path, names, folder))
