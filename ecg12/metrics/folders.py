"""The official scores of a folder of outputs, in one call."""

from pathlib import Path

from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics.evaluation import evaluate_folders


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
        If the table of weights is malformed.
    ValueError
        If two headers have the same stem.

    References
    ----------
    Perez Alday et al., Physiol Meas 41 124003, 2020; Reyna et al., Computing in Cardiology, 2021.
    """
    return evaluate_folders(labels, outputs, load_weights(weights or WEIGHTS)).scores
