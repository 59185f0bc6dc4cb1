"""A long recording on one page: heart rate, diagnoses and signal quality over time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecg12.inference.window_summary import NO_PREDICTION, WindowSummary, clock
from ecg12.plotting.paper import INK, free_name, save
from ecg12.runtime.optional_deps import require_extra
from ecg12.runtime.progress import printable
from ecg12.signal.quality import VERDICTS

with require_extra("drawing", "report"):
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

SHOWN = 12  # classes, the most frequent
PAGE = (11.69, 8.27)  # inches; A4 across
MARK = "#1f4e9c"  # of a diagnosis
QUALITY = {"good": "#8fbf8f", "usable": "#e8cf7a", "unusable": "#d98080", "none": "#bfbfbf"}
TICKS = (10, 30, 60, 300, 600, 1800, 3600, 2 * 3600, 4 * 3600, 12 * 3600, 24 * 3600)  # s
MOST_TICKS = 13


def draw_timeline(summary: WindowSummary) -> Figure:
    """Draw what was predicted of each window of a recording.

    From above: the heart rate; a row for each class that was diagnosed, the most frequent first,
    with its share of the predicted windows; the verdict on the signal, grey where nothing was
    predicted.
    """
    figure = Figure(figsize=PAGE, layout="constrained")
    FigureCanvasAgg(figure)
    rate, classes, quality = figure.subplots(3, 1, sharex=True, height_ratios=(3, 5, 0.5))
    _heart_rate(rate, summary)
    _classes(classes, summary)
    _quality(quality, summary)
    _time_axis(quality, summary.seconds)
    n, every = len(summary), summary.every
    figure.suptitle(
        f"{printable(Path(summary.source).name)}   {clock(summary.seconds)}, {n} windows, one "
        f"every {every:g} s; {summary.predicted} predicted\n"
        "Classifier (research, no medical device)",
        fontsize=11, parse_math=False,
    )  # fmt: skip
    return figure


def save_timeline(summary: WindowSummary, folder: Path, taken: set[str]) -> Path:
    """Draw a timeline as PNG into a folder, made if missing; return the file.

    It is named by the recording, with a number if that name is among those `taken`, to which it is
    added.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{free_name(Path(summary.source).stem, taken)}.png"
    save(draw_timeline(summary), path)
    return path


def _heart_rate(axes: Axes, summary: WindowSummary) -> None:
    axes.plot(summary.starts, summary.heart_rates, ".", color=INK, markersize=2, label="heart rate")
    axes.set_ylabel("beats/min")
    axes.set_ylim(0, max(150.0, 1.05 * np.nanmax(summary.heart_rates, initial=0.0)))
    axes.grid(axis="y", color="#dddddd")


def _classes(axes: Axes, summary: WindowSummary) -> None:
    """Draw a bar for each run of windows with a class."""
    chosen = summary.ranked()[:SHOWN]
    names, shares = summary.classes.names, summary.shares
    for row, k in enumerate(chosen):
        spans = list(_runs(summary.positive[:, k], summary))
        axes.broken_barh(spans, (row - 0.4, 0.8), facecolors=MARK, label=names[k])
    labels = [f"{names[k]}  {shares[k]:.1%}" for k in chosen]
    axes.set_yticks(range(len(chosen)), labels, parse_math=False)
    axes.set_ylim(max(len(chosen), 1) - 0.5, -0.5)
    if more := len(summary.ranked()) - len(chosen):
        axes.set_title(f"{more} more in few windows", fontsize=8, loc="right")


def _quality(axes: Axes, summary: WindowSummary) -> None:
    words = {NO_PREDICTION: "none", **dict(enumerate(VERDICTS))}
    for verdict, word in words.items():
        spans = list(_runs(summary.verdicts == verdict, summary))
        axes.broken_barh(spans, (0, 1), facecolors=QUALITY[word], label=word)
    axes.set_yticks([0.5], ["signal"])
    axes.set_ylim(0, 1)
    axes.legend(
        labels=["no prediction", *VERDICTS], loc="upper center", bbox_to_anchor=(0.5, -1.2),
        ncols=4, fontsize=8, frameon=False,
    )  # fmt: skip


def _runs(mask: np.ndarray, summary: WindowSummary) -> Sequence[tuple[float, float]]:
    """Return start and length in s of each run of windows that are marked."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    starts = np.append(summary.starts, summary.seconds)
    return [
        (starts[a], starts[b] - starts[a]) for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _time_axis(axes: Axes, seconds: float) -> None:
    step = next((tick for tick in TICKS if seconds / tick <= MOST_TICKS), TICKS[-1])
    ticks = np.arange(0, seconds + 1e-9, step)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])
    axes.set_xlim(0, seconds)
