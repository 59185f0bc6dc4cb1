"""PTB-XL's official split as one task: challenge classes, superclasses and measured rhythm.

One column per class: the challenge's 24, the five diagnostic superclasses, and what `rhythm`
measures. What is not known is left out of the loss:

* PVC, where the database's statements are not known (`pvc_known`) and none is labelled;
* the superclasses of recordings that have none;
* in the training part, sinus bradycardia and tachycardia where the measured rate is below 60 or
  above 100 per minute and there is no such label: PTB-XL leaves many unlabelled;
* bradycardia (Brady), which no recording is labelled with: the measured rate stands for it.

Each recording stands in two rows, divided by its own amplitude and in millivolts, of which training
draws one: so one network answers both where a header's gain cannot be trusted and, better on
hypertrophy, where it can.
"""

import argparse
import csv
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import Dataset, prepare_folder
from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.runtime.files import read_json, write_json
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.task import Task
from experiments.ptbxl.rhythm import CHUNK, Rhythm, measure

PREPROCESSING = Preprocessing(rate=100.0)
MILLIVOLTS = replace(PREPROCESSING, amplitude="millivolts")
UNITS = ("recording", "millivolts")  # the two rows of a recording
CHALLENGE = load_weights(WEIGHTS)
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
SLOW, FAST = (50, 60), (100, 120)  # beats per minute
IRREGULAR, SHORT = (0.1, 0.2), (0.8,)
SINGLE = ScoredClasses(tuple((g[0],) for g in CHALLENGE.groups), CHALLENGE.weights, 2020)
AGAIN = " again"  # marks a superclass's second column: twice the weight in the loss
PARTS = {"train": "training", "val": "validation", "test": "test"}
MONITORED = 3  # of so many validation recordings one is scored after each epoch
MENDS = ("none", "unknown", "positive")
BRADYCARDIA = (50, 60)  # beats per minute: surely below the first, surely not above the second


@dataclass(frozen=True, eq=False)
class Material:
    """The recordings of PTB-XL, the challenge's classes as targets, and what was measured."""

    dataset: Dataset
    rhythm: Rhythm
    superclasses: np.ndarray
    pvc_known: np.ndarray

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """Index arrays of the official split."""
        folder = np.array([name.split("/")[0] for name in self.dataset.names])
        return {part: np.flatnonzero(folder == name) for name, part in PARTS.items()}


def columns() -> tuple[str, ...]:
    """Name the classes of the task, in order."""
    slow = [f"rate<{cut}" for cut in SLOW]
    fast = [f"rate>{cut}" for cut in FAST]
    irregular = [f"irregular>{cut}" for cut in IRREGULAR]
    short = [f"shortest<{cut}" for cut in SHORT]
    return (*CHALLENGE.names, *SUPERCLASSES, *slow, *fast, *irregular, *short)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name PTB-XL, its table and the folder of work."""
    parser.add_argument("data", type=Path, help="PTB-XL: train, val, test and labels.csv")
    parser.add_argument("work", type=Path, help="folder of prepared signals and networks")
    parser.add_argument("--meta", type=Path, required=True, help="table with pvc_known")


def read_material(data: Path, meta: Path, work: Path, rate: float = 100.0) -> Material:
    """Prepare PTB-XL and read its tables.

    Parameters
    ----------
    data
        Folder with `train`, `val`, `test` and `labels.csv`.
    meta
        The table with `record` and `pvc_known`.
    work
        Where the prepared signals lie.
    rate
        Sampling rate, Hz.
    """
    own, millivolts = (replace(unit, rate=rate) for unit in (PREPROCESSING, MILLIVOLTS))
    dataset = prepare_folder(data, work / "ptbxl", own, CHALLENGE)
    in_millivolts = prepare_folder(data, work / "ptbxl-mv", millivolts, CHALLENGE)
    rhythm = measure(dataset.signals[dataset.rows], rate)
    both = _interleave(work / "both.npy", dataset, in_millivolts)
    with (data / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["recording"]: row for row in csv.DictReader(file)}
    with meta.open(encoding="utf-8", newline="") as file:
        known = {row["record"]: row["pvc_known"] == "1" for row in csv.DictReader(file)}
    superclasses = [[labels[n][c] == "1" for c in SUPERCLASSES] for n in dataset.names]
    patients = tuple(labels[name]["patient"] for name in dataset.names)
    rows, parts = 2 * np.arange(len(dataset)), (2,) * len(dataset)
    return Material(
        replace(dataset, patients=patients, signals=both, rows=rows, parts=parts),
        rhythm,
        np.array(superclasses),
        np.array([known[name.split("/")[1]] for name in dataset.names]),
    )


def _interleave(path: Path, first: Dataset, second: Dataset) -> np.ndarray:
    """Return a memory map with a row of `first`, then that recording's of `second`, and so on."""
    made, state = [first.fingerprint, second.fingerprint], path.with_suffix(".json")
    if not (state.is_file() and read_json(state) == made):
        state.unlink(missing_ok=True)
        shape = (2 * len(first), *first.signals.shape[1:])
        both = np.lib.format.open_memmap(path, mode="w+", dtype=np.int16, shape=shape)
        for place, dataset in enumerate((first, second)):
            for start in range(0, len(dataset), CHUNK):
                rows = np.arange(start, min(start + CHUNK, len(dataset)))
                both[2 * rows + place] = dataset.signals[dataset.rows[rows]]
        both.flush()
        write_json(state, made)
    return np.load(path, mmap_mode="r")


