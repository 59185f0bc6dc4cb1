"""Compare the papers' convolutions as one-dimensional ones with Keras' own two-dimensional ones.

    python -m benchmarks.rows

A training step of four recordings, and predictions for one and for eight; in turn, processor time
per recording, the median of three. Both networks have the same weights. A model that is loaded
predicts Keras' way where it has more filters than `networks.INFERENCE_FILTERS`.

Exit status 1 if anything that the product computes the new way is slower so by a tenth, or outputs
differ by more than 1e-4.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ecg12.models import INFERENCE_FILTERS, ResNet, rows_as_channels
from ecg12.runtime import backend

NETWORKS = (ResNet(8, 7, 2, 8), ResNet(16, 7, 2, 8), ResNet(32, 7, 2, 6), ResNet(64, 7, 2, 6))
TURNS = 3
STEP, TOGETHER = 4, 8  # recordings of a training step, and of a prediction


def pair(network: ResNet) -> dict[str, Any]:
    """Return a network of Keras' own convolutions, and one whose rows are channels."""
    own, fast = network.build(26), network.build(26)
    fast.set_weights(own.get_weights())
    rows_as_channels(fast)
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
    x = rng.standard_normal((TOGETHER, 12, 2500, 1), dtype=np.float32)
    y = (rng.random((STEP, 26)) < 0.1).astype(np.float32)
    for network in NETWORKS:
        models = pair(network)
        forwards = {name: backend.compiled([m], x.shape[1:]) for name, m in models.items()}
        gap = float(np.abs(forwards["own"](x) - forwards["rows"](x)).max())
        predictions = {
            n: {name: lambda f=f, n=n: f(x[:n]) for name, f in forwards.items()}
            for n in (1, TOGETHER)
        }
        tasks = {f"prediction, {n} together": compare(calls, n) for n, calls in predictions.items()}
        for model in models.values():
            model.compile("adam", "binary_crossentropy", **backend.compile_options())
        steps = {name: lambda m=m: m.train_on_batch(x[:STEP], y) for name, m in models.items()}
        tasks["training step"] = compare(steps, STEP)
        for what, taken in tasks.items():
            ratio = taken["own"] / taken["rows"]
            used = what == "training step" or network.k <= INFERENCE_FILTERS
            failed |= (used and not ratio >= 0.9) or not gap <= 1e-4  # nan fails too
            print(f"{network.name}, {what}: {taken['own']:.1f} and {taken['rows']:.1f} ms a "
                  f"recording, {ratio:.2f} times faster; outputs differ by {gap:.1e}")  # fmt: skip
    sys.exit(failed)


if __name__ == "__main__":
    main()
