"""Reading what was uploaded, in processes of their own.

A file that is made to do harm can take the time and the memory of one of them, which is then ended,
and never those of the service.
"""

import logging
import os
import queue
import resource
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ecg12.io.formats import format_at, read_any, scan
from ecg12.io.record import Record
from ecg12.io.wfdb import SUFFIXES
from ecg12.runtime.errors import InputError, RecordError
from ecg12.web.limits import MEGABYTE, Limits

START_SECONDS = 300.0  # in which a process must be ready
TOO_SLOW = "reading took longer than {:g} s, the most that the service allows"
TOO_LATE = "not read, because the other files of the request took too long"
TOO_LARGE = "reading needs more than {:g} MiB of memory, the most that the service allows"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be read.

    Attributes
    ----------
    folder
        Holds the files of one request, and nothing else.
    names
        Of the files, in the order of the answer.
    seconds
        What the model needs of the beginning of each recording.
    said
        What arrays of numbers do not say, as `read_any` takes it.
    draw
        Whether to prepare the signals for the page as well.
    """

    folder: str
    names: tuple[str, ...]
    seconds: float
    said: Mapping[str, Any] = field(default_factory=dict)
    draw: bool = False


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One recording that was read, or the reason why not.

    Attributes
    ----------
    name
        As ``ecg12 predict`` names it, called in the folder of the files.
    record
        The recording; None if it could not be read.
    reason
        Why not, or ``""``.
    known
        Whether its format is one that is read.
    drawing
        The signals as `ecg12.web.signals` prepares them for the page, if they were asked for.
    """

    name: str
    record: Record | None = None
    reason: str = ""
    known: bool = True
    drawing: dict[str, Any] | None = None


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
        """
        process = self._idle.get()
        try:
            process = process or _Process(self._limits)
            names = process.find(job)
            if len(names) > self._limits.recordings:
                most = self._limits.recordings
                raise InputError(f"{len(names)} recordings in one request; at most {most}")
            readings = []
            end = time.monotonic() + self._limits.answer_seconds
            for name in names:
                if time.monotonic() > end:
                    readings.append(Reading(name=name, reason=f"{name}: {TOO_LATE}"))
                    continue
                process = process or _Process(self._limits)
                reading = process.read(job, name)
                if not process.alive:
                    process = None
                readings.append(reading)
            return readings
        finally:
            if process is not None and not process.alive:
                process = None
            self._idle.put(process)

    def start(self) -> None:
        """Start one process ahead of the requests; wait for its `start` in other threads."""
        process = self._idle.get()
        self._idle.put(process or _Process(self._limits))

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
            target=_serve, args=(theirs, limits.read_bytes), daemon=True, name="ecg12-reader"
        )
        self._child.start()
        theirs.close()
        self.alive = True
        if self._receive(START_SECONDS) != "ready":
            raise OSError("the process that reads files did not start")

    def find(self, job: Job) -> list[str]:
        """Return the names of the recordings among the files of a job."""
        answer = self._ask("find", job)
        return list(job.names) if isinstance(answer, Reading) else answer

    def read(self, job: Job, name: str) -> Reading:
        """Read one recording; whatever goes wrong is the reason in what is returned."""
        answer = self._ask("read", job, name)
        if isinstance(answer, Reading) and not answer.name:
            return Reading(name=name, reason=f"{name}: {answer.reason}")
        return answer

    def kill(self) -> None:
        """End the process."""
        self.alive = False
        self._child.kill()
        self._child.join()
        self._ours.close()

    def _ask(self, *question: Any) -> Any:
        """Return the answer, or a nameless `Reading` with the reason why there is none."""
        try:
            self._ours.send(question)
            answer = self._receive(self._limits.read_seconds)
        except (EOFError, ConnectionError):
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


def _serve(connection: Connection, most_bytes: int) -> None:
    """Be the child: answer questions until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    logging.disable()  # lines that name files
    from ecg12.web import signals  # the filters load slowly

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + most_bytes, used + most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection.send("ready")
    with suppress(EOFError, ConnectionError):
        while True:
            kind, *arguments = connection.recv()
            answer: Any
            try:
                answer = _find(*arguments) if kind == "find" else _read(signals.drawing, *arguments)
            except MemoryError:
                answer = Reading(name="", reason=TOO_LARGE.format(most_bytes / MEGABYTE))
            connection.send(answer)


def _enter(job: Job) -> None:
    """Go to the files, so that names and messages are those of a call in their folder."""
    os.chdir(job.folder)
    tempfile.tempdir = job.folder


def _find(job: Job) -> list[str]:
    """List the recordings, in the order of their first files, each called by that file."""
    _enter(job)
    found = scan(".", with_arrays=True)
    first: dict[str, int] = {}
    for place, name in enumerate(job.names):
        first.setdefault(_stem(name), place)
    places = {}
    for path in (*found.recordings, *found.unread, *found.unknown):
        name, place = str(path), first.get(_stem(str(path)), len(job.names))
        if place < len(job.names) and not name.endswith("]"):
            name = job.names[place]
        places[name] = place
    return sorted(places, key=lambda name: places[name])


def _stem(name: str) -> str:
    """Return what the files of one recording share in their names."""
    path = Path(name)
    return str(path.with_suffix("")) if path.suffix.lower() in SUFFIXES else name.partition("[")[0]


def _read(draw: Any, job: Job, name: str) -> Reading:
    _enter(job)
    try:
        record = read_any(name, job.seconds, **job.said)
    except (InputError, OSError) as error:
        return Reading(name=name, reason=str(error), known=_is_known(name))
    except MemoryError:
        raise
    except Exception as error:  # a reader let something out; its type says enough
        return Reading(name=name, reason=f"{name}: damaged ({type(error).__name__})")
    return Reading(name=name, record=record, drawing=draw(record) if job.draw else None)


def _is_known(name: str) -> bool:
    try:
        found = format_at(name)
    except (RecordError, OSError):
        return True
    return Path(name).suffix.lower() in SUFFIXES or bool(found and found.read)
