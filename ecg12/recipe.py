"""The submission, top to bottom: a folder of recordings becomes a model folder.

Paper B's protocol (Ansari et al., MCIRCC, Computing in Cardiology 2020, section 2.3.2): a random
60/20/20 split; each network trained until the challenge metric on the validation part stops
rising; thresholds tuned on the validation part; the best five of eight networks form the ensemble.
The test part chooses nothing: it is scored once, for the report.
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
from ecg12.errors import InputError
from ecg12.files import write_json
from ecg12.labels import WEIGHTS, load_weights
from ecg12.metrics import best_constant, challenge_score, evaluate
from ecg12.networks import TABLE_2, ResNet
from ecg12.signals import Preprocessing
from ecg12.thresholds import tune
from ecg12.training import PREDICT_BATCH, Schedule, Task, Trainer, class_scores

log = logging.getLogger(__name__)
REPORT = "training.json"
WORK = "work"


@dataclass(frozen=True)
class Recipe:
    """All choices of one submission.

    Attributes
    ----------
    networks
        One specification per candidate member; equal ones differ by their seed.
    keep
        The ensemble's size at most; an odd number of the best candidates is kept.
    """

    name: str
    networks: tuple[ResNet, ...]
    keep: int
    schedule: Schedule = Schedule()
    preprocessing: Preprocessing = Preprocessing()
    seed: int = 0


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("submission", TABLE_2, keep=5),
        # Seconds: shows that all parts fit together, learns nothing worth having.
        Recipe("smoke", (ResNet(2, 3, 1, 8),) * 3, keep=3, schedule=Schedule(epochs=1)),
        # Minutes on two cores. On a few hundred recordings the metric at a fixed threshold jumps
        # by more than it tells, so the best single threshold serves, and no epoch is given up.
        Recipe(
            "demo",
            (ResNet(8, 7, 2, 8),) * 3,
            keep=3,
            schedule=Schedule(epochs=16, batch=16, threshold=None, patience=16, plateau=16),
        ),
    )
}


def get_recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises
    ------
    InputError
        If there is none of that name; the message lists the choices.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; choices: {', '.join(RECIPES)}")
    return RECIPES[name]


def train(data: str | Path, model: str | Path, recipe: Recipe, hours: float = 46.0) -> Classifier:
    """Train a recipe on a folder of recordings.

    Parameters
    ----------
    data
        Challenge recordings, flat or nested; read only.
    model
        The model folder, made if missing. Work files lie in its folder `work` and are removed on
        success; after a kill, the same call goes on where it stopped.
    recipe
        What to train.
    hours
        Wall-clock budget of this call.

    Returns
    -------
    Classifier
        The ensemble, as saved.

    Raises
    ------
    FileNotFoundError, RecordError
        If the data hold no readable recording.
    """
    clock = Clock(hours * (1 - RESERVE))
    folder = Path(model)
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    log.info("recipe %s on %s", recipe.name, backend.start(recipe.seed))
    classes = load_weights(WEIGHTS)
    dataset = prepare_folder(data, work, recipe.preprocessing, classes)
    task = Task(dataset, split(len(dataset), recipe.seed), classes)
    log.info("data: %s", summary(dataset, classes))
    members, rows = train_members(recipe, task, folder, clock)
    classifier = Classifier(classes, chosen(members, recipe.keep))
    scores = score_parts(classifier, task)
    for name, result in scores.items():
        text = "%s part: challenge metric %.3f (best constant answer %.3f), macro AUROC %.3f"
        values = (result["Challenge metric"], result["best_constant"], result.get("AUROC", np.nan))
        log.info(text, name, *values)
    report = {"version": __version__, "recipe": asdict(recipe), "data": summary(dataset, classes)}
    write_json(folder / REPORT, report | {"members": rows, "ensemble": scores})
    shutil.rmtree(work)
    return classifier


def train_members(
    recipe: Recipe, task: Task, folder: Path, clock: Clock
) -> tuple[list[Member], list[dict[str, Any]]]:
    """Train as many members as the clock allows; the folder is a valid model after each."""
    members: list[Member] = []
    rows: list[dict[str, Any]] = []
    waiting = list(range(len(recipe.networks)))
    seconds_per_gflop = 0.0
    while waiting:
        index = waiting[0]
        trainer = _trainer(recipe, index, task, folder / WORK, clock)
        speed = seconds_per_gflop or trainer.epoch_seconds() / recipe.networks[index].gflop()
        epochs = _plan(recipe, waiting, speed, clock, first=not members)
        waiting = [other for other in epochs if other != index]
        if index not in epochs:
            continue
        trainer.run(epochs[index])
        seconds_per_gflop = trainer.mean_epoch_seconds() / recipe.networks[index].gflop()
        member, row = _decide(recipe, index, trainer)
        members.append(member)
        rows.append(row)
        save_classifier(folder, Classifier(task.classes, chosen(members, recipe.keep)))
    return members, rows


def _trainer(recipe: Recipe, index: int, task: Task, work: Path, clock: Clock) -> Trainer:
    network, seed = recipe.networks[index], recipe.seed + index
    keras.utils.set_random_seed(seed)
    model = network.build(len(task.classes.columns), recipe.preprocessing.n_samples)
    choices = [__version__, network, seed, recipe.schedule, recipe.seed, backend.BACKEND]
    identity = f"{choices} {task.dataset.fingerprint}"
    path = work / f"member{index + 1}.npz"
    return Trainer(model, task, recipe.schedule, seed, path, identity, clock)


def _plan(
    recipe: Recipe, waiting: list[int], seconds_per_gflop: float, clock: Clock, first: bool
) -> dict[int, int]:
    """Return network index → epochs for those still waiting; the first member is never given up."""
    costs = [seconds_per_gflop * recipe.networks[index].gflop() for index in waiting]
    left = clock.left()
    allowed = plan(costs, left, recipe.schedule.epochs)
    if first and not allowed:
        allowed = {int(np.argmin(costs)): 1}
    epochs = {waiting[place]: n for place, n in allowed.items()}
    expected = sum(costs[place] * n for place, n in allowed.items())
    log.info(
        "plan: %d of %d members, at most %d epochs each, at most %.2g h of %.2g h for training",
        len(epochs), len(waiting), max(epochs.values(), default=0), expected / 3600, left / 3600,
    )  # fmt: skip
    return epochs


def _decide(recipe: Recipe, index: int, trainer: Trainer) -> tuple[Member, dict[str, Any]]:
    """Tune a trained network's thresholds on the validation part; report all variants."""
    task, network = trainer.task, recipe.networks[index]
    scores = {name: class_scores(trainer.forward, task, part)[0] for name, part in parts(task)}
    targets = {name: task.dataset.targets[part] for name, part in parts(task)}
    tuned = tune(scores["validation"], targets["validation"], task.classes)
    variants = {
        variant: {
            name: challenge_score(targets[name], scores[name] > thresholds, task.classes)
            for name in scores
            if name != "training"
        }
        for variant, thresholds in tuned.variants.items()
    }
    name = f"member{index + 1}_{network.name}"
    score = variants[tuned.best]["validation"]
    row = {
        "name": name,
        "network": asdict(network),
        "seed": recipe.seed + index,
        "parameters": trainer.model.count_params(),
        "batch": trainer.batch,
        "stopped": trainer.progress.stopped,
        "best_epoch": trainer.progress.best_epoch,
        "history": trainer.history,
        "thresholds": variants,
        "chosen_thresholds": tuned.best,
    }
    for variant, reached in variants.items():
        scored = ", ".join(f"{part} {value:.3f}" for part, value in reached.items())
        chosen_one = " (chosen on validation)" if variant == tuned.best else ""
        log.info("%s thresholds: %s%s", variant, scored, chosen_one)
    best = tuned.variants[tuned.best]
    return Member(name, trainer.model, recipe.preprocessing, best, score), row


