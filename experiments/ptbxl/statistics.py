"""Prediction sets and training statistics of a shipped model folder; its networks stay.

    python -m experiments.ptbxl.statistics DATA WORK --meta meta.csv [--model FOLDER]
    ecg12 export FOLDER -o FOLDER

`shipping.ship` makes both for a new ensemble. The graph must be one that gives the features: export
again where it is older.
"""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecg12.data.splits import halve
from ecg12.decision.conformal import Conformal, fit_conformal
from ecg12.decision.novelty import Novelty, quantiles_of
from ecg12.ensemble.classifier import Classifier
from ecg12.ensemble.model_folder import amend_classifier, load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.runtime import backend
from ecg12.signal.preprocessing import STEP, dequantize
from ecg12.training.novelty_fit import distances_of, moments_of
from experiments.ptbxl.report import classifier_scores
from experiments.ptbxl.task import Material, add_data, challenge_cells, read_material

BATCH = 64
SEED = 0  # of the halves of the validation part


def choosing(material: Material) -> np.ndarray:
    """Return which validation recordings choose, (n_validation,) bool; the others are conformal."""
    part = material.parts["validation"]
    return np.isin(part, halve(part, SEED, material.dataset.patients)[0])


def conformal_sets(scores: np.ndarray, material: Material) -> Conformal:
    """Fit prediction sets to the ensemble's scores of the validation part, (n_validation, 24)."""
    part = material.parts["validation"]
    targets, known = (cells[part] for cells in challenge_cells(material))
    apart = ~choosing(material)
    return fit_conformal(scores[apart], targets[apart], known[apart])


def statistics(classifier: Classifier, material: Material) -> Novelty:
    """Return the statistics of the training part, with quantiles of the validation part."""
    members = moments_of(classifier, inputs(material, "training"))
    return Novelty(
        members, quantiles_of(distances_of(classifier, members, inputs(material, "validation")))
    )


def inputs(material: Material, part: str) -> Iterator[np.ndarray]:
    """Yield the inputs of a part, divided by their own amplitude as shipped networks see them."""
    dataset = material.dataset
    rows = dataset.rows[material.parts[part]]
    for at in range(0, len(rows), BATCH):
        yield dequantize(dataset.signals[rows[at : at + BATCH]], STEP)


def main() -> None:
    """Amend a model folder."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args()
    logging.info(backend.start(0))
    material = read_material(options.data, options.meta, options.work / "prepared")
    classifier = load_classifier(options.model, "keras")
    rows = material.dataset.rows[material.parts["validation"]]
    scores = classifier_scores(classifier, material.dataset.signals[rows])
    amend_classifier(
        options.model,
        conformal=conformal_sets(scores, material),
        novelty=statistics(classifier, material),
    )


if __name__ == "__main__":
    main()
