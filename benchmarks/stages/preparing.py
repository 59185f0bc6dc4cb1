"""Reading and preparing a recording, on one core: against plain SciPy, and torch-ecg."""

from pathlib import Path

import numpy as np
import wfdb
from scipy.signal import butter, medfilt, resample_poly, sosfiltfilt

from benchmarks.environments import in_rounds
from benchmarks.recordings import write_linked
from benchmarks.results import Result
from benchmarks.setting import Setting, SkippedError
from benchmarks.timing import Times, in_turn
from ecg12.io.wfdb import read_record
from ecg12.signal.preprocessing import Preprocessing, prepare

PREPROCESSING = Preprocessing()
TARGET = 2.5e-3  # s


def plain(stem: Path) -> np.ndarray:
    """Prepare as most scripts would: (12, 2500) float64 in mV."""
    signals = wfdb.rdrecord(str(stem)).p_signal.T
    signals = resample_poly(signals, 1, 2, axis=1)
    baseline = medfilt(medfilt(signals, (1, 51)), (1, 151))
    return sosfiltfilt(butter(5, 40, fs=250, output="sos"), signals - baseline, axis=1)


def ours(stem: Path) -> np.ndarray:
    """Prepare as training and inference do: (12, 2500) int16."""
    return prepare(read_record(stem, PREPROCESSING.needed_seconds), PREPROCESSING)


def measure(setting: Setting) -> list[Result]:
    """Compare on a few synthetic recordings."""
    n = setting.size(32, 2)
    stems = write_linked(setting.work / "prepare", n, n)

    def all_ours() -> None:
        for stem in stems:
            ours(stem)

    def all_plain() -> None:
        for stem in stems:
            plain(stem)

    times = [one.per(n) for one in in_turn([all_ours, all_plain], setting.rounds)]
    target = Times.constant(TARGET, setting.rounds)
    found = [
        Result(key="prepare: plain", ours=times[0], other=times[1]),
        Result(key="prepare: target", ours=times[0], other=target),
    ]
    try:
        pair = in_rounds(
            setting, "torch-ecg", "prepare_torch_ecg", [str(stems[0].parent)], all_ours
        )
    except SkippedError as why:
        return [*found, Result(key="prepare: torch-ecg", skipped=str(why))]
    return [*found, Result(key="prepare: torch-ecg", ours=pair[0].per(n), other=pair[1].per(n))]
