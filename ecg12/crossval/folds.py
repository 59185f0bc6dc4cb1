"""Which recordings each fold holds out, and which of the others validate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.data.splits import check_apart, validating_databases
from ecg12.data.stratification import iterative_folds
from ecg12.io.databases import databases_of, sources_of
from ecg12.runtime.errors import InputError

INNER = 4  # one part in so many of what is not held out validates: 60/20/20 with five folds


@dataclass(frozen=True, eq=False)
class Fold:
    """One division of the recordings; index arrays.

    Attributes
    ----------
    name
        Its number from 1, or the database that is held out.
    training, validation, held_out
        Disjoint; together all recordings.
    """

    name: str
    training: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The parts of a `Task`."""
        return {"training": self.training, "validation": self.validation, "test": self.held_out}


def divide(
    dataset: Dataset,
    k: int,
    seed: int,
    *,
    patients: Sequence[str] = (),
    by_database: bool = False,
    validation: str = "random",
) -> list[Fold]:
    """Divide recordings into folds, each with a validation part.

    Parameters
    ----------
    dataset
        Its targets are spread evenly, its names tell the databases.
    k
        Number of folds; not used with `by_database`.
    seed
        Breaks ties.
    patients
        Key of each recording's patient, whose recordings stay in one part of each fold; a recording
        without key ("") is its own patient, as all are if there are no keys.
    by_database
        Hold out one database after the other, those of the same source (`databases.sources_of`)
        together, instead of k folds.
    validation
        Which of the other recordings validate, as in `Recipe`.

    Raises
    ------
    InputError
        If there are too few recordings, patients or databases, or if a patient's recordings lie in
        two databases.
    """
    keys = patients or [""] * len(dataset)
    groups = [key or number for number, key in enumerate(keys)]
    databases = np.array(sources_of(databases_of(dataset.names, ".")))
    if by_database or validation == "database":
        check_apart(databases, patients)
    if by_database:
        named = {name: np.flatnonzero(databases == name) for name in np.unique(databases).tolist()}
    else:
        _check_enough(groups, k, "patients" if patients else "recordings")
        held_out = iterative_folds(dataset.targets, k, seed, groups)
        named = {str(number): fold for number, fold in enumerate(held_out, start=1)}
    if validation == "database":
        return [_fold_of_databases(name, part, databases, seed) for name, part in named.items()]
    return [_fold(name, part, dataset.targets, groups, seed) for name, part in named.items()]


def _fold_of_databases(name: str, held_out: np.ndarray, databases: np.ndarray, seed: int) -> Fold:
    rest = np.setdiff1d(np.arange(len(databases)), held_out)
    inner = validating_databases(databases[rest], seed)
    if not len(inner):
        only = databases[rest][0]
        raise InputError(f"besides fold {name} there is only {only}: no database can validate")
    return Fold(name, np.delete(rest, inner), rest[inner], held_out)


def _fold(
    name: str, held_out: np.ndarray, targets: np.ndarray, groups: Sequence[object], seed: int
) -> Fold:
    rest = np.setdiff1d(np.arange(len(targets)), held_out)
    own = [groups[index] for index in rest]
    _check_enough(own, INNER, f"recordings or patients besides fold {name}")
    inner = iterative_folds(targets[rest], INNER, seed, own)[0]
    return Fold(name, np.delete(rest, inner), rest[inner], held_out)


def _check_enough(groups: Sequence[object], k: int, what: str) -> None:
    n = len(set(groups))
    if not 2 <= k <= n:
        raise InputError(f"{n} {what} cannot be divided into {k} parts; from 2 to {n} can be")
