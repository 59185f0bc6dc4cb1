"""The one place that knows which Keras backend runs: start-up, devices, steps, compiled inference.

All other code calls Keras only, not its backend. Import this module before `keras` itself: it
silences TensorFlow's start-up log and stops it from claiming all of a GPU's memory.
"""

from ecg12.runtime.backend.calls import compile_options, compiled, compiled_each, train_on_batch
from ecg12.runtime.backend.device import device, gpus, refusals, start
from ecg12.runtime.backend.quiet import BACKEND, absent, keras, stderr_without
from ecg12.runtime.backend.sharing import identity, replicas, share

__all__ = [
    "BACKEND",
    "absent",
    "compile_options",
    "compiled",
    "compiled_each",
    "device",
    "gpus",
    "identity",
    "keras",
    "refusals",
    "replicas",
    "share",
    "start",
    "stderr_without",
    "train_on_batch",
]
