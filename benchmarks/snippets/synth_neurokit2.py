"""Time neurokit2's 12-lead simulation; runs in neurokit2's environment.

synth_neurokit2.py N ROUNDS
"""

import json
import sys
import time
import warnings

warnings.simplefilter("ignore")

import neurokit2  # noqa: E402


def main(n: int, rounds: int) -> None:
    """Print wall-clock and processor seconds of each round of n recordings."""
    wall, processor = [], []
    for turn in range(rounds + 1):
        begun, used = time.perf_counter(), time.process_time()
        for seed in range(n):
            neurokit2.ecg_simulate(
                duration=10, sampling_rate=500, method="multileads", random_state=seed
            )
        if turn:  # the first warms up
            wall.append(time.perf_counter() - begun)
            processor.append(time.process_time() - used)
    print(json.dumps({"wall": wall, "processor": processor}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
