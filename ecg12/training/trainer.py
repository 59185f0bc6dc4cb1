"""Training one network on prepared recordings; resume after a kill, an end before a deadline."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.memmap_reading import shuffled
from ecg12.decision.thresholds import single
from ecg12.metrics import auroc, macro, scorer_of
from ecg12.models import activation_bytes, at_length, rows_as_channels
from ecg12.models.losses import LOSSES, Loss, ignoring_unknown
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError
from ecg12.runtime.progress import bar
from ecg12.training.batches import Batch, varied_batches
from ecg12.training.checkpoints import read_arrays, read_state, write_checkpoint
from ecg12.training.optimization import averaged_weights, make_optimizer
from ecg12.training.resources import Clock, available_memory, batch_that_fits
from ecg12.training.schedule import Progress, Schedule
from ecg12.training.task import Task, class_scores, column_scores

log = logging.getLogger(__name__)
MEASURED_STEPS = 2
CHANCE = 0.5  # the AUROC of scores that tell nothing


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
        When it runs out, the epoch under way ends at once; unless it is the first, it is dropped.
    """

    def __init__(
        self,
        model: Any,
        task: Task,
        schedule: Schedule,
        *,
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
        rows_as_channels(model)
        self.n_crop = _samples_of(schedule.crop, task)
        self.on_crops = at_length(model, self.n_crop) if self.n_crop else model
        self.progress = schedule.start()
        self.horizon = schedule.epochs  # how many epochs there will be
        self.history: list[dict[str, float]] = []
        self.best_weights: list[np.ndarray] = model.get_weights()
        self.optimizer = make_optimizer(schedule, self._steps())
        self.optimizer.build(model.trainable_variables)
        for trained in dict.fromkeys((model, self.on_crops)):
            trained.compile(self.optimizer, self._loss_function(), **backend.compile_options())
        self.forward = backend.compiled([model], model.input_shape[1:])
        self.outputs = task.outputs()
        y_true, known = task.truth(task.parts["validation"])
        self.scorer = scorer_of(y_true, task.classes, known)
        self._restore()

    def _loss_function(self) -> Loss:
        loss = LOSSES[self.schedule.loss](self.task.classes)
        return loss if self.task.dataset.known is None else ignoring_unknown(loss)

    def run(self, epochs: int | None = None) -> str:
        """Train on, then give the model its best weights; return why the training ended.

        It ends when the schedule does, or for the time budget after `epochs` epochs or when the
        clock has run out. Then the checkpoint stays open, so that a later call can go on; where the
        rate looks ahead, up to the epochs that the first call planned. One epoch, or what the
        clock allows of it, is trained in any case.

        Raises
        ------
        FloatingPointError
            If the loss, or a weight, is no number already in the first epoch; later, the best epoch
            is kept.
        """
        limit = min(epochs or self.schedule.epochs, self.schedule.epochs)
        if not self.progress.epoch:
            self._plan(limit)
        elif self.schedule.decay != "plateau":  # the rate has come to its end with these epochs
            limit = min(limit, self.horizon)
        while not self.progress.stopped:
            if self.progress.epoch and (self.progress.epoch >= limit or self.clock.left() <= 0):
                break
            begun = self.clock.now()
            loss, complete = self._epoch()
            if not complete and self.progress.epoch:
                break
            if not all(np.isfinite(weights).all() for weights in self.model.get_weights()):
                loss = float("nan")  # as that of the next step would be
            if not np.isfinite(loss):
                self._give_up(loss)
                break
            with averaged_weights(self.model, self.optimizer):
                score = self.validate()
                self.progress = self.schedule.advance(self.progress, score)
                if self.progress.best_epoch == self.progress.epoch:
                    self.best_weights = self.model.get_weights()
            self._note(loss, score, self.clock.now() - begun)
            if complete:
                self._save()
        self.model.set_weights(self.best_weights)
        return self.progress.stopped or "time budget"

    def _plan(self, epochs: int) -> None:
        """Note how many epochs there will be; the average of the weights spans a share of them."""
        self.horizon = epochs
        momentum = self.schedule.momentum(self._steps(), epochs)
        if self.schedule.ema and momentum != self.optimizer.ema_momentum:
            self.optimizer.ema_momentum = momentum
            for trained in dict.fromkeys((self.model, self.on_crops)):
                trained.make_train_function(force=True)  # the old one holds the old momentum

    def _steps(self) -> int:
        """Return the steps of an epoch."""
        return -(-len(self.task.parts["training"]) // self.batch)

    def _give_up(self, loss: float) -> None:
        if not self.progress.epoch:
            raise FloatingPointError(f"{self.model.name}: the loss is {loss} in the first epoch")
        self.progress = replace(self.progress, stopped=f"loss became {loss}")
        log.warning("%s: the loss became %s; the best epoch is kept", self.model.name, loss)

    def epoch_seconds(self) -> float:
        """Measure a few steps, undo them, and return the expected seconds per epoch."""
        before = self._values()
        training, validation = self.task.parts["training"], self.task.parts["validation"]
        first = training[: self.batch]
        inputs = self.task.dataset.inputs(first)[:, :, : self.n_crop or None]
        batch = inputs, self.outputs[first]
        backend.train_on_batch(self.on_crops, *batch)  # compiles
        begun = self.clock.now()
        for _ in range(MEASURED_STEPS):
            backend.train_on_batch(self.on_crops, *batch)
        seconds = (self.clock.now() - begun) / (MEASURED_STEPS * len(first))
        for variable, value in zip(self._variables(), before, strict=True):
            variable.assign(value)
        # A training step costs about three forward passes.
        return seconds * (len(training) + len(validation) / 3)

    def mean_epoch_seconds(self) -> float:
        """Return what an epoch took on average, validation included."""
        return float(np.mean([row["seconds"] for row in self.history]))

    def _epoch(self) -> tuple[float, bool]:
        """Train one epoch; return the mean loss and whether the clock let it be a whole one."""
        epoch = self.progress.epoch
        rng = np.random.default_rng([self.seed, epoch])
        order = shuffled(self.task.parts["training"], rng)
        crop = bool(self.schedule.crop_of(epoch, self.horizon))
        model = self.on_crops if crop else self.model
        total, seen = 0.0, 0
        name, steps = f"{self.model.name} epoch {epoch + 1}", -(-len(order) // self.batch)
        for inputs, outputs in bar(
            self._batches(order, crop), desc=name, total=steps, leave=False, unit="step"
        ):
            rate = self.schedule.rate(self.progress, seen / len(order), self.horizon)
            self.optimizer.learning_rate.assign(rate)
            loss_value = backend.train_on_batch(model, inputs, outputs)
            total, seen = total + loss_value * len(outputs), seen + len(outputs)
            if self.clock.left() <= 0:
                break
        return total / seen, seen == len(order)

    def _batches(self, order: np.ndarray, crop: bool) -> Iterator[Batch]:
        return varied_batches(
            self.task,
            self.outputs,
            order,
            size=self.batch,
            seed=(self.seed, self.progress.epoch),
            augmentation=self.schedule.augmentation,
            n_crop=self.n_crop if crop else 0,
        )

    def validate(self) -> float:
        """Return what the schedule monitors of the validation part; higher is better.

        Where the AUROC is undefined, as no class has both positives and negatives, it is 0.5.
        """
        part = self.task.parts["validation"]
        if self.schedule.monitor == "loss":
            return -self._loss(part)
        scores = class_scores(self.forward, self.task, part)[0]
        y_true, known = self.task.truth(part)
        if self.schedule.monitor == "auroc":
            area = macro(auroc(y_true, scores, known))
            return CHANCE if np.isnan(area) else area
        threshold = self.schedule.threshold
        if threshold is None:
            threshold = single(scores, y_true, self.task.classes, known)
        return self.scorer(scores > threshold)

    def _loss(self, part: np.ndarray) -> float:
        """Return the mean loss of the recordings `part`, without dropout."""
        scores = column_scores(self.forward, self.task, part)[0]
        losses = self._loss_function()(self.outputs[part], scores)
        return float(keras.ops.convert_to_numpy(losses).mean())

    def _note(self, loss: float, score: float, seconds: float) -> None:
        row = {
            "epoch": self.progress.epoch,
            "loss": loss,
            "validation_score": score,
            "learning_rate": float(self.optimizer.learning_rate.numpy()),
            "seconds": seconds,
        }
        self.history.append(row)
        text = f"{self.model.name} epoch {row['epoch']}: loss {loss:.4f}, validation {score:.3f}"
        end = f"; end: {self.progress.stopped}" if self.progress.stopped else ""
        log.info("%s, %.0f s%s", text, seconds, end)

    def _variables(self) -> list[Any]:
        """Return weights, dropout's random state and the optimizer's moments."""
        return [*self.model.variables, *self.optimizer.variables]

    def _values(self) -> list[np.ndarray]:
        return [np.array(variable.numpy()) for variable in self._variables()]

    def _save(self) -> None:
        state = {
            "batch": self.batch,
            "progress": asdict(self.progress),
            "horizon": self.horizon,
            "history": self.history,
        }
        arrays = {f"v{i}": array for i, array in enumerate(self._values())}
        arrays |= {f"best{i}": array for i, array in enumerate(self.best_weights)}
        write_checkpoint(self.checkpoint, self.identity, state, arrays)

    def _restore(self) -> None:
        """Take up the state of an earlier run of the same identity, if there is one."""
        state = read_state(self.checkpoint, self.identity)
        if state is None:
            return
        arrays = read_arrays(self.checkpoint)
        for i, variable in enumerate(self._variables()):
            variable.assign(arrays[f"v{i}"])
        self.best_weights = [arrays[f"best{i}"] for i in range(len(self.best_weights))]
        self.progress, self.history = Progress(**state["progress"]), state["history"]
        self.batch = state["batch"]
        self._plan(state["horizon"])
        log.info("%s: going on after epoch %d", self.model.name, self.progress.epoch)


def _samples_of(seconds: float, task: Task) -> int:
    """Return how many samples so many seconds have; not more than a recording has."""
    n_samples = task.dataset.signals.shape[2]
    n = round(seconds * task.dataset.preprocessing.rate)
    if n > n_samples:
        raise InputError(
            f"stretches of {seconds:g} s are longer than recordings: {n} samples, but {n_samples}"
        )
    return n
