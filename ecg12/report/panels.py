"""Figures of one small panel per class: ROC, precision over recall, reliability."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecg12.report.curves import Curve
from ecg12.report.figures import BLUE, GREY, INK, ORANGE, new, plain
from ecg12.report.tables import NONE, Table

PER_ROW = 5  # panels beside each other


def panels(
    names: Sequence[str],
    draw: Callable[[Axes, int], str],
    labels: tuple[str, str],
) -> Figure:
    """Draw one small panel per class, each with axes from 0 to 1.

    Parameters
    ----------
    names
        The classes.
    draw
        Draws class k on an axes and returns a remark for the title.
    labels
        Of the horizontal and the vertical axis.
    """
    rows = -(-len(names) // PER_ROW)
    width, height = 2.0 * PER_ROW, 2.0 * rows + 0.4
    figure = new(width, height, arranged=False)  # which takes seconds for so many axes
    figure.subplots_adjust(0.6 / width, 0.5 / height, 1 - 0.1 / width, 1 - 0.2 / height, 0.1, 0.25)
    grid = figure.subplots(rows, PER_ROW, squeeze=False, sharex=True, sharey=True).ravel()
    for k, axes in enumerate(grid):
        if k >= len(names):
            axes.set_axis_off()
            continue
        plain(axes)
        remark = draw(axes, k)
        title = f"{names[k]}  {remark}"
        axes.set_title(title, fontsize=9, color=INK, loc="left", pad=3, parse_math=False)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.set_aspect("equal")
    figure.supxlabel(labels[0], fontsize=9, color=INK, y=0.06 / height)
    figure.supylabel(labels[1], fontsize=9, color=INK, x=0.06 / width)
    return figure


def roc_panels(names: Sequence[str], curves: Sequence[Curve | None], table: Table) -> Figure:
    """Draw the ROC curve of every class, its AUROC in the title."""
    values = table.column("AUROC")

    def draw(axes: Axes, k: int) -> str:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        return _curve(axes, curves[k], values[k].value)

    return panels(names, draw, ("1 − specificity", "sensitivity"))


def precision_recall_panels(
    names: Sequence[str], curves: Sequence[Curve | None], table: Table
) -> Figure:
    """Draw precision over recall of every class, its AUPRC in the title; dotted: prevalence."""
    values, prevalence = table.column("AUPRC"), table.column("prevalence")

    def draw(axes: Axes, k: int) -> str:
        axes.axhline(prevalence[k], color=GREY, linewidth=0.8, linestyle=":")
        return _curve(axes, curves[k], values[k].value, drawstyle="steps-pre")

    return panels(names, draw, ("recall", "precision"))


def _curve(axes: Axes, curve: Curve | None, value: float, drawstyle: str = "default") -> str:
    """Draw a curve and return its value for the title."""
    if curve is None:
        return NONE
    axes.plot(curve.x, curve.y, color=BLUE, linewidth=1.4, drawstyle=drawstyle)
    return f"{value:.2f}"


def reliability_panels(
    names: Sequence[str],
    before: Sequence[Curve | None],
    after: Sequence[Curve | None] | None = None,
) -> Figure:
    """Draw the share of positives over the mean score, before and after calibration."""

    def draw(axes: Axes, k: int) -> str:
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        for curves, colour in ((before, ORANGE), (after or [None] * len(names), BLUE)):
            if (curve := curves[k]) is not None:
                axes.plot(curve.x, curve.y, color=colour, linewidth=1.2, marker="o", markersize=3)
        return "" if before[k] else NONE

    return panels(names, draw, ("mean score", "share of positives"))
