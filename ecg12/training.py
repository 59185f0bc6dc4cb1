"""Training one network: the schedule of paper B, resume after a kill, an end before a deadline.

Schedule (Ansari et al., 2020, section 2.2.2): after each epoch the challenge metric on the
validation part; stop when it has not risen by 0.01 for 3 epochs; learning rate × 0.1 when it has
not risen at all for 2 epochs, not below 1e-4; the weights of the best epoch are kept.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12 import backend
from ecg12.backend import keras
from ecg12.budget import Clock, available_memory, batch_that_fits
from ecg12.dataset import Dataset
from ecg12.files import replacing
from ecg12.labels import ScoredClasses
from ecg12.metrics import ChallengeScorer
from ecg12.networks import activation_bytes
from ecg12.progress import bar
from ecg12.thresholds import single

log = logging.getLogger(__name__)
PREDICT_BATCH = 32
MEASURED_STEPS = 2


@dataclass(frozen=True)
class Progress:
    """Where a schedule stands after `epoch` epochs.

    `reference` is the score that the next one must exceed by `min_delta` (as Keras'
    `EarlyStopping` counts), `best` the highest score so far, at `best_epoch`.
    """

    learning_rate: float
    epoch: int = 0
    best: float = -np.inf
    best_epoch: int = 0
    reference: float = -np.inf
    since_reference: int = 0
    since_best: int = 0
    stopped: str = ""


@dataclass(frozen=True)
class Schedule:
    """How long to train, how fast, and when to stop.

    Attributes
    ----------
    epochs, batch
        At most so many epochs; recordings per step.
    min_steps
        Steps in an epoch at least: the batch is halved on small sets until there are so many.
    learning_rate, factor, plateau, floor
        Adam's rate; multiplied by `factor` after `plateau` epochs without a new best, down to
        `floor`.
    min_delta, patience
        Stop when the score has not risen by more than `min_delta` for `patience` epochs.
    threshold
        Where scores are cut for the metric after each epoch; None takes the best single threshold,
        which is steadier on small sets.
    """

    epochs: int = 100
    batch: int = 128
    min_steps: int = 8
    learning_rate: float = 1e-3
    factor: float = 0.1
    plateau: int = 2
    floor: float = 1e-4
    min_delta: float = 0.01
    patience: int = 3
    threshold: float | None = 0.5

    def start(self) -> Progress:
        """Return the state before the first epoch."""
        return Progress(self.learning_rate)

    def advance(self, progress: Progress, score: float) -> Progress:
        """Return the state after one more epoch that reached `score` on the validation part."""
        epoch = progress.epoch + 1
        rose = score > progress.best
        since_best = 0 if rose else progress.since_best + 1
        rate = progress.learning_rate
        if since_best >= self.plateau:
            rate, since_best = max(rate * self.factor, min(self.floor, rate)), 0
        beaten = score - self.min_delta > progress.reference
        since_reference = 0 if beaten else progress.since_reference + 1
        stopped = ""
        if since_reference >= self.patience:
            stopped = f"no rise above {self.min_delta:g} for {self.patience} epochs"
        elif epoch >= self.epochs:
            stopped = f"{self.epochs} epochs"
        return Progress(
            rate,
            epoch,
            score if rose else progress.best,
            epoch if rose else progress.best_epoch,
            score if beaten else progress.reference,
            since_reference,
            since_best,
            stopped,
        )

    def batch_size(self, n: int) -> int:
        """Return the batch for n training recordings: a power of two, `min_steps` an epoch."""
        size = self.batch
        while size > 1 and n / size < self.min_steps:
            size //= 2
        return size


@dataclass(frozen=True, eq=False)
class Task:
    """What a network is trained on: a dataset, its parts (index arrays) and the scored classes."""

    dataset: Dataset
    parts: dict[str, np.ndarray]
    classes: ScoredClasses


def class_scores(forward: Callable[[np.ndarray], np.ndarray], task: Task, part: np.ndarray
                 ) -> np.ndarray:  # fmt: skip
    """Return (n_models, n, n_classes) scores of the recordings `part`, merged over equivalents."""
    scores = []
    nothing = np.zeros((len(task.dataset), 0))
    for inputs, _ in task.dataset.batches(part, PREDICT_BATCH, nothing):
        scores.append(forward(inputs))
    return task.classes.merge(np.concatenate(scores, axis=1).astype(np.float64))


class Trainer:
    """Trains one Keras model on a task and keeps what a restart needs.

    Parameters
    ----------
    model
        Untrained; its outputs are the columns of `task.classes`.
    task, schedule
        What to learn, and how.
    seed
        Orders the recordings of each epoch.
    checkpoint
        File (.npz) that is rewritten after each epoch; a later run goes on from it if `identity`
        is the same. The result is then bit-equal to that of an uninterrupted run.
    identity
        Names data, labels, seed, recipe and version.
    clock
        When it runs out, the epoch under way ends at once and is the last.
    """

    def __init__(
        self,
        model: Any,
        task: Task,
        schedule: Schedule,
        seed: int,
        checkpoint: Path,
        identity: str,
        clock: Clock,
    ) -> None:
        self.model, self.task, self.schedule, self.seed = model, task, schedule, seed
        self.checkpoint, self.identity, self.clock = checkpoint, identity, clock
        self.batch = schedule.batch_size(len(task.parts["training"]))
        memory = available_memory(gpu=bool(backend.gpus()))
        self.batch = batch_that_fits(self.batch, activation_bytes(model), memory)
        self.progress = schedule.start()
        self.history: list[dict[str, float]] = []
        self.best_weights: list[np.ndarray] = model.get_weights()
        optimizer = keras.optimizers.Adam(schedule.learning_rate)
        model.compile(optimizer, "binary_crossentropy", **backend.compile_options())
        optimizer.build(model.trainable_variables)
        self.forward = backend.compiled([model], model.input_shape[1:])
        self.outputs = task.classes.expand(task.dataset.targets).astype(np.float32)
        part = task.parts["validation"]
        self.scorer = ChallengeScorer(task.dataset.targets[part], task.classes)

    def run(self, epochs: int | None = None) -> None:
        """Train until the schedule, `epochs` or the clock ends; the model gets its best weights."""
        limit = min(epochs or self.schedule.epochs, self.schedule.epochs)
        self._restore()
        while not self.progress.stopped:
            begun = self.clock.now()
            loss = self._epoch()
            score = self.validate()
            self.progress = self.schedule.advance(self.progress, score)
            if self.progress.best_epoch == self.progress.epoch:
                self.best_weights = self.model.get_weights()
            if not self.progress.stopped and self._out_of_time(limit):
                self.progress = replace(self.progress, stopped="time budget")
            seconds = self.clock.now() - begun
            self._note(loss, score, seconds)
            self._save()
        self.model.set_weights(self.best_weights)

    def epoch_seconds(self) -> float:
        """Measure a few steps, undo them, and return the expected seconds per epoch."""
        before = self._values()
        training, validation = self.task.parts["training"], self.task.parts["validation"]
        first = training[: self.batch]
        batch = self.task.dataset.inputs(first), self.outputs[first]
        self.model.train_on_batch(*batch)  # compiles
        begun = self.clock.now()
        for _ in range(MEASURED_STEPS):
            self.model.train_on_batch(*batch)
        seconds = (self.clock.now() - begun) / (MEASURED_STEPS * len(first))
        for variable, value in zip(self._variables(), before, strict=True):
            variable.assign(value)
        # A training step costs about three forward passes.
        return seconds * (len(training) + len(validation) / 3)

    def mean_epoch_seconds(self) -> float:
        """Return what an epoch took on average, validation included."""
        return float(np.mean([row["seconds"] for row in self.history]))

    def _out_of_time(self, limit: int) -> bool:
        return self.progress.epoch >= limit or self.clock.left() <= 0

    def _epoch(self) -> float:
        """Train one epoch; return the mean loss over its recordings."""
        rng = np.random.default_rng([self.seed, self.progress.epoch])
        order = rng.permutation(self.task.parts["training"])
        self.model.optimizer.learning_rate.assign(self.progress.learning_rate)
        total, seen = 0.0, 0
        batches = self.task.dataset.batches(order, self.batch, self.outputs)
        steps = -(-len(order) // self.batch)
        name = f"{self.model.name} epoch {self.progress.epoch + 1}"
        for inputs, outputs in bar(batches, desc=name, total=steps, leave=False, unit="step"):
            loss = float(self.model.train_on_batch(inputs, outputs))
            total, seen = total + loss * len(inputs), seen + len(inputs)
            if self.clock.left() <= 0:
                break
        if not np.isfinite(total):
            raise FloatingPointError(f"{self.model.name}: the loss became {total}")
        return total / seen

    def validate(self) -> float:
        """Return the challenge metric on the validation part."""
        part = self.task.parts["validation"]
        scores = class_scores(self.forward, self.task, part)[0]
        threshold = self.schedule.threshold
        if threshold is None:
            threshold = single(scores, self.task.dataset.targets[part], self.task.classes)
        return self.scorer(scores > threshold)

    def _note(self, loss: float, score: float, seconds: float) -> None:
        row = {
            "epoch": self.progress.epoch,
            "loss": loss,
            "validation_score": score,
            "learning_rate": float(self.model.optimizer.learning_rate.numpy()),
            "seconds": seconds,
        }
        self.history.append(row)
        text = f"{self.model.name} epoch {row['epoch']}: loss {loss:.4f}, validation {score:.3f}"
        end = f"; end: {self.progress.stopped}" if self.progress.stopped else ""
        log.info("%s, %.0f s%s", text, seconds, end)

    def _variables(self) -> list[Any]:
        """Return weights, dropout's random state and the optimizer's moments."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def _values(self) -> list[np.ndarray]:
        return [np.array(variable.numpy()) for variable in self._variables()]

    def _save(self) -> None:
        state = {
            "identity": self.identity,
            "batch": self.batch,
            "progress": asdict(self.progress),
            "history": self.history,
        }
        arrays: dict[str, Any] = {f"v{i}": array for i, array in enumerate(self._values())}
        arrays |= {f"best{i}": array for i, array in enumerate(self.best_weights)}
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        with replacing(self.checkpoint) as temporary:
            np.savez(temporary, state=text, **arrays)

    def _restore(self) -> None:
        """Take up the state of an earlier run of the same identity, if there is one."""
        if not self.checkpoint.is_file():
            return
        with np.load(self.checkpoint) as saved:
            state = json.loads(saved["state"].tobytes())
            if state["identity"] != self.identity:
                log.warning("%s: of other data, recipe or version; training anew", self.checkpoint)
                return
            for i, variable in enumerate(self._variables()):
                variable.assign(saved[f"v{i}"])
            self.best_weights = [saved[f"best{i}"] for i in range(len(self.best_weights))]
        self.progress, self.history = Progress(**state["progress"]), state["history"]
        self.batch = state["batch"]
        log.info("%s: going on after epoch %d", self.model.name, self.progress.epoch)
