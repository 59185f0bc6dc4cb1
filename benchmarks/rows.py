"""Compare the papers' convolutions as one-dimensional ones with Keras' own two-dimensional ones.

    python -m benchmarks.rows

A training step of 16 recordings and an answer to 32, in turn, processor time per recording, the
median of three. Keras' own are those of a copy of the network, with the same weights.

Exit status 1 if any network is slower the new way, or their answers differ by more than 1e-4.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ecg12 import backend
from ecg12.backend import keras
from ecg12.networks import ResNet

NETWORKS = (ResNet(8, 7, 2, 8), ResNet(16, 7, 2, 8), ResNet(32, 7, 2, 6))
TURNS = 3


def pair(network: ResNet) -> dict[str, Any]:
    """Return a network of Keras' own convolutions, and the product's, with the same weights."""
    fast = network.build(26)
    own = keras.models.clone_model(fast)
    own.set_weights(fast.get_weights())
    return {"own": own, "rows": fast}


def compare(calls: dict[str, Callable[[], Any]], n: int) -> dict[str, float]:
    """Return the processor time of each call in ms per recording."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # compiles
    for _ in range(TURNS):
        for name, call in calls.items():
            begun = time.process_time()
            call()
            taken[name].append(1e3 * (time.process_time() - begun) / n)
    return {name: float(np.median(values)) for name, values in taken.items()}


def main() -> None:
    """Print a row per network."""
    rng, failed = np.random.default_rng(0), False
    x = rng.standard_normal((32, 12, 2500, 1), dtype=np.float32)
    y = (rng.random((16, 26)) < 0.1).astype(np.float32)
    for network in NETWORKS:
        models = pair(network)
        forwards = {name: backend.compiled([m], x.shape[1:]) for name, m in models.items()}
        gap = float(np.abs(forwards["own"](x) - forwards["rows"](x)).max())
        answers = compare({name: lambda f=f: f(x) for name, f in forwards.items()}, 32)
        for model in models.values():
            model.compile("adam", "binary_crossentropy", **backend.compile_options())
        steps = compare(
            {name: lambda m=m: m.train_on_batch(x[:16], y) for name, m in models.items()}, 16
        )
        for what, taken in (("answer", answers), ("training step", steps)):
            ratio = taken["own"] / taken["rows"]
            failed |= ratio < 1 or gap > 1e-4
            print(f"{network.name}, {what}: {taken['own']:.1f} and {taken['rows']:.1f} ms a "
                  f"recording, {ratio:.2f} times faster; answers differ by {gap:.1e}")  # fmt: skip
    sys.exit(failed)


if __name__ == "__main__":
    main()
