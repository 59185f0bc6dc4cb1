"""Training the members of an ensemble, one after the other, within a time budget.

Each member's checkpoint is in the work folder, from which a later call goes on. A member that
cannot be trained is a row that gives the reason; the others go on.
"""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.ensemble.classifier import Classifier
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import read_json, write_json
from ecg12.runtime.version import __version__
from ecg12.training.checkpoints import read_state
from ecg12.training.recipes import Recipe
from ecg12.training.resources import Clock, plan
from ecg12.training.selection import Candidate, candidate_of, chosen, join, row_head
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

log = logging.getLogger(__name__)
FAILED = "failed"  # begins the `ended` of a member that could not be trained
Row = dict[str, Any]


def train_members(
    recipe: Recipe,
    task: Task,
    work: Path,
    clock: Clock,
    *,
    keep: Callable[[Classifier], None] | None = None,
) -> tuple[list[Candidate], list[Row]]:
    """Train as many members as the clock allows.

    Members that an earlier call finished cost nothing and come first. A member that a plan
    leaves out may be in a later one, when others have ended early.

    Parameters
    ----------
    recipe, task
        What to train, and on what.
    work
        Folder of the checkpoints, by which a later call goes on.
    clock
        The time left.
    keep
        Called with the ensemble so far while members are still to come.

    Returns
    -------
    candidates
        The trained members.
    rows
        The report of every member, in the order of training. `ended` says how its training ended;
        of one that could not be trained it begins with `FAILED` and gives the reason.

    Raises
    ------
    InputError
        If no member could be trained.
    """
    members = _Members(recipe, task, work, clock)
    for index in members.finished():
        members.train(index, recipe.schedule.epochs)
    while members.waiting:
        if keep and members.candidates:
            keep(join(chosen(members.candidates, recipe.keep), task))
        if not (planned := members.plan()):
            break
        members.train(min(planned), planned[min(planned)])
    if not members.candidates:
        first = members.rows[0]
        raise InputError(
            f"none of {len(members.rows)} networks of recipe {recipe.name} could be trained; "
            f"{first['name']} {first['ended']}"
        )
    return members.candidates, members.rows


class _Members:
    """What is trained, what waits, and what an epoch costs."""

    def __init__(self, recipe: Recipe, task: Task, work: Path, clock: Clock) -> None:
        self.recipe, self.task, self.work, self.clock = recipe, task, work, clock
        self.candidates: list[Candidate] = []
        self.rows: list[Row] = []
        self.waiting = list(range(len(recipe.networks)))
        self.trial: dict[int, Trainer] = {}  # built to measure the speed, not trained yet
        self.speed = 0.0  # seconds per epoch and GFLOP; 0: not measured

    def finished(self) -> list[int]:
        """Return the members whose training an earlier call ended, for better or worse."""
        return [
            index
            for index in self.waiting
            if is_finished(self.recipe, index, self.task, self.work) or self._failure(index)
        ]

    def plan(self) -> dict[int, int]:
        """Return member → epochs of those waiting that there is time for; measure first."""
        while not self.speed and self.waiting:
            self._measure(self.waiting[0])
        if not self.waiting:
            return {}
        gflop = [self.recipe.networks[index].gflop() for index in self.waiting]
        costs = [self.speed * one for one in gflop]
        epochs = self.recipe.schedule.epochs
        allowed = _allowed(costs, self.clock.left(), epochs, len(self.candidates))
        return {self.waiting[place]: n for place, n in allowed.items()}

    def train(self, index: int, epochs: int) -> None:
        """Train a member; it becomes a candidate, or a row that says why not."""
        if reason := self._failure(index):
            self._fail(index, reason)
            return
        trial = self.trial.pop(index, None)
        self.trial.clear()  # two networks at a time may be too many for the memory
        try:
            trainer = trial or self._trainer(index)
            ended = trainer.run(epochs)
            candidate = candidate_of(self.recipe, index, trainer, ended)
        except backend.refusals() as error:
            self._give_up(index, error)
            return
        self.speed = trainer.mean_epoch_seconds() / self.recipe.networks[index].gflop()
        self.waiting.remove(index)
        self.candidates.append(candidate)
        self.rows.append(candidate.row)

    def _measure(self, index: int) -> None:
        """Measure a member's seconds per epoch before it is trained."""
        try:
            trainer = self._trainer(index)
            self.speed = trainer.epoch_seconds() / self.recipe.networks[index].gflop()
            self.trial[index] = trainer
        except backend.refusals() as error:
            self._give_up(index, error)

    def _trainer(self, index: int) -> Trainer:
        return make_trainer(self.recipe, index, self.task, work=self.work, clock=self.clock)

    def _give_up(self, index: int, error: Exception) -> None:
        """Make a row of a failed member; errors of the user's input are no failures of a member.

        What a network computes is the same in every run, and is noted for the next one; memory, or
        a device, may be there then.
        """
        if isinstance(error, InputError):
            raise error
        lines = str(error).strip().splitlines() or ["no message"]
        reason = f"{FAILED}: {type(error).__name__}: {lines[0]}"
        if isinstance(error, ArithmeticError):
            made_by = _identity(self.recipe, index, self.task)
            write_json(_note(self.work, index), {"identity": made_by, "ended": reason})
        log.debug("", exc_info=error)
        self._fail(index, reason)

    def _fail(self, index: int, reason: str) -> None:
        row = row_head(self.recipe, index) | {"ended": reason}
        log.error("%s %s; the others are trained without it", row["name"], reason)
        self.waiting.remove(index)
        self.rows.append(row)

    def _failure(self, index: int) -> str:
        """Return how the member's training failed in an earlier call; empty if it did not."""
        if not (path := _note(self.work, index)).is_file():
            return ""
        note = read_json(path)
        same = note["identity"] == _identity(self.recipe, index, self.task)
        return str(note["ended"]) if same else ""


