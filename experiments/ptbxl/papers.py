r"""Networks of both papers against one of the default recipe, on PTB-XL's official split.

    python -m experiments.ptbxl.papers DATA WORK --meta meta.csv --hours 3
    KERAS_BACKEND=jax python -m experiments.ptbxl.papers DATA WORK --meta meta.csv \
        --only "paper A" --clock wall --hours 0.2     # on a GPU, where processor time says little

All learn the challenge's classes of the same recordings, each with preparation, schedule and
stopping rule of its recipe. *Paper A*: recipe `crnn`. *Paper B*: its largest network,
ResNet(16, 7, 2, 8), recipe `mcircc`. *Default*: the first network of recipe `submission`. After
each epoch a row goes to the table: time and scores of the validation part, by which they can be
compared at equal time. A training ends as its schedule says, or when its time is spent; a later
call with more hours goes on. In the end the networks that were kept are scored on the validation
part, with 95 % bootstrap intervals.
"""

import argparse
import hashlib
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.data.dataset import prepare_folder
from ecg12.decision.thresholds import tune
from ecg12.metrics import auroc, challenge_score, macro
from ecg12.models import Network, ResNet
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.files import atomic_write
from ecg12.training.recipes import Recipe, crnn, mcircc, submission
from ecg12.training.resources import Clock
from ecg12.training.task import Task, class_scores
from ecg12.training.trainer import Trainer
from experiments.ptbxl.evaluation import estimates, macro_estimate, metric_estimate
from experiments.ptbxl.runs import MIN_POSITIVES, commit
from experiments.ptbxl.tables import append_row, read_rows
from experiments.ptbxl.task import CHALLENGE, Material, add_data, challenge_cells, read_material

LARGEST = ResNet(16, 7, 2, 8)
RECIPES: dict[str, tuple[Network, Recipe]] = {
    "default": (submission.RECIPE.networks[0], submission.RECIPE),
    "paper B": (LARGEST, mcircc.RECIPE),
    "paper A": (crnn.RECIPE.networks[0], crnn.RECIPE),
}
CLOCKS = {"processor": time.process_time, "wall": time.monotonic}
FIELDS = ("commit", "device", "network", "epoch", "clock", "seconds", "auroc", "metric")
log = logging.getLogger(__name__)


class Observed(Trainer):
    """A trainer that adds a row to a table after each epoch.

    `table`, `row`: where to, and what all rows share; `begun`: what the clock showed when no
    second was spent.
    """

    table: Path
    row: dict[str, object]
    begun: float

    def validate(self) -> float:
        """Return what the schedule monitors, after a row on the validation part."""
        scores = class_scores(self.forward, self.task, self.task.parts["validation"])[0]
        seconds = round(self.clock.now() - self.begun)
        row = self.row | {"epoch": self.progress.epoch + 1, "seconds": seconds}
        append_row(self.table, FIELDS, row | measures(scores, self.task))
        return super().validate()


def train(name: str, task: Task, work: Path, table: Path, clock: str, hours: float) -> None:
    """Train one of `RECIPES` until its schedule ends it or its time by one of `CLOCKS` is spent."""
    network, recipe = RECIPES[name]
    now = CLOCKS[clock]
    row = {"device": backend.device(), "network": name, "clock": clock}
    earlier = [r for r in read_rows(table) if all(r[key] == own for key, own in row.items())]
    begun = now() - max((float(r["seconds"]) for r in earlier), default=0.0)
    schedule = recipe.schedule
    keras.utils.set_random_seed(0)
    model = network.build(len(CHALLENGE.columns), task.dataset.preprocessing.n_samples)
    identity = hashlib.sha256(f"{network} {schedule} {task.fingerprint}".encode()).hexdigest()
    trainer = Observed(
        model, task, schedule,
        seed=0, checkpoint=work / f"{name}.checkpoint.npz", identity=identity,
        clock=Clock(hours - (now() - begun) / 3600, now),
    )  # fmt: skip
    trainer.table, trainer.row, trainer.begun = table, {"commit": commit()} | row, begun
    log.info("%s: ended by %s after %d epochs", name, trainer.run(), trainer.progress.epoch)
    with atomic_write(work / f"{name}.keras") as temporary:
        plain = network.build(len(CHALLENGE.columns), task.dataset.preprocessing.n_samples)
        plain.set_weights(trainer.model.get_weights())
        plain.save(temporary)


def score(name: str, task: Task, work: Path) -> str:
    """Return a network's AUROC and metric on the validation part, thresholds its own."""
    model = keras.models.load_model(work / f"{name}.keras", compile=False)
    part = task.parts["validation"]
    scores = class_scores(backend.compiled([model], model.input_shape[1:]), task, part)[0]
    y_true, known = task.truth(part)
    known = np.ones(y_true.shape, bool) if known is None else known
    groups = [task.dataset.patients[place] for place in part]
    thresholds = tune(scores, y_true, CHALLENGE, known=known).thresholds
    _, values, replicates = estimates(y_true, scores, known, groups)
    area = macro_estimate(values, replicates, (y_true & known).sum(axis=0) >= MIN_POSITIVES)
    return f"| {name} | {area} | {metric_estimate(y_true, scores > thresholds, known, groups)} |"


def measures(scores: np.ndarray, task: Task) -> dict[str, float]:
    """Return AUROC and challenge metric of the validation part, whose thresholds are its own."""
    y_true, known = task.truth(task.parts["validation"])
    tuned = tune(scores, y_true, CHALLENGE, known=known)
    enough = (y_true if known is None else y_true & known).sum(axis=0) >= MIN_POSITIVES
    metric = challenge_score(y_true, scores > tuned.thresholds, CHALLENGE, known)
    return {
        "auroc": round(float(macro(auroc(y_true, scores, known)[enough])), 4),
        "metric": round(float(metric), 4),
    }


def challenge_task(data: Path, meta: Path, work: Path, recipe: Recipe) -> Task:
    """Return the challenge's classes of PTB-XL as a task, on the official split."""
    material: Material = read_material(data, meta, work / "prepared")
    targets, known = challenge_cells(material)
    dataset = prepare_folder(
        data, work / f"{recipe.name}-prepared", recipe.preprocessing, CHALLENGE
    )
    digest = hashlib.sha256(dataset.fingerprint.encode() + known.tobytes()).hexdigest()
    dataset = replace(
        dataset,
        targets=targets & known,
        known=known,
        patients=material.dataset.patients,
        fingerprint=digest,
    )
    return Task(dataset, material.parts, CHALLENGE)


def main() -> None:
    """Train the networks, and print how those that were kept score."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--hours", type=float, default=3.0, help="each network, by the clock")
    parser.add_argument("--clock", choices=CLOCKS, default="processor")
    parser.add_argument("--only", choices=RECIPES, nargs="*", default=["default", "paper B"])
    parser.add_argument("--table", type=Path, default=Path("reports/papers_ptbxl.csv"))
    options = parser.parse_args()
    logging.info(backend.start(0))
    lines: list[str] = []
    for name in options.only:
        task = challenge_task(options.data, options.meta, options.work, RECIPES[name][1])
        train(name, task, options.work, options.table, options.clock, options.hours)
        lines.append(score(name, task, options.work))
    print("| network | macro AUROC | challenge metric |", "|---|---|---|", *lines, sep="\n")


if __name__ == "__main__":
    main()
