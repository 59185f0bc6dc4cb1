"""Map a function over items in threads, a bounded number of results ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, depth: int
) -> Iterator[Result]:
    """Map `function` over `items` in threads, in order, at most `depth` results ahead.

    An exception of the function is raised where its result would have been yielded.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as threads:
        for item in items:
            pending.append(threads.submit(function, item))
            if len(pending) > depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
