"""Ensembles of the runs' networks: which are joined, and what they reach."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.ensemble.classifier import Member, vote
from ecg12.metrics import scorer_of
from ecg12.training.selection import Candidate, chosen
from ecg12.training.task import Task
from experiments.surpassing.recordings import DRAWN, divide
from experiments.surpassing.results import Results, Values, gain, markdown, mean
from experiments.surpassing.runs import Run
from experiments.surpassing.variants import CHOSEN, PAPER, PARTS, SINGLE

RULES = {"score": 5, "all": None}  # members of an ensemble at most
SMALLEST = 3  # networks to choose an ensemble from

# What an ensemble is chosen from: its name → the variants, all with one kind of network. Of one
# variant as many networks as each seed has, of several the first network of each.
LIBRARIES = {
    PAPER: [PAPER],
    CHOSEN: [CHOSEN],
    "paper and its variants": [PAPER, *(f"+ {part}" for part in PARTS if part != "seresnet")],
    "whole and its variants": [
        "whole", *(f"whole - {part}" for part in PARTS if part != "seresnet")
    ],
}  # fmt: skip


def library(results: Results, name: str, seed: int) -> list[Run]:
    """Return the runs of a seed that an ensemble is chosen from; empty while any is missing."""
    variants = LIBRARIES[name]
    runs = sorted(run for run in results.predictions if run.variant in variants)
    own = [run for run in runs if run.seed == seed]
    if len(variants) > 1:
        own = [run for run in own if not run.member]
        return own if len(own) == len(variants) else []
    known = [sum(run.seed == other for run in runs) for other in {run.seed for run in runs}]
    n = min((count for count in known if count >= SMALLEST), default=SMALLEST)
    return own[:n] if len(own) >= n else []


def ensembles(results: Results, group: str) -> str:
    """Return the table of ensembles: what they are chosen from, how, and what they reach."""
    figures: dict[tuple[str, str], tuple[Values, Values, Values]] = {}
    for name in LIBRARIES:
        for rule in RULES:
            metric, areas, sizes = {}, {}, {}
            for seed in sorted({run.seed for run in results.predictions}):
                if runs := library(results, name, seed):
                    labels, scores, size = joined(results, runs, rule)
                    metric[seed] = results.metric(labels, group)
                    areas[seed] = results.auroc(scores, group)
                    sizes[seed] = size
            figures[name, rule] = metric, areas, sizes
    rows = []
    several = figures[PAPER, "score"]
    base = several if several[0] else figures["paper and its variants", "score"]
    for (name, rule), (metric, areas, sizes) in figures.items():
        if metric:
            over = [gain(own, theirs) for own, theirs in zip((metric, areas), base, strict=False)]
            by_score = gain(metric, figures[name, "score"][0])
            size = f"{np.mean(list(sizes.values())):.1f}"
            row = [name, rule, str(len(metric)), mean(metric), mean(areas), *over, by_score, size]
            rows.append(row)
    heads = ["chosen from", "by", "seeds", "metric", "AUROC", "metric over the paper's"]
    heads += ["AUROC over it", "metric over that by score", "members"]
    return markdown(heads, rows)


def joined(
    results: Results, runs: Sequence[Run], rule: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Choose from runs on their validation parts, by fold; return labels, scores and mean size."""
    labels = np.zeros(results.targets.shape, bool)
    scores = np.full(results.targets.shape, np.nan)
    sizes = []
    for fold in range(results.n_folds):
        test = np.flatnonzero(results.fold_of == fold)
        task = _task(results, fold, runs[0].seed)
        team = _selected(results, runs, rule, fold, task)
        scored = np.array([results.predictions[run]["scores 12"][test] for run in team])
        thresholds = np.array([results.predictions[run][f"thresholds {fold}"] for run in team])
        labels[test] = vote(scored > thresholds[:, None])
        scores[test] = np.median(scored, axis=0)
        sizes.append(len(team))
    return labels, scores, float(np.mean(sizes))


def _task(results: Results, fold: int, seed: int) -> Task:
    """Return what the product's own selection needs to know of a fold: parts and targets."""
    n = len(results.targets)
    dataset = Dataset(
        np.empty((n, 0, 0)), np.arange(n), results.targets, names=(), failures=(), fingerprint=""
    )
    trains = results.owner == next(iter(DRAWN)) if (results.fold_of < 0).any() else (
        results.fold_of != fold
    )  # fmt: skip
    return Task(dataset, divide(np.flatnonzero(trains), seed), results.classes)


def _selected(results: Results, runs: Sequence[Run], rule: str, fold: int, task: Task) -> list[Run]:
    scorer = scorer_of(task.dataset.targets[task.parts["validation"]], task.classes)
    candidates: list[Any] = []
    for run in runs:
        scores = results.predictions[run][f"validation {fold}"]
        thresholds = results.predictions[run][f"thresholds {fold}"]
        member = Member(
            str(runs.index(run)),
            None,
            SINGLE,
            thresholds=thresholds,
            validation_score=scorer(scores > thresholds),
        )
        candidates.append(Candidate(member, {}, {"validation": scores}))
    return [runs[int(c.member.name)] for c in chosen(candidates, RULES[rule])]
