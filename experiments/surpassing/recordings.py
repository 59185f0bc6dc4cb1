"""The experiment's recordings: drawn or read, prepared once, divided into folds; lead sets.

`truth.npz` holds what the tables must know of them: targets, source, and the fold that tests each.
"""

import hashlib
import shutil
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ecg12.data.dataset import Dataset, prepare_folder
from ecg12.data.splits import validating_databases
from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.io.databases import databases_of, sources_of
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import read_record
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import atomic_write
from ecg12.signal.preprocessing import prepare_parts
from ecg12.synthetic import generate
from experiments.surpassing.variants import AVERAGED, CHAINS, SINGLE

SYNTHETIC = "synthetic"
SEEN, UNSEEN = ("general", "American", "nine classes"), ("monitor", "research")
# Folder → recordings, seed and sites; the first trains, the others test.
DRAWN = {
    "seen sites": (1250, 10, SEEN),
    "seen sites, held out": (400, 11, SEEN),
    "unseen sites": (400, 12, UNSEEN),
}
LEAD_SETS = {  # of the challenge of 2021
    "12": LEADS,
    "6": LEADS[:6],
    "4": ("I", "II", "III", "V2"),
    "3": ("I", "II", "V2"),
    "2": ("I", "II"),
}


@dataclass(frozen=True, eq=False)
class Material:
    """Prepared recordings; for each fold those that may train and those that test."""

    datasets: dict[int, Dataset]  # parts → the same recordings in the same order
    classes: ScoredClasses
    paths: list[Path]
    owner: np.ndarray  # the source of each recording: its database, with those of the same source
    folds: list[tuple[np.ndarray, np.ndarray]]

    @property
    def fold_of(self) -> np.ndarray:
        """The fold that tests each recording; -1 where none does."""
        found = np.full(len(self.owner), -1)
        for fold, (_, test) in enumerate(self.folds):
            found[test] = fold
        return found

    @property
    def division(self) -> str:
        """Names the sources and folds of all recordings."""
        division = repr((self.owner.tolist(), self.fold_of.tolist()))
        return hashlib.sha256(division.encode()).hexdigest()

    @property
    def targets(self) -> np.ndarray:
        """(n, n_classes) bool."""
        return self.datasets[SINGLE.parts].targets


@lru_cache(maxsize=1)
def material(data: str, work: Path) -> Material:
    """Draw or read the recordings; prepare them once."""
    classes = load_weights(WEIGHTS)
    folder = work / SYNTHETIC if data == SYNTHETIC else Path(data)
    if data == SYNTHETIC:
        _draw(folder)
    datasets = {
        chain.parts: prepare_folder(folder, work / f"prepared{chain.parts}", chain, classes)
        for chain in CHAINS
    }
    dataset = datasets[SINGLE.parts]
    paths = [folder / name for name in dataset.names]
    owner = np.array(sources_of(databases_of(paths, folder)))
    if data == SYNTHETIC:
        trains = owner == next(iter(DRAWN))
        folds = [(np.flatnonzero(trains), np.flatnonzero(~trains))]
    else:
        folds = [(np.flatnonzero(owner != name), np.flatnonzero(owner == name))
                 for name in np.unique(owner)]  # fmt: skip
    return Material(datasets, classes, paths, owner, folds)


def _draw(folder: Path) -> None:
    """Draw the synthetic recordings that are not there."""
    for name, (n, seed, sites) in DRAWN.items():
        if not (folder / name).is_dir():
            begun = folder / f"{name}, begun"  # a run that is killed must not leave half of them
            shutil.rmtree(begun, ignore_errors=True)
            generate(begun, n, seed, sites=sites, rates=None, seconds=None, workers=2)
            begun.rename(folder / name)


@lru_cache(maxsize=1)
def prepared_tests(data: str, work: Path) -> dict[tuple[int, str], dict[int, tuple[np.ndarray]]]:
    """Prepare the tested recordings as the driver does.

    Returns
    -------
    dict
        (parts, lead set) → recording → as a classifier takes it.
    """
    ready = material(data, work)
    found: dict = {(chain.parts, leads): {} for chain in CHAINS for leads in LEAD_SETS}
    for i in np.flatnonzero(ready.fold_of >= 0):
        record = read_record(ready.paths[i], AVERAGED.needed_seconds)
        for chain in CHAINS:
            for name, leads in LEAD_SETS.items():
                found[chain.parts, name][i] = (prepare_parts(only(record, leads), chain),)
    return found


def only(record: Record, leads: tuple[str, ...]) -> Record:
    """Return a recording with some of its leads."""
    rows = [record.leads.index(lead) for lead in leads if lead in record.leads]
    return replace(
        record,
        stored=record.stored[rows],
        gains=record.gains[rows],
        offsets=record.offsets[rows],
        units=tuple(record.units[row] for row in rows),
        leads=tuple(record.leads[row] for row in rows),
    )


def divide(rest: np.ndarray, seed: int, owner: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return four fifths of some recordings to train on, and a fifth to tune thresholds on.

    With `owner`, the database of every recording, whole databases are set apart for that.
    """
    if owner is not None:
        apart = validating_databases(owner[rest], seed)
        if not len(apart):
            raise InputError(f"all recordings to train on are of {owner[rest][0]}: none validates")
        return {"training": np.delete(rest, apart), "validation": rest[apart]}
    order = np.random.default_rng([seed, len(rest)]).permutation(rest)
    n = len(order) // 5
    return {"training": order[n:], "validation": order[:n]}


def write_truth(ready: Material, work: Path) -> None:
    """Write what the tables must know of the recordings."""
    with atomic_write(work / "truth.npz") as temporary:
        np.savez(temporary, targets=ready.targets, owner=ready.owner, fold_of=ready.fold_of)
