"""How long to train, how fast, and when to stop: the schedule of paper B.

Ansari et al. (MCIRCC, Computing in Cardiology 2020), section 2.2.2: after each epoch the challenge
metric on the validation part; stop when it has not risen by 0.01 for 3 epochs; learning rate × 0.1
when it has not risen at all for 2 epochs, not below 1e-4; the weights of the best epoch are kept.

Loss, optimizer and what is monitored are fields, so that the same trainer serves paper A (Singstad
and Tronstad, 2020), which keeps the epoch of the lowest validation loss. So are the parts by which
later entries surpassed both: warm-up and cosine decay of the learning rate (Loshchilov and Hutter,
ICLR 2017), varied recordings.
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ecg12.signal.augmentation import Augmentation

LOSSES = (
    "binary_crossentropy", "categorical_crossentropy", "softmax_crossentropy",
    "weighted_crossentropy", "soft_challenge",
)  # fmt: skip
DECAYS = ("plateau", "cosine")
OPTIMIZERS = ("adam", "sgd", "adamax")
MONITORS = ("metric", "loss", "auroc")
SPANS = 10  # of the average of the weights, in a training


@dataclass(frozen=True)
class Progress:
    """State of a schedule after `epoch` epochs.

    `reference` is the score that the next one must exceed by `min_delta` (as Keras'
    `EarlyStopping` counts), `best` the highest score so far, at `best_epoch`.
    """

    learning_rate: float
    _: KW_ONLY
    epoch: int = 0
    best: float = -np.inf
    best_epoch: int = 0
    reference: float = -np.inf
    since_reference: int = 0
    since_best: int = 0
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to train, how fast, and when to stop.

    Attributes
    ----------
    epochs, batch
        At most so many epochs; recordings per step.
    min_steps
        Steps in an epoch at least: the batch is halved on small sets until there are so many.
    learning_rate, factor, plateau, min_lr
        The optimizer's rate; multiplied by `factor` after `plateau` epochs without a new best, down
        to `min_lr`.
    warm_up
        Epochs in which the rate rises from 0.
    decay
        ``"plateau"``, as above, or ``"cosine"``: from `learning_rate` to `min_lr` at the last
        epoch, along half a cosine; then `factor` and `plateau` mean nothing.
    min_delta, patience
        Stop when the score has not risen by more than `min_delta` for `patience` epochs.
    threshold
        Where scores are cut for the metric after each epoch; None takes the best single threshold,
        which is steadier on small sets.
    loss, optimizer
        One of `LOSSES` and of `OPTIMIZERS`; gradient descent (sgd) is without momentum.
    monitor
        The score after each epoch: ``"metric"``, the challenge metric on the validation part,
        ``"loss"``, the negative of the loss there, or ``"auroc"``, the macro AUROC there.
    augmentation
        How recordings vary from epoch to epoch.
    crop
        Train on random stretches of so many seconds, one per recording and epoch; 0 on whole
        recordings. Validation and inference see whole ones.
    whole_epochs
        The last so many epochs train on whole recordings all the same; of a training that a budget
        shortens, the same share.
    weight_decay
        Share of each kernel that a step takes away, times the learning rate (Loshchilov and
        Hutter, ICLR 2019); biases and normalisation are spared.
    ema
        Momentum of an exponential moving average of the weights, such as 0.999 per step; what is
        validated and kept is the average (Polyak averaging). A short training takes less, see
        `momentum`. 0: the weights themselves.
    """

    epochs: int = 100
    batch: int = 128
    min_steps: int = 8
    learning_rate: float = 1e-3
    factor: float = 0.1
    plateau: int = 2
    min_lr: float = 1e-4
    min_delta: float = 0.01
    patience: int = 3
    threshold: float | None = 0.5
    loss: str = "binary_crossentropy"
    optimizer: str = "adam"
    monitor: str = "metric"
    warm_up: int = 0
    decay: str = "plateau"
    augmentation: Augmentation = Augmentation()
    crop: float = 0.0
    whole_epochs: int = 0
    weight_decay: float = 0.0
    ema: float = 0.0

    def __post_init__(self) -> None:
        """Refuse names that are not known, and amounts that mean nothing."""
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema {self.ema} is not within 0 and 1")
        for name in ("crop", "weight_decay", "whole_epochs"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} {getattr(self, name)} is negative")
        chosen = (
            (self.loss, LOSSES), (self.optimizer, OPTIMIZERS),
            (self.monitor, MONITORS), (self.decay, DECAYS),
        )  # fmt: skip
        for value, choices in chosen:
            if value not in choices:
                raise ValueError(f"unknown {value!r}; choices: {', '.join(choices)}")

    def start(self) -> Progress:
        """Return the state before the first epoch."""
        return Progress(self.learning_rate)

    def advance(self, progress: Progress, score: float) -> Progress:
        """Return the state after one more epoch that reached `score` on the validation part."""
        epoch = progress.epoch + 1
        rose = score > progress.best
        since_best = 0 if rose else progress.since_best + 1
        rate = progress.learning_rate
        if self.decay == "plateau" and since_best >= self.plateau:
            rate, since_best = max(rate * self.factor, min(self.min_lr, rate)), 0
        beaten = score - self.min_delta > progress.reference
        since_reference = 0 if beaten else progress.since_reference + 1
        stopped = ""
        if since_reference >= self.patience:
            stopped = f"no rise above {self.min_delta:g} for {self.patience} epochs"
        elif epoch >= self.epochs:
            stopped = f"{self.epochs} epochs"
        return Progress(
            rate,
            epoch=epoch,
            best=score if rose else progress.best,
            best_epoch=epoch if rose else progress.best_epoch,
            reference=score if beaten else progress.reference,
            since_reference=since_reference,
            since_best=since_best,
            stopped=stopped,
        )

    def rate(self, progress: Progress, share: float, epochs: int) -> float:
        """Return the learning rate within the epoch after `progress`.

        Parameters
        ----------
        progress
            State of the schedule.
        share
            How much of the epoch has passed, 0 to 1.
        epochs
            How many epochs there will be.
        """
        passed = progress.epoch + share
        if passed < self.warm_up:
            return progress.learning_rate * passed / self.warm_up
        if self.decay == "plateau":
            return progress.learning_rate
        way = (passed - self.warm_up) / max(epochs - self.warm_up, 1)
        low = min(self.min_lr, progress.learning_rate)
        cosine = (1 + np.cos(np.pi * min(way, 1.0))) / 2
        return float(low + (progress.learning_rate - low) * cosine)

    def crop_of(self, epoch: int, epochs: int) -> float:
        """Return the seconds of a stretch in an epoch, counted from 0, of so many; 0: whole."""
        whole = self.whole_epochs > 0 and epoch * self.epochs >= epochs * (
            self.epochs - self.whole_epochs
        )
        return 0.0 if whole else self.crop

    def momentum(self, steps: int, epochs: int | None = None) -> float:
        """Return the momentum of the average of the weights in epochs of so many steps.

        It is at most such that the average spans a tenth of the training: over few steps it would
        hold the initial weights.

        Parameters
        ----------
        steps
            Of an epoch.
        epochs
            How many there will be; None: all of the schedule.
        """
        return min(self.ema, max(0.0, 1 - SPANS / ((epochs or self.epochs) * steps)))

    def batch_size(self, n: int) -> int:
        """Return the batch for n training recordings: halved until an epoch has `min_steps`."""
        size = self.batch
        while size > 1 and n / size < self.min_steps:
            size //= 2
        return size
