"""Where independent jobs run: processes of this machine, or workers of a Dask cluster.

Both executors give the same results in the same form, and both survive the death of a worker: the
job that it was at is run again. Jobs must therefore be such that running one twice does no harm.
"""

import logging
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky.backend.resource_tracker import ensure_running

from ecg12.runtime.cluster import MOST_DEATHS, connected, run_on
from ecg12.runtime.errors import UnfinishedError
from ecg12.runtime.interrupts import end_with_parent, hold_if_ending, spare_children
from ecg12.runtime.isolated import isolated
from ecg12.runtime.progress import log_settings, run_logged

log = logging.getLogger(__name__)
Key = TypeVar("Key", bound=Hashable)
WARNINGS = "PYTHONWARNINGS"
THREADS = "TF_NUM_INTRAOP_THREADS"  # read when TensorFlow runs its first operation
LOOK_AHEAD = 256  # results that are kept at most for the sake of order


@dataclass(frozen=True)
class LocalExecutor:
    """Runs jobs in processes of this machine; with one worker, in this process itself."""

    workers: int = 1

    def isolated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what runs a function undisturbed by others: here, itself."""
        return function

    def completed(
        self, function: Callable[..., Any], jobs: Mapping[Key, tuple[Any, ...]]
    ) -> Iterator[tuple[Key, Any]]:
        """Run ``function(*arguments)`` for each job; yield (key, result) as they end.

        Raises
        ------
        UnfinishedError
            If processes keep being killed without one result between.
        """
        return self._completed(function, jobs, self.workers)

    def _completed(
        self, function: Callable[..., Any], jobs: Mapping[Key, tuple[Any, ...]], n_jobs: int
    ) -> Iterator[tuple[Key, Any]]:
        """Do what `completed` does in `n_jobs` processes."""
        waiting, deaths = dict(jobs), 0
        if n_jobs != 1:
            _start_trackers()
        here = _Caller(os.getpid(), Path.cwd(), self._threads())
        while waiting:
            run = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
            logged = partial(run_logged, log_settings(), function)
            calls = (delayed(_keyed)(key, here, logged, waiting[key]) for key in tuple(waiting))
            try:
                for key, result in run(calls):
                    del waiting[key]
                    deaths = 0
                    yield key, result
            except BrokenProcessPool:
                hold_if_ending()
                deaths += 1
                log.warning("a worker process was killed; its jobs are run again")
                if deaths >= MOST_DEATHS:
                    raise UnfinishedError(
                        f"{deaths} worker processes were killed one after the other (out of "
                        "memory?); what is done is kept"
                    ) from None

    def in_order(
        self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Run ``function(*arguments)`` for each; yield the results in order.

        Raises
        ------
        UnfinishedError
            As `completed`.
        """
        n_jobs = min(self.workers, max(1, len(arguments)))
        results = self._completed(function, dict(enumerate(arguments)), n_jobs)
        yield from _InOrder().sort(results)

    def _threads(self) -> str:
        """Return how many threads TensorFlow has in each process.

        Sums depend on it, so it is the same for the first job and for the last ones of a resumed
        run, however few are left. This process itself keeps all threads.
        """
        return os.environ.get(THREADS) or str(max(1, cpu_count() // self.workers))


@dataclass(frozen=True)
class _Caller:
    """The process that runs jobs, its folder, and the threads for TensorFlow in a worker."""

    pid: int
    folder: Path
    threads: str


def _keyed(
    key: Key, here: _Caller, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[Key, Any]:
    """Run a job where its caller is: a worker that is used again may be in an earlier folder."""
    if os.getpid() != here.pid:
        os.chdir(here.folder)
        os.environ[THREADS] = here.threads
        end_with_parent()
    return key, function(*arguments)


def _start_trackers() -> None:
    """Start the processes that remove what Joblib's processes leave, if they do not run.

    Joblib's warns on the terminal of everything that it removes. Starting them, as Joblib would do
    before its first process, undoes the mask of signals that processes are to inherit.
    """
    setting = os.environ.get(WARNINGS)
    os.environ[WARNINGS] = "ignore:resource_tracker"
    try:
        ensure_running()
        resource_tracker.ensure_running()
    finally:
        del os.environ[WARNINGS]
        if setting is not None:
            os.environ[WARNINGS] = setting
    spare_children()


class _InOrder:
    """Puts results in the order of their keys 0, 1, …; `given` counts those that were yielded."""

    def __init__(self) -> None:
        self.given = 0

    def sort(self, results: Iterable[tuple[int, Any]]) -> Iterator[Any]:
        early: dict[int, Any] = {}
        for place, result in results:
            early[place] = result
            while self.given in early:
                yield early.pop(self.given)
                self.given += 1


@dataclass(frozen=True)
class ClusterExecutor:
    """Runs jobs on the workers of a Dask scheduler; survives a restart of the scheduler too.

    Attributes
    ----------
    address
        Of the scheduler, such as ``"tcp://10.0.0.5:8786"``.
    patience
        Seconds to wait for a scheduler that is lost, and for a first worker.
    first
        Seconds to wait for a scheduler that was never reached: its address may be wrong.
    """

    address: str
    patience: float = 3600.0
    first: float = 60.0

    def isolated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what runs a function undisturbed by others: in a process of its own."""
        return partial(isolated, function)

    def completed(
        self,
        function: Callable[..., Any],
        jobs: Mapping[Key, tuple[Any, ...]],
        wanted: Callable[[Key], bool] = lambda key: True,
    ) -> Iterator[tuple[Key, Any]]:
        """Run ``function(*arguments)`` for each job; yield (key, result) as they end.

        When the scheduler is restarted, what has no result yet is handed to the new one. Jobs are
        handed out in the order given; the next one waits until it is `wanted`.

        Raises
        ------
        InputError
            If Dask is not installed, the scheduler stays out of reach or without workers, or
            workers keep dying.
        """
        waiting, deaths, limit = dict(jobs), 0, min(self.first, self.patience)
        while waiting:
            with connected(self.address, limit) as client:
                limit = self.patience
                for key, result, died in run_on(client, function, waiting, wanted, limit):
                    deaths = deaths + 1 if died else 0
                    if deaths >= MOST_DEATHS:
                        message = f"{deaths} jobs killed their workers, the last one {key!r}"
                        raise UnfinishedError(f"{self.address}: {message}")
                    if not died:
                        del waiting[key]
                        yield key, result
            if waiting:
                log.warning("%s: %d jobs are handed out again", self.address, len(waiting))

    def in_order(
        self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Run ``function(*arguments)`` for each; yield the results in order."""
        order = _InOrder()
        jobs = dict(enumerate(arguments))
        results = self.completed(function, jobs, lambda place: place < order.given + LOOK_AHEAD)
        yield from order.sort(results)


Executor = LocalExecutor | ClusterExecutor


def executor_of(scheduler: str | None, workers: int) -> Executor:
    """Return a cluster's executor if its scheduler's address is given, else a local one."""
    return ClusterExecutor(scheduler) if scheduler else LocalExecutor(workers)
