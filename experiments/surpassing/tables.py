"""The runs' answers as tables: parts, lead sets, ensembles, with paired intervals over seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.data.dataset import Dataset
from ecg12.ensemble.classifier import Member, vote
from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.metrics import auroc, best_constant, macro, scorer_of
from ecg12.metrics.intervals import student_interval
from ecg12.training.selection import SELECTIONS, Candidate
from ecg12.training.trainer import Task
from experiments.surpassing.recordings import DRAWN, LEAD_SETS, divide
from experiments.surpassing.runs import COSTS, Run
from experiments.surpassing.variants import CHOSEN, PAPER, PARTS, SINGLE, VARIANTS

MIN_POSITIVES = 5  # of a class among a fold's tested, and as many without it, to count for AUROC
KEEP = 5  # members of an ensemble at most
SMALLEST = 3  # networks to choose an ensemble from
Answers = dict[str, np.ndarray]
Values = dict[int, float]  # by seed


@dataclass(frozen=True, eq=False)
class Results:
    """All finished runs of a work folder, and the truth about the recordings."""

    answers: dict[Run, Answers]
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
        answers = self.answers[run]
        thresholds = np.array([answers[f"thresholds {k}"] for k in range(self.n_folds)])
        return answers[f"scores {leads}"] > thresholds[self.fold_of]

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
    answers = {}
    for run in sorted(runs):
        with np.load(run.file(work)) as saved:
            answers[run] = dict(saved)
    with np.load(work / "truth.npz") as truth:
        return Results(answers, **truth, classes=load_weights(WEIGHTS))


def report(work: Path, runs: Iterable[Run]) -> str:
    """Return all tables of finished runs as Markdown."""
    results = read_results(work, runs)
    tables = []
    for group, rows in results.groups.items():
        constant = best_constant(results.targets[rows], results.classes)[1]
        tables.append(
            f"\n{group}: {len(rows)} recordings, best constant prediction {constant:.3f}\n"
        )
        tables += [parts(results, group), lead_sets(results, group), ensembles(results, group)]
    return "\n".join(tables)


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
    runs = [run for run in results.answers if run.variant == name and not run.member]
    return {run.seed: of(run) for run in runs}


def parts(results: Results, group: str) -> str:
    """Return the table of variants; differences from paper, and parts' gains in the whole."""
    metric = {name: by_seed(results, name, lambda r: results.metric(results.labels(r), group))
              for name in VARIANTS}  # fmt: skip
    areas = {
        name: by_seed(
            results, name, lambda r: results.auroc(results.answers[r]["scores 12"], group)
        )
        for name in VARIANTS
    }
    rows = []
    for name in VARIANTS:
        if not metric[name]:
            continue
        pair = ("whole", name) if name.startswith("whole -") else (name, "whole")
        is_part = name.startswith(("whole -", "whole +", "whole,"))
        costs = [
            np.median(list(by_seed(results, name, lambda r, i=i: results.answers[r]["costs"][i])
                           .values())) for i in range(len(COSTS))
        ]  # fmt: skip
        both = (metric, areas)
        over = [gain(values[name], values[PAPER]) for values in both]
        own = [gain(*(values[one] for one in pair)) if is_part else "" for values in both]
        row = [name, str(len(metric[name])), mean(metric[name]), mean(areas[name]), *over, *own]
        rows.append([*row, *(f"{cost:.2g}" for cost in costs)])
    heads = ["variant", "seeds", "metric", "AUROC", "metric over paper", "AUROC over paper"]
    heads += ["its part in the metric", "in AUROC", *COSTS]
    return markdown(heads, rows)


def lead_sets(results: Results, group: str) -> str:
    """Return the challenge metric for each set of leads, and what lead dropout gains there."""
    names = (PAPER, "+ leads", "whole - leads", "whole", CHOSEN)
    values = {
        (name, leads): by_seed(
            results, name, lambda r, of=leads: results.metric(results.labels(r, of), group)
        )
        for name in names
        for leads in LEAD_SETS
    }
    rows = [[name, *(mean(values[name, leads]) for leads in LEAD_SETS)] for name in names]
    without = "whole - leads"
    gains = [gain(values["whole", leads], values[without, leads]) for leads in LEAD_SETS]
    rows.append(["gain of lead dropout in the whole", *gains])
    return markdown(["metric", *(f"{name} leads" for name in LEAD_SETS)], rows)


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
    runs = sorted(run for run in results.answers if run.variant in variants)
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
        for rule in SELECTIONS:
            metric, areas, sizes = {}, {}, {}
            for seed in sorted({run.seed for run in results.answers}):
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
        team = _chosen(results, runs, rule, fold, task)
        answers = np.array([results.answers[run]["scores 12"][test] for run in team])
        cuts = np.array([results.answers[run][f"thresholds {fold}"] for run in team])
        labels[test] = vote(answers > cuts[:, None])
        scores[test] = np.median(answers, axis=0)
        sizes.append(len(team))
    return labels, scores, float(np.mean(sizes))


def _task(results: Results, fold: int, seed: int) -> Task:
    """Return what the product's own selection needs to know of a fold: parts and targets."""
    n = len(results.targets)
    dataset = Dataset(np.empty((n, 0, 0)), np.arange(n), results.targets, (), (), "")
    trains = results.owner == next(iter(DRAWN)) if (results.fold_of < 0).any() else (
        results.fold_of != fold
    )  # fmt: skip
    return Task(dataset, divide(np.flatnonzero(trains), seed), results.classes)


def _chosen(results: Results, runs: Sequence[Run], rule: str, fold: int, task: Task) -> list[Run]:
    scorer = scorer_of(task.dataset.targets[task.parts["validation"]], task.classes)
    candidates: list[Any] = []
    for run in runs:
        scores = results.answers[run][f"validation {fold}"]
        cuts = results.answers[run][f"thresholds {fold}"]
        member = Member(str(runs.index(run)), None, SINGLE, cuts, scorer(scores > cuts))
        candidates.append(Candidate(member, {}, {"validation": scores}))
    ranked = sorted(candidates, key=lambda candidate: -candidate.member.validation_score)
    return [runs[int(c.member.name)] for c in SELECTIONS[rule](ranked, KEEP, task)]
