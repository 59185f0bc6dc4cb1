"""Where independent jobs run: processes of this machine, or workers of a Dask cluster.

Both kinds give the same results in the same form, and both survive the death of a worker: what it
was at is run again. A cluster survives that of its scheduler too. Jobs must therefore be such that
running one twice does no harm.
"""

import logging
import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from joblib import Parallel, cpu_count, delayed

from ecg12.runtime.errors import InputError
from ecg12.runtime.isolated import isolated
from ecg12.runtime.optional_deps import require_extra

log = logging.getLogger(__name__)
Key = TypeVar("Key", bound=Hashable)
MOST_DEATHS = 5  # of workers, one after the other without a result between them
POLL = 2.0  # s between looks at whether a scheduler is there
PER_WORKER = 4  # jobs handed out at a time
LOOK_AHEAD = 256  # results that are kept at most for the sake of order


@dataclass(frozen=True)
class Local:
    """Processes of this machine; one alone is this process itself."""

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
        InputError
            If processes keep being killed without one result between.
        """
        waiting, deaths = dict(jobs), 0
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, cpu_count() // self.workers)))
        while waiting:
            run = Parallel(n_jobs=self.workers, return_as="generator_unordered")
            try:
                for key, result in run(delayed(_keyed)(key, function, waiting[key]) for key in
                                       tuple(waiting)):  # fmt: skip
                    del waiting[key]
                    deaths = 0
                    yield key, result
            except BrokenProcessPool:
                deaths += 1
                log.warning("a process was killed; its work is done again")
                if deaths >= MOST_DEATHS:
                    raise InputError(
                        f"{deaths} processes were killed one after the other"
                    ) from None

    def in_order(
        self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Run ``function(*arguments)`` for each; yield the results in order."""
        n_jobs = min(self.workers, max(1, len(arguments)))
        yield from Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(function)(*one) for one in arguments
        )


def _keyed(key: Key, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Key, Any]:
    return key, function(*arguments)


@dataclass(frozen=True)
class Cluster:
    """The workers of a Dask scheduler.

    Attributes
    ----------
    address
        Of the scheduler, such as ``"tcp://10.0.0.5:8786"``.
    patience
        Seconds to wait for a scheduler that cannot be reached.
    """

    address: str
    patience: float = 3600.0

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
            If Dask is not installed, the scheduler stays out of reach, or workers keep dying.
        """
        waiting, deaths = dict(jobs), 0
        while waiting:
            with self._connected() as client:
                for key, result, died in _served(client, function, waiting, wanted):
                    deaths = deaths + 1 if died else 0
                    if deaths >= MOST_DEATHS:
                        message = f"{deaths} jobs killed their workers, the last one {key!r}"
                        raise InputError(f"{self.address}: {message}")
                    if not died:
                        del waiting[key]
                        yield key, result
            if waiting:
                log.warning("%s: %d jobs are handed out again", self.address, len(waiting))

    def in_order(
        self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Run ``function(*arguments)`` for each; yield the results in order."""
        early: dict[int, Any] = {}
        given = 0
        jobs = dict(enumerate(arguments))

        def wanted(place: int) -> bool:
            return place < given + LOOK_AHEAD

        for place, result in self.completed(function, jobs, wanted):
            early[place] = result
            while given in early:
                yield early.pop(given)
                given += 1

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """Give a client of the scheduler, waiting for it if need be."""
        with require_extra("a Dask cluster", "cluster"):
            from distributed import Client
        until, client = time.monotonic() + self.patience, None
        while client is None:
            try:
                client = Client(self.address, timeout=min(10, self.patience + 1))
            except (OSError, TimeoutError) as error:
                if time.monotonic() > until:
                    reason = f"no scheduler to be reached for {self.patience:g} s"
                    raise InputError(f"{self.address}: {reason}; what is done is kept") from error
                log.warning("%s: no scheduler to be reached; waiting", self.address)
                time.sleep(POLL)
        log.info("%s: %d workers", self.address, len(client.nthreads()))
        its_log = logging.getLogger("distributed.client")
        level = its_log.level
        its_log.setLevel(logging.CRITICAL)  # of a lost scheduler it tells pages
        try:
            yield client
        finally:
            client.close(timeout=POLL)
            its_log.setLevel(level)


def _served(
    client: Any,
    function: Callable[..., Any],
    jobs: Mapping[Key, tuple[Any, ...]],
    wanted: Callable[[Key], bool],
) -> Iterator[tuple[Key, Any, bool]]:
    """Yield (key, result, whether it died with its workers) until the connection is lost."""
    from distributed import KilledWorker, wait

    left = list(jobs)[::-1]
    futures: dict[Any, Key] = {}
    while (left or futures) and client.status == "running":
        try:
            most = PER_WORKER * max(1, len(client.nthreads()))
            while left and len(futures) < most and wanted(left[-1]):
                key = left.pop()
                futures[client.submit(function, *jobs[key], pure=False)] = key
            done = wait(list(futures), timeout=POLL, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            continue
        except (CancelledError, OSError):
            return
        for future in done:
            if future.status not in ("finished", "error"):
                return
            key = futures.pop(future)
            error = future.exception() if future.status == "error" else None
            if error is not None and not isinstance(error, KilledWorker):
                raise error
            if error is not None:
                left.append(key)
            yield key, None if error else future.result(), error is not None


Pool = Local | Cluster
