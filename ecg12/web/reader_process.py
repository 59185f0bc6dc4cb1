"""What a process that reads does: finds, reads and prepares the files of one request.

It answers questions over a pipe: ``("find", job)``, ``("read", job, name)`` and
``("draw", job, name)``.
"""

import logging
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ecg12.io.arrays import split_index
from ecg12.io.formats import format_at, open_any, read_any, scan
from ecg12.io.record import Record
from ecg12.io.wfdb import SUFFIXES
from ecg12.runtime.errors import InputError, RecordError
from ecg12.web.limits import MEGABYTE, Limits

TOO_LARGE = "reading needs more than {:g} MiB of memory, the most that the service allows"
TOO_MANY_SAMPLES = "its first {:g} s ({} leads at {:g} Hz) take {:.1f} MiB; at most {:g} are read"
FILTERED = 8  # bytes of a sample in the filters


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
    draw_from
        Where the signals begin that are prepared for the page as well, s; None for none.
    """

    folder: str
    names: tuple[str, ...]
    seconds: float
    said: Mapping[str, Any] = field(default_factory=dict)
    draw_from: float | None = None


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

    @property
    def n_bytes(self) -> int:
        """What its numbers take in memory."""
        drawn = sum(map(len, self.drawing.get("leads", {}).values())) if self.drawing else 0
        return drawn + (self.record.stored.nbytes if self.record is not None else 0)


def serve(connection: Connection, limits: Limits) -> None:
    """Answer the questions of the parent until it is gone, in `limits.read_bytes` of memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    logging.disable()  # lines that name files
    from ecg12.web import signals  # the filters load slowly

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most_bytes = limits.read_bytes
    resource.setrlimit(resource.RLIMIT_AS, (used + most_bytes, used + most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ways: dict[str, Callable[..., Any]] = {
        "find": _find,
        "read": partial(_read, limits.record_bytes),
        "draw": partial(_draw, signals.drawing),
    }
    connection.send("ready")
    with suppress(EOFError, ConnectionError):
        while True:
            kind, *arguments = connection.recv()
            answer: Any
            try:
                answer = ways[kind](*arguments)
            except MemoryError:
                answer = Reading(name="", reason=TOO_LARGE.format(most_bytes / MEGABYTE))
            except Exception as error:  # its text, and a traceback, might name a file
                answer = Reading(name="", reason=f"not read ({type(error).__name__})")
            connection.send(answer)


def _enter(job: Job) -> None:
    """Go to the files, so that names and messages are those of a call in their folder."""
    os.chdir(job.folder)
    tempfile.tempdir = job.folder


def _find(job: Job) -> list[str]:
    """List the recordings, in the order of their first files, each called by that file."""
    _enter(job)
    found = scan(".", job.said)
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
    """Return what the files of one recording share in their names; of `a.npy[2]` the file."""
    path = Path(name)
    return str(path.with_suffix("") if path.suffix.lower() in SUFFIXES else split_index(path)[0])


def _read(most_bytes: int, job: Job, name: str) -> Reading:
    _enter(job)
    try:
        record = read_any(name, job.seconds, **job.said)
    except (InputError, OSError) as error:
        return Reading(name=name, reason=str(error), known=_is_known(name))
    except MemoryError:
        raise
    except Exception as error:  # a reader let something out; its type says enough
        return Reading(name=name, reason=f"{name}: damaged ({type(error).__name__})")
    n_leads, n_samples = record.stored.shape
    n_bytes = record.stored.size * max(FILTERED, record.stored.itemsize)
    if n_bytes > most_bytes:  # the service would hold it
        found = n_samples / record.rate, n_leads, record.rate, n_bytes / MEGABYTE
        reason = TOO_MANY_SAMPLES.format(*found, most_bytes / MEGABYTE)
        return Reading(name=name, reason=f"{name}: {reason}")
    return Reading(name=name, record=record)


def _draw(drawing: Any, job: Job, name: str) -> dict[str, Any]:
    _enter(job)
    try:
        return drawing(open_any(name, **job.said), job.draw_from)
    except (InputError, OSError) as error:
        return {"reason": str(error)}
    except MemoryError:
        raise
    except Exception as error:  # as in `_read`
        return {"reason": f"damaged ({type(error).__name__})"}


def _is_known(name: str) -> bool:
    try:
        found = format_at(name)
    except (RecordError, OSError):
        return True
    return Path(name).suffix.lower() in SUFFIXES or bool(found and found.read)
