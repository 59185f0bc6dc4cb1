"""The one table: on the terminal, as csv, and as a plot of ratios and bars."""

import csv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bars import BARS
from benchmarks.page import save_figure
from benchmarks.results import UNITS, Result, ratio, verdict
from benchmarks.timing import Times, quartiles
from ecg12.runtime.files import atomic_write

CLOCKS = ("wall", "processor")
FIELDS = (
    "key", "what", "other", "unit", "rounds",
    *(f"{side}_{clock}{part}" for side in ("ours", "other") for clock in CLOCKS
      for part in ("", "_q1", "_q3")),
    "ratio_of", "ratio", "ratio_q1", "ratio_q3", "bar", "verdict", "note",
)  # fmt: skip


def rows(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return a row of `FIELDS` for each result."""
    return [_row(result) for result in results]


def _row(result: Result) -> dict[str, object]:
    bar = BARS[result.key]
    row: dict[str, object] = dict.fromkeys(FIELDS, "")
    row |= {"key": result.key, "what": bar.what, "other": bar.other, "unit": bar.unit}
    row |= {"bar": bar.text, "verdict": verdict(bar, result)}
    row["note"] = result.failed or result.skipped or result.note
    found = ratio(bar, result)
    if found is None:
        return row
    for side, times in (("ours", result.ours), ("other", result.other)):
        for clock in CLOCKS:
            row |= _three(f"{side}_{clock}", times, clock, UNITS[bar.unit])
    kind = "ours / other" if bar.most is not None else "other / ours"
    row["ratio_of"] = f"{kind}, {bar.clock}"
    row["rounds"] = len(result.ours.wall) if result.ours else ""
    for name, value in zip(("ratio", "ratio_q1", "ratio_q3"), found, strict=True):
        row[name] = f"{value:.3g}"
    return row


def _three(name: str, times: Times | None, clock: str, factor: float) -> dict[str, object]:
    if times is None:
        return {}
    values = [f"{factor * value:.4g}" for value in quartiles(times.of(clock))]
    return dict(zip((name, f"{name}_q1", f"{name}_q3"), values, strict=True))


HEAD = ["stage", "beside", "unit, clock", "ecg12", "other", "ratio (quartiles)", "bar", "", "note"]


def cells(results: Sequence[Result]) -> list[list[str]]:
    """Return what the table shows of each result: medians, quartiles in brackets."""
    lines = []
    for row in rows(results):
        kind, _, clock = str(row["ratio_of"]).partition(", ")
        sides = [_spread(row, f"{side}_{clock}") for side in ("ours", "other")]
        unit = f"{row['unit']}, {clock}" if clock else ""
        ratios = f"{_spread(row, 'ratio')} {kind}".strip()
        what = (row["what"], row["other"], unit, *sides, ratios, row["bar"], row["verdict"])
        lines.append([*map(str, what), str(row["note"])])
    return lines


def text(results: Sequence[Result]) -> str:
    """Return the table for the terminal."""
    lines = [HEAD, *cells(results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _spread(row: dict[str, object], name: str) -> str:
    values = [str(row.get(f"{name}{part}", "")) for part in ("", "_q1", "_q3")]
    return f"{values[0]} ({values[1]} to {values[2]})" if values[0] else ""


def write(path: Path, results: Sequence[Result], common: dict[str, str]) -> None:
    """Write the table as csv; `common` columns come first and are the same in each row."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*common, *FIELDS], lineterminator="\n")
        writer.writeheader()
        writer.writerows(common | row for row in rows(results))


def plot(path: Path, results: Sequence[Result]) -> None:
    """Draw each ratio with its quartiles, and its bar, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    measured = [(BARS[r.key], r, found) for r in results if (found := ratio(BARS[r.key], r))]
    kinds = {"times as fast, at least the bar": False, "times the time, at most the bar": True}
    counts = [max(sum((b.most is not None) == most for b, *_ in measured), 1)
              for most in kinds.values()]  # fmt: skip
    figure, panels = pyplot.subplots(
        2, 1, figsize=(9, 1.6 + 0.3 * sum(counts)), height_ratios=counts, layout="constrained"
    )
    for axes, (title, most) in zip(panels, kinds.items(), strict=True):
        own = [one for one in measured if (one[0].most is not None) == most]
        for place, (bar, result, (middle, low, high)) in enumerate(own):
            colour = {"missed": "tab:red", "met": "tab:blue"}.get(verdict(bar, result), "tab:gray")
            axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.5)
            axes.plot(middle, place, "o", color=colour, markersize=5)
            edge = bar.most if most else bar.least
            if edge is not None:
                axes.plot(edge, place, "|", color="black", markersize=14)
        labels = [f"{bar.what} : {bar.other}" for bar, *_ in own]
        axes.set_yticks(range(len(own)), labels, fontsize=7)
        axes.set_xscale("log")
        axes.set_title(title, fontsize=9, loc="left")
        axes.grid(axis="x", which="both", alpha=0.3)
        axes.invert_yaxis()
    save_figure(figure, path)
