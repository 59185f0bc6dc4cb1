"""What the studies of transfer share: small networks, two synthetic sites, seeds, intervals.

Recordings are prepared as for paper B, but at 125 Hz; the network is a small one-dimensional one,
since every question is asked ten times. Finished runs are kept in the work folder and not repeated.

The *source* is an archive of three synthetic sites, the *target* a fourth that records, filters and
labels otherwise ("monitor": 250 to 400 Hz, 35 to 40 Hz low-pass, 13 classes).
"""

import argparse
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.dataset import Dataset, prepare_folder
from ecg12.data.splits import split
from ecg12.decision.thresholds import tune
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics import auroc, best_constant, challenge_score, macro
from ecg12.metrics.intervals import student_interval
from ecg12.models import SEResNet, freeze, swap_head
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.files import atomic_write, read_json, write_json
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import generate
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task, class_scores
from ecg12.training.trainer import Trainer

PREPROCESSING = Preprocessing(rate=125.0)
NETWORK = SEResNet(k=8, s=7, m=5)
CLASSES = load_weights(WEIGHTS)
SOURCE = ("general", "American", "research")
TARGET = ("monitor",)
SEED_OF_TARGET = 1000
# Paper B's, but in smaller batches, and the lowest validation loss decides which epoch is kept: on
# a few recordings the metric jumps.
SCHEDULE = Schedule(batch=32, plateau=4, monitor="loss")
STEPS = 300
SETTINGS = ("epochs", "pretraining_epochs")  # that change a run of the same recordings
MIN_POSITIVES = 3  # of a class in the test part, for its AUROC to count


def parser(doc: str, **defaults: int) -> argparse.ArgumentParser:
    """Return a parser of the arguments that all studies have.

    Parameters
    ----------
    doc
        Of the study.
    defaults
        `seeds`, `source`, `target` (recordings), `epochs`, where they differ from the usual.
    """
    usual = {"seeds": 10, "source": 3000, "target": 1000, "epochs": 12} | defaults
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("work", type=Path, help="folder for recordings and finished runs")
    made.add_argument("--data", type=Path, help="a folder as the target, in place of synthetic")
    made.add_argument("--pretraining-epochs", type=int, default=12)
    for name, value in usual.items():
        made.add_argument(f"--{name}", type=int, default=value, help="(default %(default)s)")
    return made


@dataclass(frozen=True, eq=False)
class Study:
    """Recordings of both sites, and where runs are kept."""

    options: argparse.Namespace
    source: Dataset
    target: Dataset

    def fit(self, model: Any, task: Task, seed: int, epochs: int | None = None) -> Trainer:
        """Train a model on a task; return its trainer.

        On few recordings there are more epochs, so that no network has fewer than `STEPS` steps:
        what it lacks is to be recordings.
        """
        state = self.options.work / "run.npz"
        state.unlink(missing_ok=True)  # of another run, that was killed
        n = len(task.parts["training"])
        steps = n / SCHEDULE.batch_size(n)
        epochs = max(epochs or self.options.epochs, round(STEPS / steps))
        schedule = replace(SCHEDULE, epochs=epochs, patience=epochs)
        trainer = Trainer(
            model, task, schedule, seed=seed, checkpoint=state, identity="", clock=Clock(1)
        )
        trainer.run()
        state.unlink()
        return trainer

    def source_task(self, seed: int, dataset: Dataset | None = None) -> Task:
        """Return the source's recordings, or those given, divided 60/20/20."""
        dataset = dataset or self.source
        return Task(dataset, split(len(dataset), seed), CLASSES)

    def target_task(self, seed: int, share: float = 1.0, dataset: Dataset | None = None) -> Task:
        """Return the target divided 60/20/20; of training and validation only a share."""
        dataset = dataset or self.target
        parts = split(len(dataset), seed)
        fewer = {name: part[: max(1, round(share * len(part)))] for name, part in parts.items()}
        return Task(dataset, fewer | {"test": parts["test"]}, CLASSES)

    def scratch(self, seed: int) -> Any:
        """Return an untrained network."""
        keras.utils.set_random_seed(seed)
        return NETWORK.build(len(CLASSES.columns), PREPROCESSING.n_samples)

    def pretrained(self, seed: int) -> list[np.ndarray]:
        """Return the weights of a network trained on the source, which all studies share."""
        made = [NETWORK, SCHEDULE, STEPS, self.options.pretraining_epochs, self.source.fingerprint]
        name = hashlib.sha256(repr(made).encode()).hexdigest()[:12]
        path = self.options.work / f"pretrained{seed}-{name}.npz"
        model = self.scratch(seed)
        if not path.is_file():
            self.fit(model, self.source_task(seed), seed, self.options.pretraining_epochs)
            with atomic_write(path) as temporary:
                np.savez(temporary, *model.get_weights())
        with np.load(path) as saved:
            return [saved[f"arr_{i}"] for i in range(len(saved.files))]

    def pretrained_once(self, seed: int) -> Callable[[], list[np.ndarray]]:
        """Return a function that gives those weights, and trains no earlier than it is called."""
        return cache(lambda: self.pretrained(seed))

    def transferred(self, seed: int, weights: Sequence[np.ndarray], frozen: int = 0) -> Any:
        """Return a network of these weights with a new head, its first blocks frozen."""
        model = self.scratch(seed)
        model.set_weights(weights)
        model = swap_head(model, len(CLASSES.columns))
        freeze(model, frozen)
        return model


