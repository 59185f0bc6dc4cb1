"""Every stage of ecg12 beside a peer's or a plain way: one run, one table, bars.

    python -m benchmarks.peers [WORK] [--only STAGE ...] [--official FOLDER] [--quick]

Both sides of a comparison are timed in turn; the ratio is the median of the rounds' ratios. Peers
are installed from the package index into environments below WORK; elsewhere nothing is installed.
Each stage runs in a process of its own. The table goes to the terminal, to speed.csv, and into the
page speed.md where that is beside it; a plot of it to images/speed.svg. Exit status 1 if a ratio
misses its bar (`bars.py`), or a stage fails.

Run it on a machine that does nothing else.
"""

import argparse
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from benchmarks import tables
from benchmarks.bars import BARS
from benchmarks.page import fill, table
from benchmarks.results import Result, verdict
from benchmarks.setting import ROOT, Setting

# Module of `benchmarks.stages` → which keys of `bars.BARS` it measures, as they begin.
STAGES = {
    "preparing": ("prepare",),
    "readers": ("read",),
    "evaluating": ("evaluate", "metric", "thresholds"),
    "commands": ("check", "report", "crossval", "synth"),
    "inference": ("predict", "drive"),
    "training": ("step", "epoch"),
}


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("work", nargs="?", type=Path, help="(default a temporary folder)")
    made.add_argument("--only", nargs="+", choices=STAGES, default=list(STAGES), metavar="STAGE",
                      help=f"of {', '.join(STAGES)}")  # fmt: skip
    made.add_argument("--official", type=Path, metavar="FOLDER",
                      help="with clones evaluation-2020 and evaluation-2021")  # fmt: skip
    made.add_argument("--no-peers", action="store_true", help="install no environments")
    made.add_argument("--quick", action="store_true", help="shows that it works, measures nothing")
    made.add_argument("--output", type=Path, metavar="FOLDER", help="of speed.csv and its plot "
                      "(default reports, with --quick WORK)")  # fmt: skip
    return made


def measure(stage: str, setting: Setting) -> list[Result]:
    """Measure a stage; whatever goes wrong becomes results that have failed."""
    try:
        found: list[Result] = importlib.import_module(f"benchmarks.stages.{stage}").measure(setting)
    except Exception as error:  # the other stages are measured all the same
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
        keys = [key for key in BARS if key.partition(":")[0] in STAGES[stage]]
        return [Result(key=key, failed=reason) for key in keys]
    return found


def isolated(stage: str, setting: Setting) -> list[Result]:
    """Measure a stage in a process of its own."""
    print(f"{datetime.now():%H:%M:%S} {stage}", file=sys.stderr, flush=True)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(measure, stage, setting).result()


def machine() -> dict[str, str]:
    """Return when, on what and from which commit a run is."""
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo")
             if line.startswith("model name")]  # fmt: skip
    processor = f"{os.cpu_count()} x {names[0] if names else platform.processor()}"
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    return {"date": date, "commit": commit, "machine": processor}


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).is_file() else []


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; return the exit status."""
    options = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        setting = Setting(
            work=(options.work or Path(temporary)).resolve(),
            quick=options.quick,
            peers=not options.no_peers,
            official=options.official and options.official.resolve(),
        )
        output = options.output or (setting.work if options.quick else ROOT / "reports")
        for folder in (setting.work, output):
            folder.mkdir(parents=True, exist_ok=True)
        common = machine()
        results = [found for stage in options.only for found in isolated(stage, setting)]
        tables.write(output / "speed.csv", results, common)
        tables.plot(output / "images" / "speed.svg", results)
    heading = ", ".join(common.values()) + (", quick" if options.quick else "")
    if (page := output / "speed.md").is_file():
        shown = table(tables.HEAD, tables.cells(results))
        links = "![Ratios and bars](images/speed.svg)\n\nAll figures: [speed.csv](speed.csv)."
        filled = f"{heading}\n\n{shown}\n\n{links}"
        fill(page, "peers", filled)
    print(heading)
    print(tables.text(results))
    verdicts = [verdict(BARS[result.key], result) for result in results]
    return int("missed" in verdicts or "failed" in verdicts)


if __name__ == "__main__":
    sys.exit(main())
