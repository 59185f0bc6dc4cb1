"""Import Keras and its backend without their start-up talk."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from typing import IO, Any, cast

from ecg12.runtime.errors import InputError

BACKENDS = ("tensorflow", "jax")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

# The severities that each TF_CPP_MIN_LOG_LEVEL leaves out: information, warnings, errors.
LEFT_OUT = {"1": "I", "2": "IW", "3": "IWE"}
LAST_WORDS = 10.0  # s that the filter may take for what was written
FILTER = """
import re, sys
for line in sys.stdin.buffer:
    if not re.match(sys.argv[1].encode(), line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


@contextmanager
def stderr_without(pattern: str) -> Iterator[None]:
    """Leave out the lines that match `pattern` of what the block writes to file descriptor 2.

    The filter is another process, so that it works while a library holds this one, and still shows
    the last words of a library that ends it.
    """
    sys.stderr.flush()
    command = [sys.executable, "-IS", "-c", FILTER, pattern]
    original = os.dup(2)
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    pipe = cast(IO[bytes], process.stdin)
    os.dup2(pipe.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(original, 2)
        os.close(original)
        pipe.close()
        with suppress(subprocess.TimeoutExpired):  # a process that the block began writes on
            process.wait(LAST_WORDS)


@contextmanager
def absent(module: str) -> Iterator[None]:
    """Let the block's imports find `module` not installed, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # Python's own mark for "not to be found"
    try:
        yield
    finally:
        del sys.modules[module]


def check_backend(name: str) -> None:
    """Refuse a backend that is not served or not installed."""
    if name not in BACKENDS:
        raise InputError(f"KERAS_BACKEND={name!r}; choices: {', '.join(BACKENDS)}")
    for module in ("keras", name):
        if find_spec(module) is None:
            extra = "train" if name == "tensorflow" else name
            raise InputError(
                f"networks need {module} (KERAS_BACKEND={name}); the extra {extra!r} installs it: "
                f"pip install 'ecg12[{extra}]'"
            )


def import_keras() -> Any:
    """Import Keras and its backend, at `TF_CPP_MIN_LOG_LEVEL` from the first line on.

    TensorFlow reads that level only after its libraries have logged what they found: oneDNN, CUDA.
    Keras would also load Matplotlib, for image galleries: a second more, and a font cache that is
    written into the home folder. An import that fails raises as ever.
    """
    severities = LEFT_OUT.get(os.environ["TF_CPP_MIN_LOG_LEVEL"])
    early = rf"[{severities}]\d{{4}} \d\d:|WARNING: All log messages before absl::InitializeLog"
    quiet = stderr_without(early) if severities and sys.stderr else nullcontext()
    with quiet, absent("matplotlib"):
        import keras
    return keras


check_backend(os.environ["KERAS_BACKEND"])
keras = import_keras()
# TensorFlow warns of every further compiled function; one per network is meant here.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
BACKEND = keras.backend.backend()
