"""Scores and labels of a model from its graph beside those from Keras, on real recordings.

    python -m experiments.onnx_equality MODEL RECORDINGS [-n 500]

Each recording is reduced to one of the challenge's five sets of leads in turn. Prints, by set, the
largest difference of a score, and the labels that differ: none may, unless a member's score lies
within 1e-5 of its threshold. Ends with status 1 if a bound is exceeded.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.ensemble.classifier import BATCH
from ecg12.ensemble.export import export_model
from ecg12.ensemble.model_folder import load_classifier
from ecg12.io.formats import find_any, read_any
from ecg12.io.leads import LEADS
from ecg12.io.record import Record

LEAD_SETS = {
    "twelve": LEADS, "six": LEADS[:6], "four": ("I", "II", "III", "V2"), "three": ("I", "II", "V2"),
    "two": ("I", "II"),
}  # fmt: skip
CLOSE = 1e-5


def main() -> None:
    """Print a line for each set of leads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("-n", type=int, default=500, help="recordings (default %(default)s)")
    options = parser.parse_args()
    files = sorted(find_any(options.recordings))
    order = np.random.default_rng(0).permutation(len(files))[: options.n]
    with tempfile.TemporaryDirectory() as place:
        export_model(options.model, place)
        runtimes = [load_classifier(options.model, "keras"), load_classifier(place, "onnx")]
    thresholds = np.array([member.thresholds for member in runtimes[0].members])[:, None]
    wrong = False
    for i, (name, leads) in enumerate(LEAD_SETS.items()):
        own = [files[k] for k in order[i :: len(LEAD_SETS)]]
        scores: list[list[np.ndarray]] = [[], []]
        for start in range(0, len(own), BATCH):
            records = [_reduced(read_any(path, 12.0), leads) for path in own[start : start + BATCH]]
            prepared = [runtimes[0].prepare(record) for record in records]
            for found, runtime in zip(scores, runtimes, strict=True):
                found.append(runtime.member_scores(prepared))
        keras, onnx = (np.concatenate(found, axis=1) for found in scores)
        difference = np.abs(keras - onnx).max()
        differ = runtimes[0].decide(keras).labels != runtimes[1].decide(onnx).labels
        near = (np.abs(keras - thresholds) < CLOSE).any(axis=0)
        print(
            f"{name}: {len(own)} recordings, scores from {keras.min():.3f} to {keras.max():.3f}, "
            f"largest difference {difference:.1e}, of {differ.size} labels {differ.sum()} differ, "
            f"{(differ & ~near).sum()} of them not near a threshold"
        )
        wrong |= bool(difference > CLOSE or (differ & ~near).any())
    sys.exit(wrong)


def _reduced(record: Record, leads: tuple[str, ...]) -> Record:
    rows = [record.leads.index(lead) for lead in leads]
    units = tuple(record.units[row] for row in rows)
    return replace(
        record, leads=leads, stored=record.stored[rows], gains=record.gains[rows],
        offsets=record.offsets[rows], units=units,
    )  # fmt: skip


if __name__ == "__main__":
    main()
