"""Train on PTB-XL, choose on its validation part, ship an ensemble."""

import argparse
import logging
from pathlib import Path

from ecg12.runtime import backend
from experiments.ptbxl.final import finish
from experiments.ptbxl.plan import MEMBERS, RUNS, SCREENING, group
from experiments.ptbxl.runs import run
from experiments.ptbxl.task import add_data, read_material


def main() -> None:
    """Make every run of the plan that is not finished."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    add_data(parser)
    parser.add_argument("--only", nargs="*", help="names of runs; by default those of the ensemble")
    parser.add_argument("--table", type=Path, default=Path("reports/ptbxl.csv"))
    parser.add_argument("--finish", action="store_true", help="ship the members and evaluate them")
    parser.add_argument("--real", type=Path, help="recordings of other hospitals")
    options = parser.parse_args()
    logging.info(backend.start(0))
    material = read_material(options.data, options.meta, options.work / "prepared")
    materials = {100.0: material}
    networks = options.work / "multitask"
    for folder in (networks, options.table.parent):
        folder.mkdir(parents=True, exist_ok=True)
    wanted = options.only or MEMBERS
    for name, (config, seed) in (RUNS | SCREENING).items():
        if name in wanted or group(name) in wanted:
            if config.rate not in materials:
                folder = options.work / f"prepared{config.rate:g}"
                materials[config.rate] = read_material(
                    options.data, options.meta, folder, config.rate
                )
            run(name, config, seed, materials[config.rate], networks, options.table)
    if options.finish:
        members = {name: RUNS[name] for name in MEMBERS}
        finish(members, material, options.work, options.real, options.table.parent)


if __name__ == "__main__":
    main()
