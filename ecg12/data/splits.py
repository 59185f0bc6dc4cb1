"""Divisions of recordings: paper B's three random parts, whole databases that validate, folds."""

import logging
from collections.abc import Sequence

import numpy as np

from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)

# Share of the recordings that whole databases validate: as many as these, and not more if that can
# be; fewer than the last choose nothing well.
LEAST, MOST, FEW = 0.2, 0.4, 0.1
MOST_OF_ONE = 0.2  # share of the recordings that one patient has without a warning


def split(n: int, seed: int, patients: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Divide n recordings at random into 60 % training, 20 % validation and 20 % test (paper B).

    With one or two recordings there is no test part, and one recording trains and validates.

    Parameters
    ----------
    n
        Number of recordings.
    seed
        Decides the division.
    patients
        Key of each recording's patient, "" where unknown. If given, patients are divided instead
        of recordings, so that all of one patient's are in the same part; a recording of an unknown
        patient counts as a patient of its own.
    """
    if patients:
        keys = [key or f"recording {i}" for i, key in enumerate(patients)]
        owners, counts = np.unique(keys, return_inverse=True, return_counts=True)[1:]
        if counts.max() > max(1, MOST_OF_ONE * n):
            log.warning("%d of %d recordings are of one patient: parts are uneven", counts.max(), n)
        parts = split(int(owners.max()) + 1, seed)
        return {name: np.flatnonzero(np.isin(owners, part)) for name, part in parts.items()}
    order = np.random.default_rng(seed).permutation(n)
    n_test = round(0.2 * n) if n > 2 else 0
    n_validation = max(1, round(0.2 * n))
    training = order[n_test + n_validation :]
    return {
        "training": training if len(training) else order,
        "validation": order[n_test : n_test + n_validation],
        "test": order[:n_test],
    }


def halve(
    part: np.ndarray, seed: int, patients: Sequence[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Divide a part of the recordings into two halves at random.

    Parameters
    ----------
    part
        (n,) indices.
    seed
        Decides the division.
    patients
        Key of each recording of the whole dataset, as for `split`; all of a patient's are in one
        half.

    Returns
    -------
    Two arrays of indices, each in rising order.
    """
    owner = dict(enumerate(patients))
    keys = [f"patient {owner[i]}" if owner.get(i) else f"recording {i}" for i in part.tolist()]
    owners = np.unique(keys, return_inverse=True)[1]
    n = int(owners.max(initial=-1)) + 1
    second = np.zeros(n, bool)
    second[np.random.default_rng(seed).permutation(n)[: n // 2]] = True
    return np.sort(part[~second[owners]]), np.sort(part[second[owners]])


def split_off_databases(
    databases: Sequence[str], seed: int, patients: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Divide recordings so that whole databases validate, as an unseen hospital would.

    Of the other databases 80 % train and 20 % test, divided at random as by `split`.

    Parameters
    ----------
    databases
        Each recording's database.
    seed
        Decides the division.
    patients
        As for `split`.

    Raises
    ------
    InputError
        As `check_apart`.
    """
    check_apart(databases, patients)
    validation = validating_databases(databases, seed)
    rest = np.setdiff1d(np.arange(len(databases)), validation)
    parts = split(len(rest), seed, [patients[i] for i in rest] if patients else ())
    training = np.union1d(parts["training"], parts["validation"])
    return {"training": rest[training], "validation": validation, "test": rest[parts["test"]]}


def split_off_folder(validating: np.ndarray, patients: Sequence[str]) -> dict[str, np.ndarray]:
    """Divide recordings so that those of a folder validate and all others train; none test.

    Parameters
    ----------
    validating
        (n,) bool: which recordings are of that folder.
    patients
        As for `split`.

    Raises
    ------
    InputError
        If a patient has recordings on both sides.
    """
    keys = np.array(patients or [""] * len(validating))
    both = set(keys[validating]) & set(keys[~validating]) - {""}
    if both:
        raise InputError(
            f"patients with recordings both in the data and in the validation folder: {len(both)}; "
            "all of a patient's must be in one of them"
        )
    return {
        "training": np.flatnonzero(~validating),
        "validation": np.flatnonzero(validating),
        "test": np.empty(0, np.intp),
    }


def check_apart(databases: Sequence[str] | np.ndarray, patients: Sequence[str]) -> None:
    """Refuse databases that cannot be separated; patients as for `split`.

    Raises
    ------
    InputError
        If all recordings belong to one, or a patient has recordings in two.
    """
    if len(names := np.unique(databases)) < 2:
        raise InputError(f"all recordings belong to one database, {names[0]}: none to leave out")
    first: dict[str, str] = {}
    for patient, database in zip(patients, databases if len(patients) else (), strict=True):
        if patient and first.setdefault(patient, database) != database:
            raise InputError(
                f"a patient has recordings in both {first[patient]} and {database}; databases that "
                "share patients cannot be left out"
            )


def validating_databases(databases: Sequence[str] | np.ndarray, seed: int) -> np.ndarray:
    """Return the recordings of databases drawn one by one until they hold a fifth of all.

    A database with which they would hold more than two fifths is passed over, so that enough are
    left to train; if that leaves less than a tenth, the smallest of those joins. Of only one
    database none validates, and of two at most one.
    """
    names, counts = np.unique(databases, return_counts=True)
    if len(names) < 2:
        return np.empty(0, np.intp)
    drawn: list[int] = []
    passed: list[int] = []
    held, n = 0, len(databases)
    for place in np.random.default_rng(seed).permutation(len(names)):
        if held < LEAST * n and held + counts[place] <= MOST * n:
            drawn.append(place)
            held += counts[place]
        else:
            passed.append(place)
    if not drawn or (held < FEW * n and len(passed) > 1):
        drawn.append(min(passed, key=lambda place: int(counts[place])))
    return np.flatnonzero(np.isin(databases, names[drawn]))


def folds(n: int, k: int, seed: int) -> list[np.ndarray]:
    """Divide n recordings at random into k folds of equal size, to within one."""
    return [np.sort(part) for part in np.array_split(np.random.default_rng(seed).permutation(n), k)]
