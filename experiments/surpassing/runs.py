"""One run: a variant trained and tested on all folds; its predictions in a file of their own.

The file holds, by lead set, the class scores of all tested recordings (nan elsewhere); by fold the
scores of its validation part and the thresholds tuned on it; the costs; and of which data and
choices all this is.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.decision.thresholds import tune
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.metrics import scorer_of
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.files import atomic_write, is_whole_archive, sha256
from ecg12.training.resources import Clock
from ecg12.training.task import Task, class_scores
from ecg12.training.trainer import Trainer
from experiments.surpassing.recordings import LEAD_SETS, Material, divide, material, prepared_tests
from experiments.surpassing.variants import SINGLE, VARIANTS, Variant

log = logging.getLogger(__name__)
COSTS = ("s/epoch", "ms/recording", "GFLOP")


@dataclass(frozen=True, order=True)
class Run:
    """A variant, the seed of division and training, and which of several such networks it is."""

    variant: str
    seed: int
    member: int = 0

    def file(self, work: Path, kind: str = "answers") -> Path:
        """Return the file of its predictions, or of its weights."""
        return work / kind / f"{self.variant}, seed {self.seed}, {self.member}.npz"

    @classmethod
    def of(cls, file: Path) -> "Run":
        """Return the run of a file."""
        variant, seed, member = file.stem.rsplit(", ", 2)
        return cls(variant, int(seed.removeprefix("seed ")), int(member))

    @classmethod
    def all(cls, work: Path) -> list["Run"]:
        """Return the runs of the variants whose predictions a work folder holds."""
        files = (work / "answers").glob("[!.]*.npz")  # a killed run leaves .name
        return [one for one in map(cls.of, files) if one.variant in VARIANTS]


def first_weights(one: Run, begin_at: Path) -> Path:
    """Return the file of the weights that a run begins at.

    Those of the same run in that work folder, or of the same run with a fifth to validate where
    whole databases do.
    """
    earlier = replace(one, variant="whole") if VARIANTS[one.variant].database else one
    return earlier.file(begin_at, "weights")


def identity(one: Run, ready: Material, begin_at: Path | None) -> str:
    """Name all that decides what a run becomes."""
    variant = VARIANTS[one.variant]
    dataset = ready.datasets[variant.preprocessing.parts]
    first = first_weights(one, begin_at) if begin_at else None
    begins = sha256(first) if first and first.is_file() else first
    schedule = variant.schedule(begin_at is not None)
    choices = [backend.identity(), one, variant, variant.network, schedule, begins, ready.division]
    return f"{choices} {dataset.fingerprint}"


def finished(one: Run, ready: Material, work: Path, begin_at: Path | None) -> bool:
    """Return whether a run's predictions are there, of the same data and choices."""
    path = one.file(work)
    if not path.is_file():
        return False
    if is_whole_archive(path):
        with np.load(path) as saved:
            known = str(saved["identity"]) if "identity" in saved.files else ""
        if known == identity(one, ready, begin_at):
            return True
    log.warning("%s: of other data or choices; left out", path)
    return False


def run(one: Run, data: str, work: Path, begin_at: Path | None) -> None:
    """Train and test one variant on all folds; write its predictions.

    With `begin_at` its networks begin at `first_weights`.
    """
    variant, ready = VARIANTS[one.variant], material(data, work)
    name = identity(one, ready, begin_at)
    backend.start(one.seed)
    weights = None
    if begin_at:
        with np.load(first_weights(one, begin_at)) as saved:
            weights = [saved[f"arr_{i}"] for i in range(len(saved.files))]
    shape = ready.targets.shape
    kept = {f"scores {leads}": np.full(shape, np.nan, np.float32) for leads in LEAD_SETS}
    epochs, seconds = [], []
    owner = ready.owner if variant.database else None
    dataset = ready.datasets[variant.preprocessing.parts]
    tasks = [Task(dataset, divide(rest, one.seed, owner), ready.classes) for rest, _ in ready.folds]
    trainer = _trainer(one, variant, tasks[0], work, weights)
    none = np.zeros(shape[1])  # thresholds are applied to the scores later
    member = Member(
        "m", trainer.model, variant.preprocessing, thresholds=none, validation_score=0.0
    )
    classifier = Classifier(ready.classes, [member])
    for fold, (task, (_, test)) in enumerate(zip(tasks, ready.folds, strict=True)):
        epochs.append(trainer.fold(task))
        part = task.parts["validation"]
        scores = class_scores(trainer.forward, task, part)[0]
        tuned = tune(scores, task.dataset.targets[part], task.classes)
        kept |= {f"validation {fold}": scores, f"thresholds {fold}": tuned.thresholds}
        for leads in LEAD_SETS:
            known = prepared_tests(data, work)[variant.preprocessing.parts, leads]
            prepared = [known[i] for i in test]
            begun = time.process_time()
            kept[f"scores {leads}"][test] = classifier.member_scores(prepared)[0]
            seconds.append((time.process_time() - begun) / len(test))
    trainer.checkpoint.unlink()
    gflop = variant.network.gflop(SINGLE.n_samples)
    costs = np.array([np.sum(epochs), 1e3 * np.median(seconds), gflop])
    weights = trainer.model.get_weights()  # of the last fold
    _write(one.file(work, "weights"), {f"arr_{i}": array for i, array in enumerate(weights)})
    # Last, since its presence means that the run is finished.
    _write(one.file(work), {"identity": np.array(name), "costs": costs, **kept})


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as temporary:
        np.savez(temporary, **arrays)


class FoldTrainer(Trainer):
    """Trains the same network on fold after fold, compiled once, and timed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.first = self._values()

    def fold(self, task: Task) -> float:
        """Train on a fold as if it were the first; return processor seconds per epoch."""
        for variable, value in zip(self._variables(), self.first, strict=True):
            variable.assign(value)
        y_true, known = task.truth(task.parts["validation"])
        self.task, self.scorer = task, scorer_of(y_true, task.classes, known)
        self.batch = self.schedule.batch_size(len(task.parts["training"]))
        self.progress, self.history = self.schedule.start(), []
        begun = time.process_time()
        self.run()
        return (time.process_time() - begun) / self.progress.epoch


def _trainer(
    one: Run, variant: Variant, task: Task, work: Path, weights: list[np.ndarray] | None
) -> FoldTrainer:
    seed = 1000 * one.member + one.seed
    keras.utils.set_random_seed(seed)
    model = variant.network.build(len(task.classes.columns), SINGLE.n_samples)
    if weights:
        model.set_weights(weights)
    checkpoint = one.file(work, "checkpoints")
    checkpoint.parent.mkdir(exist_ok=True)
    checkpoint.unlink(missing_ok=True)  # of a run that was killed
    schedule = variant.schedule(weights is not None)
    return FoldTrainer(
        model, task, schedule, seed=seed, checkpoint=checkpoint, identity="", clock=Clock(24)
    )