def _identity(recipe: Recipe, index: int, task: Task) -> str:
    """Name all that decides what a member becomes."""
    network, seed, start = recipe.networks[index], recipe.seed + index, recipe.start(index)
    choices = [__version__, backend.identity(), network, seed, recipe.schedule, recipe.seed]
    if start:
        choices += [start.pretrained.checksum, start.frozen]
    return f"{choices} {task.fingerprint}"


def identity(recipe: Recipe, task: Task) -> str:
    """Name all that decides what a recipe makes of a task."""
    members = [_identity(recipe, index, task) for index in range(len(recipe.networks))]
    return hashlib.sha256(f"{recipe} {members}".encode()).hexdigest()


def _checkpoint(work: Path, index: int) -> Path:
    return work / f"member{index + 1}.npz"


def _note(work: Path, index: int) -> Path:
    """Return the file that says why a member could not be trained."""
    return _checkpoint(work, index).with_suffix(".json")


def is_finished(recipe: Recipe, index: int, task: Task, work: Path) -> bool:
    """Tell whether an earlier call has trained a member to the end of its schedule."""
    state = read_state(_checkpoint(work, index), _identity(recipe, index, task))
    return state is not None and bool(state["progress"]["stopped"])


def make_trainer(recipe: Recipe, index: int, task: Task, *, work: Path, clock: Clock) -> Trainer:
    """Build a member's network and its trainer, which takes up the member's checkpoint."""
    seed = recipe.seed + index
    keras.utils.set_random_seed(seed)
    n_outputs, start = len(task.classes.columns), recipe.start(index)
    if start:
        model = start.build(n_outputs)
    else:
        model = recipe.networks[index].build(n_outputs, recipe.preprocessing.n_samples)
    identity = _identity(recipe, index, task)
    return Trainer(
        model,
        task,
        recipe.schedule,
        seed=seed,
        checkpoint=_checkpoint(work, index),
        identity=identity,
        clock=clock,
    )


def _allowed(costs: list[float], left: float, epochs: int, trained: int) -> dict[int, int]:
    """Return place → epochs of the members that there is time for; the first is never left out.

    Parameters
    ----------
    costs
        Expected seconds per epoch of each member that waits.
    left, epochs, trained
        As for `resources.plan`.
    """
    allowed = plan(costs, left, epochs, trained)
    if not allowed and not trained:
        allowed = {int(np.argmin(costs)): 1}
    expected = sum(costs[place] * n for place, n in allowed.items())
    log.info(
        "plan: %d of %d members, at most %d epochs each, at most %.2g h of %.2g h for training",
        len(allowed), len(costs), max(allowed.values(), default=0), expected / 3600, left / 3600,
    )  # fmt: skip
    return allowed
