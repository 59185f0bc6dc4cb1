"""Time reading and preparing one recording against the plain way to do it.

    python -m benchmarks.preparation [rounds]

A 10 s, 500 Hz, 12-lead recording is written to a temporary folder. The plain way is
wfdb.rdrecord, scipy.signal.resample_poly, two 2-D scipy.signal.medfilt calls and sosfiltfilt. Both
run alternately in one process, and medians are compared. Exit status 1 if the ratio is below 8; 13
was seen on two cores of a shared machine.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import butter, medfilt, resample_poly, sosfiltfilt

from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import read_record, write_record
from ecg12.signal.preprocessing import Preprocessing, prepare

REQUIRED = 8.0
PREPROCESSING = Preprocessing()


def plain(stem: Path) -> np.ndarray:
    """Prepare as most scripts would: (12, 2500) float64 in mV."""
    signals = wfdb.rdrecord(str(stem)).p_signal.T
    signals = resample_poly(signals, 1, 2, axis=1)
    baseline = medfilt(medfilt(signals, (1, 51)), (1, 151))
    return sosfiltfilt(butter(5, 40, fs=250, output="sos"), signals - baseline, axis=1)


def ours(stem: Path) -> np.ndarray:
    """Prepare as training and inference do: (12, 2500) int16."""
    return prepare(read_record(stem, PREPROCESSING.needed_seconds), PREPROCESSING)


def milliseconds(function: Callable[[Path], np.ndarray], stem: Path) -> float:
    """Time one call, ms."""
    start = time.perf_counter()
    function(stem)
    return 1e3 * (time.perf_counter() - start)


def main(rounds: int) -> int:
    """Print both times and their ratio; return the exit status."""
    noise = np.random.default_rng(0).normal(size=(12, 5000))
    record = Record.from_millivolts("A0001", 0.02 * np.cumsum(noise, axis=1), LEADS, 500)
    with tempfile.TemporaryDirectory() as folder:
        stem = write_record(folder, record).with_suffix("")
        plain(stem), ours(stem)  # imports and filter design stay out of the times
        pairs = [(milliseconds(plain, stem), milliseconds(ours, stem)) for _ in range(rounds)]
    slow, fast = np.median(pairs, axis=0)
    print(f"plain {slow:.2f} ms, ecg12 {fast:.2f} ms: {slow / fast:.1f} x (required: {REQUIRED:g})")
    return 0 if slow / fast >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 21))
