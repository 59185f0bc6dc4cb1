"""Time preparing recordings in processes and on a Dask cluster of this machine.

    python -m benchmarks.cluster [recordings]

The same recordings (default 4,096 of 10 s at 500 Hz, links to 64 files) are prepared by one and two
processes (joblib), and by a Dask scheduler with one and two workers on loopback, each thrice in
turn; the median counts. Speed-up is what two give over one; Dask's overhead is what a cluster takes
more than as many processes. Starting processes and workers is not timed: each executor has prepared
128 recordings before. With two cores the client, the scheduler and the system share them with the
workers.

Exit status 1 if Dask takes more than a quarter more than joblib with as many workers.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from joblib.externals.loky import get_reusable_executor

from benchmarks.recordings import write_linked
from ecg12.data.dataset import prepare_folder
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.runtime.executors import ClusterExecutor, Executor, LocalExecutor
from ecg12.signal.preprocessing import Preprocessing
from stress.loopback import loopback

WARM = 128
ROUNDS = 3
MOST_OVERHEAD = 0.25


def seconds(data: Path, place: Path, executor: Executor) -> float:
    """Return how long an executor takes to prepare a folder, listing it left out."""
    with tempfile.TemporaryDirectory(dir=place) as work:
        classes = load_weights(WEIGHTS)
        stopwatch = Stopwatch(executor)
        prepare_folder(data, work, Preprocessing(), classes, executor=stopwatch)
    return stopwatch.seconds


class Stopwatch:
    """An executor that times another one."""

    def __init__(self, executor: Executor) -> None:
        self.executor, self.seconds = executor, 0.0

    def in_order(self, *arguments):
        """Time what `prepare_folder` asks for, from the first job to the last result taken."""
        begun = time.perf_counter()
        yield from self.executor.in_order(*arguments)
        self.seconds = time.perf_counter() - begun


def main(n: int) -> int:
    """Print times, speed-up and overhead; return the exit status."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_linked(place / "data", n)
        write_linked(place / "few", WARM)
        times: dict[tuple[str, int], list[float]] = {}
        for _ in range(ROUNDS):
            for workers in (1, 2):
                local = LocalExecutor(workers)
                seconds(place / "few", place, local)
                times.setdefault(("joblib", workers), []).append(
                    seconds(place / "data", place, local)
                )
                get_reusable_executor().shutdown(wait=True)
                with loopback(place, workers) as running:
                    cluster = ClusterExecutor(running.address)
                    seconds(place / "few", place, cluster)
                    times.setdefault(("Dask", workers), []).append(
                        seconds(place / "data", place, cluster)
                    )
    medians = {key: float(np.median(values)) for key, values in times.items()}
    for (kind, workers), value in medians.items():
        print(f"{kind}, {workers} workers: {value:.1f} s, {n / value:.0f} rec/s")
    for kind in ("joblib", "Dask"):
        print(f"{kind}: 2 workers are {medians[kind, 1] / medians[kind, 2]:.2f} x as fast as 1")
    worst = max(medians["Dask", k] / medians["joblib", k] - 1 for k in (1, 2))
    for workers in (1, 2):
        overhead = medians["Dask", workers] / medians["joblib", workers] - 1
        print(
            f"Dask's overhead with {workers} workers: {overhead:+.0%} (most: {MOST_OVERHEAD:.0%})"
        )
    return 0 if worst <= MOST_OVERHEAD else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 4096))
