"""A recording on ECG paper with a tint behind it: what the score of a class rests on.

All leads are drawn over the whole time, twelve rows at 25 mm/s and 5 mm/mV, since a map of which
three quarters lie outside the columns of the usual page would say little.
"""

from collections.abc import Sequence

import numpy as np

from ecg12.explanation import ClassMap
from ecg12.io.leads import LEADS
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.plotting.excerpt import Excerpt, excerpt
from ecg12.plotting.paper import (
    GRID,
    INDENT,
    POINT,
    SECONDS,
    SPEED,
    add_line,
    add_pulse,
    add_text,
    describe,
    titled_page,
)
from ecg12.runtime.optional_deps import require_extra

with require_extra("drawing", "report"):
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

TINT = (0.0, 0.447, 0.698)  # Okabe and Ito's blue: unlike the paper's red to everybody
DARKEST = 0.7  # opacity of the heaviest part; ink stays readable on it, and on its grey in print
FAINTEST = 0.04  # of the heaviest: what is lighter is not tinted
LOW_GAIN = 5.0  # mm/mV
ABOVE = 6.0  # mm of the grid above the first row: tall R waves need space
ROW = (GRID[1] - ABOVE) / len(LEADS)  # mm
LEGEND = 5  # steps of its scale


def draw_explained(
    recording: Record | OpenRecord,
    found: ClassMap,
    *,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw a recording with what the score of one class rests on, 25 mm/s and 5 mm/mV.

    Rows are the twelve leads, each with its share of all weights at the right; those of the two
    that matter most are bold. The tint is as dark as the weight is large against the heaviest.

    Parameters
    ----------
    recording
        Any leads, rate and length.
    found
        One class of what `ecg12.explanation.explain` returned for it.
    notes
        Further lines for the heading.

    Raises
    ------
    InputError
        As `ecg12.plotting.excerpt`.
    """
    seconds = float(np.clip(found.edges[-1], *SECONDS))
    shown = excerpt(recording, 0.0, seconds)
    width = max(GRID[0], 5 * np.ceil((INDENT + SPEED * seconds + 5) / 5))
    figure, axes = titled_page(shown, (*notes, *_said(found)), width)
    for row, lead in enumerate(LEADS):
        base = GRID[1] - ABOVE - ROW * (row + 0.55)
        tint(axes, found, lead, (INDENT, base - 0.45 * ROW), (ROW, SPEED))
        add_pulse(axes, base, shown, LOW_GAIN)
        draw_lead(axes, shown, lead, (INDENT, base), LOW_GAIN)
        weight = "bold" if lead in found.top_leads else "normal"
        add_text(axes, -10, base, lead, size=10, weight=weight)
        share = f"{100 * found.lead_shares.get(lead, 0.0):.0f} %"
        add_text(axes, width + 1.5, base, share, size=9, weight=weight)
    add_text(axes, 0, -5.5, "    ".join(describe(shown, LOW_GAIN)))
    legend(axes, found, (width - 97, -6.0))
    return figure


def _said(found: ClassMap) -> list[str]:
    """Return the explanation in words."""
    said = f"{found.abbreviation} {found.name}, score {found.score:.2f}: {found.summary}"
    return [said, "Tint: how far the score falls without that part of that lead"]


def draw_lead(
    axes: Axes, shown: Excerpt, lead: str, origin: tuple[float, float], gain: float
) -> None:
    """Draw a lead from a place in mm, at `SPEED` and a gain in mm/mV; or say it has none."""
    left, base = origin
    if lead not in shown.signals:
        state = "no signal" if lead in shown.silent else "absent"
        add_text(axes, left + 1.5, base, state, style="italic")
        return
    values = shown.signals[lead]
    add_line(axes, left + SPEED * np.arange(len(values)) / shown.rate, base + gain * values, lead)


def tint(
    axes: Axes,
    found: ClassMap,
    lead: str,
    corner: tuple[float, float],
    size: tuple[float, float],
) -> None:
    """Tint a lead's row.

    Parameters
    ----------
    axes
        Of the page.
    found
        Whose weights.
    lead
        A lead's name; one that is not in the map stays as it is.
    corner
        The row's lower left corner.
    size
        Its height, and the length of a second.
    """
    if lead not in found.leads:
        return
    (left, low), (height, second) = corner, size
    weights = found.weights[found.leads.index(lead)] / (found.weights.max() or 1.0)
    boxes, colours = [], []
    for begin, end, weight in zip(found.edges[:-1], found.edges[1:], weights, strict=True):
        if weight >= FAINTEST:
            x, y = left + second * np.array([begin, end]), (low, low + height)
            boxes.append([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
            colours.append((*TINT, DARKEST * weight))
    axes.add_collection(PolyCollection(boxes, facecolors=colours, linewidths=0, zorder=0.5))


def legend(axes: Axes, found: ClassMap, corner: tuple[float, float]) -> None:
    """Draw the scale of the tint, in log odds, from a place in mm."""
    x, y = corner
    largest = float(found.weights.max())
    add_text(axes, x, y + 0.5, "fall of log odds without it  0")
    x += 49
    for step in range(1, LEGEND + 1):
        colour = (*TINT, DARKEST * step / LEGEND)
        box = Rectangle((x + 7 * (step - 1), y), 7, 3.5, facecolor=colour, edgecolor="none")
        box.set_clip_on(False)
        axes.add_patch(box)
    frame = Rectangle((x, y), 7 * LEGEND, 3.5, fill=False, linewidth=0.15 / POINT)
    frame.set_clip_on(False)
    axes.add_patch(frame)
    add_text(axes, x + 7 * LEGEND + 1.5, y + 0.5, f"{largest:.2g}")
