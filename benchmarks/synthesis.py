"""Time the drawing of synthetic recordings and its core against the plain way to do it.

    python -m benchmarks.synthesis [n]

Prints how many recordings (10 s, 500 Hz, noise and filters included) one core draws per second of
processor time, the measurement of labels and all discarded draws included; and how much faster
Gaussians are summed where they matter than over the whole recording, as ECGSYN-like scripts do.
Exit status 1 if that ratio is below 5. Seen on two cores of a busy machine, which slows processor
time too: 99 to 133 recordings per second.
"""

import sys
import time

import numpy as np

from ecg12.synthetic import recording
from ecg12.synthetic.dipole import render

REQUIRED = 5.0
RATE, SECONDS = 500.0, 10.0


def plain(waves: np.ndarray) -> np.ndarray:
    """Evaluate every Gaussian at every sample: (3, n_samples)."""
    times = np.arange(round(RATE * SECONDS)) / RATE
    dipole = np.zeros((3, len(times)))
    for centre, width, *vector in waves:
        shape = np.exp(-0.5 * ((times - centre) / width) ** 2)
        dipole += np.array(vector)[:, None] * shape
    return dipole


def milliseconds(function, *arguments) -> float:
    """Time one call, ms."""
    start = time.perf_counter()
    function(*arguments)
    return 1e3 * (time.perf_counter() - start)


def main(n: int) -> int:
    """Print both figures; return the exit status."""
    start = time.process_time()
    for index in range(n):
        recording(0, index)
    print(f"{n / (time.process_time() - start):.0f} recordings per second and core")
    rng = np.random.default_rng(0)
    waves = np.column_stack([
        rng.uniform(0, SECONDS, 200), rng.uniform(0.006, 0.04, 200), rng.normal(size=(200, 3))
    ])  # fmt: skip
    whole = round(RATE * SECONDS)
    pairs = [(milliseconds(plain, waves), milliseconds(render, waves, RATE, whole))
             for _ in range(30)]  # fmt: skip
    slow, fast = np.median(pairs, axis=0)
    print(f"plain {slow:.2f} ms, ecg12 {fast:.2f} ms: {slow / fast:.1f} x (required: {REQUIRED:g})")
    return 0 if slow / fast >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
