"""The challenge metric for 43,000 recordings of 24 classes, against a plain triple loop.

    python -m benchmarks.metric

Costs ten seconds. The loop runs on a part of the recordings and is scaled up, since its cost is
proportional to their number. Everything runs on one core, so that waiting for a busy second one is
not measured. Exit status 1 if `challenge_score` is less than 50 times as fast as the loop, or
differs from it; 130 to 150 times was seen, and 900 to 1,000 for a scorer with cached constants.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ecg12.io.classes import ScoredClasses, load_weights
from ecg12.metrics import ChallengeScorer, best_constant, challenge_score, evaluate

N, PART = 43_000, 2_000
REPEATS = 30
REQUIRED = 50.0  # times as fast as the loop
TOLERANCE = 1e-12


def seconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the least time of a call: what else runs on the machine can only add to it."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


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


def main() -> None:
    """Print times and ratios."""
    classes = load_weights(Path(__file__).parents[1] / "weights.csv")
    rng = np.random.default_rng(0)
    y_true = rng.random((N, len(classes))) < 0.08
    y_score = np.clip(rng.normal(0.3, 0.15, y_true.shape) + 0.3 * y_true, 0, 1)
    y_pred = y_score > 0.5
    part = y_true[:PART], y_pred[:PART], classes
    difference = abs(loop_score(*part) - challenge_score(*part))
    loop = seconds(lambda: loop_score(*part), repeats=5) * N / PART
    scorer = ChallengeScorer(y_true, classes)
    print(f"plain triple loop       {loop:9.3f} s (measured on {PART:,} of {N:,}, scaled)")
    print(f"difference from the loop {difference:9.1e}")
    once = seconds(lambda: challenge_score(y_true, y_pred, classes))
    again = seconds(lambda: scorer(y_pred))
    print(f"challenge_score         {once:9.4f} s = 1/{loop / once:,.0f} of the loop's time")
    print(f"ChallengeScorer, cached {again:9.4f} s = 1/{loop / again:,.0f} of the loop's time")
    print(f"best constant prediction {seconds(lambda: best_constant(y_true, classes)):9.4f} s")
    everything = seconds(lambda: evaluate(y_true, y_pred, y_score, classes))
    print(f"all official scores     {everything:9.4f} s")
    sys.exit(difference > TOLERANCE or loop / once < REQUIRED)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
