"""Retrain on data as the organizers alter them, and predict every unusual file.

    python -m stress.altered [--recordings 160] [--epochs 5]

From the same synthetic recordings of six classes: as they are; labels shuffled among recordings;
one class removed; 15 % and 150 % of the data; a third of the recordings with missing, impossible or
unknown values; one recording; no scored class. One small network each; it predicts held-out
recordings, and the row says what it scores there beside the best constant prediction. Then it
drives a folder of every unusual file of `stress.quirks`. Figures on synthetic data.
"""

import argparse
import logging
import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.inference.challenge import drive
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb import find_records, read_record, write_record
from ecg12.metrics import best_constant, evaluate, read_folders
from ecg12.models import ResNet
from ecg12.synthetic import generate
from ecg12.training.pipeline import train
from ecg12.training.recipes import Recipe
from ecg12.training.schedule import Schedule
from stress.quirks import write_quirks

CLASSES = ["NSR", "SB", "STach", "AF", "LBBB", "RBBB"]
AF = "164889003"
HELD_OUT = 100


def shuffled(records: list[Record]) -> list[Record]:
    """Give every recording the labels of another one."""
    order = np.random.default_rng(0).permutation(len(records))
    pairs = zip(records, order, strict=True)
    return [replace(record, codes=records[other].codes) for record, other in pairs]


def without_class(records: list[Record]) -> list[Record]:
    """Remove one class's code wherever it stands."""
    return [replace(r, codes=tuple(c for c in r.codes if c != AF)) for r in records]


def enlarged(records: list[Record]) -> list[Record]:
    """Return one and a half times the data: half of them twice, under another name."""
    return records + [replace(r, name=f"{r.name}b") for r in records[: len(records) // 2]]


def damaged(records: list[Record]) -> list[Record]:
    """Give every third recording missing, impossible or unknown values."""
    return [_damage(record, i // 3) if i % 3 == 0 else record for i, record in enumerate(records)]


def _damage(record: Record, kind: int) -> Record:
    stored = record.stored.copy()
    rows = np.random.default_rng(kind).permutation(len(stored))[:4]
    if kind % 5 == 0:
        stored[rows] = MISSING
    elif kind % 5 == 1:
        stored[rows] = 32767
    elif kind % 5 == 2:
        stored[:, ::50] = -32767
    elif kind % 5 == 3:
        return replace(record, gains=record.gains * 1e6, age=None, sex=None)
    else:
        return replace(record, codes=(*record.codes, "999999", "unknown"))
    return replace(record, stored=stored)


VARIANTS: dict[str, Callable[[list[Record]], list[Record]]] = {
    "as they are": list,
    "labels shuffled": shuffled,
    "AF removed": without_class,
    "15 %": lambda records: records[: math.ceil(0.15 * len(records))],
    "150 %": enlarged,
    "a third damaged": damaged,
    "one recording": lambda records: records[:1],
    "no scored class": lambda records: [replace(r, codes=("999",)) for r in records[:20]],
}


def row(name: str, records: list[Record], place: Path, recipe: Recipe) -> str:
    """Train on some recordings, predict the held-out ones, and return a line of scores."""
    for part in ("data", "model", "out"):
        shutil.rmtree(place / part, ignore_errors=True)
    (place / "data").mkdir()
    for record in records:
        write_record(place / "data", record)
    train(place / "data", place / "model", recipe)
    failures = drive(place / "model", place / "test", place / "out")
    classes = load_weights(WEIGHTS)
    y_true, y_pred, y_score = read_folders(place / "test", place / "out", classes)
    if failures or not np.isfinite(y_score).all():
        raise AssertionError(f"{name}: {failures}, or scores that are not finite")
    found = evaluate(y_true, y_pred, y_score, classes)
    return (
        f"| {name} | {len(records)} | {found['AUROC']:.3f} | {found['Challenge metric']:.3f} | "
        f"{best_constant(y_true, classes)[1]:.3f} |"
    )


def quirks(place: Path) -> tuple[int, int]:
    """Drive every unusual file with the last model and check each output.

    Returns
    -------
    Numbers of outputs, and of unreadable recordings among them, whose outputs are all-negative.
    """
    folder, out = place / "quirks", place / "quirks_out"
    folder.mkdir()
    expected = write_quirks(folder)
    failures = drive(place / "model", folder, out)
    bad = {name for name, good in expected.items() if not good}
    found = {path.stem: path.read_text().split("\n") for path in out.iterdir()}
    if found.keys() != expected.keys() or len(failures) != len(bad):
        raise AssertionError(f"{found.keys() ^ expected.keys()}; {failures}; {bad}")
    for name, (head, codes, labels, scores, _) in found.items():
        values = np.array(scores.split(","), float)
        if head != f"#{name}" or not np.isfinite(values).all() or set(labels) - set("01,"):
            raise AssertionError(f"{name}: not an output: {head} {codes} {labels} {scores}")
        if name in bad and (values.any() or "1" in labels):
            raise AssertionError(f"{name}: unreadable, but not all-negative")
    return len(found), len(bad)


def main() -> None:
    """Print the table and the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    schedule = Schedule(epochs=options.epochs, batch=16, threshold=None, patience=99, plateau=99)
    recipe = Recipe("altered", (ResNet(8, 7, 1, 8),), 1, schedule)
    print("| training data | recordings | macro AUROC | challenge metric | best constant |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        generate(place / "base", options.recordings, 1, classes=CLASSES, workers=2)
        generate(place / "test", HELD_OUT, 2, classes=CLASSES, workers=2)
        records = [read_record(stem) for stem in find_records(place / "base")]
        for name, alter in VARIANTS.items():
            print(row(name, alter(records), place, recipe), flush=True)
        outputs, unreadable = quirks(place)
        print(
            f"unusual files: {outputs} outputs, {unreadable} of unreadable recordings, as expected"
        )


if __name__ == "__main__":
    main()