def make_task(material: Material, mend: str = "unknown", columns: str = "all") -> Task:
    """Return the task.

    Parameters
    ----------
    material
        PTB-XL.
    mend
        What an unlabelled slow or fast sinus rhythm in training becomes, one of `MENDS`.
    columns
        ``"all"``, ``"challenge"``: the challenge's classes alone, with its table of weights, or
        ``"superclasses"``: these alone, of recordings that have one, in millivolts alone.
    """
    if columns == "superclasses":
        return _superclass_task(material)
    targets, known = challenge_cells(material)
    if mend != "none":
        _mend(targets, known, material, positive=mend == "positive")
    extra, measured = _rhythm_cells(material.rhythm)
    classified = np.broadcast_to(
        material.superclasses.any(axis=1)[:, None], material.superclasses.shape
    )
    targets = np.hstack([targets, material.superclasses, extra])
    known = np.hstack([known, classified, np.broadcast_to(measured[:, None], extra.shape)])
    classes = task_classes()
    if columns == "challenge":
        n, classes = len(CHALLENGE), SINGLE
        targets, known = targets[:, :n], known[:, :n]
    digest = hashlib.sha256(material.dataset.fingerprint.encode() + targets.tobytes())
    digest.update(known.tobytes())
    dataset = replace(
        material.dataset,
        targets=targets & known,
        known=known,
        fingerprint=digest.hexdigest(),
    )
    parts = material.parts
    parts["validation"] = parts["validation"][::MONITORED]
    return Task(dataset, parts, classes)


def _superclass_task(material: Material) -> Task:
    """Return the task of the superclasses alone, as the published results have it."""
    dataset, targets = material.dataset, material.superclasses
    digest = hashlib.sha256(f"{dataset.fingerprint} millivolts".encode() + targets.tobytes())
    dataset = replace(
        dataset,
        rows=dataset.rows + UNITS.index("millivolts"),
        parts=(),
        targets=targets,
        fingerprint=digest.hexdigest(),
        preprocessing=replace(MILLIVOLTS, rate=dataset.preprocessing.rate),
    )
    some = targets.any(axis=1)
    parts = {name: part[some[part]] for name, part in material.parts.items()}
    classes = ScoredClasses(tuple((n,) for n in SUPERCLASSES), np.eye(len(SUPERCLASSES)), 2020)
    return Task(dataset, parts, classes)


@dataclass(frozen=True, eq=False)
class Softened(Task):
    """A task whose targets are mixed with an ensemble's answers (Furlanello et al., ICML 2018).

    Unknown cells of the training part take the answers alone.
    """

    answers: np.ndarray
    share: float

    def outputs(self) -> np.ndarray:
        """Return the columns' targets, (n_recordings, n_columns) float32."""
        labels, answers = super().outputs(), self.classes.expand(self.answers)
        mixed = np.where(
            np.isnan(labels), answers, (1 - self.share) * labels + self.share * answers
        )
        training = self.parts["training"]
        labels[training] = mixed[training]
        return labels


def softened(task: Task, answers: np.ndarray, share: float) -> Task:
    """Return the task with targets mixed with `answers`, (n_recordings, n_classes)."""
    digest = hashlib.sha256(task.dataset.fingerprint.encode() + answers.tobytes())
    dataset = replace(task.dataset, fingerprint=f"{digest.hexdigest()}{share}")
    return Softened(dataset, task.parts, task.classes, answers=answers, share=share)


def task_classes() -> ScoredClasses:
    """Return the classes of the task, each with itself alone for credit."""
    measured = columns()[len(CHALLENGE) + len(SUPERCLASSES) :]
    groups = [(group[0],) for group in CHALLENGE.groups]
    groups += [(name, name + AGAIN) for name in SUPERCLASSES]
    groups += [(name,) for name in measured]
    return ScoredClasses(tuple(groups), np.eye(len(groups)), 2020)


def challenge_cells(material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and known cells of the challenge's classes, (n, 24) bool each, as labelled."""
    targets = material.dataset.targets.copy()
    known = np.ones(targets.shape, bool)
    pvc = CHALLENGE.names.index("PVC")
    known[:, pvc] = material.pvc_known | targets[:, pvc]
    return targets, known


def _mend(targets: np.ndarray, known: np.ndarray, material: Material, positive: bool) -> None:
    """Make unlabelled slow and fast sinus rhythms of the training part unknown, or positive."""
    names, rate = CHALLENGE.names, material.rhythm.rate
    training = np.zeros(len(targets), bool)
    training[material.parts["training"]] = True
    other = targets[:, [names.index(name) for name in ("AF", "AFL", "PR")]].any(axis=1)
    for name, beyond in (("SB", rate < 60), ("STach", rate > 100)):
        column = names.index(name)
        where = training & beyond & ~other & ~targets[:, column]
        targets[where, column] = known[where, column] = positive
    low, high = BRADYCARDIA
    targets[training, names.index("Brady")] = (rate < low)[training]
    known[training & (rate >= low) & (rate < high), names.index("Brady")] = False


def _rhythm_cells(rhythm: Rhythm) -> tuple[np.ndarray, np.ndarray]:
    """Return the measured columns, (n, n_columns) bool, and in which recordings they are known."""
    cells = [rhythm.rate < cut for cut in SLOW] + [rhythm.rate > cut for cut in FAST]
    cells += [rhythm.irregularity > cut for cut in IRREGULAR]
    cells += [rhythm.shortest < cut for cut in SHORT]
    return np.stack(cells, axis=1), ~np.isnan(rhythm.rate)
