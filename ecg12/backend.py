"""The one place that knows which Keras backend runs: start-up, device, compiled inference.

Everything above calls Keras alone. Import this module before `keras` itself: it silences
TensorFlow's start-up log and stops it from claiming all of a GPU's memory.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import IO, Any, cast

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

# The severities that each TF_CPP_MIN_LOG_LEVEL leaves out: information, warnings, errors.
LEFT_OUT = {"1": "I", "2": "IW", "3": "IWE"}
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
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        os.dup2(cast(IO[bytes], process.stdin).fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)


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


def import_keras() -> Any:
    """Import Keras and its backend, at `TF_CPP_MIN_LOG_LEVEL` from the first line on.

    TensorFlow reads that level only after its libraries have told what they found: oneDNN, CUDA.
    Keras would also load Matplotlib, for image galleries: a second more, and a font cache that is
    written into the home folder. An import that fails raises as ever.
    """
    severities = LEFT_OUT.get(os.environ["TF_CPP_MIN_LOG_LEVEL"])
    early = rf"[{severities}]\d{{4}} \d\d:|WARNING: All log messages before absl::InitializeLog"
    quiet = stderr_without(early) if severities and sys.stderr else nullcontext()
    with quiet, absent("matplotlib"):
        import keras
    return keras


keras = import_keras()
# TensorFlow warns of every further compiled function; one per network is meant here.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
BACKEND = keras.backend.backend()


def start(seed: int) -> str:
    """Seed every generator, ask for deterministic kernels, and say which device will be used.

    Parameters
    ----------
    seed
        Seeds Python, NumPy and the backend.

    Returns
    -------
    str
        One line for the log, such as ``"tensorflow on CPU (no usable GPU)"``.
    """
    keras.utils.set_random_seed(seed)
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    return device()


def gpus() -> list[str]:
    """Name the GPUs that the backend can use."""
    if BACKEND == "tensorflow":
        import tensorflow

        return [
            tensorflow.config.experimental.get_device_details(gpu).get("device_name", "GPU")
            for gpu in tensorflow.config.list_physical_devices("GPU")
        ]
    if BACKEND == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    return []


def device() -> str:
    """Name the backend and the device it uses, such as ``"tensorflow on CPU (no usable GPU)"``."""
    return f"{BACKEND} on {', '.join(gpus()) or 'CPU (no usable GPU)'}"


def refusals() -> tuple[type[Exception], ...]:
    """Return the errors by which a network that is too large, or no network, shows itself.

    Files that cannot be read or written are none of them: they say nothing about the network.
    """
    own: tuple[type[Exception], ...] = ()
    if BACKEND == "tensorflow":
        import tensorflow

        own = (tensorflow.errors.OpError,)
    return (MemoryError, ArithmeticError, ValueError, RuntimeError, *own)


def compile_options() -> dict[str, bool]:
    """Return the options of `Model.compile` that suit the backend.

    XLA slows TensorFlow's convolutions on a CPU two- to threefold; JAX needs it.
    """
    return {"jit_compile": BACKEND == "jax"}


def compiled(models: Sequence[Any], shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """Compile the forward passes of several models on the same input into one call.

    Parameters
    ----------
    models
        Keras models of equal input shape.
    shape
        Shape of one input, without the batch.

    Returns
    -------
    callable
        (n, *shape) float32 → (n_models, n, n_outputs) float32.
    """
    if BACKEND == "tensorflow":
        import tensorflow

        signature = tensorflow.TensorSpec((None, *shape), tensorflow.float32)

        @tensorflow.function(input_signature=[signature])
        def call(x: Any) -> list[Any]:
            return [model(x, training=False) for model in models]

    elif BACKEND == "jax":
        import jax

        @jax.jit
        def forward(states: list[Any], x: Any) -> list[Any]:
            pairs = zip(models, states, strict=True)
            return [model.stateless_call(*state, x, training=False)[0] for model, state in pairs]

        def call(x: Any) -> list[Any]:  # weights are arguments: a closure would freeze them
            return forward([_state(model) for model in models], x)

    else:

        def call(x: Any) -> list[Any]:
            return [model(x, training=False) for model in models]

    return lambda x: np.stack([keras.ops.convert_to_numpy(y) for y in call(x)])


def _state(model: Any) -> tuple[list[Any], list[Any]]:
    return (
        [variable.value for variable in model.trainable_variables],
        [variable.value for variable in model.non_trainable_variables],
    )
