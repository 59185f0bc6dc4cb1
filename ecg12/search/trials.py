"""One trial: a network of the space, trained by the schedule on the data in the search's folder.

All that a trial reads and writes is there, so that any process on any machine that sees the
folder under the same path can begin any trial, or go on with it:

==========================  =====================================================================
ecg12-work/signals.npy      the prepared signals
ecg12-work/task.npz         targets, parts, classes
ecg12-work/trial001.npz     checkpoint after the last epoch, until the trial is over
ecg12-work/trial001.json    how often the trial was begun since that epoch
trials/001.json             the trial's row, written when it stops: the only thing that counts
==========================  =====================================================================
"""

import logging
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from socket import gethostname
from typing import Any

from ecg12.models import ResNet
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import read_json, write_json
from ecg12.runtime.locks import locked
from ecg12.runtime.version import __version__
from ecg12.search.task_file import load_task
from ecg12.training.checkpoints import read_state
from ecg12.training.pipeline import WORK
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

log = logging.getLogger(__name__)
Row = dict[str, Any]
FAILED = "failed"
MOST_STARTS = 3  # without an epoch finished between; then something in the trial kills
UNLIMITED = Clock(24.0 * 365 * 10)


@dataclass(frozen=True)
class Trial:
    """A network to be trained from a seed; trials are numbered from 1."""

    number: int
    network: ResNet
    seed: int


@dataclass(frozen=True)
class Plan:
    """All that decides what the trials become, except for the task."""

    trials: tuple[Trial, ...]
    schedule: Schedule
    fingerprint: str

    def identity(self, trial: Trial) -> str:
        """Name all that decides what a trial becomes."""
        choices = [__version__, backend.identity(), trial, self.schedule]
        return f"{choices} {self.fingerprint}"


def checkpoint(folder: Path, number: int) -> Path:
    """Return where a trial's state is kept after each epoch."""
    return folder / WORK / f"trial{number:03}.npz"


def result(folder: Path, number: int) -> Path:
    """Return where a trial's row is written when it has stopped."""
    return folder / "trials" / f"{number:03}.json"


def finished(folder: Path, number: int, epochs: int) -> Row | None:
    """Return the row of a trial that is over, or has this many epochs; else None."""
    path = result(folder, number)
    if not path.is_file():
        return None
    row: Row = read_json(path)
    return row if row["ended"] or len(row["metrics"]) >= epochs else None


@lru_cache(maxsize=1)
def _task(folder: Path, fingerprint: str) -> Task:
    """Keep the last task, since a worker runs many trials on the same."""
    task = load_task(folder / WORK)
    if task.fingerprint != fingerprint:
        raise InputError(f"{folder}: the plan and the task are of different data")
    return task


def run_trial(folder: str, plan: Plan, number: int, epochs: int) -> Row | None:
    """Train a trial until it has so many epochs or its schedule ends; write and return its row.

    Nothing else may draw from Python's random generator meanwhile: see `runtime.isolated`. Training
    goes on after the last finished epoch, whoever trained that. A trial that fails is a
    row whose `ended` says why; so is one that was begun `MOST_STARTS` times without finishing an
    epoch, since what killed those workers (memory, most likely) would kill the next.

    Parameters
    ----------
    folder
        The search's folder, as this machine sees it.
    plan
        All trials.
    number
        Which one.
    epochs
        How many at most, earlier ones included.

    Returns
    -------
    dict or None
        None if another process is at this trial.

    Raises
    ------
    OSError, InputError
        What says nothing about the network: a folder that is not there, a full disk.
    """
    place, trial = Path(folder), plan.trials[number - 1]
    with ExitStack() as held:
        try:
            held.enter_context(locked(checkpoint(place, number).with_suffix(".lock")))
        except InputError:
            return None
        if (earlier := finished(place, number, epochs)) is not None:
            return earlier
        row = _row(place, plan, trial)
        task = _task(place, plan.fingerprint)
        trainer: Trainer | None = None
        try:
            _count_start(place, plan, trial)
            trainer = _trainer(place, plan, trial, task)
            ended = trainer.run(epochs)
            row |= _trained(trainer, "" if ended == "time budget" else ended)
        except backend.refusals() as error:
            if isinstance(error, InputError):
                raise
            row |= _trained(trainer, "") if trainer else {}
            row["ended"] = f"{FAILED}: {_first_line(error)}"
            log.warning("trial %d, %s: %s", number, trial.network.name, row["ended"])
        write_json(result(place, number), row)
        if row["ended"]:
            forget(place, number)
        trainer = None
        keras.utils.clear_session()
    return row


