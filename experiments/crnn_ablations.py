r"""What paper A's choices are worth: layout, loss, recurrent layer, step of the simplex.

    python -m experiments.crnn_ablations DATA --work WORK [--filters 512] [--units 512] [--folds 3]
        [--epochs 10] [--batch 30] [--learning-rate .01] [--optimizer adamax] [--seeds 1]

Each variant changes one choice, on the same folds and seeds. AUROC and AUPRC (macro, held-out) need
no threshold; F2 and G2 are those of nested simplex thresholds. The authors reshaped (12, n) to
(n, 12), which mixes time and leads; its effect was never published.

Cost: five times `crnn_cpsc2018` for each seed.
Expected: unknown; see reports/crnn.md for what a small network on 300 recordings showed.
"""

import logging
from dataclasses import replace

import numpy as np

from ecg12.data.dataset import prepare_folder
from ecg12.data.stratification import iterative_folds
from ecg12.decision.protocols import (
    OBJECTIVES,
    WAYS,
    decide,
    flat_search,
    mean_f2_g2,
    simplex_search,
)
from ecg12.io.classes import CPSC_2018
from ecg12.metrics import auprc, auroc, macro
from ecg12.models import CRNN
from ecg12.runtime import backend
from ecg12.training.recipes.crnn import PREPROCESSING as CRNN_PREPROCESSING
from experiments.crnn_cpsc2018 import cross_validate, lasting, network_parser

VARIANTS = {
    "base": ({}, {}),
    "reshape": ({"layout": "reshape"}, {}),
    "average": ({"summary": "average"}, {}),
    "binary": ({}, {"loss": "binary_crossentropy"}),
    "softmax": ({}, {"loss": "softmax_crossentropy"}),
}
EDGES = (None, 0.01, 0.05, 0.1, 0.2)


def row(results):
    """Return macro AUROC and AUPRC, and nested F2 and G2 by simplex, each (n_seeds,)."""
    search = simplex_search(mean_f2_g2)
    rows = []
    for result in results:
        nested = decide(result.y_score, result.y_true, result.folds, search)["nested"]
        areas = [macro(area(result.y_true, result.held_out)) for area in (auroc, auprc)]
        rows.append([*areas, OBJECTIVES["F2"](*nested), OBJECTIVES["G2"](*nested)])
    return np.array(rows).T


def print_edges(result):
    """Print the mean of F2 and G2 in each way, for each edge of the first simplex."""
    print(f"edge       {'  '.join(f'{way:>12}' for way in WAYS)}")
    searches = {"(flat)": flat_search}
    searches |= {f"{edge or 'SciPy'}": simplex_search(mean_f2_g2, edge) for edge in EDGES}
    for name, search in searches.items():
        decided = decide(result.y_score, result.y_true, result.folds, search)
        print(f"{name:9}  " + "  ".join(f"{mean_f2_g2(*decided[way]):12.3f}" for way in WAYS))


def main():
    """Train each variant and print its row; then the edges, on the base's scores."""
    parser = network_parser(__doc__, folds=3)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    print(backend.start(0))
    schedule = replace(
        lasting(options.epochs), batch=options.batch, learning_rate=options.learning_rate,
        optimizer=options.optimizer,
    )  # fmt: skip
    dataset = prepare_folder(options.data, options.work, CRNN_PREPROCESSING, CPSC_2018)
    table = {}
    for name, (of_network, of_schedule) in VARIANTS.items():
        network = CRNN(options.filters, options.units, **of_network)
        results = []
        for seed in range(options.seeds):
            folds = iterative_folds(dataset.targets, options.folds, seed)
            work = options.work / f"{name}{seed}"
            own = replace(schedule, **of_schedule)
            results.append(
                cross_validate(dataset, CPSC_2018, network, own, folds, 100 * seed, work)
            )
        table[name] = row(results)
        if name == "base":
            base = results[0]
    print("variant    AUROC   AUPRC      F2      G2   (nested; mean of the seeds)")
    for name, values in table.items():
        print(f"{name:8} " + " ".join(f"{value:7.3f}" for value in values.mean(axis=1)))
    print_edges(base)


if __name__ == "__main__":
    main()
