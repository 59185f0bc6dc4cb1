"""Commands as a user starts them: check, report, crossval, synth, beside plain ways."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np

from benchmarks.environments import in_rounds
from benchmarks.recordings import DISTINCT, write_case, write_linked
from benchmarks.results import Result
from benchmarks.setting import ROOT, Setting, SkippedError
from benchmarks.timing import Times, in_turn, run
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics import read_folders
from ecg12.synthetic import generate, recording
from ecg12.synthetic.dipole import render

REPLICATES = 2000  # of the report's bootstrap
LIMIT = 60.0  # s of processor time that the report may take
RATE, SECONDS = 500.0, 10.0
QUIET = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "ECG12_RECIPE": "smoke", "ECG12_PRETRAINED": ""}


def ecg12(*arguments: object) -> None:
    """Run a command of the package in a process of its own."""
    run([sys.executable, "-m", "ecg12", *map(str, arguments)], cwd=ROOT, env=QUIET)


def measure(setting: Setting) -> list[Result]:
    """Compare command after command."""
    return [*_check(setting), *_report(setting), _crossval(setting), *_synth(setting)]


def _check(setting: Setting) -> list[Result]:
    """Compare the audit with a script by wfdb, and with no more than reading and judging."""
    n = setting.size(2000, 24)
    data = write_linked(setting.work / "check", n, setting.size(DISTINCT, 2))[0].parent

    def script(name: str) -> None:
        run([sys.executable, "-m", f"benchmarks.snippets.{name}", str(data)], cwd=ROOT, env=QUIET)

    ours, plain, least = (
        one.per(n)
        for one in in_turn(
            [lambda: ecg12("check", data), lambda: script("check_plain"),
             lambda: script("check_floor")], setting.size(3, 1),
        )
    )  # fmt: skip
    return [
        Result(key="check: plain", ours=ours, other=plain),
        Result(key="check: least work", ours=ours, other=least),
    ]


def _report(setting: Setting) -> list[Result]:
    """Compare the report with a bootstrap by scikit-learn alone, of which a part is measured."""
    classes, n = load_weights(WEIGHTS), setting.size(20_000, 200)
    folder = setting.folder("report")
    labels, outputs = write_case(folder, classes, n)
    y_true, _, y_score = read_folders(labels, outputs, classes)
    part = setting.size(5, 1)

    def plain() -> None:
        from sklearn.metrics import average_precision_score, roc_auc_score

        rng = np.random.default_rng(0)
        for _ in range(part):
            rows = rng.integers(n, size=n)
            for k in range(len(classes)):
                roc_auc_score(y_true[rows, k], y_score[rows, k])
                average_precision_score(y_true[rows, k], y_score[rows, k])

    rounds = setting.size(3, 1)
    calls = [lambda: ecg12("report", labels, outputs, "-o", folder / "report"), plain]
    ours, other = in_turn(calls, rounds, warm=0)
    note = f"{n} recordings, {REPLICATES} replicates; of the bootstrap {part} measured"
    target = Times.constant(LIMIT, rounds)
    return [
        Result(
            key="report: scikit-learn", ours=ours, other=other.per(part / REPLICATES), note=note
        ),
        Result(key="report: target", ours=ours, other=target),
    ]


def _crossval(setting: Setting) -> Result:
    """Compare two folds with two trainings and two drivers by hand, of a tiny network."""
    n, folder = setting.size(128, 24), setting.folder("crossval")
    if not (folder / "data").is_dir():
        generate(folder / "data", n)
        for place, header in enumerate(sorted((folder / "data").glob("*.hea"))):
            half = folder / f"half{place % 2}"
            half.mkdir(exist_ok=True)
            for file in (header, header.with_suffix(".mat")):
                (half / file.name).hardlink_to(file)

    def ours() -> None:
        shutil.rmtree(folder / "out", ignore_errors=True)
        ecg12("crossval", folder / "data", "-o", folder / "out", "--recipe", "smoke", "--folds", 2)

    def by_hand() -> None:
        for fold in (0, 1):
            model = folder / f"model{fold}"
            shutil.rmtree(model, ignore_errors=True)
            _program("train_model.py", folder / f"half{fold}", model)
            _program("driver.py", model, folder / f"half{1 - fold}", folder / f"outputs{fold}")

    times = in_turn([ours, by_hand], setting.size(3, 1), warm=0)
    return Result(key="crossval: by hand", ours=times[0], other=times[1], note=f"{n} recordings")


def _program(name: str, *arguments: Path) -> None:
    run([sys.executable, name, *map(str, arguments)], cwd=ROOT, env=QUIET)


def plain_dipole(waves: np.ndarray) -> np.ndarray:
    """Evaluate every Gaussian at every sample, as ECGSYN-like scripts do: (3, n_samples)."""
    times = np.arange(round(RATE * SECONDS)) / RATE
    dipole = np.zeros((3, len(times)))
    for centre, width, *vector in waves:
        shape = np.exp(-0.5 * ((times - centre) / width) ** 2)
        dipole += np.array(vector)[:, None] * shape
    return dipole


def _synth(setting: Setting) -> list[Result]:
    """Compare the drawing of waves with the plain way, and of recordings with neurokit2."""
    rng = np.random.default_rng(0)
    waves = np.column_stack([
        rng.uniform(0, SECONDS, 200), rng.uniform(0.006, 0.04, 200), rng.normal(size=(200, 3))
    ])  # fmt: skip
    ours, plain = in_turn(
        [lambda: render(waves, RATE, round(RATE * SECONDS)), lambda: plain_dipole(waves)],
        setting.rounds,
    )
    found = [Result(key="synth: plain", ours=ours, other=plain)]
    n = setting.size(16, 2)
    try:
        pair = in_rounds(
            setting, "neurokit2", "synth_neurokit2", [str(n)],
            lambda: [recording(0, index) for index in range(n)],
        )  # fmt: skip
    except SkippedError as why:
        return [*found, Result(key="synth: neurokit2", skipped=str(why))]
    return [*found, Result(key="synth: neurokit2", ours=pair[0].per(n), other=pair[1].per(n))]
