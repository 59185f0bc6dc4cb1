"""Cross-validate a small network on real recordings, and leave each database out.

    python -m experiments.crossval_real DATA OUT

`python -m ecg12 crossval` with a recipe light enough for a few hundred recordings and a processor:
one one-dimensional residual network with squeeze-and-excitation, 24 epochs. First five folds, then
one source after the other is held out. OUT receives the tables of both.

Cost on 220 recordings of six databases: nine trainings of under half a minute of processor time.
Expected: reports/validation.md.
"""

import argparse
import logging
from pathlib import Path

from ecg12.crossval import cross_validate
from ecg12.models import SEResNet
from ecg12.training.recipes import Recipe
from ecg12.training.schedule import Schedule

SCHEDULE = Schedule(epochs=24, batch=16, threshold=None, patience=24, plateau=24)
RECIPE = Recipe("light", (SEResNet(k=16),), keep=1, schedule=SCHEDULE)


def main():
    """Run both and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for name, by_database in (("folds", False), ("databases", True)):
        folder = options.output / name
        summary = cross_validate(options.data, folder, RECIPE, by_database=by_database)
        print(f"{name}\n\n{summary.text()}\n", flush=True)


if __name__ == "__main__":
    main()
