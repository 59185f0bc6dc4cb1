r"""The five superclasses, answered by the mean of any finished runs of the plan.

    python -m experiments.ptbxl.superclasses DATA WORK --meta meta.csv --runs member1 fine0 [--test]

prints the macro AUROC of the validation part with 95 % bootstrap intervals, by which the runs are
chosen. With ``--test`` it scores the test part, once they are; the table gets a row of it.
"""

import argparse
import json
import logging
from functools import cache
from pathlib import Path

from ecg12.runtime import backend
from experiments.ptbxl.final import member_scores, superclass_ways
from experiments.ptbxl.plan import RUNS
from experiments.ptbxl.report import superclass_table
from experiments.ptbxl.runs import add_row
from experiments.ptbxl.task import Material, add_data, read_material


def main() -> None:
    """Print the table of a part, and log an evaluation of the test part."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_data(parser)
    parser.add_argument("--runs", nargs="+", required=True, choices=RUNS, metavar="RUN")
    parser.add_argument("--test", action="store_true", help="score the test part, and log it")
    parser.add_argument("--table", type=Path, default=Path("reports/ptbxl.csv"))
    options = parser.parse_args()
    backend.start(0)

    @cache
    def material(rate: float) -> Material:
        name = "prepared" if rate == 100 else f"prepared{rate:g}"
        return read_material(options.data, options.meta, options.work / name, rate)

    networks = options.work / "multitask"
    members = [member_scores(networks, run, material(RUNS[run][0].rate)) for run in options.runs]
    part = "test" if options.test else "validation"
    ways, own = superclass_ways(members, part), material(RUNS[options.runs[0]][0].rate)
    lines = superclass_table(ways, own, part)
    print(*lines, sep="\n")
    if options.test:
        macros = {line.split(" | ")[0][2:]: line.split(" | ")[1] for line in lines[2:]}
        settings = json.dumps({"members": options.runs} | macros)
        row = {"kind": "evaluation", "name": "superclasses", "part": part, "settings": settings}
        add_row(options.table, row)


if __name__ == "__main__":
    main()
