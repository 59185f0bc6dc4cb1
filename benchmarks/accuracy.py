"""Accuracy for equal processor time: ecg12, tsai and torch-ecg on PTB-XL's superclasses.

    python -m benchmarks.accuracy DATA WORK --minutes 60

DATA holds PTB-XL as challenge folders `train`, `val`, `test` (the official split) at 100 Hz, and
`labels.csv` with the superclasses of each recording; those without one are left out, as published.
Each network has the same recordings and so many minutes of processor time for preparing, training
and validation; the weights that score highest on validation are scored on test, once. Rows go to
accuracy.csv, the scores on validation by processor time to images/accuracy.svg.
If it is killed, the same command continues with the next network; to train one again delete its
file in WORK.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import ask
from benchmarks.page import fill, save_figure, table
from benchmarks.peers import machine
from benchmarks.setting import ROOT, Setting, SkippedError
from benchmarks.timing import run
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import read_record
from ecg12.runtime.files import atomic_write

SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")
PARTS = ("train", "val", "test")
NETWORKS = {
    "ecg12": "SEResNet(k=32)",
    "tsai": "xresnet1d101",
    "torch-ecg": "ECG_CRNN, resnet_nature_comm_bottle_neck_se",
}


def arrays(data: Path, folder: Path, every: int) -> None:
    """Write signals in µV, targets and parts as arrays, unless they are there.

    Of `every` so many recordings the first alone.
    """
    if (folder / "parts.npy").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (data / "labels.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["recording"]: row for row in csv.DictReader(file)}
    names = [n for n, row in labels.items() if any(row[c] == "1" for c in SUPERCLASSES)]
    names = names[::every]
    signals = np.zeros((len(names), len(LEADS), 1000), np.int16)
    for place, name in enumerate(names):
        record = read_record(data / name)
        if record.leads != LEADS or record.rate != 100 or set(record.gains) != {1000.0}:
            raise ValueError(f"{data / name}: not twelve leads at 100 Hz in µV")
        signals[place] = record.stored[:, :1000]
    np.save(folder / "signals.npy", signals)
    np.save(folder / "targets.npy", [[labels[n][c] == "1" for c in SUPERCLASSES] for n in names])
    np.save(folder / "parts.npy", [PARTS.index(name.split("/")[0]) for name in names])


def train(name: str, setting: Setting, folder: Path, minutes: float) -> dict[str, Any]:
    """Train a network in a process of its own; return its answer, see `snippets/train_ours.py`."""
    arguments = [str(folder), f"{minutes:g}"]
    if name != "ecg12":
        return ask(setting, name, "train_torch", [name, *arguments])
    said = run([sys.executable, "-m", "benchmarks.snippets.train_ours", *arguments], cwd=ROOT)
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def trained(name: str, setting: Setting, folder: Path, minutes: float) -> dict[str, Any]:
    """Return a network's answer, of an earlier run where one finished with as many minutes."""
    kept = folder / f"{name}-{minutes:g}.json"
    if not kept.is_file():
        common = machine() | {"minutes": f"{minutes:g}"}
        answer = train(name, setting, folder, minutes) | {"machine": common}
        with atomic_write(kept) as temporary:
            temporary.write_text(json.dumps(answer))
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def row(name: str, answer: dict[str, Any]) -> dict[str, object]:
    """Return a network's row of the table."""
    best = max(answer["curve"], key=lambda pair: pair[1])
    return {
        "who": name,
        "network": NETWORKS[name],
        "parameters": answer["parameters"],
        "epochs": answer["epochs"],
        "processor_minutes": f"{answer['seconds'] / 60:.1f}",
        "preparing_minutes": f"{answer['prepared'] / 60:.1f}",
        "validation_auroc": f"{best[1]:.4f}",
        "best_at_minutes": f"{best[0] / 60:.1f}",
        "test_auroc": f"{np.mean(answer['test']):.4f}",
        **{f"test_{c}": f"{a:.4f}" for c, a in zip(SUPERCLASSES, answer["test"], strict=True)},
    }


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("data", type=Path)
    made.add_argument("work", type=Path)
    made.add_argument("--minutes", type=float, default=60.0, help="(default %(default)s)")
    made.add_argument("--every", type=int, default=1, metavar="N",
                      help="of N recordings take one: shows that it works")  # fmt: skip
    made.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="WHO",
                      help=f"of {', '.join(NETWORKS)}")  # fmt: skip
    made.add_argument("--output", type=Path, default=ROOT / "reports", metavar="FOLDER",
                      help="of accuracy.csv and its plot (default reports)")  # fmt: skip
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is asked for, one after the other; print and write the table."""
    options = parser().parse_args(arguments)
    setting = Setting(work=options.work.resolve())
    folder = setting.work / f"accuracy{options.every}"
    arrays(options.data, folder, options.every)
    answers: dict[str, dict[str, Any]] = {}
    for name in options.only:
        try:
            answers[name] = trained(name, setting, folder, options.minutes)
        except SkippedError as why:
            print(f"{name}: left out: {why}", file=sys.stderr)
            continue
        print(", ".join(f"{key} {value}" for key, value in row(name, answers[name]).items()),
              flush=True)  # fmt: skip
    if not answers:
        return 1
    rows = [own["machine"] | row(name, own) for name, own in answers.items()]
    write(options.output / "accuracy.csv", rows)
    plot(options.output / "images" / "accuracy.svg", answers)
    if (page := options.output / "speed.md").is_file():
        rows = [row(name, own) for name, own in answers.items()]
        shown = table(list(rows[0]), [list(map(str, one.values())) for one in rows])
        first = next(iter(answers.values()))["machine"]
        heading = f"{', '.join(first.values())} minutes each"
        plotted = "![AUROC on validation by processor time](images/accuracy.svg)"
        fill(page, "accuracy", f"{heading}\n\n{shown}\n\n{plotted}")
    return 0


def write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    """Write the table as csv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def plot(path: Path, answers: dict[str, dict[str, Any]]) -> None:
    """Draw the scores on validation by processor time."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), layout="constrained")
    for name, answer in answers.items():
        minutes, scores = np.array(answer["curve"]).T * [[1 / 60], [1]]
        axes.plot(minutes, scores, "o-", label=f"{name}: {NETWORKS[name]}", markersize=3)
    axes.set_xlabel("processor time, minutes")
    axes.set_ylabel("macro AUROC, validation")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    save_figure(figure, path)


if __name__ == "__main__":
    sys.exit(main())
