"""A DICOM data set of a file that is not trusted: parsed within limits, its values read.

The library pydicom parses. It is given the bytes of the file in a stream that counts: a file can
be made of millions of empty elements or items, each of which takes time and a kilobyte of memory.
Only the elements that are asked for are kept; messages quote none of them. Deflated files are
inflated to a limit.
"""

import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg12.io.file_bytes import file_bytes
from ecg12.runtime.errors import RecordError
from ecg12.runtime.optional_deps import require_extra

LARGEST_FILE = 2**26  # bytes; 10 s of 12 leads take 2**17, 40 minutes at 1 kHz 2**26
MOST_READS = 60_000  # pieces of which a file may consist; usual ones have 1000 to 4000
PREAMBLE, MARK = 128, b"DICM"
DEFLATED = b"1.2.840.10008.1.2.1.99"
PLAIN = b"1.2.840.10008.1.2.1".ljust(len(DEFLATED), b"\0")
GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
_FIRST = re.compile(rb"(?s)[\x02\x08]\x00[\x00-\x20]\x00(?:[A-Z]{2}..|[\x00-\x80]\x00\x00\x00)")
_CLASS = b"1.2.840.10008.5.1.4.1.1."  # begin of the UIDs of what can be stored


def is_dicom(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is DICOM, with preamble or without."""
    if head[PREAMBLE:].startswith(MARK):
        return True
    return _FIRST.match(head) is not None and _CLASS in head


class _Counting(io.BytesIO):
    """A stream that may be read from so many times; several share one count."""

    def __init__(self, data: bytes, left: list[int]) -> None:
        super().__init__(data)
        self.left = left

    def read(self, size: int | None = -1, /) -> bytes:
        self.left[0] -= 1
        if self.left[0] < 0:
            raise OverflowError(f"more than {MOST_READS} elements")
        return super().read(size)


class Dicom:
    """The elements of a DICOM file that were asked for.

    Parameters
    ----------
    path
        The file.
    keywords
        DICOM keywords of the outermost elements that are wanted; others are passed over.

    Raises
    ------
    RecordError
        If the file cannot be read, is no DICOM, beyond the limits or damaged.
    InputError
        If the library pydicom is not installed.
    """

    def __init__(self, path: Path, *keywords: str) -> None:
        with require_extra("reading DICOM", "dicom"):
            import pydicom
        self.path = path
        self._left = [MOST_READS]
        data = file_bytes(path, LARGEST_FILE)
        if not is_dicom(data[:4096]):
            raise RecordError(f"{path}: not a DICOM file")
        stream = _Counting(self._inflated(data), self._left)
        with self._damaged():
            self.dataset: Any = pydicom.dcmread(stream, force=True, specific_tags=list(keywords))
            characters = self.dataset.get("SpecificCharacterSet")
            self._encodings = pydicom.charset.convert_encodings(characters)

    def _inflated(self, data: bytes) -> bytes:
        """Return a deflated file in plain form, which pydicom need not inflate without limit."""
        if DEFLATED not in data:
            return data
        end = PREAMBLE + len(MARK) + len(GROUP_LENGTH) + 4
        if data[end - 12 : end - 4] == GROUP_LENGTH:
            end += struct.unpack_from("<I", data, end - 4)[0]
        if DEFLATED in data[end:]:
            raise RecordError(f"{self.path}: damaged DICOM file: deflated, of unknown beginning")
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        with self._damaged():
            body = inflate.decompress(data[end:], LARGEST_FILE)
        if inflate.unconsumed_tail:
            raise RecordError(f"{self.path}: inflates to more than {LARGEST_FILE} bytes")
        return data[:end].replace(DEFLATED, PLAIN) + body

    @contextmanager
    def _damaged(self) -> Iterator[None]:
        """Turn what pydicom raises of a damaged file, nearly anything, into our error.

        Its warnings quote values of the file, so they are not shown.
        """
        from pydicom import config

        try:
            with config.disable_value_validation(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except Exception as error:
            raise RecordError(f"{self.path}: damaged DICOM file: {type(error).__name__}") from None

    @property
    def byte_order(self) -> str:
        """``"<"`` or ``">"``, as NumPy writes it."""
        return "<" if self.dataset.original_encoding[1] else ">"

    def items(self, dataset: Any, keyword: str) -> list[Any]:
        """Return the items of a sequence; none where there is no such sequence."""
        from pydicom.filereader import read_sequence

        with self._damaged():
            if keyword not in dataset:
                return []
            element = dataset.get_item(keyword)
            if not element.is_raw:  # parsed at once: its length was undefined
                return list(element.value or ())
            stream = _Counting(element.value or b"", self._left)
            order = element.is_implicit_VR, element.is_little_endian
            return list(read_sequence(stream, *order, len(element.value or b""), "latin-1"))

    def first(self, dataset: Any, keyword: str) -> Any:
        """Return the first item of a sequence; None where there is none."""
        return next(iter(self.items(dataset, keyword)), None)

    def text(self, dataset: Any, keyword: str) -> str:
        """Return an element as text without outer blanks and zeros; empty where it is absent."""
        from pydicom.charset import decode_bytes

        if dataset is None:
            return ""
        with self._damaged():
            if keyword not in dataset:
                return ""
            value = dataset.get_item(keyword).value
            if isinstance(value, bytes):
                value = decode_bytes(value, self._encodings, set())
            return str(value or "").strip(" \t\r\n\0")

    def real(self, dataset: Any, keyword: str, default: float = math.nan) -> float:
        """Return a decimal string as number: the default where absent, NaN where it is none."""
        written = self.text(dataset, keyword)
        try:
            return float(written) if written else default
        except ValueError:
            return math.nan

    def whole(self, dataset: Any, keyword: str) -> int:
        """Return a whole number; -1 where it is absent or something else."""
        with self._damaged():
            value = dataset.get(keyword)
        return value if isinstance(value, int) else -1

    def data(self, dataset: Any, keyword: str) -> bytes:
        """Return the bytes of an element; empty where it is absent or something else."""
        with self._damaged():
            value = dataset.get(keyword)
        return value if isinstance(value, bytes) else b""
