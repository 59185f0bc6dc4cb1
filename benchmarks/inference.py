"""Inference with the five-member submission ensemble: what the code around the networks costs.

    python -m benchmarks.inference [RECORDINGS]

Compares, interleaved in one run, `run_model` with the members' bare compiled calls (at most 1.1 ×)
and the driver on a folder with `load_model` and `run_model` in a loop, as the official drivers do
(at least 1.2 × faster per recording). The
networks have their untrained weights, which cost the same.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from ecg12.data.dataset import dequantize
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_folder import save_classifier
from ecg12.inference.challenge import drive
from ecg12.inference.model import Model
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.wfdb import find_records, read_record
from ecg12.models import TABLE_2
from ecg12.runtime.backend import compiled
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import generate
from team_code import load_model, run_model

SINGLES = 12  # recordings for the comparison with the bare calls


def main() -> None:
    """Print both ratios; exit with status 1 if one is missed."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "data", n)
        (folder / "model").mkdir()
        save_classifier(folder / "model", _ensemble())
        model = load_model(str(folder / "model"))
        stems = find_records(folder / "data")
        ratio = _against_bare_calls(model, stems[:SINGLES])
        print(f"run_model / bare compiled calls: {ratio:.2f} (at most 1.1)")
        begun = time.perf_counter()
        model = load_model(str(folder / "model"))
        for stem in stems:
            run_model(model, *_harness(stem))
        loop = (time.perf_counter() - begun) / n
        begun = time.perf_counter()
        drive(folder / "model", folder / "data", folder / "out")
        driver = (time.perf_counter() - begun) / n
        print(f"run_model in a loop {1e3 * loop:.0f} ms, driver {1e3 * driver:.0f} ms a recording")
        print(f"loop / driver, both with loading: {loop / driver:.2f} (at least 1.2)")
    sys.exit(ratio > 1.1 or loop / driver < 1.2)


def _ensemble() -> Classifier:
    classes = load_weights(WEIGHTS)
    thresholds = np.full(len(classes), 0.5)
    members = [
        Member(
            f"m{i}",
            network.build(len(classes.columns)),
            Preprocessing(),
            thresholds=thresholds,
            validation_score=0.5,
        )
        for i, network in enumerate(TABLE_2[3:])
    ]
    return Classifier(classes, members)


def _harness(stem: Path) -> tuple[str, np.ndarray]:
    """Read a recording as the official driver of 2021 does."""
    return stem.with_suffix(".hea").read_text(), loadmat(stem.with_suffix(".mat"))["val"]


def _against_bare_calls(model: Model, stems: list[Path]) -> float:
    calls = [compiled([member.model], (12, 2500, 1)) for member in model.classifier.members]
    whole: list[float] = []
    bare: list[float] = []
    for number, stem in enumerate(stems):
        header, recording = _harness(stem)
        inputs = dequantize(
            np.concatenate(model.classifier.prepare(read_record(stem))), Preprocessing().step
        )
        tasks = [
            (whole, lambda h=header, r=recording: run_model(model, h, r)),
            (bare, lambda x=inputs: [call(x) for call in calls]),
        ]
        for seconds, task in tasks if number % 2 else tasks[::-1]:
            begun = time.perf_counter()
            task()
            seconds.append(time.perf_counter() - begun)
    whole, bare = whole[2:], bare[2:]  # the first calls compile
    print(f"run_model {1e3 * np.median(whole):.0f} ms, bare calls {1e3 * np.median(bare):.0f} ms")
    return float(np.median(whole) / np.median(bare))


if __name__ == "__main__":
    main()
