"""XML of a file that is not trusted: decoded, parsed within limits, its texts and numbers read.

Clinical systems write their XML in UTF-8 or UTF-16 with and without byte order mark, in Latin-1 and
in the encodings of East Asia. The XML parser of Python knows only the first three, so the file is
decoded here: by its byte order mark, by the zeros between the letters of UTF-16, by the encoding
that the XML declaration names (XML 1.0, appendix F), or else as UTF-8 or Latin-1.

Declarations inside the file, which can multiply its text, and references to other files are
refused; a DOCTYPE that only names a file, which is never fetched, is not. Namespaces are dropped
from the names of elements. No message quotes text from a file.
"""

import codecs
import math
import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ecg12.io.file_bytes import file_bytes
from ecg12.runtime.errors import RecordError
from ecg12.runtime.text import marked_encoding

LARGEST_FILE = 2**24  # bytes; a 10 s recording takes 2**17, a minute of 12 leads at 1 kHz 2**21
MOST_MARKS = 100_000  # tags, attributes; a usual file has 1000; millions would fill the memory
# What is called by the first name is in practice written with the second, which contains it.
WIDER = {
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "big5": "cp950", "euc_kr": "cp949",
    "ascii": "utf-8",
}  # fmt: skip
# Encodings of something other than texts, or whose time grows with the square of the length.
REFUSED = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_DECLARED = re.compile(rb"\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_BEFORE_ROOT = re.compile(r"(?s)\s+|<\?.*?\?>|<!--.*?-->|<![^>]*>")
_START = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)[\s/>]")
# NumPy reads on from a text only what it knows to be numbers, hence the grammars; possessive, so
# that no text takes more than linear time.
_INTEGERS = re.compile(r"(?a)\s*+(?:[-+]?+[0-9]++(?:\s++|$))*+")
_DECIMALS = re.compile(
    r"(?a)\s*+(?:[-+]?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][-+]?+[0-9]{1,3}+)?+(?:\s++|$))*+"
)


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


def read_root(path: Path, *names: str) -> Element:
    """Parse a file; declarations and references to other files are refused, a DOCTYPE is not.

    Parameters
    ----------
    path
        The file.
    names
        What its root element may be called, without namespace.

    Returns
    -------
    Element
        The root; the names of all elements are without namespace.

    Raises
    ------
    RecordError
        If the file cannot be read, is beyond the limits, not well-formed, or if its root element
        has another name. The message quotes nothing from the file.
    """
    document = _text(path)
    parser = _Parser()
    try:
        parser.feed(document)
        root = parser.close()
    except DefusedXmlException:
        raise RecordError(f"{path}: declares XML entities or attributes") from None
    except ParseError as error:
        line, column = error.position
        raise RecordError(f"{path}: not well-formed XML at line {line}, column {column}") from None
    except UnicodeEncodeError:
        raise RecordError(f"{path}: not well-formed XML: half of a surrogate pair") from None
    for element in root.iter():
        element.tag = local_name(element.tag)
    if root.tag not in names:
        raise RecordError(f"{path}: the root element is not {' or '.join(names)}")
    return root


def _text(path: Path) -> str:
    data = file_bytes(path, LARGEST_FILE)
    try:
        document = decode(data)
    except LookupError:
        raise RecordError(f"{path}: the XML declaration names an unknown encoding") from None
    if max(document.count("<"), document.count("=")) > MOST_MARKS:
        raise RecordError(f"{path}: more than {MOST_MARKS} XML tags or attributes")
    return document


def decode(data: bytes) -> str:
    """Return the text of an XML document, without byte order mark and blanks at its beginning.

    Bytes that the encoding does not know become U+FFFD: one letter of a name that is written in
    another encoding costs no recording, while a damaged number is none.

    Raises
    ------
    LookupError
        If the XML declaration names an encoding that is not known, or no encoding of texts.
    """
    return data.decode(_encoding(data), errors="replace").lstrip("\ufeff \t\r\n")


def _encoding(data: bytes) -> str:
    if marked := marked_encoding(data[:4]):
        return marked
    declared = _DECLARED.match(data)
    if declared:
        name = codecs.lookup(declared[1].decode()).name
        if name in REFUSED:
            raise LookupError(name)
        if not name.startswith(("utf-16", "utf-32")):  # of those the declaration tells the untruth
            return WIDER.get(name, name)
    try:
        data.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def root_name(head: bytes) -> str | None:
    """Return the name of the root element, without namespace, if the first bytes hold its begin.

    Parameters
    ----------
    head
        The first bytes of any file, as many as were read: the text may break off anywhere.
    """
    try:
        document = decode(head)
    except LookupError:
        return None
    position = 0
    while found := _BEFORE_ROOT.match(document, position):
        position = found.end()
    start = _START.match(document, position)
    return start[1] if start else None


def local_name(name: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]


def attribute(element: Element | None, name: str) -> str:
    """Return an attribute's text without outer blanks, in any namespace; empty if there is none."""
    if element is None:
        return ""
    found = (value for key, value in element.items() if local_name(key) == name)
    return next(found, "").strip()


def text(parent: Element | None, name: str) -> str:
    """Return an element's text without outer blanks; empty where there is no such element."""
    return "" if parent is None else (parent.findtext(name) or "").strip()


def number(parent: Element | None, name: str) -> float:
    """Return an element's finite number; NaN where it is absent or not a number."""
    return finite(text(parent, name))


def finite(written: str) -> float:
    """Return a finite number; NaN for any other text."""
    try:
        value = float(written)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def numbers(written: str, separators: str = "") -> np.ndarray | None:
    """Return the numbers of a text, separated by blanks, or by one of the `separators` and blanks.

    Parameters
    ----------
    written
        The text; one separator may stand at its end.
    separators
        Characters that separate two numbers, such as ``",;"``; none by default.

    Returns
    -------
    numpy.ndarray or None
        (n,) int64, saturated, where all are whole numbers; float64 where one is not; None where
        the text is anything but decimal numbers, or one is missing between two separators.
    """
    if separators:
        one = f"[{re.escape(separators)}]"
        if re.search(rf"(?a)\A\s*+{one}|{one}\s*+{one}", written):
            return None
        written = re.sub(one, " ", written)
    for grammar, kind in ((_INTEGERS, np.int64), (_DECIMALS, np.float64)):
        if grammar.fullmatch(written):
            return np.fromstring(written, kind, sep=" ") if written.strip() else np.empty(0, kind)
    return None
