"""The submission, top to bottom: a folder of recordings becomes a model folder.

Paper B's protocol (Ansari et al., MCIRCC, Computing in Cardiology 2020, section 2.3.2): a random
60/20/20 split; each network trained until the challenge metric on the validation part stops
rising; thresholds tuned on the validation part; the best five of eight networks form the ensemble.
The test part chooses nothing: it is scored for the report alone.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg12 import __version__, backend
from ecg12.backend import keras
from ecg12.budget import RESERVE, Clock, plan
from ecg12.classifier import Classifier, Member, save_classifier
from ecg12.dataset import prepare_folder, split, summary
from ecg12.files import locked, write_json
from ecg12.labels import WEIGHTS, load_weights
from ecg12.metrics import best_constant, challenge_score, evaluate
from ecg12.recipe import Recipe
from ecg12.thresholds import tune
from ecg12.training import Task, Trainer, class_scores, read_state

log = logging.getLogger(__name__)
REPORT = "training.json"
WORK = "ecg12-work"


def train(data: str | Path, model: str | Path, recipe: Recipe, hours: float = 46.0) -> Classifier:
    """Train a recipe on a folder of recordings.

    Parameters
    ----------
    data
        Challenge recordings, flat or nested; read only.
    model
        The model folder, made if missing. Work files lie in its folder `ecg12-work` and are
        removed on success; after a kill, the same call goes on where it stopped.
    recipe
        What to train.
    hours
        Wall-clock budget of this call; a tenth is kept for scoring.

    Returns
    -------
    Classifier
        The ensemble, as saved.

    Raises
    ------
    FileNotFoundError, RecordError
        If the data hold no readable recording.
    InputError
        If another process trains into the same folder.
    """
    clock = Clock(hours * (1 - RESERVE))
    folder = Path(model)
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    with locked(work / "lock"):
        log.info("recipe %s on %s", recipe.name, backend.start(recipe.seed))
        classes = load_weights(WEIGHTS)
        dataset = prepare_folder(data, work, recipe.preprocessing, classes)
        task = Task(dataset, split(len(dataset), recipe.seed), classes)
        counts = summary(dataset, classes)
        log.info("data: %s", counts)
        (folder / REPORT).unlink(missing_ok=True)
        candidates = train_members(recipe, task, folder, clock)
        classifier, scores = ensemble(candidates, recipe.keep, task)
        made = {"version": __version__, "recipe": asdict(recipe), "data": counts}
        members = [candidate.row for candidate in candidates]
        write_json(folder / REPORT, {**made, "members": members, "ensemble": scores})
        shutil.rmtree(work)
    return classifier


@dataclass(frozen=True, eq=False)
class Candidate:
    """A trained network: the member it may become, its report, its class scores by part."""

    member: Member
    row: dict[str, Any]
    scores: dict[str, np.ndarray]


def train_members(recipe: Recipe, task: Task, folder: Path, clock: Clock) -> list[Candidate]:
    """Train as many members as the clock allows; the folder is a valid model after each.

    Members that an earlier call finished cost nothing and come first. What a plan gives up may
    come back in a later one, when members have ended early.
    """
    candidates: list[Candidate] = []
    work = folder / WORK
    finished = [i for i in range(len(recipe.networks)) if _finished(recipe, i, task, work)]
    waiting = [i for i in range(len(recipe.networks)) if i not in finished]
    trial: Trainer | None = None
    speed = 0.0  # seconds per epoch and GFLOP
    while finished or waiting:
        index, epochs = (finished or waiting)[0], recipe.schedule.epochs
        if not finished:
            if not speed:
                trial = _trainer(recipe, index, task, work, clock)
                speed = trial.epoch_seconds() / recipe.networks[index].gflop()
            planned = _plan(recipe, waiting, speed, clock, len(candidates))
            if not planned:
                break
            if index not in planned:
                index, trial = min(planned), None
            epochs = planned[index]
        (finished or waiting).remove(index)
        trainer = trial or _trainer(recipe, index, task, work, clock)
        ended, trial = trainer.run(epochs), None
        speed = trainer.mean_epoch_seconds() / recipe.networks[index].gflop()
        candidates.append(_decide(recipe, index, trainer, ended))
        members = [candidate.member for candidate in chosen(candidates, recipe.keep)]
        save_classifier(folder, Classifier(task.classes, members))
    return candidates


def _identity(recipe: Recipe, index: int, task: Task) -> str:
    """Name all that decides what a member becomes."""
    network, seed = recipe.networks[index], recipe.seed + index
    choices = [__version__, backend.BACKEND, network, seed, recipe.schedule, recipe.seed]
    return f"{choices} {task.dataset.fingerprint}"


def _checkpoint(work: Path, index: int) -> Path:
    return work / f"member{index + 1}.npz"


def _finished(recipe: Recipe, index: int, task: Task, work: Path) -> bool:
    state = read_state(_checkpoint(work, index), _identity(recipe, index, task))
    return state is not None and bool(state["progress"]["stopped"])


def _trainer(recipe: Recipe, index: int, task: Task, work: Path, clock: Clock) -> Trainer:
    seed = recipe.seed + index
    keras.utils.set_random_seed(seed)
    n_samples = recipe.preprocessing.n_samples
    model = recipe.networks[index].build(len(task.classes.columns), n_samples)
    identity = _identity(recipe, index, task)
    return Trainer(model, task, recipe.schedule, seed, _checkpoint(work, index), identity, clock)


def _plan(
    recipe: Recipe, waiting: list[int], speed: float, clock: Clock, trained: int
) -> dict[int, int]:
    """Return network index → epochs for those still waiting; the first member is never given up."""
    costs = [speed * recipe.networks[index].gflop() for index in waiting]
    left = clock.left()
    allowed = plan(costs, left, recipe.schedule.epochs, trained)
    if not allowed and not trained:
        allowed = {int(np.argmin(costs)): 1}
    expected = sum(costs[place] * n for place, n in allowed.items())
    log.info(
        "plan: %d of %d members, at most %d epochs each, at most %.2g h of %.2g h for training",
        len(allowed), len(waiting), max(allowed.values(), default=0), expected / 3600, left / 3600,
    )  # fmt: skip
    return {waiting[place]: n for place, n in allowed.items()}


def _decide(recipe: Recipe, index: int, trainer: Trainer, ended: str) -> Candidate:
    """Tune a trained network's thresholds on the validation part; report all variants."""
    task, network = trainer.task, recipe.networks[index]
    scores = {name: class_scores(trainer.forward, task, part)[0] for name, part in parts(task)}
    targets = {name: task.dataset.targets[part] for name, part in parts(task)}
    tuned = tune(scores["validation"], targets["validation"], task.classes)
    variants = {
        variant: {
            name: challenge_score(targets[name], scores[name] > thresholds, task.classes)
            for name in scores
        }
        for variant, thresholds in tuned.variants.items()
    }
    for variant, reached in variants.items():
        scored = ", ".join(f"{part} {value:.3f}" for part, value in reached.items())
        best = " (chosen on validation)" if variant == tuned.best else ""
        log.info("%s thresholds: %s%s", variant, scored, best)
    name = f"member{index + 1}_{network.name}"
    row = {
        "name": name,
        "network": asdict(network),
        "seed": trainer.seed,
        "parameters": trainer.model.count_params(),
        "batch": trainer.batch,
        "ended": ended,
        "best_epoch": trainer.progress.best_epoch,
        "history": trainer.history,
        "thresholds": variants,
        "chosen_thresholds": tuned.best,
    }
    score = tuned.scores[tuned.best]
    member = Member(name, trainer.model, recipe.preprocessing, tuned.thresholds, score)
    return Candidate(member, row, scores)


