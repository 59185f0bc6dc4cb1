"""Predicting together what arrives together: a batch takes little more time than one recording.

While a batch is predicted, what arrives waits and becomes the next one.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.inference.results import Outcome
from ecg12.inference.stream import Source, predict_stream

GATHER = 0.004  # s; what arrives within it of the first recording is predicted with it

Waiting = tuple[Source, asyncio.Future[Outcome]]


class Batcher:
    """Predicts recordings of several requests in common batches, in one thread.

    Parameters
    ----------
    classifier
        The ensemble.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._waiting: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._task: asyncio.Task[None] | None = None
        self.batches = 0

    async def predict(self, sources: Sequence[Source]) -> list[Outcome]:
        """Return what is predicted of recordings, in order."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in sources]
        self._waiting.extend(zip(sources, futures, strict=True))
        if sources and self._task is None:
            self._task = asyncio.create_task(self._work())
        return list(await asyncio.gather(*futures))

    def stop(self) -> None:
        """End the thread, after the batch that it is at."""
        self._thread.shutdown()

    async def _work(self) -> None:
        try:
            await asyncio.sleep(GATHER)
            while self._waiting:
                n = min(BATCH, len(self._waiting))
                await self._run([self._waiting.popleft() for _ in range(n)])
        finally:
            self._task = None

    async def _run(self, batch: Sequence[Waiting]) -> None:
        """Predict one batch; its error, if the stream lets one out, is that of its requests."""
        loop = asyncio.get_running_loop()
        self.batches += 1
        try:
            outcomes = await loop.run_in_executor(
                self._thread, self._predict, [source for source, _ in batch]
            )
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():  # its request may have been given up
                future.set_result(outcome)

    def _predict(self, sources: Sequence[Source]) -> list[Outcome]:
        return list(predict_stream(self._classifier, sources))
