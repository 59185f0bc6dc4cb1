"""ECG paper at true scale: every length here is in millimetres of the page.

The page is A4 across. One pair of axes covers the grid, its data coordinates are millimetres from
the lower left corner of the grid, so 1 s is 25 units and 1 mV is 10 units, whatever the format.
"""

import itertools
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecg12.io.classes import DIAGNOSES
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.plotting.excerpt import LOW_PASS, Excerpt, excerpt
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import atomic_write
from ecg12.runtime.optional_deps import require_extra
from ecg12.runtime.text import storable

with require_extra("drawing", "report"):
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

SPEED, GAIN = 25.0, 10.0  # mm per second, mm per mV
LAYOUT = (("I", "II", "III"), ("aVR", "aVL", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
RHYTHM = ("II", "V1", "V5", "I")  # the first of these that has a signal is the rhythm strip

PAGE = (297.0, 210.0)  # A4 across
GRID = (265.0, 165.0)
SIDE, FOOT = 16.0, 13.0  # from the page's left and lower edge to the grid
TOP = 30.0  # from the upper edge of the grid to the first base line; tall R waves need space
ROW = 40.0  # from one base line to the next
INDENT = 10.0  # the calibration pulse precedes the signals
LINE = 4.2  # of the heading
HEADING_LINES = 5  # that fit above the grid of an A4 page
PULSE = ((0, 0), (2.5, 0), (2.5, 10), (7.5, 10), (7.5, 0), (INDENT, 0))  # 1 mV, 200 ms
NAME_HEIGHT = 13.5  # of a lead's name above its base line
NAME_PLACES = np.arange(1.5, 20, 0.5).tolist()  # from the beginning of its trace, by preference
LETTER = 2.7  # width of a letter of a name, at most
SECONDS = (1.0, 60.0)  # that can be drawn on one page

FINE, BOLD, INK = "#f6cfcf", "#e79c9c", "#000000"  # a grid light enough to print in black and white
FORMATS = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}  # no time stamps
DPI = 254  # of a PNG: ten pixels per millimetre
POINT = 25.4 / 72  # mm


def draw(
    recording: Record | OpenRecord,
    *,
    start: float = 0.0,
    seconds: float = 10.0,
    low_pass: float = LOW_PASS,
    raw: bool = False,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw a recording on ECG paper, 25 mm/s and 10 mm/mV.

    The columns I II III, aVR aVL aVF, V1 V2 V3 and V4 V5 V6 follow one another in time above a
    rhythm strip; a column for which the recording is too short shows its end. Amplitudes that
    cannot be true are drawn at a typical size, with a warning and without calibration pulse; waves
    that run off the paper are cut at its edge.

    Parameters
    ----------
    recording
        Any leads, rate and length; of an open one no more is read than is drawn.
    start, seconds
        The stretch to draw, s; beyond 10 s the page grows wider.
    low_pass, raw
        As for `excerpt`.
    notes
        Further lines for the heading, such as a classifier's predictions.

    Raises
    ------
    InputError
        If `seconds` is not between 1 and 60, or as for `excerpt`.
    """
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise InputError(f"{seconds:g} s: {SECONDS[0]:g} to {SECONDS[1]:g} s fit on a page")
    shown = excerpt(recording, start, seconds, low_pass=low_pass, raw=raw)
    width = max(GRID[0], 5 * np.ceil((INDENT + SPEED * seconds + 5) / 5))
    figure, axes = titled_page(shown, notes, width)
    begins = [max(0.0, min(i * seconds / 4, shown.seconds - seconds / 4)) for i in range(4)]
    _columns(axes, shown, seconds / 4, begins)
    _rhythm_strip(axes, shown)
    add_text(axes, 0, -5.5, _footer(shown, begins))
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a drawing as `.png` (254 dpi), `.pdf` or `.svg` (both vectors at true scale).

    Raises
    ------
    InputError
        If the suffix is another one.
    FileNotFoundError
        If there is no such folder.
    """
    path = Path(path)
    check_suffix(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path.parent}: no such folder")
    metadata = FORMATS[path.suffix.lower()]
    with (
        rc_context({"pdf.fonttype": 42, "svg.hashsalt": "ecg12"}),
        atomic_write(path) as temporary,
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # drawn as a box
        figure.savefig(temporary, dpi=DPI, metadata=metadata)


def free_name(name: str, taken: set[str]) -> str:
    """Return a name, or it with the first number that makes it new; add it to those taken."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    chosen = next(each for each in itertools.chain([name], numbered) if each not in taken)
    taken.add(chosen)
    return chosen


def titled_page(shown: Excerpt, notes: Sequence[str], width: float) -> tuple[Figure, Axes]:
    """Return a page with heading and grid, and the axes of the grid, in mm.

    Parameters
    ----------
    shown
        Whose heading it is.
    notes
        Further lines for it.
    width
        Of the grid, mm.
    """
    title, *lines = _heading(shown, notes, round(0.5 * width))
    spare = LINE * max(0, len(lines) - HEADING_LINES)
    figure, axes = _page(width, PAGE[1] + spare)
    _grid(axes, width)
    add_text(axes, 0, GRID[1] + 25 + spare, title, size=12, weight="bold")
    for i, line in enumerate(lines):
        weight = "bold" if line.startswith("AMPLITUDE") else "normal"
        add_text(axes, 0, GRID[1] + 19.5 + spare - LINE * i, line, weight=weight)
    return figure, axes


def check_suffix(path: Path) -> None:
    """Refuse a file whose suffix names no kind of drawing that `save` writes."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: unknown suffix {path.suffix!r}; choices: {', '.join(FORMATS)}")


def _page(width: float, height: float) -> tuple[Figure, Axes]:
    page = (width + 2 * SIDE, height)
    figure = Figure(figsize=(page[0] / 25.4, page[1] / 25.4), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((SIDE / page[0], FOOT / height, width / page[0], GRID[1] / height))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, GRID[1]))
    return figure, axes


def _grid(axes: Axes, width: float) -> None:
    """Rule the paper: fine lines every millimetre, bold ones every five."""
    for step, colour, line_width in ((1, FINE, 0.1), (5, BOLD, 0.2)):
        x, y = np.arange(0, width + 1, step), np.arange(0, GRID[1] + 1, step)
        lines = [((v, 0), (v, GRID[1])) for v in x] + [((0, v), (width, v)) for v in y]
        axes.add_collection(
            LineCollection(lines, colors=colour, linewidths=line_width / POINT, clip_on=False)
        )


def _columns(axes: Axes, shown: Excerpt, each: float, begins: Sequence[float]) -> None:
    """Draw three rows of four leads, `each` s long; every row has its calibration pulse."""
    for row in range(3):
        base = GRID[1] - TOP - ROW * row
        add_pulse(axes, base, shown)
        for column, (leads, begin) in enumerate(zip(LAYOUT, begins, strict=True)):
            left = INDENT + SPEED * each * column
            _lead(axes, shown, leads[row], (left, base), (begin, begin + each))
            if column:
                for y in (base - 7, base + 5):
                    add_line(axes, [left, left], [y, y + 2])


def _rhythm_lead(shown: Excerpt) -> str:
    return next((lead for lead in (*RHYTHM, *shown.signals) if lead in shown.signals), "II")


def _rhythm_strip(axes: Axes, shown: Excerpt) -> None:
    base = GRID[1] - TOP - 3 * ROW
    add_pulse(axes, base, shown)
    _lead(axes, shown, _rhythm_lead(shown), (INDENT, base), (0, shown.seconds))


def _lead(
    axes: Axes, shown: Excerpt, lead: str, origin: tuple[float, float], span: tuple[float, float]
) -> None:
    """Draw one lead from one time to another, s, beginning at `origin`; name it."""
    left, base = origin
    if lead not in shown.signals:
        state = "no signal" if lead in shown.silent else "absent"
        add_text(axes, left + 1.5, base, f"{lead} {state}", style="italic")
        return
    first, last = (round(time * shown.rate) for time in span)
    values = shown.signals[lead][first : last + 1]
    x, y = SPEED * np.arange(len(values)) / shown.rate, GAIN * values
    add_line(axes, left + x, base + y, lead)
    place = left + _clear_place(x, y, lead)
    add_text(axes, place, base + NAME_HEIGHT, lead, size=10, weight="bold")


def _clear_place(x: np.ndarray, y: np.ndarray, name: str) -> float:
    """Return the first place from the left at which a lead's name does not cover its trace."""
    low, high = np.minimum(y[:-1], y[1:]), np.maximum(y[:-1], y[1:])
    taken = x[:-1][(low < NAME_HEIGHT + 4) & (high > NAME_HEIGHT - 1)]
    width = LETTER * len(name) + 1
    for place in NAME_PLACES:
        if not ((taken > place - 1) & (taken < place + width)).any():
            return place
    return NAME_PLACES[0]


def add_pulse(axes: Axes, base: float, shown: Excerpt, gain: float = GAIN) -> None:
    """Draw the calibration pulse at a gain in mm/mV, if a millivolt is a millivolt."""
    if shown.to_scale:
        x, y = np.transpose(PULSE)
        add_line(axes, x, base + y * (gain / GAIN), "calibration")


def add_line(axes: Axes, x: ArrayLike, y: ArrayLike, name: str = "") -> None:
    """Draw a line of ink, 0.3 mm wide; its label is the lead's name."""
    axes.plot(x, y, color=INK, linewidth=0.3 / POINT, solid_joinstyle="round", label=name)


def add_text(axes: Axes, x: float, y: float, text: str, size: float = 9, **style: Any) -> None:
    """Write a text at a place of the page, `size` in points."""
    axes.text(x, y, storable(text), fontsize=size, color=INK, parse_math=False, **style)


def _heading(shown: Excerpt, notes: Sequence[str], columns: int) -> list[str]:
    """Return the title and the lines below it, wrapped to a number of characters."""
    record = shown.record
    age = "age unknown" if record.age is None else f"{record.age:g} years"
    rate = "rate unknown" if shown.heart_rate is None else f"{shown.heart_rate:.0f} beats/min"
    title = "   ".join((record.name, age, (record.sex or "sex unknown").lower(), rate))
    lines = ["Diagnoses: " + ("; ".join(map(_diagnosis, record.codes)) or "none given"), *notes]
    if not shown.to_scale:
        lines.append(f"AMPLITUDE NOT TO SCALE: {shown.amplitude_note}; drawn at a typical size")
    elif shown.amplitude_note:
        lines.append(f"Unusual amplitude, drawn to scale: {shown.amplitude_note}")
    return [title, *(part for line in lines for part in textwrap.wrap(line, columns))]


def _diagnosis(code: str) -> str:
    return "\N{NO-BREAK SPACE}".join(DIAGNOSES.get(code, ("SNOMED\N{NO-BREAK SPACE}CT", code)))


def _footer(shown: Excerpt, begins: Sequence[float]) -> str:
    """Return what the page shows, and which part of the recording each column does."""
    parts = describe(shown)
    if len(set(np.diff(begins).round(6))) > 1:
        parts.append("columns from " + ", ".join(f"{shown.start + b:.3g}" for b in begins) + " s")
    other = set(shown.record.leads).difference(*LAYOUT, (_rhythm_lead(shown),))
    if other:
        parts.append("not drawn: " + ", ".join(sorted(other)))
    return "    ".join(parts)


def describe(shown: Excerpt, gain: float = GAIN) -> list[str]:
    """Return speed, gain in mm/mV, filter, rate and the stretch that is shown."""
    return [
        f"{SPEED:g} mm/s",
        f"{gain:g} mm/mV" if shown.to_scale else "amplitude not to scale",
        shown.filtered,
        f"{shown.rate:g} Hz",
        f"{shown.start:g}–{_number(shown.start + shown.seconds)} s of {_number(shown.length)} s",
    ]


def _number(seconds: float) -> str:
    return f"{seconds:.4g}" if seconds < 1e4 else f"{seconds:.0f}"
