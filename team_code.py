"""What the challenge's train, driver and test programs call; all of the contract is here."""

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecg12.runtime.progress import log_to

WEIGHTS = Path(__file__).with_name("weights.csv")  # the scored classes, which decide the year

PRETRAINED = Path(__file__).with_name("pretrained")  # where training begins, if it is there

# TensorFlow is loaded inside the functions, so that importing this file costs nothing.


def training_code(data_directory: str, model_directory: str) -> None:
    """Train the recipe that `ECG12_RECIPE` names within `ECG12_BUDGET` hours.

    The networks begin at those of the folder `pretrained` beside this file, if there is one, or of
    the folder that `ECG12_PRETRAINED` names; set to nothing, that trains from scratch.

    Parameters
    ----------
    data_directory
        Recordings of the challenge, flat or nested; read only.
    model_directory
        Receives the model; made if missing.
    """
    _log_to_console()
    from ecg12.io.classes import load_weights
    from ecg12.runtime.settings import Settings
    from ecg12.training.pipeline import train
    from ecg12.training.recipes import recipe_of

    settings = Settings.from_env()
    recipe, classes = recipe_of(settings, PRETRAINED), load_weights(WEIGHTS)
    train(data_directory, model_directory, recipe, hours=settings.hours, classes=classes)


def load_model(model_directory: str, leads: Iterable[str] | None = None) -> Any:
    """Load the ensemble; it serves any set of leads, so `leads` (2021) may be anything.

    Raises
    ------
    ecg12.ModelError
        If the folder holds no loadable model.
    """
    _log_to_console()
    from ecg12.inference.model import load_model

    return load_model(model_directory)


def run_model(
    model: Any, header: str | list[str], recording: Any
) -> tuple[list[str], list[int], list[float]]:
    """Decide on one recording.

    Parameters
    ----------
    model
        What `load_model` returned.
    header
        The header as one string (2021) or as its lines (2020).
    recording
        (n_leads, n_samples) stored values, rows in header order.

    Returns
    -------
    classes, labels, probabilities
        SNOMED CT codes, 0 or 1, and scores, one of each per output column.
    """
    from ecg12.inference.challenge import predict_challenge

    return predict_challenge(model, header, recording)


def drive(model_directory: str, data_directory: str, output_directory: str) -> None:
    """Run the model on a folder of recordings, in batches; write one output file each."""
    _log_to_console()
    from ecg12.inference.challenge import drive

    drive(model_directory, data_directory, output_directory)


def _log_to_console() -> None:
    log_to(sys.stdout)
    logging.getLogger("absl").setLevel(logging.ERROR)
