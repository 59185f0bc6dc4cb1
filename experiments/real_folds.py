"""Compare what is learned from a few hundred recordings with a control of shuffled labels.

    python -m experiments.real_folds DATA [--folds 5] [--seed 0] [--members 1]

Trains the demo recipe's first networks on each fold's complement (a fifth of it validates) and
pools the held-out scores. The challenge metric of so few recordings cannot tell learning from the
best constant prediction; AUROC can. The same run with labels shuffled among recordings is the
control.

Cost: 220 recordings, one member, both runs: 160 epochs of 2 to 3 s on 2 idle cores.
Expected on 220 recordings of six public databases: see reports/results.md.
"""

import argparse
import logging
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import prepare_folder
from ecg12.data.splits import folds
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics import auroc, macro
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.training.recipes import get_recipe
from ecg12.training.resources import Clock
from ecg12.training.task import Task, class_scores
from ecg12.training.trainer import Trainer

MIN_POSITIVES = 5


def held_out_scores(dataset, classes, recipe, k, members, seed, work):
    """Return (n, n_classes) scores of each recording by networks that never saw it."""
    scores = np.zeros(dataset.targets.shape)
    for number, held_out in enumerate(folds(len(dataset), k, seed)):
        rest = np.setdiff1d(np.arange(len(dataset)), held_out)
        rest = np.random.default_rng([seed, number]).permutation(rest)
        n = len(rest) // 5
        parts = {"training": rest[n:], "validation": rest[:n], "test": held_out}
        task = Task(dataset, parts, classes)
        found = [_one(task, recipe, seed + 10 * number + i, i, work) for i in range(members)]
        scores[held_out] = np.median(found, axis=0)
    return scores


def _one(task, recipe, seed, index, work):
    keras.utils.set_random_seed(seed)
    model = recipe.networks[index].build(len(task.classes.columns))
    trainer = Trainer(
        model,
        task,
        recipe.schedule,
        seed=seed,
        checkpoint=work / "fold.npz",
        identity=f"{seed}",
        clock=Clock(1),
    )
    trainer.run()
    (work / "fold.npz").unlink()
    return class_scores(trainer.forward, task, task.parts["test"])[0]


def main():
    """Run both the true and the shuffled labels and print their AUROC."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    recipe, classes = get_recipe("demo"), load_weights(WEIGHTS)
    print(backend.start(options.seed))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        dataset = prepare_folder(options.data, work, recipe.preprocessing, classes)
        order = np.random.default_rng(options.seed).permutation(len(dataset))
        shuffled = replace(dataset, targets=dataset.targets[order])
        for name, data in (("true labels", dataset), ("shuffled labels", shuffled)):
            arguments = (options.folds, options.members, options.seed, work)
            scores = held_out_scores(data, classes, recipe, *arguments)
            areas = auroc(data.targets, scores)
            enough = data.targets.sum(axis=0) >= MIN_POSITIVES
            row = dict(zip(np.array(classes.names)[enough], areas[enough].round(2), strict=True))
            print(f"{name}: macro AUROC {macro(areas[enough]):.3f} over {enough.sum()} classes")
            print("   ", ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
