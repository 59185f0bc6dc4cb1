"""Prediction with Keras and with an exported graph: start-up, memory, throughput, installation.

    python -m benchmarks.start_up [MODEL] [--starts 10]

Without a model, five untrained SEResNet(k=32) at 100 Hz, which cost what trained ones do. `ecg12
predict FILE` runs with both in turns, each time in a fresh process: medians of wall and processor
time, and the largest peak memory. Throughput is that of the networks alone, in this process. From
both follows the number of recordings up to which the graph is faster; `runtime_choice.FEW` must be
below.
"""

import argparse
import importlib.metadata
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement

from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.export import export_model
from ecg12.ensemble.model_folder import load_classifier, save_classifier
from ecg12.ensemble.runtime_choice import FEW
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import SEResNet
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import generate

ROOT = Path(__file__).parent.parent
RUNTIMES = ("onnx", "keras")
EXTRAS = {"onnx": "onnx", "keras": "train"}
BATCHES = (1, 32)
CALLS = 15
PREDICT = """
import sys
from ecg12.cli.main import main

main(["predict", *sys.argv[1:]])
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(peak, file=sys.stderr)
"""


@dataclass(frozen=True)
class Start:
    """One run of a command: seconds of wall and processor time, peak memory in MB."""

    wall: float
    processor: float
    memory: float


def main() -> None:
    """Print the four comparisons; end with status 1 if `FEW` is beyond the break-even."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--starts", type=int, default=10, help="(default %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        model = options.model or _untrained(place / "untrained")
        export_model(model, place / "graph")
        folders = {"keras": model, "onnx": place / "graph"}
        generate(place / "data", 1)
        starts = _starts(folders, place / "data", options.starts)
        costs = {name: _cost(folders[name], name) for name in RUNTIMES}
    for name in RUNTIMES:
        wall, processor = (np.median([getattr(s, f) for s in starts[name]]) for f in
                           ("wall", "processor"))  # fmt: skip
        print(
            f"{name}: start and one recording {wall:.2f} s (fastest "
            f"{min(s.wall for s in starts[name]):.2f}), processor {processor:.2f} s, peak memory "
            f"{max(s.memory for s in starts[name]):.0f} MB; "
            + ", ".join(f"{1e3 * c:.2f} ms each in batches of {b}" for b, c in costs[name].items())
            + f" (processor); installed {_installed(EXTRAS[name]):.0f} MB"
        )
    later = np.median([s.processor for s in starts["keras"]]) - np.median(
        [s.processor for s in starts["onnx"]]
    )
    slower = costs["onnx"][BATCHES[-1]] - costs["keras"][BATCHES[-1]]
    even = later / slower if slower > 0 else float("inf")
    print(f"the graph is faster up to {even:.0f} recordings (FEW is {FEW})")
    sys.exit(bool(even < FEW))


def _untrained(folder: Path) -> Path:
    classes, chain = load_weights(WEIGHTS), Preprocessing(rate=100.0)
    members = []
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        model = SEResNet(k=32).build(len(classes.columns), chain.n_samples)
        thresholds = np.full(len(classes), 0.5)
        members.append(
            Member(f"m{seed}", model, chain, thresholds=thresholds, validation_score=0.0)
        )
    folder.mkdir()
    save_classifier(folder, Classifier(classes, members))
    return folder


def _starts(folders: dict[str, Path], data: Path, n: int) -> dict[str, list[Start]]:
    """Predict one file n times with each runtime, in turns, after one run of each to warm up."""
    found: dict[str, list[Start]] = {name: [] for name in RUNTIMES}
    for turn in range(n + 1):
        for name in RUNTIMES:
            command = [sys.executable, "-c", PREDICT, str(next(data.glob("*.hea")))]
            command += ["--model", str(folders[name]), "--runtime", name]
            one = _timed(command)
            if turn:
                found[name].append(one)
    return found


def _timed(command: list[str]) -> Start:
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(time.perf_counter() - begun, processor, int(done.stderr.split()[-1]) / 1e3)


def _cost(folder: Path, runtime: str) -> dict[int, float]:
    """Return processor seconds of the networks for a recording, by the size of the batch."""
    classifier = load_classifier(folder, runtime)
    rng = np.random.default_rng(0)
    found = {}
    for size in BATCHES:
        inputs = [
            rng.normal(size=(size, len(c.leads), c.n_samples, 1)).astype(np.float32)
            for c in classifier.preprocessings
        ]
        seconds = []
        for _ in range(CALLS + 1):
            begun = time.process_time()
            for group, own in enumerate(inputs):
                classifier.runtime.scores(group, own)
            seconds.append(time.process_time() - begun)
        found[size] = float(np.median(seconds[1:])) / size
    return found


def _installed(extra: str) -> float:
    """Return the size of what the package needs with an extra, in MB as installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    seen: set[tuple[str, str]] = set()
    for text in [*project["dependencies"], *project["optional-dependencies"][extra]]:
        _add_needed(Requirement(text), seen)
    return sum(_size(name) for name in {name for name, _ in seen}) / 1e6


def _size(name: str) -> int:
    paths = [Path(str(file.locate())) for file in importlib.metadata.files(name) or []]
    return sum(path.stat().st_size for path in paths if path.is_file())


def _add_needed(one: Requirement, seen: set[tuple[str, str]]) -> None:
    """Add a distribution, with each of its extras, and all that it needs, as far as installed."""
    name = one.name.lower().replace("_", "-")
    for extra in {"", *one.extras}:
        if (name, extra) in seen or not _is_there(name):
            continue
        seen.add((name, extra))
        for text in importlib.metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                _add_needed(needed, seen)


def _is_there(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()
