"""Tables of the transfer runs: means over seeds, paired differences with intervals.

python -m experiments.ptbxl.transfer_tables [reports/transfer_real.csv]
"""

import sys
from pathlib import Path

import numpy as np

from experiments.ptbxl.tables import read_rows
from experiments.surpassing.results import Values, gain, markdown, mean

SCRATCH = "from scratch"
MEAN = "mean of the sources"


def by_study(rows: list[dict[str, str]]) -> dict[str, dict[str, Values]]:
    """Return study → way → seed → macro AUROC.

    `MEAN` is the mean of the sources left out, for seeds that have them all.
    """
    found: dict[str, dict[str, Values]] = {}
    for row in rows:
        ways = found.setdefault(row["study"], {})
        ways.setdefault(row["way"], {})[int(row["seed"])] = float(row["auroc"])
    left_out = [ways for study, ways in found.items() if study.startswith("without ")]
    found[MEAN] = {
        way: {
            seed: float(np.mean([ways[way][seed] for ways in left_out]))
            for seed in set.intersection(*(set(ways.get(way, ())) for ways in left_out))
        }
        for way in (left_out[0] if left_out else ())
    }
    return found


def tables(rows: list[dict[str, str]]) -> str:
    """Return a table for each study, as Markdown."""
    parts = []
    for study, ways in by_study(rows).items():
        cells = [
            (way, str(len(values)), mean(values), gain(values, ways[SCRATCH]))
            for way, values in ways.items()
        ]
        heads = (study, "seeds", "macro AUROC", f"less {SCRATCH}")
        parts.append(markdown(heads, cells))
    return "\n".join(parts)


if __name__ == "__main__":
    table = Path(sys.argv[1] if len(sys.argv) > 1 else "reports/transfer_real.csv")
    print(tables(read_rows(table)))
