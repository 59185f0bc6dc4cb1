"""Kill a worker, the scheduler and the client of a search on a cluster; nothing may be lost.

    python -m stress.cluster [FOLDER]

Draws 60 synthetic recordings, and searches eight small networks twice: undisturbed in this
machine's processes, and on a Dask scheduler with two workers on loopback, where in the middle of a
trial

1. a worker is killed (kill -9) and another one started,
2. the scheduler is killed and started again, which ends the workers; new ones are started,
3. the client is killed, with a trial under way that its worker goes on with; then started again.

Both must leave the same table but for times, the same trials retrained and the same training of the
model. Cost: 3 minutes on two idle cores. Exit status 1 if
anything differs.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ecg12.runtime.executors import ClusterExecutor, Executor, LocalExecutor
from ecg12.runtime.progress import log_to
from ecg12.search import Options, Space, search
from ecg12.search.run import REPORT
from ecg12.search.table import TIMING
from ecg12.training.pipeline import WORK
from ecg12.training.recipes import Recipe
from ecg12.training.schedule import Schedule
from stress.loopback import ROOT, Loopback, kill, loopback

OPTIONS = Options(
    trials=8,
    keep=2,
    ensemble=1,
    recipe=Recipe("stress", (), 1, Schedule(epochs=8, batch=8, threshold=None, patience=8)),
    space=Space(n=(1, 2), m=(6, 7), k=(4,), s=(3, 5), p=(0.0, 0.5), z=(0, 1), f=(8,)),
)
LIMIT = 1800.0  # s for the disturbed search
PATIENCE = 300.0
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1"}  # as the workers have: sums depend on their number


def run_client(data: str, output: str, address: str) -> None:
    """Search as the only thing of this process; the address of a scheduler, or a number."""
    log_to(sys.stderr)
    executor: Executor = (
        LocalExecutor(int(address)) if address.isdigit() else ClusterExecutor(address, PATIENCE)
    )
    search(data, output, OPTIONS, executor=executor)


def begin(data: Path, output: Path, address: str) -> "subprocess.Popen[bytes]":
    """Start a client; its log lies beside its output."""
    command = [sys.executable, "-m", "stress.cluster", "client", str(data), str(output), address]
    with output.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=ROOT, env=os.environ | ONE_THREAD, stdout=log, stderr=log
        )


def results(folder: Path) -> int:
    """Count the trials that are over."""
    return len(list((folder / "trials").glob("[0-9]*.json")))


def under_way(folder: Path) -> list[str]:
    """Name the trials that have finished an epoch, but not the last."""
    return [path.stem for path in (folder / WORK).glob("trial*.npz")]


def until(cluster: Loopback, folder: Path, over: int, busy: bool = True) -> list[str]:
    """Wait until so many trials are over and, if `busy`, another is under way; name those that are.

    Workers that ended for want of their scheduler are started again meanwhile.
    """
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = under_way(folder)
        if results(folder) >= over and (found or not busy):
            return found
        cluster.keep_workers(2)
        time.sleep(0.05)
    raise TimeoutError(f"{folder}: {results(folder)} trials over after {LIMIT:g} s")


def disturb(cluster: Loopback, data: Path, output: Path) -> None:
    """Search on the cluster; kill one part after the other."""

    def hit(over: int, what: str, act: Callable[[], None]) -> None:
        found = until(cluster, output, over)
        act()
        print(f"{results(output)} trials over, {', '.join(found)} under way: {what}", flush=True)

    client = begin(data, output, cluster.address)
    hit(1, "a worker killed", lambda: kill(cluster.workers[0]))
    hit(3, "the scheduler killed and started again", lambda: restart_scheduler(cluster))
    hit(4, "the client killed and started again", lambda: kill(client))
    client = begin(data, output, cluster.address)
    until(cluster, output, OPTIONS.trials, busy=False)
    if client.wait(LIMIT):
        raise RuntimeError(output.with_suffix(".log").read_text()[-2000:])


def restart_scheduler(cluster: Loopback) -> None:
    """Kill the scheduler, leave it dead for a while, start it."""
    kill(cluster.scheduler)
    time.sleep(3)
    cluster.start_scheduler()


def outcome(folder: Path) -> tuple[list[dict[str, str]], list[int], str]:
    """Return the table without times, the trials retrained, and the model's checksum."""
    with (folder / "search.csv").open() as file:
        rows = [
            {key: value for key, value in row.items() if key not in TIMING}
            for row in csv.DictReader(file)
        ]
    report = json.loads((folder / "search.json").read_text())
    training = json.loads((folder / "model" / "training.json").read_text())
    for member in training["members"]:
        for entry in member["history"]:
            del entry["seconds"]
    return rows, report["retrained"], json.dumps([training["members"], training["ensemble"]])


def main(place: Path) -> int:
    """Search twice; print what differs; return the exit status."""
    data = place / "data"
    if not data.exists():
        draw = [sys.executable, "-m", "ecg12", "synth", str(data), "-n", "60", "--seed", "1"]
        subprocess.run([*draw, "--classes", "NSR", "SB", "AF", "LBBB"], cwd=ROOT, check=True)
    begun = time.monotonic()
    if not (place / "calm" / REPORT).is_file() and begin(data, place / "calm", "2").wait():
        raise RuntimeError((place / "calm.log").read_text()[-2000:])
    print(f"undisturbed: {time.monotonic() - begun:.0f} s", flush=True)
    begun = time.monotonic()
    with loopback(place, 2) as cluster:
        disturb(cluster, data, place / "rough")
    print(f"disturbed: {time.monotonic() - begun:.0f} s")
    calm, rough = outcome(place / "calm"), outcome(place / "rough")
    for one, two in zip(calm[0], rough[0], strict=False):
        print(f"trial {one['trial']} {one['network']}: metric {one['metric'][:6]}, "
              f"{'equal' if one == two else f'differs: {two}'}")  # fmt: skip
    equal = [one == two for one, two in zip(calm, rough, strict=True)]
    compared = zip(("table", "trials retrained", "training of the model"), equal, strict=True)
    print(", ".join(f"{name} {'equal' if same else 'DIFFERENT'}" for name, same in compared))
    return 0 if all(equal) and len(calm[0]) == OPTIONS.trials else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["client"]:
        run_client(*sys.argv[2:5])
        sys.exit(0)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        sys.exit(main(Path(sys.argv[1]).resolve()))
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(Path(name)))
