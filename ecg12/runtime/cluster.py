"""Jobs on a Dask cluster: connecting to its scheduler, handing out jobs, noticing deaths."""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from ecg12.runtime.errors import InputError
from ecg12.runtime.optional_deps import require_extra
from ecg12.runtime.progress import log_settings, run_logged

log = logging.getLogger(__name__)
Key = TypeVar("Key", bound=Hashable)
MOST_DEATHS = 5  # of workers, one after the other without a result between them
POLL = 2.0  # s between looks at whether a scheduler is there
ANSWER = 10.0  # s within which a scheduler answers a connection
SILENCE = 120.0  # s without an answer after which a scheduler counts as lost
PER_WORKER = 4  # jobs handed out at a time


@contextmanager
def connected(address: str, patience: float) -> Iterator[Any]:
    """Give a Dask client of the scheduler at an address, waiting for it up to `patience` seconds.

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler can be reached.
    """
    with require_extra("a Dask cluster", "cluster"):
        from distributed import Client
    until, client, limit = time.monotonic() + patience, None, min(ANSWER, patience + 1)
    while client is None:
        try:
            _probe(address, limit)
            client = Client(address, timeout=limit)
        except ValueError as error:
            raise InputError(f"{address!r} is no scheduler's address: {error}") from error
        except (OSError, TimeoutError) as error:
            if time.monotonic() > until:
                reason = f"no scheduler to be reached for {patience:g} s"
                raise InputError(f"{address}: {reason}; what is done is kept") from error
            log.warning("%s: no scheduler to be reached; waiting", address)
            time.sleep(POLL)
    log.info("%s: %d workers", address, len(client.nthreads()))
    its_log = logging.getLogger("distributed.client")
    level = its_log.level
    its_log.setLevel(logging.CRITICAL)  # it writes pages about a lost scheduler
    try:
        yield client
    finally:
        client.close(timeout=POLL)
        its_log.setLevel(level)


def _probe(address: str, limit: float) -> None:
    """Let a scheduler answer once; a client would wait for ever where something else listens."""
    from distributed.comm import connect

    async def once() -> None:
        comm = await asyncio.wait_for(connect(address, timeout=limit), limit + 1)
        comm.abort()

    with ThreadPoolExecutor(1) as thread:  # this one may have a loop that runs
        thread.submit(asyncio.run, once()).result()


class _Watch:
    """Tells how many workers a scheduler has, and when to give it up.

    Parameters
    ----------
    client
        Of the scheduler.
    patience
        Seconds to wait for a worker.
    """

    def __init__(self, client: Any, patience: float) -> None:
        self._client, self._patience = client, patience
        self._answered = self._manned = time.monotonic()

    def workers(self) -> int | None:
        """Return the number of workers; None if the scheduler no longer answers.

        Raises
        ------
        InputError
            If there has been none for too long.
        TimeoutError
            If it did not answer this time.
        """
        now = time.monotonic()
        try:
            workers = len(self._client.sync(self._client.scheduler.ncores, callback_timeout=ANSWER))
        except TimeoutError:
            if now - self._answered > SILENCE:
                return None
            raise
        self._answered = now
        if workers:
            self._manned = now
        elif now - self._manned > self._patience:
            raise InputError(
                f"{self._client.scheduler.address}: no worker for {self._patience:g} s; what is "
                "done is kept"
            )
        return workers


def run_on(
    client: Any,
    function: Callable[..., Any],
    jobs: Mapping[Key, tuple[Any, ...]],
    wanted: Callable[[Key], bool],
    patience: float,
) -> Iterator[tuple[Key, Any, bool]]:
    """Yield (key, result, whether it died with its workers) until the connection is lost.

    Raises
    ------
    InputError
        If the scheduler has no worker for `patience` seconds.
    """
    from distributed import KilledWorker, wait

    watch = _Watch(client, patience)
    logged = partial(run_logged, log_settings(), function)
    left = list(jobs)[::-1]
    futures: dict[Any, Key] = {}
    while (left or futures) and client.status == "running":
        try:
            if (workers := watch.workers()) is None:
                return
            most = PER_WORKER * max(1, workers)
            while left and len(futures) < most and wanted(left[-1]):
                key = left.pop()
                futures[client.submit(logged, *jobs[key], pure=False)] = key
            done = wait(list(futures), timeout=POLL, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            continue
        except (CancelledError, OSError):
            return
        for future in done:
            if future.status not in ("finished", "error"):
                return
            key = futures.pop(future)
            try:
                error = future.exception(SILENCE) if future.status == "error" else None
                result = None if error else future.result(SILENCE)
            except TimeoutError:  # the worker that has the result does not answer
                return
            if error is not None and not isinstance(error, KilledWorker):
                raise error
            if error is not None:
                left.append(key)
            yield key, result, error is not None