def parts(task: Task) -> list[tuple[str, np.ndarray]]:
    """Return the parts that hold recordings, by name."""
    return [(name, part) for name, part in task.parts.items() if len(part)]


def chosen(candidates: Sequence[Candidate], keep: int) -> list[Candidate]:
    """Return the best candidates on validation, an odd number of at most `keep`."""
    n = min(keep, len(candidates))
    ranked = sorted(candidates, key=lambda candidate: -candidate.member.validation_score)
    return ranked[: n if n % 2 else max(1, n - 1)]


def ensemble(
    candidates: Sequence[Candidate], keep: int, task: Task
) -> tuple[Classifier, dict[str, dict[str, float]]]:
    """Join the best candidates; score them on each part, beside the best constant answer."""
    best = chosen(candidates, keep)
    classifier = Classifier(task.classes, [candidate.member for candidate in best])
    results = {}
    for name, part in parts(task):
        targets = task.dataset.targets[part]
        prediction = classifier.decide(np.array([candidate.scores[name] for candidate in best]))
        reached = evaluate(targets, prediction.labels, prediction.scores, task.classes)
        reached["best_constant"] = best_constant(targets, task.classes)[1]
        log.info(
            "%s part: challenge metric %.3f (best constant answer %.3f), macro AUROC %.3f",
            name, reached["Challenge metric"], reached["best_constant"], reached["AUROC"],
        )  # fmt: skip
        results[name] = {key: value for key, value in reached.items() if np.isfinite(value)}
    return classifier, results
