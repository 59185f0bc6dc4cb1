r"""Transfer on real recordings: what pretraining on PTB-XL and on synthetic recordings is worth.

    pip install -e .[experiments]
    python -m experiments.ptbxl.transfer DATA WORK --meta meta.csv --real REAL --synthetic FOLDER

*Other hospitals*: one source is left out, the network learns the others' recordings (REAL without
PTB and PTB-XL; CPSC 2018 and its extra set are one source) and answers those of the one left out.
*Shares of PTB-XL*: 1, 5 and 20 % of its training part are learned, the validation part is answered.
A fifth of what is learned from decides which epoch is kept. Five seeds; each has its own
pretrained networks: `screen base` on PTB-XL, and one trained on FOLDER (`ecg12 synth`).
XGBoost learns from the features of a pretrained network, by the other four fifths
(`experiments.boosting`).

Every run is a row of reports/transfer_real.csv; finished ones are not repeated.
"""

import argparse
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.dataset import Dataset, prepare_folder
from ecg12.metrics import auroc, macro
from ecg12.models import SEResNet, freeze, swap_head
from ecg12.models.heads import penultimate
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.files import atomic_write
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task, class_scores, column_scores
from ecg12.training.trainer import Trainer
from experiments.ptbxl.evaluation import LEFT_OUT, SOURCE_OF
from experiments.ptbxl.plan import BASE
from experiments.ptbxl.runs import set_shared_weights
from experiments.ptbxl.tables import append_row, read_rows
from experiments.ptbxl.task import (
    PREPROCESSING,
    SINGLE,
    add_data,
    challenge_cells,
    read_material,
)

log = logging.getLogger(__name__)
NETWORK = SEResNet(k=16, m=6, stride=1)  # that of `BASE`
SEEDS, MIN_POSITIVES, MIN_STEPS = 5, 3, 240
SHARES = (1, 5, 20)  # percent of PTB-XL's training part
SCHEDULE = replace(BASE.schedule, batch=32, learning_rate=1e-3, monitor="loss", min_lr=1e-5)
FIELDS = ("study", "way", "seed", "learned", "answered", "epochs", "seconds", "auroc")
Pretrained = Callable[[int], Any]


@dataclass(frozen=True)
class Way:
    """Where a training begins: networks by seed (None: untrained), and what of them is kept."""

    pretrained: Pretrained | None = None
    head: bool = False  # the last layer is kept, not replaced as in paper B
    frozen: int = 0
    trained: bool = True
    boosted: bool = False  # boosters on the features, the network is not trained on

    def build(self, seed: int) -> Any:
        """Return the network before training."""
        keras.utils.set_random_seed(seed)
        model = NETWORK.build(len(SINGLE.columns), PREPROCESSING.n_samples)
        if self.pretrained is None:
            return model
        before = self.pretrained(seed)
        if self.head:
            kernel, bias = before.get_layer("scores").get_weights()
            n = len(SINGLE.columns)
            set_shared_weights(model, before)
            model.get_layer("scores").set_weights([kernel[:, :n], bias[:n]])
            return model
        model = swap_head(before, len(SINGLE.columns))
        freeze(model, self.frozen)
        return model