def begin(options: argparse.Namespace) -> Study:
    """Draw and prepare the recordings."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options.work.mkdir(parents=True, exist_ok=True)
    print(backend.start(0), NETWORK.name, sep=", ", flush=True)
    source = _drawn(options.work, "source", options.source, 0, SOURCE)
    if options.data:
        target = prepare_folder(options.data, options.work / "real", PREPROCESSING, CLASSES)
    else:
        target = _drawn(options.work, "target", options.target, SEED_OF_TARGET, TARGET)
    return Study(options, source, target)


def _drawn(work: Path, name: str, n: int, seed: int, sites: tuple[str, ...]) -> Dataset:
    folder = work / f"{name}{n}"
    if not folder.is_dir():
        generate(folder, n, seed, sites=sites, rates=None, seconds=None)
    return prepare_folder(folder, work / f"{name}{n}-prepared", PREPROCESSING, CLASSES)


def measured(
    task: Task, validation: np.ndarray, test: np.ndarray, targets: np.ndarray | None = None
) -> dict[str, float]:
    """Return macro AUROC, challenge metric, and the metric less the best constant prediction's.

    Parameters
    ----------
    task
        Its validation part tunes the thresholds, its test part is scored.
    validation, test
        (n, n_classes) scores of these parts.
    targets
        (n_recordings, n_classes) truth, where the task's labels are not it.
    """
    truth = (task.dataset.targets if targets is None else targets)[task.parts["test"]]
    tuned = tune(validation, task.dataset.targets[task.parts["validation"]], CLASSES)
    metric = challenge_score(truth, test > tuned.thresholds, CLASSES)
    enough = truth.sum(axis=0) >= MIN_POSITIVES
    return {
        "AUROC": macro(auroc(truth[:, enough], test[:, enough])),
        "metric": metric,
        "margin": metric - best_constant(truth, CLASSES)[1],
    }


def held_out(trainer: Trainer, task: Task, targets: np.ndarray | None = None) -> dict[str, float]:
    """Measure a trained network, as `measured` does."""
    parts = (task.parts[name] for name in ("validation", "test"))
    return measured(task, *(class_scores(trainer.forward, task, p)[0] for p in parts), targets)


Row = dict[str, float]


Rows = dict[str, Row]


class Results:
    """Finished runs of a study, kept in its work folder: variant and seed → measures."""

    def __init__(self, name: str, study: Study) -> None:
        self.path = study.options.work / f"{name}.json"
        sizes = {key: getattr(study.options, key) for key in SETTINGS}
        self.made = f"{sizes} {study.source.fingerprint} {study.target.fingerprint}"
        saved = read_json(self.path) if self.path.is_file() else {}
        self.rows: dict[str, Row] = saved["rows"] if saved.get("made") == self.made else {}

    def run(self, variant: str, seed: int, function: Callable[[], Row]) -> Row:
        """Return the measures of a run, made now if they are not known."""
        key = f"{variant}, seed {seed}"
        if key not in self.rows:
            self.rows[key] = function()
            write_json(self.path, {"made": self.made, "rows": self.rows})
            shown = ", ".join(f"{name} {value:.3f}" for name, value in self.rows[key].items())
            print(f"{key}: {shown}", flush=True)
        return self.rows[key]

    def run_all(self, variants: Sequence[str], seed: int, function: Callable[[], Rows]) -> None:
        """Make the runs of several variants, which come from one function, if one is missing."""
        rows = cache(function)
        for name in variants:
            self.run(name, seed, lambda name=name: rows()[name])

    def column(self, variant: str, measure: str, seeds: int) -> np.ndarray:
        """Return (n_seeds,) values of a measure."""
        return np.array([self.rows[f"{variant}, seed {s}"][measure] for s in range(seeds)])


def interval(values: np.ndarray) -> str:
    """Return mean and 95 % interval (Student's t) of the seeds' values."""
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*student_interval(values))


def table(results: Results, variants: Sequence[str], reference: str, seeds: int) -> None:
    """Print the means of each variant, and its paired differences from a reference."""
    print(f"\n{seeds} paired seeds; differences from {reference!r}, mean and 95 % interval")
    print(f"{'':24}AUROC  metric  over constant   AUROC difference         metric difference")
    for name in variants:
        columns = {m: results.column(name, m, seeds) for m in ("AUROC", "metric", "margin")}
        means = [values.mean() for values in columns.values()]
        line = f"{name:24}{means[0]:.3f}{means[1]:8.3f}{means[2]:+15.3f}   "
        if name != reference:
            gaps = (columns[m] - results.column(reference, m, seeds) for m in ("AUROC", "metric"))
            line += "  ".join(interval(gap) for gap in gaps)
        print(line)
