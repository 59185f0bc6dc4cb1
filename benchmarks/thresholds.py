"""Threshold searches on 10,000 recordings of 24 classes, against Nelder and Mead's simplex.

    python -m benchmarks.thresholds

Costs two seconds. Each search's score is given on the recordings that it was fitted to and on as
many others. Exit status 1 if `per_class` with its start takes a second or more, or scores less than
the simplex from the same start on the fitted recordings.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ecg12.decision.thresholds import per_class, simplex, single
from ecg12.io.classes import ScoredClasses, load_weights
from ecg12.metrics import ChallengeScorer

N = 10_000
LIMIT = 1.0  # seconds


def synthetic(classes: ScoredClasses, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return y_score and y_true, (2 N, n_classes).

    Most classes are rare, sinus rhythm has 45 %; scores tell positives from negatives with an AUROC
    of .93, and each class is off its calibration by a logit or so.
    """
    rng = np.random.default_rng(seed)
    share = rng.beta(0.7, 8, len(classes))
    share[classes.normal] = 0.45
    y_true = rng.random((2 * N, len(classes))) < share
    prior = 0.8 * np.log(share / (1 - share)) + rng.normal(size=len(classes))
    logits = rng.normal(size=y_true.shape) + 2.1 * y_true + prior
    return 1 / (1 + np.exp(-logits)), y_true


def timed(call: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """Return what a call returns, and its time in seconds."""
    begin = time.perf_counter()
    return call(), time.perf_counter() - begin


def main() -> None:
    """Print each search's time and its score on the fitted and on the held-out half."""
    classes = load_weights(Path(__file__).parents[1] / "weights.csv")
    y_score, y_true = synthetic(classes)
    fit, fit_targets = y_score[:N], y_true[:N]
    score, held_out = (ChallengeScorer(part, classes) for part in (fit_targets, y_true[N:]))
    flat, start = timed(lambda: np.full(len(classes), single(fit, fit_targets, classes)))
    ascent, took = timed(lambda: per_class(fit, fit_targets, classes, flat))
    joint, simplex_took = timed(lambda: simplex(fit, score, flat))
    for name, cuts, cost in (
        ("single", flat, start),
        ("single + per_class", ascent, start + took),
        ("single + simplex", joint, start + simplex_took),
    ):
        fitted, other = score(fit > cuts), held_out(y_score[N:] > cuts)
        print(f"{name:18} {cost:7.3f} s   fitted {fitted:.4f}   held out {other:.4f}")
    gained = score(fit > ascent) - score(fit > joint)
    print(f"per_class: {(start + simplex_took) / (start + took):.1f} times as fast, {gained:+.4f}")
    sys.exit(start + took > LIMIT or gained < 0)


if __name__ == "__main__":
    main()
