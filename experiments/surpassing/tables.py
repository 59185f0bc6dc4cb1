"""Tables of the runs: parts, lead sets, ensembles, with paired intervals over seeds."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ecg12.metrics import best_constant
from experiments.surpassing.ensembles import ensembles
from experiments.surpassing.recordings import LEAD_SETS
from experiments.surpassing.results import Results, by_seed, gain, markdown, mean, read_results
from experiments.surpassing.runs import COSTS, Run
from experiments.surpassing.variants import CHOSEN, PAPER, VARIANTS


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


def parts(results: Results, group: str) -> str:
    """Return the table of variants; differences from paper, and parts' gains in the whole."""
    metric = {name: by_seed(results, name, lambda r: results.metric(results.labels(r), group))
              for name in VARIANTS}  # fmt: skip
    areas = {
        name: by_seed(
            results, name, lambda r: results.auroc(results.predictions[r]["scores 12"], group)
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
            np.median(list(by_seed(results, name, lambda r, i=i: results.predictions[r]["costs"][i])
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
