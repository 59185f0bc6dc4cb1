"""What is searched: the user's choices, and the trials that follow from them, kept in a file."""

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ecg12.models import ResNet
from ecg12.runtime import backend
from ecg12.runtime.errors import InputError
from ecg12.runtime.executors import Executor
from ecg12.runtime.files import read_json, write_json
from ecg12.runtime.version import __version__
from ecg12.search.halving import Rung, full_schedule
from ecg12.search.space import Constraints, Size, Space, draw
from ecg12.search.trials import Plan, Trial, measure_speed
from ecg12.training.recipes import RECIPES, Recipe, get_recipe
from ecg12.training.task import Task

log = logging.getLogger(__name__)
PLAN = "plan.json"
FIRST_SEED = 1000  # of trials; retraining takes the seeds from the recipe's on
MEASURED = ResNet(16, 7, 2, 6)  # the network on which the speed is measured


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is searched, and how.

    Attributes
    ----------
    trials
        How many networks are drawn.
    keep, ensemble
        How many are retrained, and how many of those make the ensemble at most.
    recipe
        Its schedule, preprocessing and seed are taken; the schedule must monitor the metric.
    ladder
        The rungs of successive halving; empty: every trial gets the whole schedule.
    """

    trials: int = 166
    keep: int = 8
    ensemble: int = 5
    recipe: Recipe = field(default_factory=lambda: get_recipe("mcircc"))
    space: Space = Space()
    constraints: Constraints = Constraints()
    ladder: tuple[Rung, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers below one, and schedules by which trials cannot be ranked or halved."""
        for name in ("trials", "keep", "ensemble"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: at least one is needed")
        if self.recipe.schedule.monitor != "metric":
            choices = [name for name, r in RECIPES.items() if r.schedule.monitor == "metric"]
            raise InputError(
                f"recipe {self.recipe.name}: it judges epochs by the {self.recipe.schedule.monitor}"
                " of the validation part, a search its trials by the challenge metric; choices: "
                f"{', '.join(choices)}"
            )
        if self.ladder and self.recipe.schedule.decay != "plateau":
            raise InputError(
                f"recipe {self.recipe.name}: its learning rate depends on the last epoch (decay "
                f"{self.recipe.schedule.decay!r}); halving needs a recipe of decay 'plateau', such "
                "as mcircc"
            )

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """How many trials get how many epochs, in turn."""
        return self.ladder or full_schedule(self.trials, self.recipe.schedule.epochs)


def make_plan(
    folder: Path, options: Options, task: Task, executor: Executor
) -> tuple[Plan, dict[str, int]]:
    """Draw the trials; refuse to go on with those of other choices.

    Returns
    -------
    Plan
        The trials.
    dict
        Counts, as `draw` returns them.

    Raises
    ------
    InputError
        If the folder holds a plan of other choices, or too few networks meet the constraints.
    """
    recipe, path = options.recipe, folder / PLAN
    chosen = _choices(options, task)
    speed = options.constraints.speed
    if path.is_file():
        speed = _same(path, chosen)
    elif options.constraints.epoch_seconds and not speed:
        jobs = {0: (str(folder), task.fingerprint, MEASURED)}
        speed = next(
            found for _, found in executor.completed(executor.isolated(measure_speed), jobs)
        )
        log.info("speed in training: %.3g GFLOP/s", speed)
    constraints = replace(options.constraints, speed=speed)
    networks, counts = draw(
        options.space,
        options.trials,
        seed=recipe.seed,
        constraints=constraints,
        size=_size(task, recipe),
    )
    log.info("networks: %s", ", ".join(f"{key} {value}" for key, value in counts.items()))
    trials = tuple(
        Trial(number, network, recipe.seed + FIRST_SEED + number)
        for number, network in enumerate(networks, start=1)
    )
    rows = [asdict(trial) for trial in trials]
    write_json(path, {"choices": chosen, "speed": speed, "networks": counts, "trials": rows})
    return Plan(trials, recipe.schedule, task.fingerprint), counts


def _size(task: Task, recipe: Recipe) -> Size:
    n_training, n_validation = len(task.parts["training"]), len(task.parts["validation"])
    return Size(
        n_outputs=len(task.classes.columns),
        n_samples=recipe.preprocessing.n_samples,
        batch=recipe.schedule.batch_size(n_training),
        n_training=n_training,
        n_validation=n_validation,
    )


def _choices(options: Options, task: Task) -> dict[str, Any]:
    """Return all that decides the table, as JSON gives it back."""
    recipe = options.recipe
    chosen = {key: value for key, value in asdict(options).items() if key != "recipe"}
    chosen |= {"schedule": asdict(recipe.schedule), "preprocessing": asdict(recipe.preprocessing)}
    chosen |= {"seed": recipe.seed, "validation": recipe.validation, "data": task.fingerprint}
    chosen |= {"version": __version__, "backend": backend.identity()}
    found: dict[str, Any] = json.loads(json.dumps(chosen))
    return found


def _same(path: Path, chosen: dict[str, Any]) -> float | None:
    """Return the speed that an earlier run of the same choices found; refuse other choices."""
    earlier = read_json(path)
    other = [key for key, value in chosen.items() if earlier["choices"].get(key) != value]
    if other:
        raise InputError(
            f"{path}: of a search with other {', '.join(other)}; "
            "give the same choices, or another folder"
        )
    speed: float | None = earlier["speed"]
    return speed
