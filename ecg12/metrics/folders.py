"""The official scores of a folder of outputs; reading headers and outputs."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.io.headers import parse_comments
from ecg12.io.outputs import read_outputs
from ecg12.io.wfdb_files import header_files, read_text
from ecg12.metrics.evaluation import Evaluation, evaluation_of
from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)


def evaluate(
    labels: str | Path, outputs: str | Path, weights: str | Path | None = None
) -> dict[str, float]:
    """Score a folder of outputs by the challenge's rules.

    Parameters
    ----------
    labels
        Folder of headers (.hea) with the true diagnoses, flat or nested, of either dialect.
    outputs
        Folder of output files, ``<stem>.csv`` for each header.
    weights
        Table of weights, which decides the classes and the year whose rules hold; by default the
        table of 2020 that is part of the package.

    Returns
    -------
    dict
        Official name of each score → its value, in official order; NaN where undefined.

    Raises
    ------
    FileNotFoundError
        If there is no header, or an output is missing; the message names the file.
    InputError
        If the table of weights is malformed, or two recordings have the same stem.

    References
    ----------
    Perez Alday et al., Physiol Meas 41 124003, 2020; Reyna et al., Computing in Cardiology, 2021.
    """
    return evaluate_folders(labels, outputs, load_weights(weights or WEIGHTS)).scores


def evaluate_folders(
    label_folder: str | Path, output_folder: str | Path, classes: ScoredClasses
) -> Evaluation:
    """Score a folder of outputs against a folder of headers, as `read_folders` reads them."""
    return evaluation_of(*read_folders(label_folder, output_folder, classes), classes)


def read_folders(
    label_folder: str | Path, output_folder: str | Path, classes: ScoredClasses
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read headers, flat or nested and of either dialect, and the outputs of the same stems.

    The output of `<stem>.hea` is `<stem>.csv`; other files are ignored.

    Returns
    -------
    y_true, y_pred
        (n, n_classes) bool.
    y_score
        (n, n_classes) float64.

    Raises
    ------
    FileNotFoundError
        If there is no header, or an output is missing; the message names the file.
    InputError
        If two recordings have the same stem.
    """
    return read_predictions(find_headers(label_folder), output_folder, classes)


def read_predictions(
    headers: Mapping[str, Path], output_folder: str | Path, classes: ScoredClasses
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read headers, by their stems, and the outputs of these stems; see `read_folders`."""
    outputs = [Path(output_folder) / f"{stem}.csv" for stem in headers]
    codes = [read_codes(header) for header in headers.values()]
    if without := codes.count(()):
        log.warning("%d of %d label files name no diagnosis (Dx)", without, len(codes))
    try:
        return classes.encode(codes), *read_outputs(outputs, classes)
    except FileNotFoundError as error:
        path = Path(error.filename)
        raise FileNotFoundError(
            f"output file {path} not found for label file {headers[path.stem]}"
        ) from error


def read_codes(header: str | Path) -> tuple[str, ...]:
    """Return the diagnosis codes of a header, which need not describe any signal."""
    return parse_comments(read_text(header))[2]


def find_headers(folder: str | Path, *, first_only: bool = False) -> dict[str, Path]:
    """Return the headers below a folder by their stems, in the order of `read_folders`.

    Parameters
    ----------
    folder
        Headers, flat or nested.
    first_only
        Of recordings with the same stem take the first, the one that the driver answers, and name
        the others in the log, instead of refusing them.

    Raises
    ------
    FileNotFoundError, InputError
        As `read_folders`.
    """
    owners: dict[str, Path] = {}
    for path in header_files(folder):
        owner = owners.setdefault(path.stem, path)
        if owner is path:
            continue
        if not first_only:
            raise InputError(f"{owner} and {path} would share {path.stem}.csv")
        log.warning("not scored: %s: the output %s.csv belongs to %s", path, path.stem, owner)
    if not owners:
        raise FileNotFoundError(f"{folder}: no label files (.hea)")
    return owners
