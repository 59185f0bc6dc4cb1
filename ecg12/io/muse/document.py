"""The XML of a file that is not trusted: parsed within limits, its texts and numbers read."""

import math
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ecg12.runtime.errors import InputError, RecordError
from ecg12.runtime.files import read_limited

LARGEST_FILE = 2**24  # bytes; a 10 s recording takes 2**17, a minute of 12 leads at 1 kHz 2**21
MOST_MARKS = 100_000  # tags, attributes; a usual file has 1000; millions would fill the memory


class _Parser(DefusedXMLParser):
    """Accepts a DOCTYPE that names a DTD, which is not fetched, but none that declares anything.

    Entities that multiply are known; default attributes multiply as well.
    """

    def __init__(self) -> None:
        super().__init__(target=TreeBuilder(), forbid_dtd=True)

    def defused_start_doctype_decl(
        self, name: str, system: str, public: str, has_declarations: int
    ) -> None:
        """Refuse declarations inside the file, at the bracket that opens them."""
        if has_declarations:
            super().defused_start_doctype_decl(name, system, public, has_declarations)


def read_root(path: Path, name: str) -> Element:
    """Parse a file; declarations and references to other files are refused, a DOCTYPE is not.

    Raises
    ------
    RecordError
        If the file cannot be read, is beyond the limits, not well-formed, or if its root element
        has another name. The message quotes nothing from the file.
    """
    data = _bytes(path)
    parser = _Parser()
    try:
        parser.feed(data)
        root = parser.close()
    except DefusedXmlException:
        raise RecordError(f"{path}: declares XML entities or attributes") from None
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
        data = read_limited(path, LARGEST_FILE)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    except InputError as error:
        raise RecordError(str(error)) from error
    if max(data.count(b"<"), data.count(b"=")) > MOST_MARKS:
        raise RecordError(f"{path}: more than {MOST_MARKS} XML tags or attributes")
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
