"""One run: a variant trained and tested on all folds; its answers in a file of their own.

A run's file holds, by lead set, the class scores of all tested recordings (nan elsewhere); by fold
the scores of its validation part and the thresholds tuned on it; and the costs. `truth.npz` holds
what all runs share: targets, names of the databases, and which of them each fold tests.
"""

import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ecg12 import backend
from ecg12.backend import keras
from ecg12.budget import Clock
from ecg12.classifier import Classifier, Member
from ecg12.databases import databases_of
from ecg12.dataset import Dataset, prepare_folder
from ecg12.files import replacing
from ecg12.headers import LEADS
from ecg12.labels import WEIGHTS, ScoredClasses, load_weights
from ecg12.losses import LOSSES
from ecg12.metrics import scorer_of
from ecg12.records import Record, read_record
from ecg12.signals import prepare_parts
from ecg12.splits import validating_databases
from ecg12.synthetic import generate
from ecg12.thresholds import tune
from ecg12.training import Task, Trainer, class_scores
from experiments.surpassing.variants import AVERAGED, CHAINS, SINGLE, VARIANTS, Variant

SYNTHETIC = "synthetic"
SEEN, UNSEEN = ("general", "American", "nine classes"), ("monitor", "research")
# Folder → recordings, seed and sites; the first trains, the others are answered.
DRAWN = {
    "seen sites": (1250, 10, SEEN),
    "seen sites, held out": (400, 11, SEEN),
    "unseen sites": (400, 12, UNSEEN),
}
# Recorded by the same institutions as another database, and so left out with it.
SAME = {"cpsc2018_extra": "cpsc2018", "ptb": "ptbxl", "ptbxl_challenge500": "ptbxl"}
LEAD_SETS = {  # of the challenge of 2021
    "12": LEADS,
    "6": LEADS[:6],
    "4": ("I", "II", "III", "V2"),
    "3": ("I", "II", "V2"),
    "2": ("I", "II"),
}
COSTS = ("s/epoch", "ms/recording", "GFLOP")


@dataclass(frozen=True, order=True)
class Run:
    """A variant, the seed of division and training, and which of several such networks it is."""

    variant: str
    seed: int
    member: int = 0

    def file(self, work: Path, kind: str = "answers") -> Path:
        """Return where its answers lie, or its weights."""
        return work / kind / f"{self.variant}, seed {self.seed}, {self.member}.npz"

    @classmethod
    def of(cls, file: Path) -> "Run":
        """Return the run of a file."""
        variant, seed, member = file.stem.rsplit(", ", 2)
        return cls(variant, int(seed.removeprefix("seed ")), int(member))


@dataclass(frozen=True, eq=False)
class Material:
    """Prepared recordings; for each fold those that may train and those that are answered."""

    datasets: dict[int, Dataset]  # parts → the same recordings in the same order
    classes: ScoredClasses
    owner: np.ndarray  # the database of each recording
    folds: list[tuple[np.ndarray, np.ndarray]]
    answered: dict  # (parts, lead set) → recording → as a classifier takes it


@lru_cache(maxsize=1)
def material(data: str, work: Path) -> Material:
    """Draw or read the recordings; prepare them once."""
    classes = load_weights(WEIGHTS)
    folder = work / SYNTHETIC if data == SYNTHETIC else Path(data)
    if data == SYNTHETIC:
        for name, (n, seed, sites) in DRAWN.items():
            if not (folder / name).is_dir():
                generate(folder / name, n, seed, sites=sites, rates=None, seconds=None, workers=2)
    datasets = {
        chain.parts: prepare_folder(folder, work / f"prepared{chain.parts}", chain, classes)
        for chain in CHAINS
    }
    dataset = datasets[SINGLE.parts]
    databases = databases_of([folder / name for name in dataset.names], folder)
    owner = np.array([SAME.get(name, name) for name in databases])
    if data == SYNTHETIC:
        trains = owner == next(iter(DRAWN))
        folds = [(np.flatnonzero(trains), np.flatnonzero(~trains))]
    else:
        folds = [(np.flatnonzero(owner != name), np.flatnonzero(owner == name))
                 for name in np.unique(owner)]  # fmt: skip
    fold_of = np.full(len(dataset), -1)
    for fold, (_, test) in enumerate(folds):
        fold_of[test] = fold
    if not (work / "truth.npz").is_file():
        with replacing(work / "truth.npz") as temporary:
            np.savez(temporary, targets=dataset.targets, owner=owner, fold_of=fold_of)
    answered = _answered([folder / name for name in dataset.names], np.flatnonzero(fold_of >= 0))
    return Material(datasets, classes, owner, folds, answered)


def _answered(paths: list[Path], tested: np.ndarray) -> dict:
    """Prepare the tested recordings for each chain and lead set, as the driver does."""
    found: dict = {(chain.parts, leads): {} for chain in CHAINS for leads in LEAD_SETS}
    for i in tested:
        record = read_record(paths[i], AVERAGED.needed_seconds)
        for chain in CHAINS:
            for name, leads in LEAD_SETS.items():
                found[chain.parts, name][i] = (prepare_parts(only(record, leads), chain),)
    return found


