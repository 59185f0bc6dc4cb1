r"""Pretraining against training from scratch, at 5, 20 and 100 % of the target's recordings.

    python -m experiments.transfer_vs_scratch WORK [--seeds 10]
    python -m experiments.transfer_vs_scratch WORK --data DATA --shares 100 --seeds 20

Each seed pretrains a network on the source (`experiments.small`), then trains on a share of the
target twice: from scratch, and beginning there under a new head. Both see the same recordings and
are scored on the same test part, a fifth of the target. "over constant" is the challenge metric
less that of the best constant prediction.

The paper (Ansari et al., 2020) pretrained on a million of its own recordings, and never shows what
that was worth; UMCUVA reports +.023 from 254,000. Here the effect must show at 5 and 20 % of the
synthetic target: there the networks from scratch have seen 45 and 180 recordings.

Cost: see reports/transfer.md, which holds the results.
"""

from experiments.small import Results, begin, held_out, parser, table


def main():
    """Run what is missing, seed by seed, then print a table per share."""
    arguments = parser(__doc__)
    arguments.add_argument("--shares", type=int, nargs="+", default=[5, 20, 100], help="percent")
    options = arguments.parse_args()
    study = begin(options)
    results = Results("transfer_vs_scratch", study)
    for seed in range(options.seeds):
        run_seed(study, results, options.shares, seed)
    for share in options.shares:
        table(results, _names(share), _names(share)[0], options.seeds)


def _names(share):
    return f"{share} % from scratch", f"{share} % pretrained"


def run_seed(study, results, shares, seed):
    """Run what is missing of one seed, from scratch and pretrained, for each share."""
    weights = study.pretrained_once(seed)
    for share in shares:
        task = study.target_task(seed, share / 100)

        def score(model, task=task):
            return held_out(study.fit(model(), task, seed), task)

        scratch, pretrained = _names(share)
        results.run(scratch, seed, lambda: score(lambda: study.scratch(seed)))
        results.run(pretrained, seed, lambda: score(lambda: study.transferred(seed, weights())))


if __name__ == "__main__":
    main()
