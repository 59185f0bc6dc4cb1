"""Draw one synthetic recording of every class on a single sheet.

    python -m experiments.contact_sheet docs/images/synthetic_classes.png

Leads II, V1 and V5, 4 s each at 25 mm/s and 10 mm/mV, of a recording of seed 0 drawn for the
class; its title names all that it shows. Cost: seconds.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ecg12.io.classes import abbreviation
from ecg12.synthetic import Options, recording
from ecg12.synthetic.findings import FINDINGS

LEADS = ("II", "V1", "V5")
SECONDS, COLUMNS = 4.0, 5
MM = 1 / 25.4  # inch
ROW = 21  # mm of paper for a lead
HEIGHT = ROW * len(LEADS)


def panel(axes, name, index):
    """Draw one class's recording on ECG paper; x in mm, y in mm."""
    record = recording(0, index, Options(classes=(name,)))
    signals, n = record.millivolts, round(SECONDS * record.rate)
    time = np.arange(n) / record.rate * 25
    for step, width in ((1, 0.15), (5, 0.4)):
        axes.vlines(np.arange(0, 101, step), 0, HEIGHT, color="#eab0b0", lw=width)
        axes.hlines(np.arange(0, HEIGHT + 1, step), 0, 100, color="#eab0b0", lw=width)
    for place, lead in enumerate(LEADS):
        trace = signals[record.leads.index(lead), :n]
        level = HEIGHT - ROW * (place + 0.6)
        axes.plot(time, level + 10 * (trace - np.median(trace)), color="black", lw=0.5)
        axes.text(0.5, level + 2, lead, fontsize=5)
    others = dict.fromkeys(abbreviation(code) for code in record.codes)
    axes.set_title(f"{name}   ({', '.join(others)})", fontsize=6, loc="left", pad=2)
    axes.set(xlim=(0, 100), ylim=(0, HEIGHT), aspect="equal")
    axes.axis("off")


def main():
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    rows = -(-len(FINDINGS) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * 106 * MM, rows * (HEIGHT + 8) * MM), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for index, (axes, name) in enumerate(zip(grid, FINDINGS, strict=False)):
        panel(axes, name, index)
    for axes in grid[len(FINDINGS) :]:
        axes.axis("off")
    figure.savefig(options.output, dpi=100)
    print(f"{len(FINDINGS)} classes in {options.output}")


if __name__ == "__main__":
    main()
