"""Predicting together what arrives together: a batch takes little more time than one recording.

While a batch is predicted, what arrives waits and becomes the next one.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy

from ecg12.ensemble.classifier import BATCH, Classifier, sets_of
from ecg12.inference.results import Outcome
from ecg12.inference.stream import Source, predict_stream

GATHER = 0.004  # s; what arrives within it of the first recording is predicted with it

Waiting = tuple[Source, float | None, asyncio.Future[Outcome]]  # with the coverage asked for


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

    async def predict(
        self, sources: Sequence[Source], coverage: float | None = None
    ) -> list[Outcome]:
        """Return what is predicted of recordings, in order.

        Parameters
        ----------
        sources
            The recordings.
        coverage
            One of those of the model's prediction sets, or None for none.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in sources]
        pairs = zip(sources, futures, strict=True)
        self._waiting.extend((source, coverage, future) for source, future in pairs)
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
                self._thread, self._predict, [(source, wanted) for source, wanted, _ in batch]
            )
        except Exception as error:
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, _, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():  # its request may have been given up
                future.set_result(outcome)

    def _predict(self, batch: Sequence[tuple[Source, float | None]]) -> list[Outcome]:
        """Predict what asks for the same coverage together; return all in the order given."""
        outcomes: dict[int, Outcome] = {}
        for coverage in {wanted for _, wanted in batch}:
            places = [place for place, (_, wanted) in enumerate(batch) if wanted == coverage]
            found = predict_stream(self._with(coverage), [batch[place][0] for place in places])
            outcomes.update(zip(places, found, strict=True))
        return [outcomes[place] for place in range(len(batch))]

    def _with(self, coverage: float | None) -> Classifier:
        """Return the ensemble with the prediction sets of a coverage."""
        if coverage is None:
            return self._classifier
        made = copy(self._classifier)
        made.sets = sets_of(self._classifier.conformal, coverage)
        return made
