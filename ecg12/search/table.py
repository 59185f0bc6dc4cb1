"""The table of trials, `search.csv`: one row each, compiled from the trials' result files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ecg12.crossval.tables import write_metrics
from ecg12.search.halving import Rung, score
from ecg12.search.trials import Row, Trial

TIMING = ("seconds", "host")  # all that may differ between two runs of the same search


def write_table(
    path: Path,
    trials: Sequence[Trial],
    *,
    rows: Mapping[int, Row],
    given_up: Mapping[int, Rung],
    ranked: Sequence[int],
) -> None:
    """Write the table, a row for each trial that has stopped.

    Parameters
    ----------
    path
        Of the csv file.
    trials
        All of them.
    rows
        The rows there are, by number.
    given_up
        The rung after which halving gave a trial up.
    ranked
        Numbers of the trials that are retrained, the best first.
    """
    ranks = {number: place for place, number in enumerate(ranked, start=1)}
    lines = [
        _line(trial, rows[trial.number], given_up.get(trial.number), ranks.get(trial.number))
        for trial in trials
        if trial.number in rows
    ]
    if lines:
        write_metrics(path, lines)


def _line(trial: Trial, row: Row, rung: Rung | None, rank: int | None) -> dict[str, Any]:
    metrics = row["metrics"]
    ended = row["ended"] or (f"halving: behind after {rung.epochs} epochs" if rung else "")
    best = score(row, len(metrics)) if metrics else float("nan")
    return {
        "trial": trial.number,
        "network": trial.network.name,
        **{name: row["network"][name] for name in "nmkspzf"},
        "seed": trial.seed,
        "parameters": row["parameters"],
        "gflop": f"{row['gflop']:.6g}",
        "batch": row["batch"] or "",
        "epochs": len(metrics),
        "best_epoch": metrics.index(best) + 1 if metrics else "",
        "metric": best,
        "metrics": " ".join(f"{value:.6f}" for value in metrics),
        "ended": ended,
        "rank": rank or "",
        "seconds": f"{row['seconds']:.1f}",
        "host": row["host"],
    }
