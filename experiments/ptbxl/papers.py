r"""Paper B's largest network against one of the default recipe, on PTB-XL's official split.

    python -m experiments.ptbxl.papers DATA WORK --meta meta.csv --hours 3

Both learn the challenge's classes of the same recordings, each with preparation, schedule and
stopping rule of its recipe. *Paper B*: ResNet(16, 7, 2, 8), recipe `mcircc`. *Default*: the first
network of recipe `submission`. After each epoch a row goes to the table: processor time and scores
of the validation part, by which both can be compared at equal processor time. A training ends as
its schedule says, or when its processor time is spent; a later call with more hours goes on. In the
end the networks that were kept are scored on the validation part, with 95 % bootstrap intervals.
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
from ecg12.training.recipes import Recipe, mcircc, submission
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
}
FIELDS = ("commit", "network", "epoch", "processor_seconds", "auroc", "metric")
log = logging.getLogger(__name__)


class Observed(Trainer):
    """A trainer that adds a row to a table after each epoch.

    `table`, `row`: where to, and what all rows share; `spent`: processor seconds of earlier calls.
    """

    table: Path
    row: dict[str, object]
    spent: float

    def validate(self) -> float:
        """Return what the schedule monitors, after a row on the validation part."""
        scores = class_scores(self.forward, self.task, self.task.parts["validation"])[0]
        row = self.row | {
            "epoch": self.progress.epoch + 1,
            "processor_seconds": round(self.spent + self.clock.now()),
        }
        append_row(self.table, FIELDS, row | measures(scores, self.task))
        return super().validate()


def train(name: str, task: Task, work: Path, table: Path, hours: float) -> None:
    """Train one of `RECIPES` until its schedule ends it or its processor time is spent."""
    network, recipe = RECIPES[name]
    schedule = recipe.schedule
    keras.utils.set_random_seed(0)
    model = network.build(len(CHALLENGE.columns), task.dataset.preprocessing.n_samples)
    identity = hashlib.sha256(f"{network} {schedule} {task.fingerprint}".encode()).hexdigest()
    times = [r["processor_seconds"] for r in read_rows(table) if r["network"] == name]
    spent = max(map(float, times), default=0.0)
    clock = Clock(hours - spent / 3600, now=time.process_time)
    trainer = Observed(
        model, task, schedule,
        seed=0, checkpoint=work / f"{name}.checkpoint.npz", identity=identity, clock=clock,
    )  # fmt: skip
    trainer.table, trainer.spent = table, spent
    trainer.row = {"commit": commit(), "network": name}
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
    """Train both networks, and print how those that were kept score."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--hours", type=float, default=3.0, help="of processor time, each network")
    parser.add_argument("--only", choices=RECIPES, nargs="*", default=list(RECIPES))
    parser.add_argument("--table", type=Path, default=Path("reports/papers_ptbxl.csv"))
    options = parser.parse_args()
    logging.info(backend.start(0))
    lines: list[str] = []
    for name in options.only:
        task = challenge_task(options.data, options.meta, options.work, RECIPES[name][1])
        train(name, task, options.work, options.table, options.hours)
        lines.append(score(name, task, options.work))
    print("| network | macro AUROC | challenge metric |", "|---|---|---|", *lines, sep="\n")


if __name__ == "__main__":
    main()
