"""A task as a file beside its prepared signals, for processes on other machines."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.ensemble.model_folder import read_preprocessing
from ecg12.io.classes import ScoredClasses
from ecg12.runtime.files import atomic_write
from ecg12.training.task import Task


def store_task(work: Path, task: Task) -> None:
    """Write a task for the workers, beside its prepared signals."""
    classes = task.classes
    description = {
        "parts": list(task.parts),
        "fingerprint": task.dataset.fingerprint,
        "preprocessing": asdict(task.dataset.preprocessing),
        "classes": [classes.groups, classes.weights.tolist(), classes.year, classes.named],
    }
    arrays: dict[str, Any] = {f"part_{name}": part for name, part in task.parts.items()}
    arrays |= {"rows": task.dataset.rows, "targets": task.dataset.targets}
    if task.dataset.known is not None:
        arrays["known"] = task.dataset.known
    arrays["counts"] = np.array(task.dataset.parts, int)
    text = np.frombuffer(json.dumps(description).encode(), np.uint8)
    with atomic_write(work / "task.npz") as temporary:
        np.savez(temporary, description=text, **arrays)


def load_task(work: Path) -> Task:
    """Read a task that `store_task` wrote; the signals stay on disk."""
    with np.load(work / "task.npz") as saved:
        description = json.loads(saved["description"].tobytes())
        parts = {name: saved[f"part_{name}"] for name in description["parts"]}
        rows, targets, counts = saved["rows"], saved["targets"], saved["counts"].tolist()
        known = saved["known"] if "known" in saved else None
    groups, weights, year, named = description["classes"]
    dataset = Dataset(
        np.load(work / "signals.npy", mmap_mode="r"),
        rows,
        targets,
        names=(),
        failures=(),
        fingerprint=description["fingerprint"],
        preprocessing=read_preprocessing(description["preprocessing"]),
        parts=tuple(counts),
        known=known,
    )
    classes = ScoredClasses(
        tuple(map(tuple, groups)), np.array(weights), year, tuple(map(tuple, named))
    )
    return Task(dataset, parts, classes)
