"""The page: figures and tables in one html file that needs no network."""

import base64
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg12.metrics.intervals import Estimate
from ecg12.report.figures import BOX, INK, LINE, PAPER
from ecg12.report.tables import Cell, Table, shown, sort_key
from ecg12.runtime.files import atomic_write, write_text
from ecg12.runtime.optional_deps import require_extra
from ecg12.runtime.version import __version__

with require_extra("a report", "report"):
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from matplotlib import rc_context
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).with_name("page_files")
DPI = 150
SIZES = ("narrow", "square", "wide")  # how wide a figure is shown; see page.css
PAGE_COLOURS = {
    INK: "currentColor", LINE: "var(--line)", PAPER: "none", BOX: "var(--paper)"
}  # fmt: skip
_PREAMBLE = re.compile(r".*?(?=<svg)", re.DOTALL)
_REMOVED = re.compile(r"<metadata>.*?</metadata>|<style type.*?</style>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg[^>]*?) height="[^"]*"', re.DOTALL)
_REFERENCE = re.compile(r'(?<=\bid=")|(?<=url\(#)|(?<=href="#)')


@dataclass(frozen=True)
class Picture:
    """A figure of the page: its file's name, what it shows, its caption, and its svg source."""

    name: str
    title: str
    caption: str
    svg: str
    size: str


@dataclass(frozen=True)
class Image:
    """A drawn recording: base64 PNG, or the reason why there is none."""

    name: str
    true: str
    predicted: str
    data: str
    reason: str


@dataclass(frozen=True)
class Section:
    """A part of the page; the tables in `files` are written as csv only."""

    id: str
    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Picture] = ()
    images: Sequence[Image] = ()
    files: Sequence[Table] = ()


@dataclass(frozen=True)
class Card:
    """A number at the top of the page."""

    name: str
    value: Cell


def picture(
    figure: Figure, folder: Path, name: str, title: str, caption: str, size: str = "wide"
) -> Picture:
    """Write a figure as PNG and SVG into a folder; return it for the page.

    Parameters
    ----------
    name
        Of the files, without suffix, and of the anchor on the page.
    title
        What it shows, in a few words, for those who cannot see it.
    caption
        The text below it.
    size
        One of `SIZES`.
    """
    source = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(source, format="svg", metadata={"Date": None})
    with atomic_write(folder / f"{name}.png") as temporary:
        figure.savefig(temporary, dpi=DPI)
    write_text(folder / f"{name}.svg", source.getvalue())
    return Picture(name, title, caption, inline(source.getvalue(), name, title), size)


def inline(svg: str, name: str, title: str) -> str:
    """Make an svg file part of a page: the page's colours, names of its own, a text for its image.

    Parameters
    ----------
    svg
        As matplotlib writes it, in the colours of `ecg12.report.figures`.
    name
        Put before each id, because several figures share a page.
    title
        Read out in the figure's place.
    """
    svg = _REMOVED.sub("", _PREAMBLE.sub("", svg, count=1))
    svg = _HEIGHT.sub(r"\1", _SIZE.sub(r"\1", svg, count=1), count=1)
    svg = _REFERENCE.sub(f"{name}-", svg)
    for colour, replacement in PAGE_COLOURS.items():
        svg = svg.replace(colour, replacement)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def image(name: str, true: str, predicted: str, drawn: bytes | str) -> Image:
    """Return a drawn recording for the page, from PNG data or the reason for their absence."""
    if isinstance(drawn, str):
        return Image(name, true, predicted, "", drawn)
    return Image(name, true, predicted, base64.b64encode(drawn).decode(), "")


def ends(cell: Cell) -> str:
    """Return the ends of an estimate's interval in words; empty for other cells."""
    if not isinstance(cell, Estimate) or math.isnan(cell.low):
        return ""
    return f"{shown(cell.low)} to {shown(cell.high)}"


def value(cell: Cell) -> str:
    """Return a cell without its interval, as the page shows it."""
    return shown(cell.value if isinstance(cell, Estimate) else cell)


def write_page(path: Path, sections: Sequence[Section], **context: Any) -> None:
    """Write the page.

    Parameters
    ----------
    path
        The html file.
    sections
        In their order.
    context
        What else the template names: title, labels, cards, notes.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"shown": value, "sort_key": sort_key, "ends": ends}
    template = environment.get_template("page.html")
    write_text(path, template.render(sections=sections, version=__version__, **context))
