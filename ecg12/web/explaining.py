"""Explanations on demand, one at a time: each costs some hundred runs of the networks."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ecg12.explanation import explain
from ecg12.inference.model import Model
from ecg12.io.record import Record
from ecg12.web.limits import Limits, RefusedError


class Explainer:
    """Explains recordings in a thread of its own.

    Parameters
    ----------
    model
        Whose predictions are explained.
    limits
        How many explanations may wait, and how long one may take.
    """

    def __init__(self, model: Model, limits: Limits) -> None:
        self._model = model
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._waiting = 0

    async def explain(self, record: Record) -> dict[str, Any]:
        """Return class → what its score rests on, for the diagnosed classes.

        Raises
        ------
        RefusedError
            503 if too many explanations wait, or this one takes too long.
        """
        if self._waiting >= self._limits.explanations:
            reason = f"{self._waiting} explanations wait; ask again later"
            raise RefusedError(503, reason, {"Retry-After": "10"})
        self._waiting += 1
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, explain, self._model, record)
        future.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._limits.explain_seconds):
                return (await asyncio.shield(future)).as_dict()
        except TimeoutError:
            reason = f"no explanation within {self._limits.explain_seconds:g} s"
            raise RefusedError(503, reason, {"Retry-After": "30"}) from None

    def stop(self) -> None:
        """End the thread, after the explanation that it is at."""
        self._thread.shutdown(cancel_futures=True)

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # its request may have been given up
