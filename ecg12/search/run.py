"""The search from the first draw to the model folder; goes on wherever it was stopped."""

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg12.data.splits import check_apart
from ecg12.io.classes import ScoredClasses
from ecg12.io.databases import databases_of, sources_of
from ecg12.io.label_table import LabelTable
from ecg12.io.manifest import build_manifest
from ecg12.runtime.cluster import POLL
from ecg12.runtime.errors import InputError
from ecg12.runtime.executors import ClusterExecutor, Executor, LocalExecutor
from ecg12.runtime.files import recordings_folder, write_json
from ecg12.runtime.locks import work_folder
from ecg12.runtime.progress import bar
from ecg12.search.halving import Rung, best, score
from ecg12.search.planning import Options, make_plan
from ecg12.search.table import write_table
from ecg12.search.task_file import store_task
from ecg12.search.trials import FAILED, Plan, Row, finished, forget, run_trial
from ecg12.training.pipeline import WORK, divide, open_data, train
from ecg12.training.task import Task

LONGEST = 86_400.0  # s without a trial that ends, while another process is at those left

log = logging.getLogger(__name__)
TABLE, REPORT, MODEL = "search.csv", "search.json", "model"
LOCAL = LocalExecutor()


def search(
    data: str | Path,
    output: str | Path,
    options: Options,
    *,
    executor: Executor = LOCAL,
    target: str | Path | None = None,
    labels: LabelTable | None = None,
    classes: ScoredClasses | None = None,
    hours: float = 24.0 * 365,
) -> dict[str, Any]:
    """Search for networks on one set of recordings, and train the best on another.

    Parameters
    ----------
    data
        Labelled recordings, flat or nested; read only.
    output
        Folder for all that is written, made if missing: `plan.json`, `trials/` with one file per
        trial, `search.csv` compiled from them, `search.json`, `model/`. After any kill the same
        call goes on where it stopped. Workers on other machines must see it under the same path.
    options
        What to search.
    executor
        Where trials run.
    target
        Recordings on which the best networks are trained. By default those of `data`, divided as
        before, so that its test part has chosen nothing, from other seeds than the trials'.
    labels
        Labels and patients beside `data`.
    classes
        What to learn; by default the classes of the challenge of 2020.
    hours
        Wall-clock budget of the training at the end.

    Returns
    -------
    dict
        What `search.json` holds.

    Raises
    ------
    FileNotFoundError, RecordError
        If the data hold no readable recording.
    InputError
        If too few networks meet the constraints; if every trial failed; if the folder is in use,
        finished, or of another search; if the cluster stays out of reach.
    """
    data, folder = recordings_folder(data).resolve(), Path(output).resolve()
    recipe = options.recipe
    work = folder / WORK
    if (folder / REPORT).is_file():
        raise InputError(f"{folder / REPORT}: this search is finished; choose another folder")
    if target is not None:  # now, not after all trials
        target = recordings_folder(target)
    if target is not None and recipe.validation == "database":
        listed = build_manifest(target)
        check_apart(sources_of(databases_of(listed.names, ".")), listed.patients)
    (folder / "trials").mkdir(parents=True, exist_ok=True)
    with work_folder(work):
        spread = executor if isinstance(executor, ClusterExecutor) else None
        dataset, classes = open_data(
            data, work, recipe, classes=classes, labels=labels, executor=spread
        )
        if target is not None:
            _check_shown(target, classes)
        task = Task(dataset, divide(dataset, recipe), classes)
        store_task(work, task)
        plan, counts = make_plan(folder, options, task, executor)
        rows, ranked = _run_all(folder, plan, options, executor)
        networks = tuple(plan.trials[number - 1].network for number in ranked)
        if target is None:
            _share_signals(work, folder / MODEL / WORK)
        found = replace(recipe, name="search", networks=networks, keep=options.ensemble)
        classifier = train(
            target or data,
            folder / MODEL,
            found,
            classes=classes,
            hours=hours,
            labels=None if target else labels,
        )
        members = [member.name for member in classifier.members]
        report = {**_counts(rows, counts), "retrained": ranked, "members": members}
        write_json(folder / REPORT, report)
    return report


