r"""What the ways to treat the rate bring to each class of rhythm, at home and in other hospitals.

    python -m experiments.ptbxl.classwise DATA WORK --meta meta.csv --real REAL

prints a table of AUROCs by class of the runs in `RUNS` (see `plan`), of PTB-XL's validation part
and of the recordings in REAL, with 95 % bootstrap intervals there. The runs are finished before, by
``python -m experiments.ptbxl DATA WORK --meta meta.csv --only screen``.
"""

import argparse
import logging
from pathlib import Path

import numpy as np

from ecg12.data.dataset import dequantize
from ecg12.metrics import auroc
from ecg12.runtime import backend
from ecg12.signal.preprocessing import STEP
from experiments.ptbxl.evaluation import Hospitals, estimates, read_hospitals
from experiments.ptbxl.runs import BATCH
from experiments.ptbxl.shipping import load
from experiments.ptbxl.task import CHALLENGE, Material, add_data, challenge_cells, read_material

CLASSES = ("SB", "STach", "SA", "Brady", "AF", "PAC")
RUNS = {
    "screen challenge columns, rates as labelled": "labels as they are",
    "screen challenge columns": "slow and fast rhythms without a label unknown",
    "screen rates as labelled": "measured rate and regularity as further columns",
    "screen base": "both",
    "screen rates by criteria": "further columns; rhythms without a label by the measured rate",
}
FEWEST = 5  # positives of a class


def class_scores(network: Path, signals: np.ndarray) -> np.ndarray:
    """Return a network's scores of the challenge's classes, (n, 24), of stored signals."""
    model = load(network)
    forward = backend.compiled([model], model.input_shape[1:])
    batches = [signals[at : at + BATCH] for at in range(0, len(signals), BATCH)]
    outputs = [forward(dequantize(batch, STEP))[0] for batch in batches]
    return np.concatenate(outputs)[:, : len(CHALLENGE)].astype(np.float64)


def validation_cells(scores: np.ndarray, material: Material) -> list[str]:
    """Return the AUROC of each of `CLASSES` on the validation part."""
    rows = material.parts["validation"]
    targets, known = (cells[rows] for cells in challenge_cells(material))
    areas = auroc(targets, scores, known)
    return [
        f"{areas[c]:.3f}" if (targets & known)[:, c].sum() >= FEWEST else "–" for c in columns()
    ]


def hospital_cells(scores: np.ndarray, hospitals: Hospitals) -> list[str]:
    """Return the AUROC of each of `CLASSES`, with its interval, in other hospitals."""
    targets, known = hospitals.targets, hospitals.known
    found, _, _ = estimates(targets, scores, known, None)
    return [str(found[c]) if (targets & known)[:, c].sum() >= FEWEST else "–" for c in columns()]


def columns() -> list[int]:
    """Return the columns of `CLASSES`."""
    return [CHALLENGE.names.index(name) for name in CLASSES]


def main() -> None:
    """Print both tables."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_data(parser)
    parser.add_argument("--real", type=Path, required=True, help="other hospitals' recordings")
    options = parser.parse_args()
    backend.start(0)
    material = read_material(options.data, options.meta, options.work / "prepared")
    hospitals = read_hospitals(options.real, options.work / "prepared" / "real")
    dataset = material.dataset
    here = dataset.signals[dataset.rows[material.parts["validation"]]]
    for title, signals in (("PTB-XL, validation", here), ("other hospitals", hospitals.signals)):
        print(f"\n| {title} | " + " | ".join(CLASSES) + " |\n" + "|---" * (1 + len(CLASSES)) + "|")
        for run, way in RUNS.items():
            scores = class_scores(options.work / "multitask" / f"{run}.keras", signals)
            cells = (
                validation_cells(scores, material)
                if signals is here
                else hospital_cells(scores, hospitals)
            )
            print(f"| {way} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
