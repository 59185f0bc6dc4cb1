"""Measure whether successive halving finds the full schedule's winner, and at which cost.

    python -m experiments.halving [--trials 20] [--recordings 160] [--seed 0] [--workers 2] [-o DIR]

Draws synthetic recordings of six classes and small networks around the paper's (k 2 and 4), trains
all by the paper's schedule (at most 20 epochs; best single threshold, since the part that validates
is small), and replays halving on their histories with several first rungs and factors. A replay
equals the real thing, since training goes on from checkpoints as if never stopped; a test shows
it. Printed are the share of the floating point operations, whether the winner of the full schedule
is among the finalists, and the difference of their best metric from the winner's.

The table is kept in DIR, and a killed run goes on. Cost: 10 minutes on two idle cores. Expected:
see reports/cluster.md. The result is about small networks on synthetic recordings.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from ecg12.runtime.executors import LocalExecutor
from ecg12.search import Options, Space, rungs, search, simulate
from ecg12.search.run import REPORT
from ecg12.synthetic import generate
from ecg12.training.recipes import Recipe
from ecg12.training.schedule import Schedule

CLASSES = ("NSR", "SB", "STach", "AF", "LBBB", "RBBB")
SPACE = Space(n=(1, 2, 3), m=(5, 6, 7, 8), k=(2, 4), s=(3, 5, 7, 9))
SCHEDULE = Schedule(epochs=20, batch=16, threshold=None)
KEEP = 3
LADDERS = ((1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3), (5, 2))  # first epochs, factor


def rows_of(folder):
    """Return the trials' rows by number."""
    rows = [json.loads(path.read_text()) for path in sorted((folder / "trials").glob("*.json"))]
    return {row["trial"]: row for row in rows}


def main():
    """Search once in full; print one line for each way of halving."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--recordings", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", help="(default a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(options.output or name)
        if not (place / "data").exists():
            generate(place / "data", options.recordings, options.seed, classes=CLASSES)
        recipe = Recipe("halving", (), 1, SCHEDULE, seed=options.seed)
        asked = replace(
            Options(trials=options.trials, keep=1, ensemble=1, recipe=recipe), space=SPACE
        )
        if not (place / "search" / REPORT).is_file():
            search(place / "data", place / "search", asked, executor=LocalExecutor(options.workers))
        compare(rows_of(place / "search"))


def compare(rows):
    """Print what each way of halving finds."""
    epochs = SCHEDULE.epochs
    ranked, _ = simulate(rows, rungs(len(rows), len(rows), epochs))
    best = max(rows[ranked[0]]["metrics"])
    lengths = [len(row["metrics"]) for row in rows.values()]
    median = max(rows[ranked[len(ranked) // 2]]["metrics"])
    print(f"{len(rows)} trials, {min(lengths)} to {max(lengths)} epochs; "
          f"winner: trial {ranked[0]}, metric {best:.3f}; median {median:.3f}")  # fmt: skip
    for first, factor in LADDERS:
        ladder = rungs(len(rows), KEEP, epochs, first=first, factor=factor)
        finalists, share = simulate(rows, ladder)
        found = max(rows[finalists[0]]["metrics"])
        winner = "found" if ranked[0] in finalists else "lost"
        common = len(set(finalists) & set(ranked[:KEEP]))
        print(f"first {first}, factor {factor}: {' → '.join(str(rung.trials) for rung in ladder)} "
              f"trials, {share:.0%} of the cost; winner {winner}, {common} of the best {KEEP} "
              f"kept, metric {found - best:+.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
