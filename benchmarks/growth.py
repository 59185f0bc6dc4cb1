"""How time and memory of the commands grow with the number of recordings.

    python -m benchmarks.growth [WORK] [--sizes 1000 2000 5000 20000] [--only COMMAND ...]

Each command runs in a process of its own at each size; recordings are headers that name the samples
of one file. A row per command: the seconds that it takes at the largest size, the slope in ms a
recording, and how much steeper the last stretch is than the first (1: linear); the peak of its own
memory at the largest size, and by how much that exceeds the peak at a tenth of it, or at the
smallest. Goes to growth.csv, images/growth.svg, and into the page speed.md where that is there.

Exit status 1 if the last stretch is more than 1.3 times as steep as the first, or the memory more
than 1.2 times as large.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.page import fill, save_figure, table
from benchmarks.peers import machine
from benchmarks.recordings import write_case, write_sharing
from benchmarks.setting import ROOT
from benchmarks.watching import Watched, watch
from ecg12.ensemble.model_index import SHIPPED
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.runtime.files import atomic_write

SIZES = (1000, 2000, 5000, 20_000)
STEEPER, LARGER = 1.3, 1.2
PYTHON = [sys.executable]
SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "3", "ECG12_RUNTIME": "keras"}


def _data(folder: Path, n: int) -> Path:
    data = folder / f"data{n}"
    if not data.is_dir():
        write_sharing(data, n)
    return data


def _prepare(folder: Path, n: int) -> list[str]:
    return ["-m", "ecg12", "prepare", str(_data(folder, n)), "-o", str(folder / f"prepared{n}")]


def _check(folder: Path, n: int) -> list[str]:
    return ["-m", "ecg12", "check", str(_data(folder, n))]


def _epoch(folder: Path, n: int) -> list[str]:
    return ["-m", "benchmarks.snippets.epoch", str(folder / f"epoch{n}"), str(n)]


def _drive(folder: Path, n: int) -> list[str]:
    return ["driver.py", str(SHIPPED), str(_data(folder, n)), str(folder / f"driven{n}")]


def _evaluate(folder: Path, n: int) -> list[str]:
    places = write_case(folder / f"case{n}", load_weights(WEIGHTS), n)
    return ["evaluate_model.py", *map(str, places), str(folder / f"scores{n}.csv")]


def _report(folder: Path, n: int) -> list[str]:
    places = write_case(folder / f"case{n}", load_weights(WEIGHTS), n)
    return ["-m", "ecg12", "report", *map(str, places), "-o", str(folder / f"report{n}")]


COMMANDS: dict[str, Callable[[Path, int], list[str]]] = {
    "check": _check,
    "prepare": _prepare,
    "epoch": _epoch,
    "drive": _drive,
    "evaluate": _evaluate,
    "report": _report,
}


def summary(runs: dict[int, Watched]) -> dict[str, float]:
    """Return slope, steepness, memory and its growth of a command's runs, by their sizes."""
    sizes = sorted(runs)
    slopes = [
        (runs[b].wall - runs[a].wall) / (b - a) for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    first, last, largest = sizes[0], sizes[-1], runs[sizes[-1]]
    tenth = last // 10 if last // 10 in runs else first
    return {
        "seconds": largest.wall,
        "processor_seconds": largest.processor,
        "ms_a_recording": 1e3 * (largest.wall - runs[first].wall) / (last - first),
        "steeper": slopes[-1] / slopes[0] if slopes[0] > 0 else float("nan"),
        "megabytes": largest.memory,
        "times_the_memory": largest.memory / runs[tenth].memory,
    }


def missed(found: dict[str, float]) -> bool:
    """Return whether a command grows faster than its recordings, or its memory at all."""
    return found["steeper"] > STEEPER or found["times_the_memory"] > LARGER


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("work", nargs="?", type=Path, help="(default a temporary folder)")
    made.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), metavar="N")
    made.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS),
                      metavar="COMMAND", help=f"of {', '.join(COMMANDS)}")  # fmt: skip
    made.add_argument("--output", type=Path, default=ROOT / "reports", metavar="FOLDER",
                      help="of growth.csv and its plot (default reports)")  # fmt: skip
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit status."""
    options = parser().parse_args(arguments)
    if len(set(options.sizes)) < 2:
        parser().error("growth needs two sizes at least")
    found: dict[str, dict[int, Watched]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        for name in options.only:
            for n in sorted(options.sizes):
                folder = work / "growth"
                folder.mkdir(exist_ok=True)
                command = [*PYTHON, *COMMANDS[name](folder, n)]
                found.setdefault(name, {})[n] = watch(command, SETTINGS)
                print(f"{name} {n}: {found[name][n]}", file=sys.stderr, flush=True)
    write(options.output / "growth.csv", found)
    plot(options.output / "images" / "growth.svg", found)
    summaries = {name: summary(runs) for name, runs in found.items()}
    shown = table(HEAD, [_cells(name, own) for name, own in summaries.items()])
    heading = f"{', '.join(machine().values())}; {max(options.sizes):,} recordings at most"
    if (page := options.output / "speed.md").is_file():
        links = "![Time and memory](images/growth.svg)\n\nAll figures: [growth.csv](growth.csv)."
        fill(page, "growth", f"{heading}\n\n{shown}\n\n{links}")
    print(f"{heading}\n{shown}")
    return int(any(map(missed, summaries.values())))


HEAD = [
    "command", "wall, s", "processor, s", "ms a recording",
    f"last slope / first (≤ {STEEPER:g})", "MB", f"memory / that of a tenth (≤ {LARGER:g})", "",
]  # fmt: skip


def _cells(name: str, own: dict[str, float]) -> list[str]:
    forms = (".1f", ".1f", ".2f", ".2f", ".0f", ".2f")
    values = [f"{value:{form}}" for value, form in zip(own.values(), forms, strict=True)]
    return [name, *values, "missed" if missed(own) else "met"]


def write(path: Path, found: dict[str, dict[int, Watched]]) -> None:
    """Write a row for each run as csv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        common = machine()
        writer.writerow([*common, "command", "recordings", "seconds", "processor_seconds", "MB"])
        for name, runs in found.items():
            for n, one in runs.items():
                values = f"{one.wall:.2f}", f"{one.processor:.2f}", f"{one.memory:.0f}"
                writer.writerow([*common.values(), name, n, *values])


def plot(path: Path, found: dict[str, dict[int, Watched]]) -> None:
    """Draw seconds and memory by the number of recordings."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for name, runs in found.items():
        sizes = sorted(runs)
        left.plot(sizes, [runs[n].wall for n in sizes], "o-", label=name, markersize=3)
        right.plot(sizes, [runs[n].memory for n in sizes], "o-", label=name, markersize=3)
    left.set_ylabel("seconds")
    right.set_ylabel("memory of its own, MB")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xlabel("recordings")
        axes.locator_params(axis="x", nbins=5)
        axes.grid(alpha=0.3)
    left.legend(fontsize=7)
    save_figure(figure, path)


if __name__ == "__main__":
    sys.exit(main())
