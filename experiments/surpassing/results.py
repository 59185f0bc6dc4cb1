"""Finished runs of a work folder, the truth about the recordings, and figures by seed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.metrics import auroc, macro, scorer_of
from ecg12.metrics.intervals import student_interval
from experiments.surpassing.recordings import DRAWN
from experiments.surpassing.runs import Run

MIN_POSITIVES = 5  # of a class among a fold's tested, and as many without it, to count for AUROC
Predictions = dict[str, np.ndarray]
Values = dict[int, float]  # by seed


@dataclass(frozen=True, eq=False)
class Results:
    """All finished runs of a work folder, and the truth about the recordings."""

    predictions: dict[Run, Predictions]
    targets: np.ndarray
    owner: np.ndarray
    fold_of: np.ndarray
    classes: ScoredClasses

    @property
    def groups(self) -> dict[str, np.ndarray]:
        """What is judged apart: the recordings of seen and of unseen sites, or all tested ones."""
        tested = self.fold_of >= 0
        drawn = [name for name in DRAWN if (self.owner[tested] == name).any()]
        if not drawn:
            return {"unseen databases": np.flatnonzero(tested)}
        return {name: np.flatnonzero(self.owner == name) for name in reversed(drawn)}

    def labels(self, run: Run, leads: str = "12") -> np.ndarray:
        """Return a run's labels, (n, n_classes), by the thresholds of each recording's fold."""
        predictions = self.predictions[run]
        thresholds = np.array([predictions[f"thresholds {k}"] for k in range(self.n_folds)])
        return predictions[f"scores {leads}"] > thresholds[self.fold_of]

    @property
    def n_folds(self) -> int:
        """How many folds there are."""
        return int(self.fold_of.max()) + 1

    def metric(self, labels: np.ndarray, group: str) -> float:
        """Return the challenge metric of labels, (n, n_classes), on a group."""
        rows = self.groups[group]
        return scorer_of(self.targets[rows], self.classes)(labels[rows])

    def auroc(self, scores: np.ndarray, group: str) -> float:
        """Return the mean AUROC of scores, (n, n_classes), over folds and their frequent classes.

        Never over folds together: each has a network of its own, and one that was not shown a class
        scores it low just where its recordings are.
        """
        rows, areas = self.groups[group], []
        for fold in np.unique(self.fold_of[rows]):
            own = rows[self.fold_of[rows] == fold]
            positives = self.targets[own].sum(axis=0)
            enough = np.minimum(positives, len(own) - positives) >= MIN_POSITIVES
            areas.append(auroc(self.targets[own][:, enough], scores[own][:, enough]))
        return macro(np.concatenate(areas))


def read_results(work: Path, runs: Iterable[Run]) -> Results:
    """Read finished runs of a work folder."""
    predictions = {}
    for run in sorted(runs):
        with np.load(run.file(work)) as saved:
            predictions[run] = dict(saved)
    with np.load(work / "truth.npz") as truth:
        return Results(predictions, **truth, classes=load_weights(WEIGHTS))


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def gain(better: Values, worse: Values) -> str:
    """Return the mean difference of paired seeds and its 95 % interval (Student's t)."""
    gaps = [better[seed] - worse[seed] for seed in sorted(better.keys() & worse.keys())]
    if len(gaps) < 2 or not np.any(gaps):
        return ""
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*student_interval(gaps))


def mean(values: Values) -> str:
    """Return a mean over seeds."""
    return f"{np.mean(list(values.values())):.3f}" if values else ""


def by_seed(results: Results, name: str, of: Callable[[Run], float]) -> Values:
    """Return a figure of a variant's first network for each seed."""
    runs = [run for run in results.predictions if run.variant == name and not run.member]
    return {run.seed: of(run) for run in runs}
