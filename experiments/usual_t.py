"""The usual T wave of normal recordings, which takes an occluded one's place in explanations.

    python -m experiments.usual_t DATA [-n 600]

prints for each lead how high T is above the line between its ends, in shares of the recording's
amplitude; and place and width of the Gaussian that fits the shape which all leads have in common.
DATA is PTB-XL as challenge folders with labels.csv; of its training part, n recordings that are
labelled NORM and nothing else are taken. They are prepared as the package's model takes them; of
each recording the median beat counts.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit

import ecg12
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.explanation.segments import cut_segments
from ecg12.io.record import Record
from ecg12.signal.preprocessing import Preprocessing, prepare

SUPERCLASSES = ("MI", "STTC", "CD", "HYP")
POINTS = 33  # from the beginning to the end of T
FEWEST = 3  # beats of a recording


def normal(folder: Path, n: int) -> list[Path]:
    """Draw n recordings of the training part that are labelled normal, and nothing else."""
    with (folder / "labels.csv").open(newline="") as file:
        names = [
            row["recording"]
            for row in csv.DictReader(file)
            if row["recording"].startswith("train/")
            and float(row["NORM"])
            and not any(float(row[name]) for name in SUPERCLASSES)
        ]
    return [folder / name for name in np.random.default_rng(0).permutation(names)[:n]]


def median_beat(record: Record, chain: Preprocessing) -> np.ndarray | None:
    """Return (n_leads, POINTS) the median T wave above the line between its ends, or None."""
    signals = prepare(record, chain) * chain.step
    seconds = min(record.stored.shape[1] / record.rate, chain.seconds)
    segments = cut_segments(signals, chain.rate, seconds)
    spans = np.transpose([segments.edges[:-1], segments.edges[1:]])[segments.t_waves]
    if len(spans) < FEWEST:
        return None
    times = np.arange(signals.shape[1]) / chain.rate
    beats = [
        [np.interp(np.linspace(*span, POINTS), times, row) for row in signals] for span in spans
    ]
    beat = np.median(beats, axis=0)
    return np.asarray(beat - np.linspace(beat[:, 0], beat[:, -1], POINTS, axis=1))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-n", type=int, default=600)
    options = parser.parse_args()
    chain = load_classifier(SHIPPED, "onnx").preprocessings[0]
    found = (
        median_beat(ecg12.read_record(path), chain) for path in normal(options.data, options.n)
    )
    beats = [beat for beat in found if beat is not None]
    mean = np.mean(beats, axis=0)
    left, sizes, right = np.linalg.svd(mean, full_matrices=False)
    shape = right[0] / right[0][np.abs(right[0]).argmax()]
    heights = left[:, 0] * sizes[0] * right[0][np.abs(right[0]).argmax()]
    (place, width), _ = curve_fit(_gaussian, np.linspace(0, 1, POINTS), shape, (0.5, 0.2))
    explained = sizes[0] ** 2 / (sizes**2).sum()
    print(f"{len(beats)} recordings; one shape: {explained:.1%}; {place:.2f} wide {width:.3f}")  # noqa: T201
    pairs = zip(chain.leads, heights, strict=True)
    print(", ".join(f"{lead} {height:.2f}" for lead, height in pairs))  # noqa: T201


def _gaussian(times: np.ndarray, place: float, width: float) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * ((times - place) / width) ** 2))


if __name__ == "__main__":
    main()
