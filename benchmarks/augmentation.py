"""Compare epochs with and without varied recordings, and time each part of the variation.

    python -m benchmarks.augmentation [--recipe submission] [--recordings 256]

Parts first: milliseconds of processor time per recording in one thread. Then a recipe's first
network is trained on random signals, an epoch with its augmentation and one without in turn, the
median of five: seconds by the clock and of the processor. On a GPU the first tells whether threads
keep up with it; on a CPU they take what they use from the training.

Exit status 1 if an epoch with varied recordings takes more than 1.1 times as long by the clock.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.runtime import backend
from ecg12.signal.augmentation import Augmentation
from ecg12.signal.preprocessing import STEP
from ecg12.training.recipes import RECIPES, Recipe
from ecg12.training.resources import Clock
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

CLASSES = load_weights(WEIGHTS)
TURNS = 5
LONGEST = 1.1


def random_recordings(n: int, recipe: Recipe) -> Dataset:
    """Return prepared recordings of noise, with labels drawn at random."""
    rng = np.random.default_rng(0)
    shape = n, 12, recipe.preprocessing.n_samples
    signals = np.rint(rng.standard_normal(shape, dtype=np.float32) / STEP).astype(np.int16)
    targets = rng.random((n, len(CLASSES.names))) < 0.1
    return Dataset(
        signals,
        np.arange(n),
        targets,
        names=(),
        failures=(),
        fingerprint="random",
        preprocessing=recipe.preprocessing,
    )


def part_times(augmentation: Augmentation, data: Dataset, batch: int) -> dict[str, float]:
    """Return processor milliseconds per recording of each part that is switched on, and of all."""
    signals = data.inputs(np.arange(batch))[..., 0]
    parts = {f.name: getattr(augmentation, f.name) for f in fields(augmentation)}
    variations = {n: Augmentation(**{n: amount}) for n, amount in parts.items() if amount}
    taken = {}
    for name, variation in {**variations, "all": augmentation}.items():
        times = []
        for turn in range(2 * TURNS):
            begun = time.thread_time()
            rng = np.random.default_rng(turn)
            variation.apply(rng, signals, data.preprocessing.rate, rescale=True)
            times.append(1e3 * (time.thread_time() - begun) / batch)
        taken[name] = float(np.median(times))
    return taken


def main() -> None:
    """Print the parts, then the epochs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", choices=RECIPES, default="submission")
    parser.add_argument("--recordings", type=int, default=256, help="(default %(default)s)")
    options = parser.parse_args()
    recipe = RECIPES[options.recipe]
    augmentation = recipe.schedule.augmentation
    if augmentation == Augmentation():
        parser.error(f"the recipe {recipe.name} varies nothing")
    print(backend.start(0))
    data = random_recordings(options.recordings, recipe)
    for name, milliseconds in part_times(augmentation, data, recipe.schedule.batch).items():
        print(f"{name:14}{milliseconds:6.2f} ms")
    n = len(data)
    parts = {"training": np.arange(n), "validation": np.arange(min(n, 8))}
    schedule = replace(recipe.schedule, last_epochs=0)
    schedules = {"varied": schedule, "as they are": replace(schedule, augmentation=Augmentation())}
    with tempfile.TemporaryDirectory() as folder:
        trainers = {
            name: Trainer(recipe.networks[0].build(len(CLASSES.columns), data.signals.shape[2]),
                          Task(data, parts, CLASSES), schedule, seed=0, identity="",
                          checkpoint=Path(folder) / f"{name}.npz", clock=Clock(24))
            for name, schedule in schedules.items()
        }  # fmt: skip
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in trainers}
        for turn in range(TURNS + 1):
            for name, trainer in trainers.items():
                begun = time.monotonic(), time.process_time()
                trainer.run(turn + 1)
                taken[name].append((time.monotonic() - begun[0], time.process_time() - begun[1]))
    medians = {name: np.median(times[1:], axis=0) for name, times in taken.items()}  # 0 compiles
    for name, (clock, processor) in medians.items():
        print(f"{recipe.networks[0].name}, {n} recordings {name}: {clock:.2f} s an epoch by the "
              f"clock, {processor:.2f} s of processor time")  # fmt: skip
    ratio = medians["varied"] / medians["as they are"]
    print(f"varied: {ratio[0]:.3f} times as long by the clock, {ratio[1]:.3f} times the processor")
    sys.exit(bool(ratio[0] > LONGEST))


if __name__ == "__main__":
    main()
