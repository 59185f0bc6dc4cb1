"""The half of a large validation part that chooses nothing, for prediction sets."""

import logging
from collections.abc import Sequence

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.data.splits import halve
from ecg12.decision.conformal import MIN_EXAMPLES, Conformal, fit_conformal
from ecg12.training.task import Task

log = logging.getLogger(__name__)
CONFORMAL = "conformal"  # the part's name
MIN_VALIDATION = 600  # recordings; choices need all of a smaller validation part


def set_apart(parts: dict[str, np.ndarray], dataset: Dataset, seed: int) -> dict[str, np.ndarray]:
    """Halve the validation part, by patient where patients are known, if it is large enough.

    One half stays and chooses epochs, thresholds and members; the other, the part `CONFORMAL`, is
    for prediction sets. Below `MIN_VALIDATION` recordings, or where no class would have a promise,
    the parts stay as they are.
    """
    validation = parts["validation"]
    if len(validation) < MIN_VALIDATION:
        return parts
    choosing, apart = halve(validation, seed, dataset.patients)
    if not _promised(dataset, apart).any():
        return parts
    log.info("validation: %d recordings choose, %d are for prediction sets",
             len(choosing), len(apart))  # fmt: skip
    return parts | {"validation": choosing, CONFORMAL: apart}


def conformal_of(scores: np.ndarray, task: Task) -> Conformal:
    """Fit prediction sets to an ensemble's median scores of the conformal half, (n, n_classes)."""
    y_true, known = task.truth(task.parts[CONFORMAL])
    fitted = fit_conformal(scores, y_true, known)
    without = without_promise(fitted, task.classes.names)
    if without:
        log.info("prediction sets without a promise, too few examples: %s", ", ".join(without))
    return fitted


def without_promise(fitted: Conformal, names: Sequence[str]) -> list[str]:
    """Return the names of the classes that have no promise."""
    enough = fitted.counts.min(axis=1) >= MIN_EXAMPLES
    return [name for name, promised in zip(names, enough, strict=True) if not promised]


def _promised(dataset: Dataset, part: np.ndarray) -> np.ndarray:
    """Return which classes have enough recordings with and without them in a part."""
    targets = dataset.targets[part]
    known = np.ones(targets.shape, bool) if dataset.known is None else dataset.known[part]
    counts = np.stack([(targets & known).sum(axis=0), (~targets & known).sum(axis=0)])
    return np.asarray(counts.min(axis=0) >= MIN_EXAMPLES)
