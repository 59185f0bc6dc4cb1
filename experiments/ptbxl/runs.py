"""One run: a network of one configuration and seed, trained, scored on validation, kept."""

import hashlib
import json
import logging
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.dataset import dequantize
from ecg12.decision.thresholds import tune
from ecg12.metrics import auroc, best_constant, challenge_score, macro
from ecg12.models import SEResNet
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.files import atomic_write
from ecg12.signal.augmentation import Augmentation
from ecg12.signal.preprocessing import STEP
from ecg12.training.checkpoints import read_state
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.trainer import Trainer
from experiments.ptbxl.tables import append_row
from experiments.ptbxl.task import (
    CHALLENGE,
    SUPERCLASSES,
    UNITS,
    Material,
    challenge_cells,
    make_task,
    softened,
    task_classes,
)

log = logging.getLogger(__name__)
MIN_POSITIVES = 20  # of a class, for its AUROC to count
BATCH = 64
TASK = task_classes()
TEACHERS = ("member1", "scratch1")
FIELDS = (
    "date", "commit", "kind", "name", "seed", "settings", "epochs", "processor_seconds",
    "part", "superclasses_auroc", "superclasses_auroc_mv", "challenge_auroc",
    "challenge_metric", "best_constant",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """What a run is made of; the fields are those of `SEResNet`, `Schedule`, `Augmentation`."""

    k: int = 32
    m: int = 6
    stride: int = 1
    p: float = 0.3
    crop: float = 5.0
    whole_epochs: int = 2
    epochs: int = 24
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    ema: float = 0.998
    lead_dropout: float = 0.2
    gain: float = 0.1
    noise: float = 0.05
    wander: float = 0.05
    loss: str = "binary_crossentropy"
    mend: str = "unknown"
    columns: str = "all"
    rate: float = 100.0
    teacher: float = 0.0  # share of an ensemble's answers in the targets
    warm_up: int = field(default=1, repr=False)
    start: str = field(default="", repr=False)  # name of the run whose weights it begins with

    @property
    def network(self) -> SEResNet:
        """The network's specification."""
        return SEResNet(k=self.k, m=self.m, p=self.p, stride=self.stride)

    @property
    def schedule(self) -> Schedule:
        """How it is trained."""
        varied = Augmentation(
            gain=self.gain, noise=self.noise, wander=self.wander, lead_dropout=self.lead_dropout,
        )  # fmt: skip
        return Schedule(
            epochs=self.epochs, batch=self.batch, learning_rate=self.learning_rate, min_lr=1e-5,
            warm_up=self.warm_up, decay="cosine", patience=self.epochs, monitor="auroc",
            augmentation=varied, loss=self.loss,
            crop=self.crop, whole_epochs=self.whole_epochs,
            weight_decay=self.weight_decay, ema=self.ema,
        )  # fmt: skip


def run(name: str, config: Config, seed: int, material: Material, work: Path, table: Path) -> None:
    """Train one network, or go on where a kill ended it; a finished one is left alone.

    Parameters
    ----------
    name
        Of the run; its files in `work` are called so.
    config, seed
        What to train.
    material
        The recordings.
    work
        Where `NAME.keras`, `NAME.npz` (scores on validation) and the checkpoint lie.
    table
        The csv table of results, to which a row is added.
    """
    if (work / f"{name}.keras").is_file():
        log.info("%s: finished before", name)
        return
    begun = time.process_time()
    task = make_task(material, config.mend, config.columns)
    if config.teacher:
        task = softened(task, teacher_answers(work, material), config.teacher)
    keras.utils.set_random_seed(seed)
    n_samples = task.dataset.preprocessing.n_samples
    model = config.network.build(len(task.classes.columns), n_samples)
    if config.start:
        before = keras.models.load_model(work / f"{config.start}.keras", compile=False)
        set_shared_weights(model, before)
    made = f"{config} {seed} {task.fingerprint}{config.start}{config.warm_up}"
    checkpoint = work / f"{name}.checkpoint.npz"
    spent = spent_before(checkpoint, made)
    identity = hashlib.sha256(made.encode()).hexdigest()
    trainer = Trainer(
        model, task, config.schedule,
        seed=seed, checkpoint=checkpoint, identity=identity, clock=Clock(24),
    )  # fmt: skip
    trainer.run()
    plain = config.network.build(len(task.classes.columns), n_samples)
    plain.set_weights(model.get_weights())  # without what training compiled
    forward = backend.compiled([plain], plain.input_shape[1:])
    scores = unit_scores(forward, material, "validation")
    with atomic_write(work / f"{name}.npz") as temporary:
        np.savez(temporary, **{f"validation_{unit}": own for unit, own in scores.items()})
    cost = spent + time.process_time() - begun
    trained = {"parameters": model.count_params(), "device": backend.device()}
    settings = json.dumps(asdict(config) | trained)
    row = {"kind": "run", "name": name, "seed": seed, "settings": settings}
    row |= {"epochs": trainer.progress.epoch, "processor_seconds": round(cost)}
    add_row(table, row | {"part": "val"} | measures(scores, material, "validation"))
    with atomic_write(work / f"{name}.keras") as temporary:
        plain.save(temporary)
    checkpoint.unlink()


def teacher_answers(work: Path, material: Material) -> np.ndarray:
    """Return the scores of `TEACHERS` on all recordings, (n, n_classes); stored, made if missing.

    Means of both units and of the networks.
    """
    path = work / "teacher.npy"
    if not path.is_file():
        answers = np.zeros((len(material.dataset), len(TASK)))
        for name in TEACHERS:
            model = keras.models.load_model(work / f"{name}.keras", compile=False)
            forward = backend.compiled([model], model.input_shape[1:])
            for part, rows in material.parts.items():
                scores = unit_scores(forward, material, part)
                answers[rows] += sum(scores.values()) / (len(UNITS) * len(TEACHERS))
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.save(file, answers)
    return np.load(path)


def set_shared_weights(model: Any, before: Any) -> None:
    """Give a network another one's weights; the last layer stays untrained if columns differ."""
    for layer, other in zip(model.layers, before.layers, strict=True):
        weights = other.get_weights()
        if [w.shape for w in weights] == [w.shape for w in layer.get_weights()]:
            layer.set_weights(weights)
        elif layer is not model.layers[-1]:
            raise ValueError(f"{layer.name}: the weights of {before.name} do not fit")


def unit_scores(
    forward: Callable[[np.ndarray], np.ndarray], material: Material, part: str
) -> dict[str, np.ndarray]:
    """Return a network's scores of a part in each of `UNITS`, (n, n_columns).

    Those of all classes of the task are merged over equal columns.
    """
    dataset, rows = material.dataset, material.dataset.rows[material.parts[part]]
    found = {}
    for place, unit in enumerate(UNITS):
        batches = [rows[at : at + BATCH] + place for at in range(0, len(rows), BATCH)]
        outputs = [forward(dequantize(dataset.signals[own], STEP))[0] for own in batches]
        scores = np.concatenate(outputs).astype(np.float64)
        whole = scores.shape[1] == len(TASK.columns)
        found[unit] = TASK.merge(scores) if whole else scores
    return found


def measures(by_unit: dict[str, np.ndarray], material: Material, part: str) -> dict[str, Any]:
    """Measure scores of a part, as `unit_scores` gives them; thresholds fit `part` itself.

    Challenge classes are measured on recordings divided by their amplitude, as the shipped
    networks see them.
    """
    scores = by_unit["recording"]
    found: dict[str, Any] = {}
    if has_superclasses(scores):
        areas = {unit: superclass_auroc(own, material, part) for unit, own in by_unit.items()}
        found["superclasses_auroc"] = round(areas["recording"], 4)
        found["superclasses_auroc_mv"] = round(areas["millivolts"], 4)
    n = len(CHALLENGE)
    if scores.shape[1] >= n:
        rows = material.parts[part]
        targets, known = (cells[rows] for cells in challenge_cells(material))
        enough = (targets & known).sum(axis=0) >= MIN_POSITIVES
        tuned = tune(scores[:, :n], targets, CHALLENGE, known=known)
        labels = (scores[:, :n] > tuned.thresholds) & known
        found["challenge_auroc"] = round(macro(auroc(targets, scores[:, :n], known)[enough]), 4)
        found["challenge_metric"] = round(challenge_score(targets, labels, CHALLENGE), 4)
        found["best_constant"] = round(best_constant(targets, CHALLENGE)[1], 4)
    return found


def has_superclasses(scores: np.ndarray) -> bool:
    """Tell whether scores are not of the challenge's classes alone."""
    return scores.shape[1] != len(CHALLENGE)


def superclass_columns(scores: np.ndarray) -> np.ndarray:
    """Return the scores of the superclasses, (n, 5), of all columns or of these alone."""
    start = 0 if scores.shape[1] == len(SUPERCLASSES) else len(CHALLENGE)
    return scores[:, start : start + len(SUPERCLASSES)]


def superclass_auroc(scores: np.ndarray, material: Material, part: str) -> float:
    """Return the macro AUROC of the superclasses, recordings without any left out."""
    truth = material.superclasses[material.parts[part]]
    rows = truth.any(axis=1)
    return macro(auroc(truth[rows], superclass_columns(scores)[rows]))


def spent_before(checkpoint: Path, made: str) -> float:
    """Return the processor time of an earlier, killed part of a run, as its epochs' wall time."""
    state = read_state(checkpoint, hashlib.sha256(made.encode()).hexdigest())
    return sum(row["seconds"] for row in state["history"]) if state else 0.0


def add_row(table: Path, row: dict[str, Any]) -> None:
    """Append a row to the table of results, with date and commit."""
    row = {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "commit": commit()} | row
    append_row(table, FIELDS, row)


def commit() -> str:
    """Return the short hash of the code that runs."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
