"""Successive halving: trials that are behind end early, the others are trained on.

Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization",
AISTATS 2016. All trials get a few epochs, the best third of them three times as many, and so on;
the last, as many as are to be kept, the whole schedule.

It is synchronous: a rung is judged when all its trials are through. Optuna's pruners, and Hyperband
as its successors run it on clusters, decide about a trial when it gets there, by what others
happen to have reached, so that the table would depend on the machines' speed and on every kill; and
their study is a database besides the result files. The price are workers that wait at the end of a
rung, which is small while a rung has many more trials than there are workers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from ecg12.runtime.errors import InputError
from ecg12.search.trials import FAILED, Row


@dataclass(frozen=True)
class Rung:
    """So many trials are trained until they have so many epochs."""

    trials: int
    epochs: int


def full_schedule(trials: int, epochs: int) -> tuple[Rung, ...]:
    """Return the paper's way: every trial is trained by the whole schedule."""
    return (Rung(trials, epochs),)


def rungs(
    trials: int, keep: int, epochs: int, *, first: int = 3, factor: int = 3
) -> tuple[Rung, ...]:
    """Return the rungs of successive halving.

    Parameters
    ----------
    trials
        How many begin.
    keep
        How many are trained by the whole schedule, at least.
    epochs
        The schedule's limit.
    first
        Epochs of the first rung.
    factor
        By which the epochs grow and the trials shrink from rung to rung.

    Raises
    ------
    InputError
        If `first` is below 1 or `factor` below 2.
    """
    if first < 1 or factor < 2:
        raise InputError(f"halving needs first ≥ 1 and factor ≥ 2, not {first} and {factor}")
    found, n = [], trials
    while n > keep and first < epochs:
        found.append(Rung(n, first))
        n, first = max(keep, ceil(n / factor)), first * factor
    return (*found, Rung(n, epochs))


def score(row: Row, epochs: int) -> float:
    """Return the best metric of a trial's first epochs."""
    return max(row["metrics"][:epochs])


def best(rows: Mapping[int, Row], among: Collection[int], epochs: int, n: int) -> list[int]:
    """Return the numbers of the n best trials after so many epochs, the best first.

    Trials that had failed by then are left out; of equal ones the earlier wins.
    """
    sound = [number for number in among if not _failed(rows[number], epochs)]
    return sorted(sound, key=lambda number: (-score(rows[number], epochs), number))[:n]


def _failed(row: Row, epochs: int) -> bool:
    return row["ended"].startswith(FAILED) and len(row["metrics"]) < epochs


def simulate(rows: Mapping[int, Row], ladder: tuple[Rung, ...]) -> tuple[list[int], float]:
    """Tell from trials that were trained in full what halving would have done.

    Since a trial goes on from its checkpoint as if never stopped, this equals doing it.

    Returns
    -------
    finalists
        Numbers of the trials in the last rung, the best first.
    share
        The cost, in floating point operations, as a share of training all in full.
    """
    alive, spent, before = list(rows), 0.0, 0
    for place, rung in enumerate(ladder):
        spent += sum(_cost(rows[number], before, rung.epochs) for number in alive)
        before = rung.epochs
        last = place + 1 == len(ladder)
        alive = best(rows, alive, rung.epochs, rung.trials if last else ladder[place + 1].trials)
    return alive, spent / sum(_cost(row, 0, ladder[-1].epochs) for row in rows.values())


def _cost(row: Mapping[str, Any], before: int, epochs: int) -> float:
    trained = len(row["metrics"])
    return float(row["gflop"] * (min(trained, epochs) - min(trained, before)))
