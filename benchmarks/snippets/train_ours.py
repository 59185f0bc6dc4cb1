"""Train ecg12's network on PTB-XL's superclasses within a budget of processor time.

python -m benchmarks.snippets.train_ours FOLDER MINUTES

FOLDER holds `signals.npy` (n, 12, 1000) int16 in µV, `targets.npy` (n, 5) bool and `parts.npy`, 0
to 2 for training, validation, test. Prints one line of JSON: the score on validation by the seconds
of processor time, the scores on test. Preparing counts; imports do not.
"""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.io.classes import ScoredClasses
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.metrics import auroc
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import prepare
from ecg12.training.resources import Clock
from ecg12.training.task import Task, class_scores
from ecg12.training.trainer import Trainer
from experiments.ptbxl.runs import Config
from experiments.ptbxl.task import MILLIVOLTS, SUPERCLASSES

CLASSES = ScoredClasses(tuple((name,) for name in SUPERCLASSES), np.eye(len(SUPERCLASSES)), 2020)
RATE = 100.0  # Hz
PARTS = ("training", "validation", "test")
SHARE_WHOLE = 12  # of so many epochs the last trains on whole recordings
FEEDING = 1.25  # an epoch by its bare steps: augmentation, whole recordings, validation


def task_of(folder: Path) -> Task:
    """Prepare the recordings and return the task; in one thread."""
    stored, targets = (np.load(folder / f"{name}.npy") for name in ("signals", "targets"))
    parts = np.load(folder / "parts.npy")
    shape = len(stored), len(MILLIVOLTS.leads), MILLIVOLTS.n_samples
    signals = np.lib.format.open_memmap(folder / "ours.npy", "w+", np.int16, shape)
    for row, one in zip(signals, stored, strict=True):
        record = Record.from_array(one, fs=RATE, leads=LEADS, unit="uV")
        row[:] = prepare(record, MILLIVOLTS)
    dataset = Dataset(
        signals, np.arange(len(stored)), targets, names=(), failures=(), fingerprint="",
        preprocessing=MILLIVOLTS,
    )  # fmt: skip
    places = {name: np.flatnonzero(parts == place) for place, name in enumerate(PARTS)}
    return Task(dataset, places, CLASSES)


def trainer_of(task: Task, config: Config, checkpoint: Path, clock: Clock) -> Trainer:
    """Build a network and its trainer."""
    checkpoint.unlink(missing_ok=True)
    keras.utils.set_random_seed(0)
    model = config.network.build(len(CLASSES), MILLIVOLTS.n_samples)
    return Trainer(
        model, task, config.schedule, seed=0, checkpoint=checkpoint, identity="", clock=clock
    )


def main(folder: Path, minutes: float) -> None:
    """Train and print."""
    clock = Clock(minutes / 60, now=time.process_time)
    begun, checkpoint = clock.now(), folder / "ours.npz"
    task = task_of(folder)
    prepared = clock.now() - begun
    seconds = trainer_of(task, Config(), checkpoint, clock).epoch_seconds()
    epochs = max(1, int(clock.left() / (FEEDING * seconds)))
    config = replace(Config(), epochs=epochs, whole_epochs=epochs // SHARE_WHOLE)
    trainer = trainer_of(task, config, checkpoint, clock)
    before = clock.now() - begun
    trainer.run()
    times = before + np.cumsum([row["seconds"] for row in trainer.history])
    scores = [row["validation_score"] for row in trainer.history]
    used = clock.now() - begun
    truth = task.truth(task.parts["test"])[0]
    found = auroc(truth, class_scores(trainer.forward, task, task.parts["test"])[0])
    answer = {
        "curve": [list(pair) for pair in zip(times.tolist(), scores, strict=True)],
        "test": found.tolist(),
        "parameters": trainer.model.count_params(),
        "epochs": len(trainer.history),
        "seconds": used,
        "prepared": prepared,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
