r"""How many blocks of a pretrained network to freeze.

    python -m experiments.freezing_depth WORK [--seeds 5] [--share 20]

Each seed pretrains a network on the source (`experiments.small`) and trains it on a share of the
target with its first j blocks frozen, j = 0 … m: 0 trains every layer, m the new head alone. The
entry convolution is frozen with the first block.

The paper (Ansari et al., 2020) tried this without giving numbers: full retraining was best.

Cost: see reports/transfer.md, which holds the results.
"""

from experiments.small import NETWORK, Results, begin, held_out, parser, table


def main():
    """Run what is missing, seed by seed, then print the table."""
    arguments = parser(__doc__, seeds=5)
    arguments.add_argument("--share", type=int, default=20, help="percent of the target")
    options = arguments.parse_args()
    study = begin(options)
    results = Results("freezing_depth", study)
    names = [f"{options.share} %, {j} blocks frozen" for j in range(NETWORK.m + 1)]
    for seed in range(options.seeds):
        task = study.target_task(seed, options.share / 100)
        weights = study.pretrained_once(seed)
        for j, name in enumerate(names):
            results.run(name, seed, lambda s=seed, t=task, j=j, w=weights: held_out(
                study.fit(study.transferred(s, w(), j), t, s), t))  # fmt: skip
    table(results, names, names[0], options.seeds)


if __name__ == "__main__":
    main()
