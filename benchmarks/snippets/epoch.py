"""Train one epoch of a small network on prepared recordings of noise.

python -m benchmarks.snippets.epoch FOLDER N
"""

import sys
from pathlib import Path

import numpy as np

from benchmarks.stages.training import CHECKED, CLASSES, random_recordings
from ecg12.models import SEResNet
from ecg12.training.recipes import get_recipe
from ecg12.training.resources import Clock
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer


def main(folder: Path, n: int) -> None:
    """Write the recordings, block by block, and train."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = get_recipe("shipped")
    data = random_recordings(folder / "signals.npy", n, recipe)
    task = Task(data, {"training": np.arange(n), "validation": np.arange(CHECKED)}, CLASSES)
    model = SEResNet(k=16, stride=1).build(len(CLASSES.columns), data.signals.shape[2])
    checkpoint = folder / "checkpoint.npz"
    checkpoint.unlink(missing_ok=True)
    schedule = recipe.schedule
    trainer = Trainer(
        model, task, schedule, seed=0, identity="", checkpoint=checkpoint, clock=Clock(24)
    )
    trainer.run(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
