"""What the full search of the paper costs: 166 networks, counted, and timed where it can be.

    python -m experiments.search_cost [--trials 166] [--seed 0] [--recordings 43101]

Draws the networks as the search does and sums their floating point operations for an epoch of a
60/20/20 split: three forward passes for each training recording, one for each of validation. Then
networks that span the space train a few steps on this machine, timed in processor seconds, so that
other programs do not count: the GFLOP/s of one core. All hours are estimates: for 64 CPU cores from
that rate, as if 64 networks trained side by side did not disturb each other; for a T4 (8.1 TFLOP/s
in float32) and an H200 (67 TFLOP/s) from the published peaks times `UTILISATION`, which is assumed.

Cost: a minute or two. Expected: see reports/cluster.md.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from ecg12.data.dataset import Dataset, split
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import ResNet
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.search import Constraints, Size, Space, costs, draw
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

TIMED = (ResNet(16, 3, 2, 4), ResNet(16, 7, 3, 8), ResNet(32, 7, 2, 6))
EPOCHS = (10, 20)  # that a training takes until it stops, assumed: the paper gives none
PEAKS = {"T4": 8.1e3, "H200": 67e3}  # GFLOP/s in float32, as published
UTILISATION = 0.3


def task_of(classes, n):
    """Return a task of n recordings of noise, in memory."""
    rng = np.random.default_rng(0)
    signals = rng.integers(-3000, 3000, (n, 12, 2500), np.int16)
    dataset = Dataset(
        signals,
        np.arange(n),
        rng.random((n, len(classes))) < 0.1,
        names=(),
        failures=(),
        fingerprint="",
    )
    return Task(dataset, split(n, 0), classes)


def speed_of(network, task, folder):
    """Return GFLOP per processor second in training."""
    keras.utils.set_random_seed(0)
    model = network.build(len(task.classes.columns))
    schedule, clock = Schedule(batch=16), Clock(1, time.process_time)
    trainer = Trainer(
        model, task, schedule, seed=0, checkpoint=Path(folder) / "c.npz", identity="", clock=clock
    )
    n = 3 * len(task.parts["training"]) + len(task.parts["validation"])
    return network.gflop() * n / trainer.epoch_seconds()


def main():
    """Print the count, the measured rates, and hours."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=166)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recordings", type=int, default=43_101)
    options = parser.parse_args()
    classes = load_weights(WEIGHTS)
    n = options.recordings
    size = Size(
        n_outputs=len(classes.columns),
        n_samples=2500,
        batch=128,
        n_training=round(0.6 * n),
        n_validation=round(0.2 * n),
    )
    networks, _ = draw(
        Space(), options.trials, seed=options.seed, constraints=Constraints(), size=size
    )
    found = [costs(network, size) for network in networks]
    gflop = np.array([cost["gflop"] for cost in found])
    whole = np.mean([network.gflop() for network in Space().networks()])
    print(f"{len(networks)} networks: mean {gflop.mean():.1f} GFLOP a forward pass, "
          f"median {np.median(gflop):.1f}, {gflop.min():.2f} to {gflop.max():.0f}; "
          f"mean of the whole space {whole:.1f}")  # fmt: skip
    for name, unit in (("parameters", 1e6), ("memory", 1)):
        values = np.array([cost[name] for cost in found]) / unit
        print(f"{name}: median {np.median(values):.2f}, at most {values.max():.2f}")
    epoch = gflop.sum() * (3 * size.n_training + size.n_validation)
    print(f"{n} recordings: {epoch / 1e9:.2f} EFLOP for one epoch of all networks")
    print(backend.start(0))
    task = task_of(classes, 160)
    with tempfile.TemporaryDirectory() as folder:
        speeds = [speed_of(network, task, folder) for network in TIMED]
    for network, speed in zip(TIMED, speeds, strict=True):
        print(f"measured: {network.name} {speed:.0f} GFLOP/s on one core")
    rates = {"64 cores": 64 * float(np.median(speeds))}
    rates |= {name: peak * UTILISATION for name, peak in PEAKS.items()}
    for name, rate in rates.items():
        hours = epoch / rate / 3600
        low, high = (count * hours / 24 for count in EPOCHS)
        print(f"estimated, {name}: {rate:.0f} GFLOP/s, {hours:.1f} h per epoch of all networks, "
              f"{low:.1f} to {high:.1f} days for {EPOCHS} epochs of each")  # fmt: skip


if __name__ == "__main__":
    main()
