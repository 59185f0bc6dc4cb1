"""Measure the verdict on signal quality against annotators, with nested cross-validation.

    python -m experiments.quality DATA

DATA holds recordings of set a of the PhysioNet/CinC Challenge 2011 and `quality.csv` with the
columns `recording` and `quality` (``acceptable``, ``unacceptable``; others are left out). The
verdict "unusable" stands for unacceptable. Its rule has three constants: a lead has no signal below
a share of the usual QRS height; it shows no common beats below an agreement; and so many such leads
make a recording unusable. They are fitted in each training part alone, by accuracy, over a grid;
the test part is judged with them. At the end they are fitted on all, which gives those that
`ecg12.signal.quality` has.

Cost: half a minute on one core. Result: see reports/quality.md.
"""

import argparse
import csv
from itertools import product
from pathlib import Path

import numpy as np

from ecg12.io.wfdb import read_record
from ecg12.signal.noise import measure
from ecg12.signal.quality import VERDICT, assess

AGREEMENTS = np.arange(0.300, 0.801, 0.025).round(3).tolist()
HEIGHTS = (0.003, 0.01, 0.03, 0.1)
LEADS = (1, 2, 3)
FOLDS, REPEATS = 10, 20
Z = 1.959964  # of a 95 % interval


def load(folder):
    """Return records and (n,) whether each is unacceptable, of the recordings with a label."""
    with (folder / "quality.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["quality"] in ("acceptable", "unacceptable")]
    records = [read_record(folder / row["recording"]) for row in rows]
    return records, np.array([row["quality"] == "unacceptable" for row in rows])


def features(record):
    """Return whether a lead is flat, and height and agreement of the others, (12,) each."""
    rows = record.centred
    alive = rows.max(axis=1) > rows.min(axis=1)
    height, agreement = np.ones(len(rows)), np.ones(len(rows))
    if alive.any():
        found = measure(rows[alive] * record.resolution[alive, None], record.rate)
        height[alive], agreement[alive] = found.height, np.nan_to_num(found.agreement, nan=1.0)
    return not alive.all(), height, agreement


def grid(measured):
    """Return the rules of the grid, and (n_rules, n) what each says of every recording."""
    flat, height, agreement = map(np.array, zip(*measured, strict=True))
    rules = list(product(LEADS, HEIGHTS, AGREEMENTS))
    said = []
    for leads, least, common in rules:
        low = height < least
        beatless = ((agreement < common) & ~low).sum(axis=1) >= leads
        said.append(flat | low.any(axis=1) | beatless)
    return rules, np.array(said)


def fit(said, truth):
    """Return the index of the most accurate rule, the middle one of those that are equal."""
    right = (said == truth).sum(axis=1)
    best = np.flatnonzero(right == right.max())
    return best[len(best) // 2]


def nested(said, truth, seed):
    """Return (n,) what the rules say that were fitted without the recording's fold."""
    rng = np.random.default_rng(seed)
    folds = np.empty(len(truth), int)
    for value in (False, True):
        own = np.flatnonzero(truth == value)
        folds[rng.permutation(own)] = np.arange(len(own)) % FOLDS
    predicted = np.empty(len(truth), bool)
    for fold in range(FOLDS):
        test = folds == fold
        predicted[test] = said[fit(said[:, ~test], truth[~test])][test]
    return predicted


def wilson(hits, n):
    """Return a share with its 95 % interval (Wilson, 1927)."""
    p = hits / n
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return f"{p:.3f} ({middle - half:.3f} to {middle + half:.3f})"


def line(name, predicted, truth):
    """Return a row of the table."""
    shares = (predicted == truth, predicted[truth], ~predicted[~truth])
    return f"| {name} | " + " | ".join(wilson(int(s.sum()), len(s)) for s in shares) + " |"


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    records, truth = load(parser.parse_args().data)
    rules, said = grid([features(record) for record in records])
    runs = np.array([nested(said, truth, seed) for seed in range(REPEATS)])
    accuracies = (runs == truth).mean(axis=1)
    middle = runs[np.argsort(accuracies)[REPEATS // 2]]
    print(f"{len(truth)} recordings, {truth.sum()} unacceptable\n")
    print("| rule | accuracy | sensitivity | specificity |\n|---|---|---|---|")
    print(line("always acceptable", np.zeros(len(truth), bool), truth))
    flat = np.array([features(record)[0] for record in records])
    print(line("a flat lead", flat, truth))
    print(line("nested cross-validation, the median run", middle, truth))
    verdicts = np.array([assess(record).verdict for record in records])
    print(
        line("the package's constants, on what they were fitted on", verdicts == "unusable", truth)
    )
    print(f"\nnested accuracy over {REPEATS} divisions: mean {accuracies.mean():.4f}, "
          f"{accuracies.min():.4f} to {accuracies.max():.4f}")  # fmt: skip
    right = (said == truth).sum(axis=1)
    best = [rules[i] for i in np.flatnonzero(right == right.max())]
    print(f"most accurate on all (leads, height, agreement), {right.max()} right: {best}")
    print(f"in the package: {VERDICT}\n\n| verdict | acceptable | unacceptable |\n|---|---|---|")
    for verdict in ("good", "usable", "unusable"):
        chosen = verdicts == verdict
        print(f"| {verdict} | {(chosen & ~truth).sum()} | {(chosen & truth).sum()} |")


if __name__ == "__main__":
    main()
