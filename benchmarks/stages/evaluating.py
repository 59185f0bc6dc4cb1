"""Evaluation: outputs from disk, the challenge metric in memory, the search for thresholds."""

import sys
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.recordings import write_case
from benchmarks.results import Result
from benchmarks.setting import ROOT, Setting
from benchmarks.timing import Times, in_turn, run
from ecg12.decision.thresholds import per_class, simplex, single
from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.metrics import ChallengeScorer, challenge_score

PROGRAMS = {2020: "evaluate_12ECG_score.py", 2021: "evaluate_model.py"}
OURS = "import sys, pathlib, evaluate_model as e; e.main(sys.argv[2:], pathlib.Path(sys.argv[1]))"
TOLERANCE = 1e-12


def measure(setting: Setting) -> list[Result]:
    """Compare with the official evaluators, a triple loop, and Nelder and Mead's simplex."""
    official = [_official(setting, year) for year in PROGRAMS]
    with threadpool_limits(1):  # waiting for a busy second core is not measured
        return [*official, _metric(setting), _thresholds(setting)]


def _official(setting: Setting, year: int) -> Result:
    """Compare whole processes that read outputs and headers, and write scores."""
    key = f"evaluate: {year}"
    if setting.official is None:
        return Result(key=key, skipped="no clones of the official evaluators (--official)")
    place = setting.official / f"evaluation-{year}"
    if not (place / PROGRAMS[year]).is_file():
        return Result(key=key, skipped=f"{place / PROGRAMS[year]} is not there")
    weights, folder = place / "weights.csv", setting.folder(f"evaluate{year}")
    n = setting.size(20_000, 200)
    labels, outputs = write_case(folder, load_weights(weights), n)
    scores = [folder / "ours.csv", folder / "official.csv"]
    arguments = [[str(labels), str(outputs), str(path)] for path in scores]

    def ours() -> None:
        run([sys.executable, "-c", OURS, str(weights), *arguments[0]], cwd=ROOT)

    def theirs() -> None:
        run([sys.executable, PROGRAMS[year], *arguments[1]], cwd=place)

    times = in_turn([ours, theirs], setting.few)
    mine, other = (path.read_text().split() for path in scores)
    if mine != other:
        raise AssertionError(f"{year}: scores {mine} differ from the official {other}")
    return Result(key=key, ours=times[0], other=times[1], note=f"{n} outputs, equal scores")


def loop_confusion(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return the modified confusion matrix, each recording and pair of classes by itself."""
    n, n_classes = y_true.shape
    matrix = np.zeros((n_classes, n_classes))
    for i in range(n):
        union = max(1, np.sum(y_true[i] | y_pred[i]))
        for j in range(n_classes):
            if y_true[i, j]:
                for k in range(n_classes):
                    if y_pred[i, k]:
                        matrix[j, k] += 1 / union
    return matrix


def loop_score(y_true: np.ndarray, y_pred: np.ndarray, classes: ScoredClasses) -> float:
    """Return the challenge metric by loops, its constants included."""
    inactive = np.zeros_like(y_true)
    inactive[:, classes.normal] = True
    observed, correct, baseline = (
        np.sum(classes.weights * loop_confusion(y_true, predicted))
        for predicted in (y_pred, y_true, inactive)
    )
    return float((observed - baseline) / (correct - baseline))


def _metric(setting: Setting) -> Result:
    """Compare the metric with a loop, which runs on a part: its cost is proportional."""
    classes, n, part = load_weights(WEIGHTS), setting.size(43_000, 4_000), setting.size(2_000, 200)
    rng = np.random.default_rng(0)
    y_true = rng.random((n, len(classes))) < 0.08
    y_pred = rng.normal(0.3, 0.15, y_true.shape) + 0.3 * y_true > 0.5
    own = y_true[:part], y_pred[:part], classes
    difference = abs(loop_score(*own) - challenge_score(*own))
    if difference > TOLERANCE:
        raise AssertionError(f"the challenge metric differs from the loop's by {difference}")
    ours, loop = in_turn(
        [lambda: challenge_score(y_true, y_pred, classes), lambda: loop_score(*own)], setting.few
    )
    return Result(key="metric: loop", ours=ours, other=loop.per(part / n), note=f"{n} recordings")


def synthetic(classes: ScoredClasses, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return y_score and y_true, (2 n, n_classes).

    Most classes are rare, sinus rhythm has 45 %; scores tell positives from negatives with an AUROC
    of .93, and each class is off its calibration by a logit or so.
    """
    rng = np.random.default_rng(1)
    share = rng.beta(0.7, 8, len(classes))
    share[classes.normal] = 0.45
    y_true = rng.random((2 * n, len(classes))) < share
    prior = 0.8 * np.log(share / (1 - share)) + rng.normal(size=len(classes))
    logits = rng.normal(size=y_true.shape) + 2.1 * y_true + prior
    return 1 / (1 + np.exp(-logits)), y_true


def _thresholds(setting: Setting) -> Result:
    """Compare the search per class with the simplex from the same start, on fitted recordings."""
    classes, n = load_weights(WEIGHTS), setting.size(10_000, 500)
    y_score, y_true = (half[:n] for half in synthetic(classes, n))
    score = ChallengeScorer(y_true, classes)
    found: dict[str, float] = {}

    def search(name: str, go_on: Callable[[np.ndarray], np.ndarray]) -> Callable[[], None]:
        def call() -> None:
            start = np.full(len(classes), single(y_score, y_true, classes))
            found[name] = score(y_score > go_on(start))

        return call

    ours = search("ours", lambda start: per_class(y_score, y_true, classes, start))
    theirs = search("simplex", lambda start: simplex(y_score, score, start))
    times: list[Times] = in_turn([ours, theirs], setting.few)
    if found["ours"] < found["simplex"]:
        raise AssertionError(f"thresholds score less than the simplex's: {found}")
    note = f"score {found['ours']:.4f}, the simplex's {found['simplex']:.4f}"
    return Result(key="thresholds: simplex", ours=times[0], other=times[1], note=note)
