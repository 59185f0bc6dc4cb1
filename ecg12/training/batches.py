"""The batches of an epoch: recordings in a random order, each varied as the schedule wants it."""

from collections.abc import Iterator

import numpy as np
from joblib import cpu_count

from ecg12.runtime.prefetch import prefetch
from ecg12.signal.augmentation import Augmentation, random_crop
from ecg12.signal.preprocessing import dequantize
from ecg12.training.task import Task

PARTS = 2**31  # beyond every step's number: seeds the choice of the parts of an epoch
VARYING = min(cpu_count(), 8)  # threads that vary recordings: a GPU takes thousands a second
Batch = tuple[np.ndarray, np.ndarray]


def varied_batches(
    task: Task,
    outputs: np.ndarray,
    order: np.ndarray,
    *,
    size: int,
    seed: tuple[int, int],
    augmentation: Augmentation,
    n_crop: int = 0,
) -> Iterator[Batch]:
    """Yield inputs and targets of an epoch, varied in threads while the network trains.

    Parameters
    ----------
    task
        The recordings.
    outputs
        (n_recordings, n_columns) float32 targets.
    order
        Recordings, as they are to be read.
    size
        Of a batch.
    seed
        The training's seed, and the number of the epoch.
    augmentation
        How recordings vary.
    n_crop
        Samples of the random stretch that is cut out of each; 0: whole recordings.
    """
    preprocessing = task.dataset.preprocessing
    rescale = preprocessing.amplitude == "recording"

    def varied(item: tuple[int, Batch]) -> Batch:
        step, (part, stored) = item
        rng = np.random.default_rng([*seed, step])
        if n_crop:
            stored = random_crop(rng, stored, n_crop)
        signals = dequantize(stored, preprocessing.step)[..., 0]
        signals = augmentation.apply(rng, signals, preprocessing.rate, rescale)
        return signals[..., None], outputs[part]

    parts = np.random.default_rng([*seed, PARTS])
    batches = enumerate(task.dataset.batches(order, size, parts))
    return prefetch(varied, batches, workers=VARYING, depth=VARYING + 1)
