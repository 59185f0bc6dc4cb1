"""Bootstrap intervals: every measure as a function of the recordings' weights, drawn anew.

A replicate draws as many units as there are, with replacement. A unit is a recording, or a patient
with all recordings where patients are known, because recordings of one patient resemble each other.
Drawing a recording k times is giving it weight k, so thousands of replicates are a few matrix
products: the challenge metric, F and counts are sums of weights; AUROC and average precision are
sums over the distinct scores of a class's positives, between which the weights of all negatives
are added up first.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from ecg12.io.classes import ScoredClasses
from ecg12.metrics import ChallengeScorer, best_constant
from ecg12.runtime.progress import bar

REPLICATES = 2000
CHUNK = 64  # replicates at a time; their weights stay in the processor's cache

Draws = dict[str, np.ndarray]  # measure → (n_replicates,) or (n_replicates, n_classes)


class WeightedMeasures:
    """The measures of one run as functions of the weights of its recordings.

    Parameters
    ----------
    targets, labels
        (n, n_classes) bool.
    scores
        (n, n_classes), never NaN.
    classes
        The scored classes.
    groups
        (n,) number of each recording's group, such as its database, 0 to n_groups - 1.
    """

    def __init__(
        self,
        targets: np.ndarray,
        labels: np.ndarray,
        scores: np.ndarray,
        classes: ScoredClasses,
        groups: np.ndarray,
    ) -> None:
        scorer = ChallengeScorer(targets, classes)
        normal = np.broadcast_to(np.arange(len(classes)) == classes.normal, targets.shape)
        constant = np.broadcast_to(best_constant(targets, classes)[0], targets.shape)
        answers = (labels, constant, normal, targets)
        self.credits = np.stack([scorer.credit(answer) for answer in answers])  # (4, n)
        self.sets = np.hstack([targets & labels, targets, labels]).T.astype(np.float64)
        members = np.ones(len(groups)), (groups, np.arange(len(groups)))
        self.groups = csr_array(members, shape=(int(groups.max()) + 1, len(groups)))
        self.curves = [_Curve(*pair) for pair in zip(targets.T, scores.T, strict=True)]

    def __call__(self, weights: np.ndarray) -> Draws:
        """Return every measure for weights, (n, m) floats.

        Returns
        -------
        dict
            Measure → (m,), or per class (m, n_classes); "groups" is the challenge metric within
            each group, (m, n_groups). NaN where undefined.
        """
        observed, constant, inactive, correct = self.credits @ weights
        both, true, given = np.split((self.sets @ weights).T, 3, axis=1)
        areas = np.array([curve(weights) for curve in self.curves])  # (n_classes, 2, m)
        per_class = {
            "AUROC": areas[:, 0].T,
            "AUPRC": areas[:, 1].T,
            "F-measure": _ratio(2 * both, true + given),
        }
        macro = {f"macro {name}": _mean(values) for name, values in per_class.items()}
        metric = _ratio(observed - inactive, correct - inactive)
        margin = metric - _ratio(constant - inactive, correct - inactive)
        overall = {"Challenge metric": metric, "Margin": margin, "groups": self._in_groups(weights)}
        return {**overall, **macro, **per_class}

    def _in_groups(self, weights: np.ndarray) -> np.ndarray:
        credits = self.credits[[0, 2, 3], :, None]
        observed, inactive, correct = (self.groups @ (credit * weights) for credit in credits)
        return _ratio(observed - inactive, correct - inactive).T


class _Curve:
    """AUROC and average precision of one class, weights → (2, m).

    Scores are sorted from high to low and cut into runs: each distinct score of a positive is one,
    and all that lies between two of them is another. Negatives count the same wherever they stand
    in a run between, so their weights are added up by one sparse product.
    """

    def __init__(self, targets: np.ndarray, scores: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")
        ranked, true = scores[order], targets[order]
        new = np.append(True, ranked[1:] != ranked[:-1])
        level = np.cumsum(new) - 1
        alone = np.bincount(level, true)[level] > 0  # among the scores of positives
        run = np.cumsum(new & (alone | np.append(False, alone[:-1])))
        run -= run[0]
        ones, shape = np.ones(len(order)), (int(run[-1]) + 1, len(order))
        self.positives = csr_array((ones[true], (run[true], order[true])), shape=shape)
        self.negatives = csr_array((ones[~true], (run[~true], order[~true])), shape=shape)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        positives, negatives = self.positives @ weights, self.negatives @ weights
        above, true = np.cumsum(negatives, axis=0), np.cumsum(positives, axis=0)
        ordered = (positives * (above[-1] - above + negatives / 2)).sum(axis=0)
        precision = np.divide(true, true + above, out=np.zeros_like(true), where=true > 0)
        area = _ratio(ordered, true[-1] * above[-1])
        return np.stack([area, _ratio((positives * precision).sum(axis=0), true[-1])])


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 1e-12)


def _mean(values: np.ndarray) -> np.ndarray:
    """Average over the classes that are defined, (m, n_classes) → (m,); NaN if there is none."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=1), known.sum(axis=1).astype(np.float64))


def resample(
    runs: Sequence[WeightedMeasures],
    units: np.ndarray,
    n_replicates: int = REPLICATES,
    seed: int = 0,
    watch: bool = True,
) -> list[Draws]:
    """Draw replicates; every run gets the same weights, so that runs can be compared in pairs.

    Parameters
    ----------
    runs
        The runs, all on the same n recordings.
    units
        (n,) number of each recording's unit, 0 to n_units - 1.
    n_replicates, seed
        How many, and of which stream of random numbers.
    watch
        Whether to show progress.

    Returns
    -------
    list
        For each run, measure → its replicates.
    """
    rng = np.random.default_rng(seed)
    n_units = int(units.max()) + 1
    parts: list[list[Draws]] = [[] for _ in runs]
    starts = range(0, n_replicates, CHUNK)
    for start in bar(starts, desc="bootstrap", unit="chunk", leave=False, disable=not watch):
        drawn = rng.integers(n_units, size=(min(CHUNK, n_replicates - start), n_units))
        counts = [np.bincount(row, minlength=n_units) for row in drawn]
        weights = np.stack(counts, axis=1).astype(np.float64)[units]
        for run, part in zip(runs, parts, strict=True):
            part.append(run(weights))
    return [{name: np.concatenate([p[name] for p in part]) for name in part[0]} for part in parts]
