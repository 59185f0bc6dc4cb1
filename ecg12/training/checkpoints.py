"""Checkpoints: the state of a training after an epoch, in one file, known by its identity.

A `.npz` archive: `state`, JSON with its identity and the schedule's state, and arrays by name. No
pickle, written atomically.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.runtime.files import atomic_write, is_whole_archive

log = logging.getLogger(__name__)


def write_checkpoint(
    path: Path, identity: str, state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Replace a checkpoint.

    Parameters
    ----------
    path
        The `.npz` file.
    identity
        Names data, labels, seed, recipe and version: all that decides what the training becomes.
    state
        What JSON can hold.
    arrays
        By name; none is called ``state``.
    """
    text = np.frombuffer(json.dumps({"identity": identity, **state}).encode(), np.uint8)
    with atomic_write(path) as temporary:
        np.savez(temporary, allow_pickle=False, state=text, **arrays)


def read_state(path: Path, identity: str) -> dict[str, Any] | None:
    """Return a checkpoint's state; None if it is absent, damaged or of another identity."""
    if not path.is_file():
        return None
    if not is_whole_archive(path):
        log.warning("%s: damaged; training from the first epoch", path)
        return None
    with np.load(path) as saved:
        state: dict[str, Any] = json.loads(saved["state"].tobytes())
    if state["identity"] != identity:
        log.warning("%s: of other data, recipe or version; training from the first epoch", path)
        return None
    return state


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return a checkpoint's arrays by name."""
    with np.load(path) as saved:
        return {name: saved[name] for name in saved.files if name != "state"}
