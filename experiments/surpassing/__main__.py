r"""What surpasses the papers: each part alone, each part left out, the whole, ensembles.

    python -m experiments.surpassing synthetic --work W [--seeds 5] [--members 3]
    python -m experiments.surpassing DATA --work W2 --begin-at W [--members 3]

Small networks at 100 Hz on the product's own training, thresholds and preprocessing. On
``synthetic`` they train on recordings of three sites and predict others of these sites and of two
unseen ones; on a folder of databases each is predicted by networks that have not seen it. With
``--begin-at`` networks begin at those that the same run left in that work folder, as paper B's
begin at a larger archive. Seeds are paired: the same recordings, division and order.
``--members 3`` trains three networks a seed of the paper's recipe and of the one that was chosen,
`whole - parts`, for ensembles.

Cost: about 30 minutes of processor time a seed on synthetic recordings (a quarter more with
``--members 3``), 16 on the 220 real ones. A finished run is not repeated; the tables are printed
from the runs' predictions. Results: reports/surpassing.md.

The challenge's evidence (docs of the entries, 2020 and 2021): cosine +.055, varied +.041, loss
+.028 to +.051, squeeze-and-excitation +.02.
"""

import argparse
import logging
from pathlib import Path

from ecg12.runtime.executors import LocalExecutor
from ecg12.runtime.progress import bar
from experiments.surpassing.recordings import SYNTHETIC, material, write_truth
from experiments.surpassing.runs import Run, finished, run
from experiments.surpassing.tables import report
from experiments.surpassing.variants import CHOSEN, LETTER, PAPER, VARIANTS


def main() -> None:
    """Run what is missing, seed by seed, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="synthetic, or a folder of databases")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--begin-at", type=Path, help="work folder of an earlier experiment")
    parser.add_argument("--seeds", type=int, default=5, help="(default %(default)s)")
    parser.add_argument("--members", type=int, default=1, help="of each ensemble (default 1)")
    parser.add_argument("--workers", type=int, default=2, help="side by side (default 2)")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, help="(default: all that can be)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options.work.mkdir(parents=True, exist_ok=True)
    apart = [name for name, variant in VARIANTS.items() if variant.database]
    if options.data == SYNTHETIC and set(apart) & set(options.only or ()):
        parser.error(f"{', '.join(apart)}: the synthetic recordings that train are one database")
    ready = material(options.data, options.work)
    write_truth(ready, options.work)
    left_out = {*(apart if options.data == SYNTHETIC else ())}
    left_out |= {LETTER} if options.begin_at else set()  # its schedule knows no second training
    names = options.only or [name for name in VARIANTS if name not in left_out]
    runs = [Run(name, seed) for seed in range(1, options.seeds + 1) for name in names]
    runs += [Run(name, seed, member) for seed in range(1, options.seeds + 1)
             for member in range(1, options.members) for name in (PAPER, CHOSEN)]  # fmt: skip
    settings = ready, options.work, options.begin_at
    waiting = [one for one in runs if not finished(one, *settings)]
    jobs = {one: (one, options.data, options.work, options.begin_at) for one in waiting}
    with bar(total=len(runs), initial=len(runs) - len(waiting), desc="runs", unit="run") as shown:
        for _ in LocalExecutor(options.workers).completed(run, jobs):
            shown.update()
    done = [one for one in Run.all(options.work) if finished(one, *settings)]
    print(report(options.work, done))


if __name__ == "__main__":
    main()
