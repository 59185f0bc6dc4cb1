"""Reading what was uploaded, in processes of their own.

A file that is made to do harm can take the time and the memory of one of them, which is then ended,
and never those of the service.
"""

import queue
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

from ecg12.runtime.errors import InputError
from ecg12.web.limits import MEGABYTE, Limits, RefusedError
from ecg12.web.reader_process import Job, Reading, serve

START_SECONDS = 300.0  # in which a process must be ready
TOO_SLOW = "reading took longer than {:g} s, the most that the service allows"
TOO_LATE = "not read, because the other files of the request took too long"
TOO_MUCH = "takes {:.1f} MiB, and all recordings of a request together may take {:g}"


class Readers:
    """A few processes that read, started when they are first needed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: queue.LifoQueue[_Process | None] = queue.LifoQueue()
        for _ in range(limits.readers):
            self._idle.put(None)

    def read(self, job: Job) -> list[Reading]:
        """Read all recordings of a job; waits for a process that is free.

        Raises
        ------
        InputError
            If there are more recordings than a request may hold.
        RefusedError
            503 if no process can be started.
        """
        limits = self._limits
        process = self._idle.get()
        try:
            process = self._alive(process)
            names = process.find(job)
            if not process.alive:  # once more: it may have been ended from outside
                process = self._alive(process)
                names = process.find(job)
            if isinstance(names, Reading):
                return [
                    replace(names, name=one, reason=f"{one}: {names.reason}") for one in job.names
                ]
            if len(names) > limits.recordings:
                raise InputError(
                    f"{len(names)} recordings in one request; at most {limits.recordings}"
                )
            readings: list[Reading] = []
            end, left = time.monotonic() + limits.answer_seconds, limits.request_record_bytes
            for name in names:
                if time.monotonic() > end:
                    readings.append(Reading(name=name, reason=f"{name}: {TOO_LATE}"))
                    continue
                process = self._alive(process)
                one = process.read(job, name)
                if one.n_bytes > left:
                    found = one.n_bytes / MEGABYTE, limits.request_record_bytes / MEGABYTE
                    one = Reading(name=name, reason=f"{name}: {TOO_MUCH.format(*found)}")
                left -= one.n_bytes
                readings.append(one)
            return readings
        finally:
            self._idle.put(process)

    def start(self) -> None:
        """Start one process ahead of the requests; wait for its `start` in other threads."""
        process = self._idle.get()
        try:
            process = self._alive(process)
        finally:
            self._idle.put(process)

    def _alive(self, process: "_Process | None") -> "_Process":
        """Return a process, or another one if there is none or it has ended."""
        if process is not None and process.alive:
            return process
        if process is not None:
            process.kill()
        return _Process(self._limits)

    def stop(self) -> None:
        """End the processes that are idle."""
        with suppress(queue.Empty):
            while True:
                process = self._idle.get_nowait()
                if process is not None:
                    process.kill()


class _Process:
    """One child process; `find` and `read` end it when it takes too long."""

    def __init__(self, limits: Limits) -> None:
        context = get_context("spawn")
        self._limits = limits
        self._ours, theirs = context.Pipe()
        self._child = context.Process(
            target=serve, args=(theirs, limits), daemon=True, name="ecg12-reader"
        )
        self._child.start()
        theirs.close()
        with suppress(EOFError, ConnectionError):
            if self._receive(START_SECONDS) == "ready":
                return
        self.kill()
        reason = "the process that reads files did not start; try later"
        raise RefusedError(503, reason, {"Retry-After": "5"})

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ours.closed and self._child.is_alive()

    def find(self, job: Job) -> list[str] | Reading:
        """Return the names of the recordings among the files of a job, or why there are none."""
        answer: list[str] | Reading = self._ask("find", job)
        return answer

    def read(self, job: Job, name: str) -> Reading:
        """Read one recording; whatever goes wrong is the reason in what is returned."""
        answer = self._ask("read", job, name)
        if not answer.name:
            return Reading(name=name, reason=f"{name}: {answer.reason}")
        if job.draw_from is None or answer.record is None:
            return answer
        drawing = self._ask("draw", job, name)  # of any part, so it may need more time and memory
        if isinstance(drawing, Reading):
            drawing = {"reason": drawing.reason}
        return replace(answer, drawing=drawing)

    def kill(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.join()
        self._ours.close()

    def _ask(self, *question: Any) -> Any:
        """Return the answer, or a nameless `Reading` with the reason why there is none."""
        try:
            self._ours.send(question)
            answer = self._receive(self._limits.read_seconds)
        except (EOFError, OSError):
            self.kill()
            return Reading(name="", reason="the process that read it ended")
        if answer is None:
            self.kill()
            return Reading(name="", reason=TOO_SLOW.format(self._limits.read_seconds))
        return answer

    def _receive(self, seconds: float) -> Any:
        """Return what the child sends, or None if it sends nothing in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._ours.poll(min(left, 1.0)):
                return self._ours.recv()
        return None
