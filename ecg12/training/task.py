"""What a network learns from, and its scores on parts of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.io.classes import ScoredClasses

PREDICT_BATCH = 32


@dataclass(frozen=True, eq=False)
class Task:
    """What a network is trained on: a dataset, its parts (index arrays) and the scored classes."""

    dataset: Dataset
    parts: dict[str, np.ndarray]
    classes: ScoredClasses

    @property
    def fingerprint(self) -> str:
        """Changes whenever the dataset's does, or a recording moves to another part."""
        digest = hashlib.sha256(self.dataset.fingerprint.encode())
        for name, part in self.parts.items():
            digest.update(name.encode() + np.asarray(part, np.int64).tobytes())
        return digest.hexdigest()

    def truth(self, part: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return targets and known cells of the recordings `part`, (n, n_classes) bool each.

        None in the place of the known cells: all are known.
        """
        known = self.dataset.known
        return self.dataset.targets[part], None if known is None else known[part]

    def outputs(self) -> np.ndarray:
        """Return the columns' targets, (n_recordings, n_columns) float32; NaN where unknown."""
        outputs = self.classes.expand(self.dataset.targets).astype(np.float32)
        if self.dataset.known is not None:
            outputs[~self.classes.expand(self.dataset.known)] = np.nan
        return outputs


def class_scores(forward: Callable[[np.ndarray], np.ndarray], task: Task, part: np.ndarray
                 ) -> np.ndarray:  # fmt: skip
    """Return (n_models, n, n_classes) scores of the recordings `part`, merged over equivalents."""
    return task.classes.merge(column_scores(forward, task, part).astype(np.float64))


def column_scores(forward: Callable[[np.ndarray], np.ndarray], task: Task, part: np.ndarray
                  ) -> np.ndarray:  # fmt: skip
    """Return (n_models, n, n_columns) float32 outputs on recordings, means over their parts."""
    pairs = [(own, forward(x)) for own, x in task.dataset.all_parts(part, PREDICT_BATCH)]
    owners, outputs = np.concatenate([own for own, _ in pairs]), [y for _, y in pairs]
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    counts = np.diff(starts, append=len(owners))
    sums = np.add.reduceat(np.concatenate(outputs, axis=1), starts, axis=1)
    return sums / counts[:, None].astype(sums.dtype)
