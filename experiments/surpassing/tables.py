"""The runs' answers as tables: parts, lead sets, ensembles, with paired intervals over seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from ecg12.classifier import Member, vote
from ecg12.dataset import Dataset
from ecg12.ensembling import SELECTIONS, Candidate
from ecg12.labels import WEIGHTS, ScoredClasses, load_weights
from ecg12.metrics import auroc, best_constant, scorer_of
from ecg12.training import Task
from experiments.surpassing.runs import COSTS, DRAWN, LEAD_SETS, Run, divide
from experiments.surpassing.variants import CHOSEN, PAPER, SINGLE, VARIANTS

MIN_POSITIVES = 5  # of a class among the tested, for its AUROC to count
KEEP = 5  # members of an ensemble at most
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
        """Return the mean AUROC of scores, (n, n_classes), over the group's frequent classes."""
        rows = self.groups[group]
        enough = self.targets[rows].sum(axis=0) >= MIN_POSITIVES
        return float(auroc(self.targets[rows][:, enough], scores[rows][:, enough]).mean())


def read_results(work: Path) -> Results:
    """Read all finished runs of a work folder."""
    answers = {}
    for file in sorted((work / "answers").glob("*.npz")):
        with np.load(file) as saved:
            answers[Run.of(file)] = dict(saved)
    with np.load(work / "truth.npz") as truth:
        return Results(answers, **truth, classes=load_weights(WEIGHTS))


def report(work: Path) -> str:
    """Return all tables of a work folder as Markdown."""
    results = read_results(work)
    tables = []
    for group, rows in results.groups.items():
        constant = best_constant(results.targets[rows], results.classes)[1]
        tables.append(f"\n{group}: {len(rows)} recordings, best constant answer {constant:.3f}\n")
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
    half = stats.t.ppf(0.975, len(gaps) - 1) * stats.sem(gaps)
    return f"{np.mean(gaps):+.3f} [{np.mean(gaps) - half:+.3f}, {np.mean(gaps) + half:+.3f}]"


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


# What an ensemble is chosen from: its name → whether a run belongs.
LIBRARIES: dict[str, Callable[[Run], bool]] = {
    PAPER: lambda run: run.variant == PAPER,
    CHOSEN: lambda run: run.variant == CHOSEN,
    "paper and its variants": lambda run: not run.member and (
        run.variant == PAPER or (run.variant.startswith("+") and run.variant != "+ seresnet")
    ),
    "whole and its variants": lambda run: not run.member and (
        run.variant.startswith("whole")
        and run.variant not in ("whole - seresnet", "whole, database validates")
    ),
}  # fmt: skip


def ensembles(results: Results, group: str) -> str:
    """Return the table of ensembles: what they are chosen from, how, and what they reach."""
    figures: dict[tuple[str, str], tuple[Values, Values, Values]] = {}
    for name, belongs in LIBRARIES.items():
        for rule in SELECTIONS:
            runs = [run for run in results.answers if belongs(run)]
            metric, areas, sizes = {}, {}, {}
            for seed in sorted({run.seed for run in runs}):
                library = [run for run in runs if run.seed == seed]
                if len(library) < 3:
                    continue
                labels, scores, size = joined(results, library, rule)
                metric[seed] = results.metric(labels, group)
                areas[seed] = results.auroc(scores, group)
                sizes[seed] = size
            figures[name, rule] = metric, areas, sizes
    rows = []
    several = figures[PAPER, "score"]
    base = several if several[0] else figures["paper and its variants", "score"]
    for (name, rule), (metric, areas, sizes) in figures.items():
        if metric:
            gains = [gain(own, theirs) for own, theirs in zip((metric, areas), base, strict=False)]
            numbers = [mean(metric), mean(areas), *gains, f"{np.mean(list(sizes.values())):.1f}"]
            rows.append([name, rule, *numbers])
    chosen = ["chosen from", "by", "metric", "AUROC", "metric over the paper's", "AUROC over it"]
    return markdown([*chosen, "members"], rows)


def joined(
    results: Results, library: Sequence[Run], rule: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Choose from runs on their validation parts, by fold; return labels, scores and mean size."""
    labels = np.zeros(results.targets.shape, bool)
    scores = np.full(results.targets.shape, np.nan)
    sizes = []
    for fold in range(results.n_folds):
        test = np.flatnonzero(results.fold_of == fold)
        task = _task(results, fold, library[0].seed)
        team = _chosen(results, library, rule, fold, task)
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


def _chosen(
    results: Results, library: Sequence[Run], rule: str, fold: int, task: Task
) -> list[Run]:
    scorer = scorer_of(task.dataset.targets[task.parts["validation"]], task.classes)
    candidates: list[Any] = []
    for run in library:
        scores = results.answers[run][f"validation {fold}"]
        cuts = results.answers[run][f"thresholds {fold}"]
        member = Member(str(library.index(run)), None, SINGLE, cuts, scorer(scores > cuts))
        candidates.append(Candidate(member, {}, {"validation": scores}))
    ranked = sorted(candidates, key=lambda candidate: -candidate.member.validation_score)
    return [library[int(c.member.name)] for c in SELECTIONS[rule](ranked, KEEP, task)]