def only(record: Record, leads: tuple[str, ...]) -> Record:
    """Return a recording with some of its leads."""
    rows = [record.leads.index(lead) for lead in leads if lead in record.leads]
    return replace(
        record,
        stored=record.stored[rows],
        gains=record.gains[rows],
        offsets=record.offsets[rows],
        units=tuple(record.units[row] for row in rows),
        leads=tuple(record.leads[row] for row in rows),
    )


def divide(rest: np.ndarray, seed: int, owner: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return four fifths of some recordings to train on, and a fifth to tune thresholds on.

    With `owner`, the database of every recording, whole databases are set apart for that.
    """
    if owner is not None:
        apart = validating_databases(owner[rest], seed)
        return {"training": np.delete(rest, apart), "validation": rest[apart]}
    order = np.random.default_rng([seed, len(rest)]).permutation(rest)
    n = len(order) // 5
    return {"training": order[n:], "validation": order[:n]}


def run(one: Run, data: str, work: Path, begin_at: Path | None) -> None:
    """Train and test one variant on all folds; write its answers.

    With `begin_at` its networks begin at the one that the same run left in that work folder, or the
    same run with a fifth to validate where whole databases do.
    """
    variant, ready = VARIANTS[one.variant], material(data, work)
    backend.start(one.seed)
    weights = None
    if begin_at:
        earlier = replace(one, variant="whole") if variant.database else one
        with np.load(earlier.file(begin_at, "weights")) as saved:
            weights = [saved[f"arr_{i}"] for i in range(len(saved.files))]
    shape = ready.datasets[SINGLE.parts].targets.shape
    kept = {f"scores {leads}": np.full(shape, np.nan, np.float32) for leads in LEAD_SETS}
    epochs, answers = [], []
    owner = ready.owner if variant.database else None
    dataset = ready.datasets[variant.preprocessing.parts]
    tasks = [Task(dataset, divide(rest, one.seed, owner), ready.classes) for rest, _ in ready.folds]
    trainer = _trainer(one, variant, tasks[0], work, weights)
    none = np.zeros(shape[1])  # thresholds are applied to the answers later
    member = Member("m", trainer.model, variant.preprocessing, none, 0.0)
    classifier = Classifier(ready.classes, [member])
    for fold, (task, (_, test)) in enumerate(zip(tasks, ready.folds, strict=True)):
        epochs.append(trainer.fold(task))
        part = task.parts["validation"]
        scores = class_scores(trainer.forward, task, part)[0]
        tuned = tune(scores, task.dataset.targets[part], task.classes)
        kept |= {f"validation {fold}": scores, f"thresholds {fold}": tuned.thresholds}
        for leads in LEAD_SETS:
            prepared = [ready.answered[variant.preprocessing.parts, leads][i] for i in test]
            begun = time.process_time()
            kept[f"scores {leads}"][test] = classifier.member_scores(prepared)[0]
            answers.append((time.process_time() - begun) / len(test))
    trainer.checkpoint.unlink()
    gflop = variant.network.gflop(SINGLE.n_samples)
    costs = np.array([np.sum(epochs), 1e3 * np.median(answers), gflop])
    weights = trainer.model.get_weights()  # of the last fold
    _write(one.file(work, "weights"), {f"arr_{i}": array for i, array in enumerate(weights)})
    _write(one.file(work), {"costs": costs, **kept})  # last, since it tells that the run is over


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)


class _Folds(Trainer):
    """Trains the same network on fold after fold, compiled once for each loss; knows its time."""

    def __init__(self, *arguments: Any) -> None:
        self.by_loss: dict[str, Any] = {}
        super().__init__(*arguments)
        self.first = self._values()

    def _compile(self, loss: str) -> None:
        if loss not in self.by_loss:  # the same layers and optimizer under each loss
            model = keras.Model(self.model.inputs, self.model.outputs, name=self.model.name)
            model.compile(self.optimizer, LOSSES[loss](self.task.classes),
                          **backend.compile_options())  # fmt: skip
            self.by_loss[loss] = model
        self.loss, self.model = loss, self.by_loss[loss]

    def fold(self, task: Task) -> float:
        """Train on a fold as if it were the first; return processor seconds per epoch."""
        for variable, value in zip(self._variables(), self.first, strict=True):
            variable.assign(value)
        part = task.parts["validation"]
        self.task, self.scorer = task, scorer_of(task.dataset.targets[part], task.classes)
        self.batch = self.schedule.batch_size(len(task.parts["training"]))
        self.progress, self.history = self.schedule.start(), []
        self._compile(self.schedule.loss)
        begun = time.process_time()
        self.run()
        return (time.process_time() - begun) / self.progress.epoch


def _trainer(
    one: Run, variant: Variant, task: Task, work: Path, weights: list[np.ndarray] | None
) -> _Folds:
    seed = 1000 * one.member + one.seed
    keras.utils.set_random_seed(seed)
    model = variant.network.build(len(task.classes.columns), SINGLE.n_samples)
    if weights:
        model.set_weights(weights)
    checkpoint = one.file(work, "checkpoints")
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.unlink(missing_ok=True)  # of a run that was killed
    schedule = variant.schedule(weights is not None)
    return _Folds(model, task, schedule, seed, checkpoint, "", Clock(24))
