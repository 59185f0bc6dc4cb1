r"""What the mapping of statements costs: pretraining on labels with its errors; and on none at all.

    python -m experiments.label_noise WORK [--seeds 5]

The source's labels (`experiments.small`) are corrupted before pretraining: of each class's
recordings a share 1 − recall loses the label, and others gain it until the precision is reached.
The levels are those of reports/labelling.md: all phrases reviewed, the 20 most frequent reviewed,
the mapping alone. Each network is scored on the source's test part against the true labels
("source"), then trained on a share of the target, whose labels are true ("target").

The last level shuffles the source's labels among its recordings: a network can learn nothing but
how frequent classes are, so macro AUROC must be .5, and the challenge metric that of the best
constant prediction, within their intervals.

The paper (Ansari et al., 2020) corrected its mapping by hand and does not say what is left.

Cost: see reports/transfer.md, which holds the results.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from experiments.small import Results, begin, held_out, interval, parser, table

LEVELS = {  # precision, recall
    "true labels": (1.0, 1.0),
    "all reviewed": (0.998, 0.963),
    "20 phrases reviewed": (0.999, 0.842),
    "mapping alone": (0.998, 0.589),
}
SHUFFLED = "shuffled"
SITES = "source", "target"


def corrupted(targets, precision, recall, rng):
    """Return targets of that precision and recall, class by class, on average."""
    found = targets & (rng.random(targets.shape) < recall)
    for own, true in zip(found.T, targets.T, strict=True):
        others = np.flatnonzero(~true)
        n_wrong = rng.binomial(len(others), min(1.0, _share(own.sum(), precision, len(others))))
        own[rng.choice(others, n_wrong, replace=False)] = True
    return found


def _share(n_found, precision, n_others):
    """Return which share of the recordings without a class is given it by mistake."""
    return n_found * (1 - precision) / precision / max(1, n_others)


def labels_of(name, targets, seed):
    """Return the targets of a level."""
    rng = np.random.default_rng([seed, 77])
    if name == SHUFFLED:
        return rng.permutation(targets)
    return corrupted(targets, *LEVELS[name], rng)


def run(study, seed, name, share):
    """Pretrain on the labels of a level; return the measures on the source and on the target."""
    truth = study.source.targets
    dataset = replace(study.source, targets=labels_of(name, truth, seed))
    task = study.source_task(seed, dataset)
    model = study.scratch(seed)
    trainer = study.fit(model, task, seed, study.options.pretraining_epochs)
    on_source = held_out(trainer, task, truth)
    target = study.target_task(seed, share / 100)
    moved = study.transferred(seed, model.get_weights())
    on_target = held_out(study.fit(moved, target, seed), target)
    return {f"source: {name}": on_source, f"target: {name}": on_target}


def main():
    """Run what is missing, seed by seed, then print a table per site."""
    arguments = parser(__doc__, seeds=5)
    arguments.add_argument("--share", type=int, default=20, help="percent of the target")
    options = arguments.parse_args()
    study = begin(options)
    results = Results("label_noise", study)
    levels = [*LEVELS, SHUFFLED]
    for seed in range(options.seeds):
        for name in levels:
            variants = [f"{site}: {name}" for site in SITES]
            results.run_all(variants, seed, partial(run, study, seed, name, options.share))
    for site in SITES:
        table(
            results, [f"{site}: {name}" for name in levels], f"{site}: {levels[0]}", options.seeds
        )
    for measure, expected in (("AUROC", 0.5), ("margin", 0.0)):
        values = results.column(f"source: {SHUFFLED}", measure, options.seeds) - expected
        print(f"source: {SHUFFLED}, {measure} less {expected}: {interval(values)}")


if __name__ == "__main__":
    main()
