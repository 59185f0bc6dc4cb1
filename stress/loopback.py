"""A Dask cluster on this machine whose every process can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """Return a port of the loopback device that nobody uses now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Loopback:
    """A scheduler and its workers, one process each, with their logs in a folder.

    Workers run without a nanny, so that each is one process to be killed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """Start the scheduler, on the same port each time."""
        self.scheduler = self._begin(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )

    def start_worker(self) -> None:
        """Start one more worker of one thread."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60")
        place = ("--local-directory", str(self.folder), "--host", "127.0.0.1")
        self.workers.append(self._begin("worker", self.address, *options, *place))

    def keep_workers(self, n: int) -> None:
        """Start workers until n run: those that lost their scheduler have ended, as is their way.

        A shell does the same: ``until dask worker …; do sleep 5; done``.
        """
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < n:
            self.start_worker()

    def stop(self) -> None:
        """Kill all."""
        for process in (self.scheduler, *self.workers):
            kill(process)

    def _begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        paths = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'runtime'}"
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                env=os.environ | {"PYTHONPATH": paths, "TF_NUM_INTRAOP_THREADS": "1"},
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process as kill -9 does."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextmanager
def loopback(folder: Path, workers: int) -> Iterator[Loopback]:
    """Give a running cluster of so many workers; kill all of it in the end."""
    cluster = Loopback(folder)
    try:
        cluster.keep_workers(workers)
        yield cluster
    finally:
        cluster.stop()
