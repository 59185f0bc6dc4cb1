"""What runs the networks: start-up, seeds, which device, what a network too large raises."""

from ecg12.runtime.backend.quiet import BACKEND, keras
from ecg12.runtime.backend.sharing import devices_asked, replicas, share


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

    Raises
    ------
    InputError
        If `ECG12_DEVICES` asks for devices that there are not; see `share`.
    """
    share(devices_asked())
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
    import jax

    return [device.device_kind for device in jax.devices() if device.platform != "cpu"]


def device() -> str:
    """Name the backend and the device it uses, such as ``"tensorflow on CPU (no usable GPU)"``."""
    divided = f"; each batch divided among {replicas()} devices" if replicas() > 1 else ""
    return f"{BACKEND} on {', '.join(gpus()) or 'CPU (no usable GPU)'}{divided}"


def refusals() -> tuple[type[Exception], ...]:
    """Return the errors by which a network that is too large, or no network, shows itself.

    Files that cannot be read or written are none of them: they say nothing about the network.
    """
    own: tuple[type[Exception], ...] = ()
    if BACKEND == "tensorflow":
        import tensorflow

        own = (tensorflow.errors.OpError,)
    return (MemoryError, ArithmeticError, ValueError, RuntimeError, *own)
