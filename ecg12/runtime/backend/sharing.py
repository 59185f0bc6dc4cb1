"""One network on several devices: each batch is divided among them, the weights are on all.

Only through what Keras documents for it, `keras.distribution.DataParallel`, which needs JAX.
Losses, gradients and batch normalisation are those of the whole batch, so the result is that of one
device to rounding, wherever the devices divide the batch.
"""

from typing import Any

import numpy as np

from ecg12.runtime.backend.quiet import BACKEND, keras
from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import DEVICES, Settings


def devices_asked() -> int:
    """Return the number of devices that the setting asks for, 1 by default.

    Raises
    ------
    InputError
        If it is no whole number from 1 on.
    """
    return Settings.from_env().devices


def share(n: int) -> None:
    """Divide each batch among n devices from now on; 1 is the backend's own way.

    Networks that were built before stay where they are.

    Raises
    ------
    InputError
        If there are not so many devices, or the backend is not JAX.
    """
    if n == 1:
        keras.distribution.set_distribution(None)
        return
    if BACKEND != "jax":
        raise InputError(
            f"{DEVICES}={n} with the backend {BACKEND}: Keras divides batches only with "
            "KERAS_BACKEND=jax"
        )
    known = keras.distribution.list_devices()
    if n > len(known):
        raise InputError(f"{DEVICES}={n}, but JAX sees {len(known)}: {', '.join(known)}")
    parallel = keras.distribution.DataParallel(devices=known[:n], auto_shard_dataset=False)
    keras.distribution.set_distribution(parallel)


def replicas() -> int:
    """Return among how many devices each batch is divided."""
    distribution = keras.distribution.distribution()
    return int(distribution.device_mesh.devices.size) if distribution else 1


def identity() -> str:
    """Name all of the backend that decides what a training becomes."""
    n = devices_asked()  # not `replicas`: before `start`, or in a new process, that is still one
    return BACKEND if n == 1 else f"{BACKEND} on {n} devices"


def filled_up(n: int) -> np.ndarray:
    """Return n places, filled up by repetition to as many as the devices can divide."""
    return np.arange(-(-n // replicas()) * replicas()) % n


def on_devices(x: np.ndarray) -> Any:
    """Lay out an array whose length the devices divide, a share on each."""
    import jax

    layout = keras.distribution.distribution().get_data_layout(x.shape)
    return jax.device_put(x, layout.backend_layout)
