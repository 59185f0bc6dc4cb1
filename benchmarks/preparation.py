"""Each stage of reading and preparing a recording, beside the plain chain of wfdb and SciPy.

    python -m benchmarks.preparation [rounds]

A recording of 10 s, 500 Hz and 12 leads. All stages and both chains are timed in turn, on one core;
the best round counts, as others may share the machine.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import butter, medfilt, resample_poly, sosfiltfilt

from benchmarks.timing import in_turn
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import read_header, read_record, write_record
from ecg12.signal.filters import low_pass, resample
from ecg12.signal.preprocessing import Preprocessing, prepare, quantize, standardize_leads
from ecg12.signal.running_median import cascaded_median

CHAIN = Preprocessing()
SUM, PLAIN = "read and prepare", "wfdb and SciPy"


def plain(stem: Path) -> np.ndarray:
    """Prepare as most scripts would: (12, 2500) float64 in mV."""
    signals = wfdb.rdrecord(str(stem)).p_signal.T
    signals = resample_poly(signals, 1, 2, axis=1)
    baseline = medfilt(medfilt(signals, (1, 51)), (1, 151))
    return sosfiltfilt(butter(5, 40, fs=250, output="sos"), signals - baseline, axis=1)


def stages(stem: Path, rows: np.ndarray) -> dict[str, Callable[[], object]]:
    """Return a call of each stage, on what the one before gives; `rows` is what is written to."""
    record = read_record(stem, CHAIN.needed_seconds)
    leads = standardize_leads(record, CHAIN)
    slow = resample(leads, 1, 2)
    order, cutoff = CHAIN.order, CHAIN.cutoff or 0.0
    level = slow - cascaded_median(slow, CHAIN.windows)
    filtered = low_pass(level, cutoff, CHAIN.rate, order=order, zero_phase=True)
    steps = np.zeros((len(LEADS), CHAIN.n_samples), np.int16)

    def write() -> None:
        rows[0] = steps

    return {
        "header": lambda: read_header(stem),
        "header and samples": lambda: read_record(stem, CHAIN.needed_seconds),
        "decode": lambda: standardize_leads(record, CHAIN),
        "resample": lambda: resample(leads, 1, 2),
        "medians": lambda: slow - cascaded_median(slow, CHAIN.windows),
        "low-pass": lambda: low_pass(level, cutoff, CHAIN.rate, order=order, zero_phase=True),
        "scale and round": lambda: quantize(filtered, CHAIN, out=steps),
        "write": write,
        SUM: lambda: prepare(read_record(stem, CHAIN.needed_seconds), CHAIN),
        PLAIN: lambda: plain(stem),
    }


def stage_milliseconds(rounds: int = 21) -> dict[str, float]:
    """Return the processor time of each stage and of both chains, the best of some rounds, ms."""
    noise = np.random.default_rng(0).normal(size=(12, 5000))
    record = Record.from_millivolts("A0001", 0.02 * np.cumsum(noise, axis=1), LEADS, 500)
    with tempfile.TemporaryDirectory() as folder:
        stem = write_record(folder, record).with_suffix("")
        shape = (1, len(LEADS), CHAIN.n_samples)
        path = Path(folder, "signals.npy")
        rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.int16, shape=shape)
        calls = stages(stem, rows)
        times = in_turn(list(calls.values()), rounds)
    return {
        name: 1e3 * float(own.of("processor").min()) for name, own in zip(calls, times, strict=True)
    }


def main(rounds: int) -> None:
    """Print each stage and its share of the whole."""
    found = stage_milliseconds(rounds)
    for name, taken in found.items():
        print(f"{name:20s} {taken:6.2f} ms {taken / found[SUM]:6.0%}")
    print(f"{found[PLAIN] / found[SUM]:.1f} times as fast as the plain chain")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
