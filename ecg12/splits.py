"""Random divisions of recordings: paper B's three parts, and folds."""

from collections.abc import Sequence

import numpy as np


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
        of recordings, so that all of one patient's lie in the same part; a recording of an unknown
        patient counts as a patient of its own.
    """
    if patients:
        keys = [key or f"recording {i}" for i, key in enumerate(patients)]
        owners = np.unique(keys, return_inverse=True)[1]
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


def folds(n: int, k: int, seed: int) -> list[np.ndarray]:
    """Divide n recordings at random into k folds of equal size, to within one."""
    return [np.sort(part) for part in np.array_split(np.random.default_rng(seed).permutation(n), k)]
