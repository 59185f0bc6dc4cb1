"""Compare what a prediction costs under the recipes `submission` and `mcircc`.

    python -m benchmarks.recipes

Untrained ensembles of the five cheapest networks of each recipe predict prepared recordings, one at
a time and 32 together; processor time per recording, the median of seven calls.

Exit status 1 if `submission` costs more.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from ecg12.models import INFERENCE_FILTERS, rows_as_channels
from ecg12.runtime import backend
from ecg12.training.recipes import get_recipe

SHAPE, CALLS, BATCH = (12, 2500, 1), 7, 32


def ensemble(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Build the five cheapest networks of a recipe; print their cost."""
    networks = sorted(get_recipe(name).networks, key=lambda network: network.gflop())[:5]
    print(f"{name}: {sum(network.gflop() for network in networks):.3g} GFLOP a recording")
    models = [network.build(26) for network in networks]
    for model in models:
        rows_as_channels(model, INFERENCE_FILTERS)  # as a classifier does
    return backend.compiled(models, SHAPE)


def milliseconds(forward: Callable[[np.ndarray], np.ndarray], n: int) -> float:
    """Return the processor time per recording, n recordings together, in ms."""
    x = np.random.default_rng(0).standard_normal((n, *SHAPE), dtype=np.float32)
    forward(x)  # compiles
    taken = []
    for _ in range(CALLS):
        begun = time.process_time()
        forward(x)
        taken.append(1e3 * (time.process_time() - begun) / n)
    return float(np.median(taken))


def main() -> None:
    """Print the table."""
    forwards = {name: ensemble(name) for name in ("submission", "mcircc")}
    cost = {}
    for n in (1, BATCH):
        for name, forward in forwards.items():
            cost[name] = milliseconds(forward, n)
            print(f"{name}, {n} together: {cost[name]:.1f} ms of processor time a recording")
    sys.exit(cost["submission"] > cost["mcircc"])


if __name__ == "__main__":
    main()
