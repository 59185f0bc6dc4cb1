"""Draw explained recordings on one page, each in the three leads that matter most.

    python -m experiments.explanation_sheet DATA OUT.png [-n 12]

DATA is a folder of recordings with codes; each is explained for a diagnosis that its codes name
too, no diagnosis twice. Cost: half a minute on one core.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import ecg12
from ecg12.plotting import excerpt
from ecg12.plotting.explained import LOW_GAIN, draw_lead, tint
from ecg12.plotting.paper import SPEED
from experiments.explanation import diagnosed

COLUMNS, LEADS = 2, 3  # of the sheet; leads of each of its panels
WIDTH, ROW = 265, 18  # mm of a panel and of a lead
HEIGHT = LEADS * ROW


def sheet(model, folder, output, n):
    """Draw n recordings, each in the three leads that matter most, on one page."""
    rows = -(-n // COLUMNS)
    figure = Figure(figsize=(COLUMNS * WIDTH / 25.4, rows * (HEIGHT + 14) / 25.4))
    FigureCanvasAgg(figure)
    figure.subplots_adjust(0.01, 0.005, 0.99, 0.97, 0.02, 0.24)
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (record, name) in zip(grid, diagnosed(model, folder, n, 1), strict=True):
        panel(axes, record, ecg12.explain(model, record, [name])[name])
        print(record.name, name, flush=True)
    figure.savefig(output, dpi=90)


def panel(axes, record, found):
    """Draw one recording's heaviest leads with their tint; x and y in mm."""
    shares = found.lead_shares
    leads = sorted(sorted(shares, key=lambda lead: -shares[lead])[:LEADS], key=found.leads.index)
    shown = excerpt(record)
    for step, width in ((1, 0.1), (5, 0.3)):
        axes.vlines(np.arange(0, WIDTH - 14, step), 0, HEIGHT, color="#f0bcbc", lw=width)
        axes.hlines(np.arange(0, HEIGHT + 1, step), 0, WIDTH - 15, color="#f0bcbc", lw=width)
    for place, lead in enumerate(leads):
        base = HEIGHT - ROW * (place + 0.6)
        tint(axes, found, lead, (0, base - 0.4 * ROW), (ROW, SPEED))
        draw_lead(axes, shown, lead, (0, base), LOW_GAIN)
        axes.text(-1, base, lead, fontsize=9, ha="right", weight="bold")
        axes.text(WIDTH - 14, base, f"{100 * shares[lead]:.0f} %", fontsize=9)
    title = f"{record.name}  {found.abbreviation} {found.name.split(' / ')[0]}  {found.score:.2f}"
    axes.set_title(title, fontsize=10, loc="left", pad=3)
    axes.set(xlim=(-10, WIDTH - 5), ylim=(0, HEIGHT))
    axes.axis("off")


def main():
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("-n", type=int, default=12)
    options = parser.parse_args()
    sheet(ecg12.load_model(), options.data, options.output, options.n)


if __name__ == "__main__":
    main()
