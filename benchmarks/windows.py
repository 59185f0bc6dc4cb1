"""Windows of a long recording against the networks alone: how much of their speed is left.

    python -m benchmarks.windows [--hours 1] [--rate 500]

The networks alone predict batches that are prepared and in memory. Windows are read from WFDB of
format 16, prepared and assessed, and predicted; both by the same networks, in turn, in one process.
Two ensembles: that of the package (three networks of 100 Hz), and five untrained ones of the
default recipe, `submission`, which take longer. Processor time tells more than wall-clock time
where others share the machine: the share is that of the networks in all that windows take.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import ecg12
from ecg12.ensemble.classifier import BATCH, Classifier, Member
from ecg12.inference.model import Model
from ecg12.inference.windows import Windows
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.formats import open_any
from stress.long import write

EVERY = 10.0  # s
REPEATS = 3


def larger() -> Model:
    """Return an ensemble of untrained networks of the recipe `submission`."""
    from ecg12.training.recipes import get_recipe

    recipe, classes = get_recipe("submission"), load_weights(WEIGHTS)
    chain = recipe.preprocessing
    networks = recipe.networks[: recipe.keep]
    members = [
        Member(
            str(i), network.build(len(classes.columns), chain.n_samples), chain,
            thresholds=np.full(len(classes), 0.5), validation_score=0.5,
        )
        for i, network in enumerate(networks)
    ]  # fmt: skip
    return Model(Classifier(classes, members))


def timed(work: Callable[[], int]) -> tuple[float, float]:
    """Return windows per second, and ms of processor time per window."""
    begun, used = time.perf_counter(), time.process_time()
    n = work()
    return n / (time.perf_counter() - begun), 1e3 * (time.process_time() - used) / n


def compare(name: str, model: Model, path: Path) -> None:
    """Print windows per second with and without reading and preparing, the best of some runs."""
    record = open_any(path)
    n = len(Windows.of(model.classifier, record, EVERY))
    each = round(EVERY * record.rate)
    prepared = [model.classifier.prepare(record.read(each * i, each)) for i in range(BATCH)]

    def networks() -> int:
        for _ in range(n // BATCH):
            model.classifier.predict(prepared)
        return n // BATCH * BATCH

    def windows() -> int:
        return sum(1 for _ in model.predict_windows(path, every=EVERY))

    networks()
    runs = [(timed(networks), timed(windows)) for _ in range(REPEATS)]
    alone = max(speed for (speed, _), _ in runs)
    whole = max(speed for _, (speed, _) in runs)
    used = min(ms for (_, ms), _ in runs), min(ms for _, (_, ms) in runs)
    print(
        f"{name}, {model.classifier.runtime}: networks alone {alone:.0f} windows/s, windows "
        f"{whole:.0f}/s: {whole / alone:.0%}, {EVERY * whole:.0f} times real time; of processor "
        f"{used[0]:.1f} and {used[1]:.1f} ms a window, share {used[0] / used[1]:.0%}",
        flush=True,
    )


def main() -> None:
    """Write a recording and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rate", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = write(Path(place), "wfdb", options.hours, options.rate)
        for runtime in ("onnx", "keras"):
            compare("the package's model", ecg12.load_model(runtime=runtime), path)
        compare("submission", larger(), path)


if __name__ == "__main__":
    main()
