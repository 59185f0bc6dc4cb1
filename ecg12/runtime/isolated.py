"""Run a function as the only one of a process, and survive the end of that process.

A Dask worker's event loop draws from Python's random generator whenever it likes, so that a seed
set in one of its threads decides nothing. In a process of its own, a job has the seeds, the
memory and the device for itself, and if it is killed, the worker lives on.
"""

import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, cast

from ecg12.runtime.errors import UnfinishedError
from ecg12.runtime.progress import log_settings, run_logged

log = logging.getLogger(__name__)
MOST_DEATHS = 5  # of the same job
ENDING = 30.0  # s that a child may take to end
CHILD = "import sys; from ecg12.runtime.isolated import serve; serve(int(sys.argv[1]))"


def isolated(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``, called in a new process; killed, it is called again.

    The process ends when this one does, however that ends. An exception is raised here.

    Raises
    ------
    UnfinishedError
        If the process was killed `MOST_DEATHS` times.
    """
    job = pickle.dumps((run_logged, (log_settings(), function, *arguments)))
    for _ in range(MOST_DEATHS):
        outcome = _run_in_child(job)
        if outcome is not None:
            result, error = pickle.loads(outcome)
            if error is not None:
                raise error
            return result
        log.warning("%s: its process was killed; it is run again", function.__name__)
    raise UnfinishedError(f"{function.__name__}: its process was killed {MOST_DEATHS} times")


def _run_in_child(job: bytes) -> bytes | None:
    """Return what a child process sends back; None if it dies before it has sent all."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", CHILD, str(writing)]
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with os.fdopen(reading, "rb") as results:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, pass_fds=(writing,), env=os.environ | paths
        )
        os.close(writing)
        jobs = cast(IO[bytes], child.stdin)
        try:
            jobs.write(_framed(job))
            jobs.flush()
            return _unframed(results)  # the pipe to the child stays open: its end ends the child
        except BrokenPipeError:
            return None
        finally:
            with suppress(BrokenPipeError):  # of what a dead child did not take
                jobs.close()
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Wait for a child that has nothing left to do; kill it if it stays."""
    try:
        child.wait(ENDING)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _framed(data: bytes) -> bytes:
    """Return data after their length, by which a reader knows that they are whole."""
    return len(data).to_bytes(8, "big") + data


def _unframed(stream: IO[bytes]) -> bytes | None:
    """Read what `_framed` made; None if the stream ends before."""
    size = stream.read(8)
    data = stream.read(int.from_bytes(size, "big"))
    return data if len(size) == 8 and len(data) == int.from_bytes(size, "big") else None


def serve(writing: int) -> None:
    """Be the child: read a job, send its result; end when the parent does.

    Parameters
    ----------
    writing
        File descriptor of the pipe for the result.
    """
    job = _unframed(sys.stdin.buffer)
    if job is None:  # the parent has ended
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function, arguments = pickle.loads(job)
    try:
        outcome = pickle.dumps((function(*arguments), None))
    except Exception as error:  # every one is the parent's to handle
        outcome = pickle.dumps((None, _portable(error)))
    with os.fdopen(writing, "wb") as results:
        results.write(_framed(outcome))


def _portable(error: Exception) -> Exception:
    """Return an error as the parent can raise it; of one that cannot be pickled, what it says."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever the error's class does
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # returns when the parent's end of the pipe is closed
    os._exit(1)