def fit(model: Any, task: Task, seed: int, work: Path, schedule: Schedule = SCHEDULE) -> Trainer:
    """Train a network, with more epochs on few recordings so that the steps suffice."""
    n = len(task.parts["training"])
    steps = -(-n // schedule.batch_size(n))
    epochs = max(schedule.epochs, -(-MIN_STEPS // steps))
    schedule = replace(schedule, epochs=epochs, patience=epochs)
    state = work / "transfer.checkpoint.npz"
    state.unlink(missing_ok=True)
    trainer = Trainer(
        model, task, schedule, seed=seed, checkpoint=state, identity="", clock=Clock(24)
    )
    trainer.run()
    state.unlink()
    return trainer


def fifth(rows: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Divide recordings: a fifth validates."""
    drawn = np.random.default_rng(seed).permutation(rows)
    n = len(drawn) // 5
    return {"training": np.sort(drawn[n:]), "validation": np.sort(drawn[:n])}


def hospitals(real: Path, work: Path) -> tuple[Dataset, np.ndarray]:
    """Return other hospitals' recordings and the source of each ("" for those left out).

    A class is known in a source if one of its recordings shows it.
    """
    dataset = prepare_folder(real, work, PREPROCESSING, SINGLE)
    origin = [name.split("/")[0] for name in dataset.names]
    sources = np.array(["" if name in LEFT_OUT else SOURCE_OF.get(name, name) for name in origin])
    known = np.zeros(dataset.targets.shape, bool)
    for source in np.unique(sources):
        known[sources == source] = dataset.targets[sources == source].any(axis=0)
    return replace(dataset, known=known), sources


def studies(
    real: tuple[Dataset, np.ndarray], ptbxl: tuple[Dataset, dict[str, np.ndarray]]
) -> Iterator[tuple[str, str, Callable[[int], Task]]]:
    """Yield (study, what is learned, task of a seed); the part to answer is `test`."""
    dataset, sources = real
    for source in sorted(set(sources) - {""}):
        learned = np.flatnonzero((sources != source) & (sources != ""))
        test = np.flatnonzero(sources == source)

        def left_out(seed: int, learned: np.ndarray = learned, test: np.ndarray = test) -> Task:
            return Task(dataset, fifth(learned, seed) | {"test": test}, SINGLE)

        yield f"without {source}", f"{len(learned)} recordings of other sources", left_out
    archive, parts = ptbxl
    for share in SHARES:
        n = round(share / 100 * len(parts["training"]))

        def drawn(seed: int, n: int = n) -> Task:
            own = np.random.default_rng(seed).permutation(parts["training"])[:n]
            return Task(archive, fifth(own, seed) | {"test": parts["validation"]}, SINGLE)

        yield f"{share} % of PTB-XL", f"{n} recordings of PTB-XL", drawn


def measured(scores: np.ndarray, task: Task) -> float:
    """Return the macro AUROC of the test part, over the classes that can be learned and scored."""
    n_known = [
        (y_true & known).sum(axis=0)
        for y_true, known in (task.truth(task.parts[p]) for p in ("training", "test"))
    ]
    y_true, known = task.truth(task.parts["test"])
    enough = np.min(n_known, axis=0) >= MIN_POSITIVES
    return float(macro(auroc(y_true, scores, known)[enough]))


def boosters_scores(model: Any, task: Task) -> np.ndarray:
    """Return the test part's scores by XGBoost on a network's features, (n_test, n_classes)."""
    from experiments.boosting import boosted  # needs the extra `experiments`

    body = keras.Model(model.input, penultimate(model))
    forward = backend.compiled([body], body.input_shape[1:])
    learned, answered = (
        column_scores(forward, task, task.parts[name])[0] for name in ("training", "test")
    )
    y_true, known = task.truth(task.parts["training"])
    return np.asarray(boosted(learned, y_true, answered, known))


def answer(way: Way, task: Task, seed: int, work: Path) -> tuple[np.ndarray, int]:
    """Return the test part's scores, (n_test, n_classes), and the epochs that were trained."""
    model = way.build(seed)
    if way.boosted:
        return boosters_scores(model, task), 0
    forward, epochs = backend.compiled([model], model.input_shape[1:]), 0
    if way.trained:
        trainer = fit(model, task, seed, work)
        forward, epochs = trainer.forward, trainer.progress.epoch
    return class_scores(forward, task, task.parts["test"])[0], epochs


def pretrain(folder: Path, work: Path, seed: int) -> Path:
    """Train a network on synthetic recordings, once; return its file."""
    path = work / f"synthetic, seed {seed}.keras"
    if not path.is_file():
        dataset = prepare_folder(folder, work / "synthetic-prepared", PREPROCESSING, SINGLE)
        task = Task(dataset, fifth(np.arange(len(dataset)), seed), SINGLE)
        keras.utils.set_random_seed(seed)
        model = NETWORK.build(len(SINGLE.columns), PREPROCESSING.n_samples)
        schedule = replace(BASE.schedule, epochs=16, whole_epochs=2)
        trained = fit(model, task, seed, work, schedule).model
        plain = NETWORK.build(len(SINGLE.columns), PREPROCESSING.n_samples)
        plain.set_weights(trained.get_weights())
        with atomic_write(path) as temporary:
            plain.save(temporary)
    return path


def main() -> None:
    """Make every run that is not finished."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_data(parser)
    parser.add_argument("--real", type=Path, required=True, help="other hospitals' recordings")
    parser.add_argument("--synthetic", type=Path, required=True, help="synthetic recordings")
    parser.add_argument("--table", type=Path, default=Path("reports/transfer_real.csv"))
    options = parser.parse_args()
    log.info(backend.start(0))
    networks = options.work / "multitask"
    networks.mkdir(parents=True, exist_ok=True)
    material = read_material(options.data, options.meta, options.work / "prepared")
    targets, known = challenge_cells(material)
    archive = replace(material.dataset, targets=targets & known, known=known, parts=())

    def loaded(path: Path) -> Any:
        return keras.models.load_model(path, compile=False)

    def on_ptbxl(seed: int) -> Any:
        return loaded(networks / ("screen base" + f", seed {seed}" * bool(seed) + ".keras"))

    def on_synthetic(seed: int) -> Any:
        return loaded(pretrain(options.synthetic, networks, seed))

    few = {
        "from scratch": Way(),
        "synthetic": Way(on_synthetic),
        "synthetic, XGBoost on the features": Way(on_synthetic, boosted=True),
    }
    many = few | {
        "PTB-XL": Way(on_ptbxl),
        "PTB-XL, 3 blocks frozen": Way(on_ptbxl, frozen=3),
        "PTB-XL, all blocks frozen": Way(on_ptbxl, frozen=NETWORK.m),
        "PTB-XL, its last layer kept": Way(on_ptbxl, head=True),
        "PTB-XL, not trained on": Way(on_ptbxl, head=True, trained=False),
        "PTB-XL, XGBoost on the features": Way(on_ptbxl, boosted=True),
    }
    finished = {(r["study"], r["way"], r["seed"]) for r in read_rows(options.table)}
    real = hospitals(options.real, options.work / "prepared" / "real-single")
    for seed in range(SEEDS):
        for study, learned, task_of in studies(real, (archive, material.parts)):
            task = task_of(seed)
            for name, way in (many if study.startswith("without") else few).items():
                if (study, name, str(seed)) in finished:
                    continue
                begun = time.process_time()
                scores, epochs = answer(way, task, seed, networks)
                row = {
                    "study": study, "way": name, "seed": seed, "learned": learned,
                    "answered": len(task.parts["test"]), "epochs": epochs,
                    "seconds": round(time.process_time() - begun),
                    "auroc": round(measured(scores, task), 4),
                }  # fmt: skip
                append_row(options.table, FIELDS, row)
                log.info(row)


if __name__ == "__main__":
    main()
