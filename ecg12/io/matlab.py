"""MATLAB files: read the matrix `val` of versions 4 and 5, write version 4.

The layouts are those of "MAT-File Format" (The MathWorks). Both versions are read here, every
field checked before memory is taken, because SciPy's reader trusts a file: a damaged one of
version 5 ends the whole process, not just that recording, and one of version 4 whose matrix has
a negative number of rows is read for ever (SciPy 1.17).
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ecg12.runtime.errors import RecordError, file_error

# Version 4: the type field is 1000 × byte order + 10 × number type + kind of matrix.
INT16_V4 = 30
ORDERS_V4 = {0: "<", 1: ">"}
NUMBERS_V4 = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
FULL_V4, KINDS_V4 = 0, range(3)  # full, text, sparse
HEAD_V4 = 20  # bytes before the name
LONGEST_NAME_V4 = 64  # bytes; MATLAB's names have 63 letters at most
MOST_VARIABLES = 1000  # that are looked at in search of `val`

# Version 5: types of data elements that hold numbers, and of those that hold other elements.
TYPES_V5 = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
MATRIX, COMPRESSED = 14, 15
NUMERIC_CLASSES = range(6, 16)  # double, single and the integers; not cell, struct, char, sparse
COMPLEX = 0x0800
LARGEST_FILE = 2**29  # bytes after decompression; 30 min of 12 leads at 1 kHz take 2**28 at most


def read_mat(path: str | Path, n_samples: int | None = None) -> np.ndarray:
    """Read `val` from a MATLAB file: (n_leads, n_samples), the first samples only if asked.

    Raises
    ------
    RecordError
        If the file is truncated, holds no numeric matrix `val`, or cannot be read.
    """
    columns, read = open_mat(path)
    return read(0, columns if n_samples is None else min(columns, n_samples))


def open_mat(path: str | Path) -> tuple[int, Callable[[int, int], np.ndarray]]:
    """Open `val` in a MATLAB file; of version 4, columns are read when they are asked for.

    Returns
    -------
    n_samples
        Columns of `val`.
    read
        From the first sample and their number to (n_leads, that number); raises as this.

    Raises
    ------
    RecordError
        As `read_mat`.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(128)
            if head.startswith(b"MATLAB 7.3") or head.startswith(b"\x89HDF"):
                raise RecordError(
                    f"{path}: HDF5, as MATLAB 7.3 writes; write it again by save(..., '-v7')"
                )
            if order := {b"\0\1IM": "<", b"\1\0MI": ">"}.get(head[124:]):
                size = min(os.fstat(file.fileno()).st_size, LARGEST_FILE)
                matrix = _read_v5(file.read(size), order, path)
                return matrix.shape[1], lambda first, n: matrix[:, first : first + n]
            variable = _find_v4(file, path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    return variable.shape[1], lambda first, n: _columns_v4(path, variable, first, n)


def format_mat(stored: np.ndarray) -> bytes:
    """Return a MATLAB v4 file with `val`, int16 (n_leads, n_samples); WFDB's format `16+24`."""
    return mat_head(stored.shape) + stored.T.astype("<i2").tobytes()


def mat_head(shape: tuple[int, ...]) -> bytes:
    """Return what precedes the samples, column by column, in such a file."""
    return struct.pack("<5i", INT16_V4, *shape, 0, 4) + b"val\0"


def check_size(path: str | Path, needed: int, content: str) -> None:
    """Refuse a file of fewer than `needed` bytes with a RecordError, before memory is taken."""
    size = Path(path).stat().st_size
    if size < needed:
        raise RecordError(f"{path}: truncated: {content} need {needed} bytes, the file has {size}")


@dataclass(frozen=True)
class _Variable:
    """One variable of a version 4 file: its name, type, shape and where its numbers begin."""

    name: str
    dtype: np.dtype
    shape: tuple[int, int]
    full: bool
    imaginary: bool
    start: int

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * self.shape[0]

    @property
    def end(self) -> int:
        return self.start + self.row_bytes * self.shape[1] * (1 + self.imaginary)


def _find_v4(file: BinaryIO, path: str | Path) -> _Variable:
    """Walk through the variables of a version 4 file until the one named `val`."""
    position = 0
    for _ in range(MOST_VARIABLES):
        variable = _variable(file, path, position)
        if variable is None:
            break
        if min(variable.shape) < 0:
            raise RecordError(f"{path}: {variable.name!r} has shape {variable.shape}")
        check_size(path, variable.end, f"{variable.shape[0]} x {variable.shape[1]} samples")
        if variable.name == "val":
            if min(variable.shape) < 1 or variable.imaginary or not variable.full:
                raise RecordError(
                    f"{path}: 'val' has shape {variable.shape}, or is no matrix of numbers"
                )
            return variable
        position = variable.end
    raise RecordError(f"{path}: no matrix 'val'")


def _variable(file: BinaryIO, path: str | Path, position: int) -> _Variable | None:
    """Read the header of the variable that begins at `position`; None at the end of the file."""
    file.seek(position)
    head = file.read(HEAD_V4)
    if position and not head:
        return None
    for code, order in ORDERS_V4.items() if len(head) == HEAD_V4 else ():
        kind, *shape, imaginary, length = struct.unpack(f"{order}5i", head)
        digits = kind // 1000, kind % 1000 // 10, kind % 10
        known = digits[0] == code and digits[1] in NUMBERS_V4 and digits[2] in KINDS_V4
        if known and imaginary in (0, 1) and 0 < length <= LONGEST_NAME_V4:
            name = file.read(length).rstrip(b"\0").decode("latin-1")
            dtype, start = np.dtype(order + NUMBERS_V4[digits[1]]), position + HEAD_V4 + length
            return _Variable(name, dtype, tuple(shape), digits[2] == FULL_V4, imaginary > 0, start)
    raise RecordError(f"{path}: not a MATLAB file of version 4 or 5, or a damaged one")


def _columns_v4(path: str | Path, variable: _Variable, first: int, n: int) -> np.ndarray:
    """Read columns, one after the other in the file, of a matrix that was found."""
    size = variable.row_bytes
    try:
        with Path(path).open("rb") as file:
            file.seek(variable.start + size * first)
            data = file.read(size * n)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    if len(data) < size * n:
        raise RecordError(f"{path}: truncated while it was read")
    return np.frombuffer(data, variable.dtype).reshape(n, variable.shape[0]).T


def _read_v5(data: bytes, order: str, path: str | Path) -> np.ndarray:
    """Return the first matrix named `val` among the elements after a version 5 file's header."""
    allowed = LARGEST_FILE  # bytes that all its variables together may decompress to
    try:
        for kind, content in islice(_elements(memoryview(data), order), MOST_VARIABLES):
            if kind == COMPRESSED:
                inner = zlib.decompressobj().decompress(content, max(1, allowed))
                allowed -= len(inner)
                kind, content = next(_elements(memoryview(inner), order))
            if kind == MATRIX and (matrix := _matrix(content, order)) is not None:
                return matrix
    except (ValueError, KeyError, StopIteration, struct.error, zlib.error) as error:
        raise RecordError(f"{path}: damaged MATLAB file: {error!r}") from error
    raise RecordError(f"{path}: no numeric matrix 'val'")


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Split into data elements: type and content; short ones carry both in eight bytes."""
    start = 0
    while start + 8 <= len(data):
        kind, size = struct.unpack_from(order + "2I", data, start)
        begin, step = start + 8, 8 + size
        if kind >> 16:
            kind, size, begin, step = kind & 0xFFFF, kind >> 16, start + 4, 8
        if begin + size > len(data):
            raise ValueError(f"an element of {size} bytes begins at byte {begin} of {len(data)}")
        yield kind, data[begin : begin + size]
        start += step if kind == COMPRESSED else -(-step // 8) * 8


def _matrix(content: memoryview, order: str) -> np.ndarray | None:
    """Read one matrix element; None if it is not a real numeric matrix called `val`."""
    elements = list(islice(_elements(content, order), 4))
    if len(elements) < 4:
        return None
    (_, flags), (_, dimensions), (_, name), (kind, numbers) = elements
    class_and_flags = struct.unpack_from(order + "I", flags)[0]
    if name != b"val" or class_and_flags & 0xFF not in NUMERIC_CLASSES or class_and_flags & COMPLEX:
        return None
    shape = struct.unpack(f"{order}2i", dimensions)
    if min(shape) < 1:
        raise ValueError(f"'val' has shape {shape}")
    return np.frombuffer(numbers, order + TYPES_V5[kind]).reshape(shape[::-1]).T
