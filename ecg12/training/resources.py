"""What the machine allows: time until a deadline, memory for a batch, members and epochs."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ecg12.training.gpu_memory import gpu_memory

LEAST_EPOCHS = 10  # fewer epochs a member are worse than fewer members
RESERVE = 0.1  # share of the time kept for thresholds, scoring and saving
TRAINING_COPIES = 3  # forward values, their gradients, and the convolutions' work space
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


class Clock:
    """Wall-clock time left until a deadline; `now` can be replaced in tests."""

    def __init__(self, hours: float, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.deadline = now() + 3600 * hours

    def left(self) -> float:
        """Seconds until the deadline, negative after it."""
        return self.deadline - self.now()


def plan(
    epoch_seconds: Sequence[float], left: float, epochs: int, trained: int = 0
) -> dict[int, int]:
    """Decide which members to train and for how many epochs at most.

    All members get the full number of epochs if that fits. If not, all get the same smaller
    number; if that falls below `LEAST_EPOCHS`, the most expensive members are left out, so that
    the members trained in the end are odd in number.

    Parameters
    ----------
    epoch_seconds
        Expected seconds per epoch of each member still to be trained.
    left
        Seconds left.
    epochs
        The schedule's limit.
    trained
        Members trained already.

    Returns
    -------
    dict
        Index of the member → epochs; empty if there is no time for one epoch of one member.
    """
    cheapest = sorted(range(len(epoch_seconds)), key=lambda index: epoch_seconds[index])
    fewer = (n for n in range(len(cheapest) - 1, 0, -1) if (n + trained) % 2)
    for count in (len(cheapest), *fewer):
        affordable = left / sum(epoch_seconds[index] for index in cheapest[:count])
        only_one = count == 1 and not trained
        if affordable >= (1 if only_one else min(LEAST_EPOCHS, epochs)):
            return dict.fromkeys(sorted(cheapest[:count]), min(epochs, int(affordable)))
    return {}


def batch_that_fits(batch: int, bytes_per_recording: int, available: int) -> int:
    """Halve `batch` until training on it takes at most half of the available bytes of memory."""
    while batch > 1 and batch * bytes_per_recording * TRAINING_COPIES > available / 2:
        batch //= 2
    return batch


def available_memory(gpu: bool) -> int:
    """Return the bytes of memory that this process may use at most, on the GPU or on the host.

    On a GPU the smallest device counts that this process may use (`gpu_memory`); where its memory
    is not known, the host's is used. On the host the limit of the container (cgroup) counts,
    if it is lower.
    """
    if gpu and (memory := gpu_memory()) is not None:
        return memory
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in CGROUP_LIMITS:
        text = path.read_text().strip() if path.is_file() else "max"
        limits += [] if text == "max" else [int(text)]
    return min(limits)
