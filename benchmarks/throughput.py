"""Train the networks of Table 2 in float32 and in mixed precision: speed, and equal losses.

    KERAS_BACKEND=jax python -m benchmarks.throughput [--peak 67 --mixed-peak 990]
    python -m benchmarks.throughput --batch 8 --steps 3 --networks 1     # on a CPU, minutes

Each network is trained on the same synthetic recordings, in the same order and from the same
weights, once in each precision: recordings per second after the first steps (which compile), the
floating point operations that this takes (three times a forward pass), as a share of the peak if it
is given in TFLOP/s, and the largest difference between the two curves of the loss.

Exit status 1 if the curves differ by more than `--tolerance`, relative to the loss.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ecg12.data.dataset import prepare_folder
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import TABLE_2, ResNet, rows_as_channels
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import generate

PRECISIONS = ("float32", "mixed_bfloat16")
WARM_UP = 2  # steps that are not timed
CLASSES = load_weights(WEIGHTS)


def recordings(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, (n, 12, 2500, 1) float32, and targets of synthetic recordings."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "data", n, workers=2)
        dataset = prepare_folder(Path(folder) / "data", folder, Preprocessing(), CLASSES)
        return dataset.inputs(np.arange(n)), CLASSES.expand(dataset.targets).astype(np.float32)


def train(
    network: ResNet, precision: str, steps: int, batch: int, data: tuple[np.ndarray, np.ndarray]
) -> tuple[float, np.ndarray]:
    """Train for some steps; return recordings per second and the loss of each step."""
    keras.mixed_precision.set_dtype_policy(precision)
    print(f"{network.name}, {precision}: {backend.start(0)}", file=sys.stderr)
    model = network.build(len(CLASSES.columns))
    rows_as_channels(model)  # as a trainer does; on a GPU nothing
    model.compile("adam", "binary_crossentropy", **backend.compile_options())
    losses, begun = [], 0.0
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            begun = time.monotonic()
        rows = (np.arange(batch) + step * batch) % len(data[0])
        losses.append(backend.train_on_batch(model, data[0][rows], data[1][rows]))
    seconds = time.monotonic() - begun
    keras.mixed_precision.set_dtype_policy("float32")
    return steps * batch / seconds, np.array(losses)


def main() -> None:
    """Print a row per network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=128, help="(default %(default)s)")
    parser.add_argument("--steps", type=int, default=30, help="timed (default %(default)s)")
    parser.add_argument("--networks", type=int, default=len(TABLE_2), help="the first so many")
    parser.add_argument("--peak", type=float, help="TFLOP/s of the device in float32")
    parser.add_argument("--mixed-peak", type=float, help="TFLOP/s of the device in bfloat16")
    parser.add_argument("--tolerance", type=float, default=0.05, help="(default %(default)s)")
    options = parser.parse_args()
    peaks = dict(zip(PRECISIONS, (options.peak, options.mixed_peak), strict=True))
    data, failed = recordings(4 * options.batch), False
    print(f"batches of {options.batch}, {options.steps} steps; {backend.device()}")
    for network in dict.fromkeys(TABLE_2[: options.networks]):
        row, curves = f"{network.name:22} {network.gflop():5.1f} GFLOP", []
        for precision in PRECISIONS:
            rate, losses = train(network, precision, options.steps, options.batch, data)
            reached = 3 * network.gflop() * rate / 1e3
            peak = peaks[precision]
            share = f" ({reached / peak:.0%} of peak)" if peak else ""
            row += f"   {precision}: {rate:.1f} rec/s, {reached:.3g} TFLOP/s{share}"
            curves.append(losses)
        gap = float(np.max(np.abs(curves[1] - curves[0]) / curves[0]))
        failed |= not gap <= options.tolerance  # nan fails too
        print(f"{row}   loss {curves[0][-1]:.4f}, {curves[1][-1]:.4f}, at most {gap:.1%} apart")
    sys.exit(failed)


if __name__ == "__main__":
    main()
