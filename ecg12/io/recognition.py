"""What a format is: a name, how its content is recognised, and a reader or a reason for none."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.io.xml_file import root_name
from ecg12.runtime.files import is_file

HEAD = 4096  # bytes by which the content of a file is recognised
LONG_HEAD = 2**16  # bytes that are looked at if those are XML without its root element


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files.

    Attributes
    ----------
    name
        What it is called in messages.
    suffixes
        How the names of such files usually end, in small letters; they decide nothing.
    recognises
        Tells from the first `HEAD` bytes of a file whether it is one.
    read
        Reads a recording from path and seconds; None for a format that is not read.
    open_record
        Opens a recording, to read stretches of it; None for a format that is read whole.
    instead
        What to do with such a file if it is not read.
    extra
        For a format that is read, which extra of `pyproject.toml` installs the library it needs.
    statements
        For a format that holds diagnosis statements, returns them from the path of a file.
    identifier
        For a format that identifies the patient, returns the identifier from the path of a file.
    only_ecg
        For a format that is not read, whether it holds nothing but ECGs.
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[..., Record] | None = None
    open_record: Callable[..., OpenRecord] | None = None
    instead: str = ""
    extra: str = ""
    statements: Callable[[Path], tuple[str, ...]] | None = None
    identifier: Callable[[Path], str] | None = None
    only_ecg: bool = True


def begins(pattern: bytes) -> Callable[[bytes], bool]:
    """Return a function that tells whether the first bytes match a regular expression."""
    matches = re.compile(b"(?s)" + pattern).match
    return lambda head: matches(head) is not None


def has_root(*names: str) -> Callable[[bytes], bool]:
    """Return a function that tells whether the first bytes are XML with one of these roots."""
    return lambda head: (root_name(head) or "").lower() in {name.lower() for name in names}


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file; none of what is no regular file.

    Where XML begins with a long comment, they reach to its root element.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if not is_file(path):
        return b""
    with path.open("rb") as file:
        head = file.read(HEAD)
        if b"<" in head[:8] and root_name(head) is None:
            head += file.read(LONG_HEAD)
    return head
