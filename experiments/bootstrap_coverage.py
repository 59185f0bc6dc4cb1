"""Measure how often the report's bootstrap intervals cover the truth.

    python -m experiments.bootstrap_coverage [--simulations 1000] [--replicates 1000]

Each simulation draws 500 recordings with six classes, independent of each other; a class's scores
are normal, raised by `separation` where it is present, so that its AUROC is Φ(separation / √2). The
rarest class has 10 positives on average. The other true values are those of a million recordings.
An interval of level 95 % should cover in 93 to 97 % of the simulations; with a thousand of them, a
true 95 % is seen as 93.6 to 96.4 % in 19 of 20 cases.

Cost: 2 minutes per setting on one core. Result: see reports/intervals.md.
"""

import argparse

import numpy as np
from scipy.stats import norm

from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.metrics.bootstrap import WeightedMeasures, resample
from ecg12.report.statistics import PER_CLASS, intervals
from ecg12.runtime.progress import bar

NAMES = ("NSR", "SB", "AF", "IAVB", "LBBB", "QAb")
N = 500  # recordings of a simulation
POPULATION = 1_000_000
RARE = 10  # positives of the last class, on average
PREVALENCE = np.array([0.5, 0.3, 0.2, 0.1, 0.06, RARE / N])
SEPARATION = np.array([1.5, 3.0, 2.5, 1.5, 2.0])  # of all classes but the last
THRESHOLDS = np.array([0.7, 1.5, 1.2, 1.0, 1.3, 1.6])
LAST = {"AUROC .76": 1.0, "AUROC .92": 2.0, "AUROC .98": 3.0}  # setting: separation of the last


def six_classes() -> ScoredClasses:
    """Return the six classes with the challenge's weights."""
    whole = load_weights(WEIGHTS)
    places = [whole.names.index(name) for name in NAMES]
    groups = tuple(whole.groups[k] for k in places)
    return ScoredClasses(groups, whole.weights[np.ix_(places, places)], whole.year)


def draw(rng, n, last):
    """Return y_true, y_pred and y_score, (n, 6) each; `last` separates the rarest class."""
    y_true = rng.random((n, len(NAMES))) < PREVALENCE
    y_score = rng.normal(size=y_true.shape) + y_true * np.append(SEPARATION, last)
    return y_true, y_score > THRESHOLDS, y_score


def measures(drawn, classes):
    """Return the weighted measures of one draw."""
    return WeightedMeasures(*drawn, classes=classes)


def truth(last, classes, population=POPULATION):
    """Return the true values: per class (6,), over all one number each."""
    sample = draw(np.random.default_rng(0), population, last)
    values = measures(sample, classes).unweighted()
    values["AUROC"] = norm.cdf(np.append(SEPARATION, last) / np.sqrt(2))
    return values | {"macro AUROC": values["AUROC"].mean()}


def coverage(last, n_simulations, n_replicates, seed=1, population=POPULATION):
    """Simulate; return measure → share of intervals that cover, per class a share each."""
    classes = six_classes()
    true = truth(last, classes, population)
    hits = []
    for number in bar(range(n_simulations), desc="simulations", leave=False):
        rng = np.random.default_rng((seed, number))
        y_true, *rest = draw(rng, N, last)
        run = measures((y_true, *rest), classes)
        stream = int(rng.integers(2**32))
        draws = resample([run], np.arange(N), n_replicates, stream, show_progress=False)[0]
        positives = y_true.sum(axis=0)
        found = intervals(run.unweighted(), draws, positives=positives, n=N, n_units=N)
        hits.append({name: _covers(ends, true[name]) for name, ends in found.items()})
    return {name: np.nanmean([hit[name] for hit in hits], axis=0) for name in hits[0]}


def _covers(ends, true):
    """Return 1 where low ≤ true ≤ high, 0 elsewhere, NaN where there is no interval."""
    low, high = np.transpose(ends)
    return np.where(np.isnan(low), np.nan, (low <= true) & (true <= high))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=1000)
    options = parser.parse_args()
    for setting, last in LAST.items():
        found = coverage(last, options.simulations, options.replicates)
        print(f"rarest class: {RARE} positives of {N}, {setting}; covered in %")
        for name, share in found.items():
            if name not in PER_CLASS:
                print(f"{name:18}{100 * share[0]:6.1f}")
        print(f"{'positives':18}" + "".join(f"{N * p:6.0f}" for p in PREVALENCE))
        for name in PER_CLASS:
            print(f"{name:18}" + "".join(f"{100 * s:6.1f}" for s in found[name]), flush=True)


if __name__ == "__main__":
    main()
