"""Time torch-ecg's preprocessing of a folder of WFDB recordings; runs in torch-ecg's environment.

prepare_torch_ecg.py FOLDER ROUNDS

wfdb reads; then torch-ecg's NumPy preprocessors resample to 250 Hz, subtract a baseline of two
median filters (200 and 600 ms), pass up to 40 Hz, normalize: the chain of ecg12 of its parts.
"""

import json
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import torch  # noqa: E402
import wfdb  # noqa: E402
from torch_ecg._preprocessors import PreprocManager  # noqa: E402
from torch_ecg.cfg import CFG  # noqa: E402

CONFIG = CFG(
    random=False,
    resample={"fs": 250},
    baseline_remove={"window1": 0.2, "window2": 0.6},
    bandpass={"lowcut": None, "highcut": 40, "filter_type": "butter", "filter_order": 5},
    normalize={"method": "z-score"},
)


def main(folder: str, rounds: int) -> None:
    """Print wall-clock and processor seconds of each round."""
    torch.set_num_threads(1)
    manager = PreprocManager.from_config(CONFIG)
    stems = [str(path.with_suffix("")) for path in sorted(Path(folder).glob("*.hea"))]
    wall, processor = [], []
    for turn in range(rounds + 1):
        begun, used = time.perf_counter(), time.process_time()
        for stem in stems:
            record = wfdb.rdrecord(stem)
            manager(record.p_signal.T, record.fs)
        if turn:  # the first warms up
            wall.append(time.perf_counter() - begun)
            processor.append(time.process_time() - used)
    print(json.dumps({"wall": wall, "processor": processor}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
