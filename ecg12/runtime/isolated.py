"""Run a function as the only one of a process, and survive the end of that process.

A Dask worker's event loop draws from Python's random generator whenever it likes, so that a seed
set in one of its threads decides nothing. In a process of its own, a job has the seeds, the
memory and the device for itself, and if it is killed, the worker lives on.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, cast

from ecg12.runtime.errors import InputError

MOST_DEATHS = 5  # of the same job
CHILD = "import sys; from ecg12.runtime.isolated import serve; serve(int(sys.argv[1]))"


def isolated(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return ``function(*arguments)``, called in a new process; killed, it is called again.

    The process ends when this one does, however that ends. An exception is raised here.

    Raises
    ------
    InputError
        If the process was killed `MOST_DEATHS` times.
    """
    job = pickle.dumps((function, arguments))
    for _ in range(MOST_DEATHS):
        answer = _asked(job)
        if answer:
            result, error = pickle.loads(answer)
            if error is not None:
                raise error
            return result
    raise InputError(f"{function.__name__}: its process was killed {MOST_DEATHS} times")


def _asked(job: bytes) -> bytes:
    """Return what a child answers, or nothing if it dies before."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", CHILD, str(writing)]
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, pass_fds=(writing,), env=os.environ | paths
    ) as child:
        os.close(writing)
        jobs = cast(IO[bytes], child.stdin)
        jobs.write(len(job).to_bytes(8, "big") + job)
        jobs.flush()
        with os.fdopen(reading, "rb") as answers:
            return answers.read()


def serve(writing: int) -> None:
    """Be the child: read a job, answer it; end when the parent does."""
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    job = sys.stdin.buffer.read(size)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function, arguments = pickle.loads(job)
    try:
        answer = pickle.dumps((function(*arguments), None))
    except Exception as error:  # every one is the parent's to handle
        answer = pickle.dumps((None, error))
    with os.fdopen(writing, "wb") as answers:
        answers.write(answer)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # returns when the parent's end of the pipe is closed
    os._exit(1)