def _check_shown(target: Path, classes: ScoredClasses) -> None:
    """Refuse a target whose headers show no class, before the trials are trained."""
    if not classes.encode(build_manifest(target).codes).any():
        raise InputError(
            f"{target}: no recording shows any of the classes {', '.join(classes.names)}; its "
            "labels are those of its headers"
        )


def _run_all(
    folder: Path, plan: Plan, options: Options, executor: Executor
) -> tuple[dict[int, Row], list[int]]:
    """Run rung after rung; return all rows, and the trials to be retrained, the best first."""
    alive = [trial.number for trial in plan.trials]
    rows: dict[int, Row] = {}
    given_up: dict[int, Rung] = {}
    rungs = options.rungs
    for place, rung in enumerate(rungs):
        for number, row in _run_rung(folder, plan, alive, rung, executor):
            rows[number] = row
            write_table(folder / TABLE, plan.trials, rows=rows, given_up=given_up, ranked=())
        last = place + 1 == len(rungs)
        n = options.keep if last else rungs[place + 1].trials
        stay = best(rows, alive, rung.epochs, n)
        if not last:
            given_up |= {number: rung for number in alive if number not in stay}
            for number in given_up:
                forget(folder, number)
        alive = stay
    if not alive:
        failed = next(row for row in rows.values() if row["ended"].startswith(FAILED))
        raise InputError(f"{folder}: every trial failed, such as {failed['ended']}")
    write_table(folder / TABLE, plan.trials, rows=rows, given_up=given_up, ranked=alive)
    return rows, alive


def _run_rung(
    folder: Path, plan: Plan, numbers: Collection[int], rung: Rung, executor: Executor
) -> Iterator[tuple[int, Row]]:
    """Yield the row of each trial: of those that are through, then of the others as they end."""
    cost = {trial.number: round(1e9 * trial.network.gflop()) for trial in plan.trials}
    through = {}
    for number in numbers:
        if (row := finished(folder, number, rung.epochs)) is not None:
            through[number] = row
    yield from through.items()
    waiting = sorted(set(numbers) - set(through), key=lambda number: -cost[number])
    total, done = sum(cost[n] for n in numbers), sum(cost[n] for n in through)
    with bar(total=total, initial=done, desc="search", unit="FLOP", unit_scale=True) as shown:
        until = time.monotonic() + LONGEST
        while waiting:
            jobs = {number: (str(folder), plan, number, rung.epochs) for number in waiting}
            for number, row in executor.completed(executor.isolated(run_trial), jobs):
                if row is None:
                    continue
                waiting.remove(number)
                until = time.monotonic() + LONGEST
                through[number] = row
                _log(plan, through, row, len(numbers))
                shown.update(cost[number])
                yield number, row
            if waiting:  # a worker that a dead scheduler left behind is still at them
                if time.monotonic() > until:
                    raise InputError(
                        f"{folder}: trial {waiting[0]} is in use by another process for "
                        f"{LONGEST / 3600:g} hours; end that process, and run this again"
                    )
                time.sleep(POLL)


def _log(plan: Plan, through: Mapping[int, Row], row: Row, n: int) -> None:
    reached = score(row, len(row["metrics"])) if row["metrics"] else float("nan")
    name = plan.trials[row["trial"] - 1].network.name
    log.info(
        "%d of %d: trial %d, %s: metric %.3f, best of %d epochs (%s)",
        len(through), n, row["trial"], name, reached, len(row["metrics"]), row["ended"] or "paused",
    )  # fmt: skip


def _counts(rows: Mapping[int, Row], counts: Mapping[str, int]) -> dict[str, Any]:
    failed = sum(row["ended"].startswith(FAILED) for row in rows.values())
    hours = sum(row["seconds"] for row in rows.values()) / 3600
    return {"networks": dict(counts), "trials": len(rows), "failed": failed, "hours": hours}


def _share_signals(work: Path, model_work: Path) -> None:
    """Let the training take the prepared signals by links; without them it prepares again."""
    model_work.mkdir(parents=True, exist_ok=True)
    for name in ("signals.npy", "signals.json"):
        if (model_work / name).exists():
            continue
        try:
            os.link(work / name, model_work / name)
        except OSError as error:
            log.info("%s: cannot be linked (%s): prepared again", work / name, error.strerror)
            return
