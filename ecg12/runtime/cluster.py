"""Jobs on a Dask cluster: connecting to its scheduler, handing out jobs, noticing deaths."""

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import CancelledError
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
    until, client = time.monotonic() + patience, None
    while client is None:
        try:
            client = Client(address, timeout=min(10, patience + 1))
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


def run_on(
    client: Any,
    function: Callable[..., Any],
    jobs: Mapping[Key, tuple[Any, ...]],
    wanted: Callable[[Key], bool],
) -> Iterator[tuple[Key, Any, bool]]:
    """Yield (key, result, whether it died with its workers) until the connection is lost."""
    from distributed import KilledWorker, wait

    logged = partial(run_logged, log_settings(), function)
    left = list(jobs)[::-1]
    futures: dict[Any, Key] = {}
    while (left or futures) and client.status == "running":
        try:
            most = PER_WORKER * max(1, len(client.nthreads()))
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
            error = future.exception() if future.status == "error" else None
            if error is not None and not isinstance(error, KilledWorker):
                raise error
            if error is not None:
                left.append(key)
            yield key, None if error else future.result(), error is not None