class KilledError(RuntimeError):
    """A trial that, most likely, kills the process it runs in."""


def _count_start(folder: Path, plan: Plan, trial: Trial) -> None:
    """Note that a trial is begun; refuse it if that was so too often since its last epoch."""
    path = checkpoint(folder, trial.number)
    state = read_state(path, plan.identity(trial))
    epoch = state["progress"]["epoch"] if state else 0
    notes = path.with_suffix(".json")
    noted = read_json(notes) if notes.is_file() else {}
    starts = noted.get("starts", 0) if noted.get("epoch") == epoch else 0
    if starts >= MOST_STARTS:
        raise KilledError(f"killed {starts} times in epoch {epoch + 1} (out of memory?)")
    write_json(notes, {"epoch": epoch, "starts": starts + 1})


def forget(folder: Path, number: int) -> None:
    """Remove what a trial that is over does not need."""
    for suffix in (".npz", ".json"):
        checkpoint(folder, number).with_suffix(suffix).unlink(missing_ok=True)


def _trainer(folder: Path, plan: Plan, trial: Trial, task: Task) -> Trainer:
    backend.start(trial.seed)
    n_samples = task.dataset.preprocessing.n_samples
    model = trial.network.build(len(task.classes.columns), n_samples)
    path, identity = checkpoint(folder, trial.number), plan.identity(trial)
    return Trainer(
        model,
        task,
        plan.schedule,
        seed=trial.seed,
        checkpoint=path,
        identity=identity,
        clock=UNLIMITED,
    )


def _row(folder: Path, plan: Plan, trial: Trial) -> Row:
    """Return the row of a trial that has not trained."""
    dataset = _task(folder, plan.fingerprint).dataset
    n_outputs = len(_task(folder, plan.fingerprint).classes.columns)
    n_samples = dataset.preprocessing.n_samples
    return {
        "trial": trial.number,
        "network": asdict(trial.network),
        "seed": trial.seed,
        "parameters": trial.network.parameters(n_outputs, n_samples),
        "gflop": trial.network.gflop(n_samples),
        "batch": None,
        "metrics": [],
        "losses": [],
        "ended": "",
        "seconds": 0.0,
        "host": gethostname(),
    }


def _trained(trainer: Trainer, ended: str) -> Row:
    history = trainer.history
    return {
        "batch": trainer.batch,
        "metrics": [entry["validation_score"] for entry in history],
        "losses": [entry["loss"] for entry in history],
        "ended": ended,
        "seconds": sum(entry["seconds"] for entry in history),
    }


def _first_line(error: Exception) -> str:
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text.splitlines()[0][:200]}"


def measure_speed(folder: str, fingerprint: str, network: ResNet) -> float:
    """Measure how many GFLOP/s this machine reaches in training a network on the task."""
    place = Path(folder)
    task = _task(place, fingerprint)
    plan = Plan((Trial(1, network, 0),), Schedule(), fingerprint)
    seconds = _trainer(place, plan, plan.trials[0], task).epoch_seconds()
    n = 3 * len(task.parts["training"]) + len(task.parts["validation"])
    return network.gflop(task.dataset.preprocessing.n_samples) * n / seconds
