"""Bootstrap: every measure as a function of the recordings' weights, for weights drawn at random.

A replicate draws as many units as there are, with replacement. A unit is a recording, or a patient
with all recordings where patients are known, because recordings of one patient resemble each other.
Drawing a recording k times is giving it weight k, so thousands of replicates are a few matrix
products: the challenge metric, F and counts are sums of weights; for AUROC and average precision
see `metrics.ranking`.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.challenge import ChallengeScorer, best_constant, normalise
from ecg12.metrics.classwise import macro_means, ratio
from ecg12.metrics.ranking import RankedClass
from ecg12.runtime.progress import bar

REPLICATES = 2000
CHUNK = 64  # replicates at a time; their weights stay in the processor's cache

Draws = dict[str, np.ndarray]  # measure → (n_replicates,) or (n_replicates, n_classes)


class WeightedMeasures:
    """The measures of one run as functions of the weights of its recordings.

    Parameters
    ----------
    y_true, y_pred
        (n, n_classes) bool.
    y_score
        (n, n_classes), never NaN.
    classes
        The scored classes, sinus rhythm among them.
    """

    def __init__(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        y_score: np.ndarray,
        *,
        classes: ScoredClasses,
    ) -> None:
        scorer = ChallengeScorer(y_true, classes)
        normal = np.broadcast_to(np.arange(len(classes)) == classes.normal, y_true.shape)
        constant = np.broadcast_to(best_constant(y_true, classes)[0], y_true.shape)
        predictions = (y_pred, constant, normal, y_true)
        self.credits = np.stack([scorer.credit(predicted) for predicted in predictions])  # (4, n)
        self.sets = np.hstack([y_true & y_pred, y_true, y_pred]).T.astype(np.float64)
        self.ranked = [RankedClass(*pair) for pair in zip(y_true.T, y_score.T, strict=True)]

    def __call__(self, weights: np.ndarray) -> Draws:
        """Return every measure for weights, (n, m) floats.

        Returns
        -------
        dict
            Measure → (m,), or per class (m, n_classes). NaN where undefined.
        """
        observed, constant, inactive, correct = self.credits @ weights
        both, true, given = np.split((self.sets @ weights).T, 3, axis=1)
        areas = np.array([areas_of(weights) for areas_of in self.ranked])  # (n_classes, 2, m)
        per_class = {
            "AUROC": areas[:, 0].T,
            "AUPRC": areas[:, 1].T,
            "F-measure": ratio(2 * both, true + given),
        }
        macro = {f"macro {name}": macro_means(values) for name, values in per_class.items()}
        metric = normalise(observed, inactive, correct)
        margin = metric - normalise(constant, inactive, correct)
        return {"Challenge metric": metric, "Margin": margin, **macro, **per_class}

    def unweighted(self) -> Draws:
        """Return every measure with weights of 1: a number, or per class (n_classes,)."""
        once = np.ones((self.credits.shape[1], 1))
        return {name: values[0] for name, values in self(once).items()}


def draw_weights(units: np.ndarray, n_replicates: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield how often each recording is drawn, (n, at most `CHUNK`) floats, replicate by replicate.

    Parameters
    ----------
    units
        (n,) number of each recording's unit, 0 to n_units - 1.
    n_replicates, seed
        How many columns all chunks have together, and the stream of random numbers.
    """
    rng = np.random.default_rng(seed)
    n_units = int(units.max()) + 1
    for start in range(0, n_replicates, CHUNK):
        drawn = rng.integers(n_units, size=(min(CHUNK, n_replicates - start), n_units))
        counts = [np.bincount(row, minlength=n_units) for row in drawn]
        yield np.stack(counts, axis=1).astype(np.float64)[units]


def units_per_class(y_true: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return how many units each class's positives come from, (n_classes,) int.

    Parameters
    ----------
    y_true
        (n, n_classes) bool.
    units
        As for `draw_weights`.
    """
    return np.array([np.count_nonzero(np.bincount(units[own])) for own in y_true.T], dtype=int)


def resample(
    runs: Sequence[Callable[[np.ndarray], Draws]],
    units: np.ndarray,
    n_replicates: int = REPLICATES,
    seed: int = 0,
    *,
    show_progress: bool = True,
) -> list[Draws]:
    """Draw replicates; every run gets the same weights, so that runs can be compared in pairs.

    Parameters
    ----------
    runs
        Measures as functions of weights, (n, m), such as `WeightedMeasures`, all of the same n
        recordings.
    units, n_replicates, seed
        As for `draw_weights`.
    show_progress
        Whether to draw a progress bar.

    Returns
    -------
    list
        For each run, measure → its replicates.
    """
    parts: list[list[Draws]] = [[] for _ in runs]
    chunks = draw_weights(units, n_replicates, seed)
    n_chunks = -(-n_replicates // CHUNK)
    for weights in bar(
        chunks, total=n_chunks, desc="bootstrap", unit="chunk", leave=False,
        disable=not show_progress,
    ):  # fmt: skip
        for run, part in zip(runs, parts, strict=True):
            part.append(run(weights))
    return [{name: np.concatenate([p[name] for p in part]) for name in part[0]} for part in parts]
