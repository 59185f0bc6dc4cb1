"""The XML of a file that is not trusted: parsed within limits, its texts and numbers read."""

import math
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ecg12.errors import RecordError

LARGEST_FILE = 2**24  # bytes; a 10 s recording takes 2**17, a minute of 12 leads at 1 kHz 2**21
MOST_TAGS = 100_000  # a usual file has 1000; millions would fill the memory


def read_root(path: Path, name: str) -> Element:
    """Parse a file; entities and references to other files are refused, a DOCTYPE is not.

    Raises
    ------
    RecordError
        If the file cannot be read, is beyond the limits, not well-formed, or if its root element
        has another name. The message quotes nothing from the file.
    """
    data = _bytes(path)
    parser = DefusedXMLParser(
        target=TreeBuilder(), forbid_dtd=False, forbid_entities=True, forbid_external=True
    )
    try:
        parser.feed(data)
        root = parser.close()
    except DefusedXmlException:
        raise RecordError(f"{path}: declares XML entities, which no MUSE file needs") from None
    except ParseError as error:
        line, column = error.position
        raise RecordError(f"{path}: not well-formed XML at line {line}, column {column}") from None
    except (ValueError, LookupError):
        raise RecordError(f"{path}: the XML declaration names an unknown encoding") from None
    if root.tag != name:
        raise RecordError(f"{path}: the root element is not {name}")
    return root


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise RecordError(f"{path}: larger than {LARGEST_FILE} bytes, the most that is read")
    if data.count(b"<") > MOST_TAGS:
        raise RecordError(f"{path}: more than {MOST_TAGS} XML tags")
    return data


def text(parent: Element | None, name: str) -> str:
    """Return an element's text without outer blanks; empty where there is no such element."""
    return "" if parent is None else (parent.findtext(name) or "").strip()


def number(parent: Element | None, name: str) -> float:
    """Return an element's finite number; NaN where it is absent or not a number."""
    try:
        value = float(text(parent, name))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
