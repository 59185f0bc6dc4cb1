"""Scores with bootstrap intervals: PTB-XL's parts, and the recordings of other hospitals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.data.dataset import prepare_folder
from ecg12.metrics import ChallengeScorer, auroc, macro
from experiments.ptbxl.task import CHALLENGE, PREPROCESSING

REPLICATES = 1000
SOURCE_OF = {"cpsc2018_extra": "cpsc2018"}  # one hospital network, one way of labelling
LEFT_OUT = ("ptb", "ptbxl_challenge500")
ENDS = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


@dataclass(frozen=True, eq=False)
class Hospitals:
    """Recordings of other hospitals: signals, truth, known cells, source of each."""

    signals: np.ndarray
    targets: np.ndarray
    known: np.ndarray
    sources: np.ndarray
    names: tuple[str, ...]


def read_hospitals(folder: Path, work: Path, only: Sequence[str] = ()) -> Hospitals:
    """Prepare the recordings of other hospitals.

    A class is known in a source if one of its recordings shows it. `only` names the folders to
    read; by default all but `LEFT_OUT`.
    """
    dataset = prepare_folder(folder, work, PREPROCESSING, CHALLENGE)
    origin = np.array([name.split("/")[0] for name in dataset.names])
    wanted = np.isin(origin, only) if only else ~np.isin(origin, LEFT_OUT)
    rows = np.flatnonzero(wanted)
    sources = np.array([SOURCE_OF.get(name, name) for name in origin[rows]])
    targets = dataset.targets[rows]
    known = np.zeros(targets.shape, bool)
    for source in np.unique(sources):
        known[sources == source] = targets[sources == source].any(axis=0)
    names = tuple(dataset.names[row] for row in rows)
    return Hospitals(dataset.signals[dataset.rows[rows]], targets, known, sources, names)


def samples(groups: Sequence[str] | None, n: int, seed: int = 0) -> np.ndarray:
    """Draw how often each of n recordings counts in each replicate, (REPLICATES, n).

    Recordings of one group (a patient) are drawn together; each with an empty name, or all of them
    without groups, stand alone.
    """
    rng = np.random.default_rng(seed)
    keys = [name or f"alone {i}" for i, name in enumerate(groups)] if groups else range(n)
    _, group = np.unique(np.array(keys), return_inverse=True)
    count = int(group.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=REPLICATES)
    return drawn[:, group]


def areas(
    targets: np.ndarray, scores: np.ndarray, known: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return AUROCs of each replicate and class, (n_replicates, n_classes); NaN where undefined."""
    columns = zip(targets.T, scores.T, known.T, strict=True)
    return np.stack([_weighted(t[k], s[k], counts[:, k]) for t, s, k in columns], axis=1)


def _weighted(true: np.ndarray, score: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the area under one class's curve for each row of counts."""
    order = np.argsort(-score)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True)) if len(score) else []
    weights = counts[:, order].astype(float)
    tp, fp = (
        np.pad(np.cumsum(weights * sort[order], axis=1)[:, ends], ((0, 0), (1, 0)))
        for sort in (true, ~true)
    )
    whole = tp[:, -1] * fp[:, -1]
    area = np.trapezoid(tp, fp, axis=1)
    return np.divide(area, whole, out=np.full(len(counts), np.nan), where=whole > 0)


def estimates(
    targets: np.ndarray, scores: np.ndarray, known: np.ndarray, groups: Sequence[str] | None
) -> tuple[list[Estimate], np.ndarray, np.ndarray]:
    """Return the AUROC of each class with its interval, the values and the replicates."""
    values = auroc(targets, scores, known)
    replicates = areas(targets, scores, known, samples(groups, len(targets)))
    return [between(*pair) for pair in zip(values, replicates.T, strict=True)], values, replicates


def between(value: float, replicates: np.ndarray) -> Estimate:
    """Return a value with the percentile interval of its replicates; NaN are left out."""
    defined = replicates[~np.isnan(replicates)]
    low, high = np.percentile(defined, ENDS) if len(defined) else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high))


def macro_estimate(values: np.ndarray, replicates: np.ndarray, enough: np.ndarray) -> Estimate:
    """Return the mean over the classes that are `enough`, with its interval."""
    means = np.array([macro(row) for row in replicates[:, enough]])
    return between(macro(values[enough]), means)


def metric_estimate(
    targets: np.ndarray, labels: np.ndarray, known: np.ndarray, groups: Sequence[str] | None
) -> Estimate:
    """Return the challenge metric with its interval."""
    scorer = ChallengeScorer(targets, CHALLENGE, known)
    each = scorer.credit(labels)
    normal = np.zeros(targets.shape, bool)
    normal[:, CHALLENGE.normal] = True
    inactive, correct = scorer.credit(normal), scorer.credit(targets & known)
    counts = samples(groups, len(targets))
    sums = [counts @ values for values in (each, inactive, correct)]
    replicates = (sums[0] - sums[1]) / (sums[2] - sums[1])
    return between(scorer(labels), replicates)