def parts(task: Task) -> list[tuple[str, np.ndarray]]:
    """Return the parts that hold recordings, by name."""
    return [(name, part) for name, part in task.parts.items() if len(part)]


def chosen(members: Sequence[Member], keep: int) -> list[Member]:
    """Return the best members on validation, an odd number of at most `keep`."""
    n = min(keep, len(members))
    ranked = sorted(members, key=lambda member: -member.validation_score)
    return ranked[: n if n % 2 else max(1, n - 1)]


def score_parts(classifier: Classifier, task: Task) -> dict[str, dict[str, float]]:
    """Score the ensemble on each part, beside the best constant answer."""
    results = {}
    for name, part in parts(task):
        chunks = np.array_split(task.dataset.rows[part], -(-len(part) // PREDICT_BATCH))
        signals = ([(row,) for row in task.dataset.signals[chunk]] for chunk in chunks)
        scores = [classifier.member_scores(prepared) for prepared in signals]
        prediction = classifier.decide(np.concatenate(scores, axis=1))
        targets = task.dataset.targets[part]
        result = evaluate(targets, prediction.labels, prediction.scores, task.classes)
        constant = best_constant(targets, task.classes)[1]
        defined = {score: value for score, value in result.items() if np.isfinite(value)}
        results[name] = {**defined, "best_constant": constant}
    return results
