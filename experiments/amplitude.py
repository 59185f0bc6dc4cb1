"""Measure what independence of the header's gain costs the class of low QRS voltages.

    python -m experiments.amplitude [--n 400] [--seeds 3]

Low QRS voltages (LQRSV) is defined by millivolts. The default preprocessing divides each recording
by its own amplitude, so the network must tell it by shape and noise alone. This trains one small
network with either amplitude on the same synthetic recordings and compares held-out AUROC, then
multiplies every header gain of the held-out recordings by 5, as an unseen hospital's may be.

Cost: about 2 minutes per seed and amplitude on 2 cores. Result: see reports/results.md.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import prepare_folder
from ecg12.data.splits import split
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.wfdb import read_record
from ecg12.metrics import auroc
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import generate
from ecg12.training.recipes import get_recipe
from ecg12.training.resources import Clock
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

CLASSES = ("LQRSV", "NSR", "SB", "STach", "LAD", "RBBB")


def held_out(amplitude, data, classes, seed, work):
    """Return AUROC per class on held-out recordings, as they are and with gains × 5."""
    recipe, preprocessing = get_recipe("demo"), Preprocessing(amplitude=amplitude)
    dataset = prepare_folder(data, work, preprocessing, classes)
    task = Task(dataset, split(len(dataset), seed), classes)
    keras.utils.set_random_seed(seed)
    model = recipe.networks[0].build(len(classes.columns))
    state = work / f"{amplitude}{seed}.npz"
    Trainer(
        model, task, recipe.schedule, seed=seed, checkpoint=state, identity="", clock=Clock(1)
    ).run()
    member = Member(
        "m", model, preprocessing, thresholds=np.full(len(classes), 0.5), validation_score=0.0
    )
    classifier = Classifier(classes, [member])
    areas = []
    for factor in (1, 5):
        records = [read_record(data / dataset.names[i]) for i in task.parts["test"]]
        changed = [replace(record, gains=record.gains * factor) for record in records]
        scores = classifier.member_scores([classifier.prepare(r) for r in changed])[0]
        areas.append(auroc(dataset.targets[task.parts["test"]], scores))
    return areas


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    classes = load_weights(WEIGHTS)
    print(backend.start(0), "synthetic recordings", sep=", ")
    print("amplitude    gains   LQRSV   mean of the other classes drawn")
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        generate(data, options.n, 0, classes=CLASSES)
        for amplitude in ("recording", "millivolts"):
            rows = [
                held_out(amplitude, data, classes, seed, Path(name) / amplitude)
                for seed in range(options.seeds)
            ]
            others = [classes.names.index(c) for c in ("NSR", "SB", "STach", "LAD", "CRBBB")]
            for place, factor in enumerate(("x 1", "x 5")):
                areas = np.mean([row[place] for row in rows], axis=0)
                low = areas[classes.names.index("LQRSV")]
                print(
                    f"{amplitude:12} {factor}    {low:.3f}   {areas[others].mean():.3f}", flush=True
                )


if __name__ == "__main__":
    main()
