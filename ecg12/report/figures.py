"""The figures of a report, drawn by matplotlib; each function returns a matplotlib Figure.

Colours are of middle lightness, so that they stand out on white and on black; `INK`, `LINE`,
`PAPER` and `BOX` are what the page replaces by its own. Names of classes and databases are drawn as
they are: `$` begins no formula.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure

from ecg12.io.classes import ScoredClasses, abbreviation
from ecg12.metrics.intervals import Estimate
from ecg12.metrics.selective import RiskCoverage
from ecg12.report.hierarchy import Hierarchy
from ecg12.report.tables import Table

INK, LINE, PAPER, BOX = "#1a1d21", "#c9ced6", "#fffffe", "#fffffd"
BLUE, ORANGE, GREY = "#2b7bba", "#d0660f", "#7a828c"
SCALE: Colormap = LinearSegmentedColormap.from_list("scores", ["#f7d9a8", "#6fb3a6", "#124e78"])
SHADES: Colormap = LinearSegmentedColormap.from_list("shades", [BLUE + "00", BLUE + "cc"])
SMALLEST = 0.005  # share that is written into a cell
BAR = 0.36  # height of a bar; the step from one class to the next is 1


def new(width: float, height: float, arranged: bool = True) -> Figure:
    """Return an empty figure of a size in inches, whose axes matplotlib arranges if wanted."""
    figure = Figure((width, height), facecolor=PAPER)
    if arranged:
        figure.set_layout_engine("constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Axes) -> None:
    """Leave of an axes' frame the left and lower side, in the report's colours."""
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=INK, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8, width=0.6, length=2.5)
    axes.grid(color=LINE, linewidth=0.5)
    axes.set_axisbelow(True)


def _legend(figure: Figure) -> None:
    """Put a legend in one row above the axes."""
    legend = figure.legend(
        frameon=False, fontsize=8, labelcolor=INK, ncols=3, loc="outside upper left"
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def areas(names: Sequence[str], table: Table) -> Figure:
    """Draw paper B's figure 2: AUROC and AUPRC of every class, with its prevalence.

    Parameters
    ----------
    names
        The class of each row.
    table
        With the columns AUROC and AUPRC (estimates) and prevalence.
    """
    figure = new(5.2, 1.2 + 0.36 * len(names))
    axes = figure.add_subplot()
    plain(axes)
    place = np.arange(len(names))
    for shift, column, colour in ((-BAR / 2, "AUROC", BLUE), (BAR / 2, "AUPRC", ORANGE)):
        _bars(axes, place + shift, table.column(column), colour, column)
    prevalence = [float(v) for v in table.column("prevalence")]
    for x, y in zip(prevalence, place, strict=True):
        axes.plot([x, x], [y - BAR, y + BAR], color=INK, linewidth=1.4)
    axes.plot([], [], color=INK, linewidth=1.4, label="prevalence")
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6))
    axes.set_yticks(place, names, parse_math=False)
    axes.grid(axis="y", visible=False)
    _legend(figure)
    return figure


def _bars(
    axes: Axes, place: np.ndarray, values: Sequence[Estimate], colour: str, name: str
) -> None:
    """Draw horizontal bars with the intervals that are known."""
    axes.barh(place, [v.value for v in values], BAR, color=colour, label=name)
    for y, (_, low, high) in zip(place, values, strict=True):
        if np.isfinite(low):
            axes.plot([low, high], [y, y], color=INK, linewidth=0.8, solid_capstyle="butt")


def confusion(names: Sequence[str], matrix: np.ndarray) -> Figure:
    """Draw paper B's figure 3: the modified confusion matrix, (n, n), in percent of its rows."""
    size = 1.4 + 0.3 * len(names)
    figure = new(size, size)
    axes = figure.add_subplot()
    plain(axes)
    axes.grid(visible=False)
    shares = np.nan_to_num(matrix)
    edges = np.arange(len(names) + 1) - 0.5
    norm = PowerNorm(0.5, 0, 1)
    axes.pcolormesh(edges, edges, shares, cmap=SHADES, norm=norm, linewidth=0)
    for i, j in zip(*np.nonzero(shares >= SMALLEST), strict=True):
        text = f"{100 * shares[i, j]:.0f}"
        axes.text(j, i, text, fontsize=7, color=INK, ha="center", va="center")
    places = range(len(names))
    axes.set(ylim=(len(names) - 0.5, -0.5))
    axes.set_xticks(places, names, rotation=90, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true", color=INK)
    return figure


def hierarchy(graph: Hierarchy, classes: ScoredClasses, values: Sequence[float]) -> Figure:
    """Draw paper B's figure 4: the hierarchy, scored classes coloured by a score of 0.5 to 1.

    Scored classes that the hierarchy lacks stand below it; a concept that is not scored shows its
    code in an empty box, a class without score its name in one. One's own classes have their own
    abbreviation.
    """
    value_of = {
        c: v for group, v in zip(classes.groups, values, strict=True) for c in group
    }  # fmt: skip
    own = zip(classes.groups, classes.names, strict=True) if classes.named else ()
    name_of = {code: name for group, name in own for code in group}
    places, ways = graph.layout()
    lowest = max(row for way in ways for _, row in way)
    single = [group[0] for group in classes.groups if not places.keys() & set(group)]
    places |= {code: (i % 4 + 0.5, lowest + 1.6 + i // 4) for i, code in enumerate(single)}
    figure = new(9.2, 7.0)
    axes = figure.add_subplot()
    axes.set_axis_off()
    for way in ways:
        _arrow(axes, way)
    for code, place in places.items():
        name = name_of.get(code, abbreviation(code))
        _node(axes, place, name, value_of.get(code, float("nan")))
    x, y = np.transpose(list(places.values()))
    axes.set(xlim=(x.min() - 0.4, x.max() + 0.4), ylim=(y.max() + 0.6, -lowest - 0.6))
    return figure


def _arrow(axes: Axes, way: Sequence[tuple[float, float]]) -> None:
    """Draw an arrow through the points of a way, to the right edge of its last."""
    *points, (x, y) = way
    points = [p for column, row in points for p in ((column + 0.2, row), (column - 0.2, row))]
    axes.plot(*np.transpose(points[1:]), color=GREY, linewidth=0.8, zorder=1)
    arrow = {"arrowstyle": "->", "color": GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x + 0.19, y), points[-1], arrowprops=arrow, zorder=1)


def _node(axes: Axes, place: tuple[float, float], name: str, value: float) -> None:
    known = np.isfinite(value)
    colour = SCALE(2 * max(value, 0.5) - 1) if known else BOX
    text = f"{name} {value:.2f}" if known else name
    box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": GREY, "linewidth": 0.8}
    ink = _readable(SCALE(2 * max(value, 0.5) - 1)) if known else INK
    axes.text(
        *place, text, fontsize=8, color=ink, ha="center", va="center", bbox=box, zorder=2,
        parse_math=False,
    )  # fmt: skip


def _readable(colour: tuple[float, ...]) -> str:
    """Return black or white, whichever has more contrast on a colour (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), linear))
    return "#000000" if luminance > 0.179 else "#ffffff"


def differences(names: Sequence[str], columns: Mapping[str, Sequence[Estimate]]) -> Figure:
    """Draw differences with their intervals: rows have names, the (two) columns colours."""
    figure = new(5.2, 1.2 + 0.34 * len(names))
    axes = figure.add_subplot()
    plain(axes)
    place = np.arange(len(names))
    marks = zip((-0.16, 0.16), columns.items(), (BLUE, ORANGE), strict=True)
    for shift, (name, values), colour in marks:
        axes.plot([v.value for v in values], place + shift, "o", color=colour, ms=4, label=name)
        for y, (_, low, high) in zip(place + shift, values, strict=True):
            axes.plot([low, high], [y, y], color=colour, linewidth=1.2)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set(ylim=(len(names) - 0.4, -0.6))
    axes.set_yticks(place, names, parse_math=False)
    axes.grid(axis="y", visible=False)
    _legend(figure)
    return figure


def risk_coverage(curve: RiskCoverage) -> Figure:
    """Draw the share of right labels over the share of recordings left to a person."""
    figure = new(5.2, 3.2)
    axes = figure.add_subplot()
    plain(axes)
    axes.plot(1 - curve.coverage, curve.accuracy, color=BLUE, linewidth=1.4)
    axes.set(xlim=(0, 1))
    axes.set_xlabel("share of recordings left to a person", fontsize=9, color=INK)
    axes.set_ylabel("share of right labels in the others", fontsize=9, color=INK)
    return figure
