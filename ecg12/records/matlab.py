"""MATLAB files: read the matrix `val` of versions 4 and 5, write version 4.

The layouts are those of "MAT-File Format" (The MathWorks). Both versions are read here, every
field checked before memory is taken, because SciPy's reader of version 5 trusts the type fields of
a file: a damaged one ends the whole process, not just that recording (SciPy 1.17). Only what is
rare in version 4 (big-endian, other variables before `val`) goes through SciPy.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ecg12.errors import RecordError

# Version 4: type field of a little-endian full matrix → how its numbers are stored.
INT16_V4 = 30
TYPES_V4 = {0: "<f8", 10: "<f4", 20: "<i4", INT16_V4: "<i2", 40: "<u2", 50: "<u1"}

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
    try:
        with Path(path).open("rb") as file:
            head = file.read(128)
            if len(head) >= 24 and head[20:24] == b"val\0":
                kind, rows, columns, imaginary, name_length = struct.unpack("<5i", head[:20])
                if kind in TYPES_V4 and (imaginary, name_length) == (0, 4):
                    file.seek(24)
                    return _read_v4(file, path, (rows, columns), TYPES_V4[kind], n_samples)
            if order := {b"\0\1IM": "<", b"\1\0MI": ">"}.get(head[124:]):
                return _read_v5(file.read(LARGEST_FILE), order, path)[:, :n_samples]
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    if 0 not in head[:4]:
        raise RecordError(f"{path}: not a MATLAB file of version 4 or 5")
    return _read_scipy(path)[:, :n_samples]


def format_mat(stored: np.ndarray) -> bytes:
    """Return a MATLAB v4 file with `val`, int16 (n_leads, n_samples); WFDB's format `16+24`."""
    head = struct.pack("<5i", INT16_V4, *stored.shape, 0, 4) + b"val\0"
    return head + stored.T.astype("<i2").tobytes()


def check_size(path: str | Path, needed: int, content: str) -> None:
    """Refuse a file of fewer than `needed` bytes with a RecordError, before memory is taken."""
    size = Path(path).stat().st_size
    if size < needed:
        raise RecordError(f"{path}: truncated: {content} need {needed} bytes, the file has {size}")


def _read_v4(
    file: BinaryIO, path: str | Path, shape: tuple[int, int], kind: str, n_samples: int | None
) -> np.ndarray:
    rows, columns = shape
    if min(shape) < 1:
        raise RecordError(f"{path}: 'val' has shape {shape}")
    row_bytes = np.dtype(kind).itemsize * rows
    check_size(path, 24 + row_bytes * columns, f"{rows} x {columns} samples")
    columns = columns if n_samples is None else min(columns, n_samples)
    return np.frombuffer(file.read(row_bytes * columns), kind).reshape(columns, rows).T


def _read_v5(data: bytes, order: str, path: str | Path) -> np.ndarray:
    """Return the first matrix named `val` among the elements after a version 5 file's header."""
    try:
        for kind, content in _elements(data, order):
            if kind == COMPRESSED:
                inner = zlib.decompressobj().decompress(content, LARGEST_FILE)
                kind, content = next(_elements(inner, order))
            if kind == MATRIX and (matrix := _matrix(content, order)) is not None:
                return matrix
    except (ValueError, KeyError, StopIteration, struct.error, zlib.error) as error:
        raise RecordError(f"{path}: damaged MATLAB file: {error!r}") from error
    raise RecordError(f"{path}: no numeric matrix 'val'")


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
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


def _matrix(content: bytes, order: str) -> np.ndarray | None:
    """Read one matrix element; None if it is not a real numeric matrix called `val`."""
    elements = list(_elements(content, order))
    if len(elements) < 4:
        return None
    (_, flags), (_, dimensions), (_, name), (kind, numbers) = elements[:4]
    class_and_flags = struct.unpack_from(order + "I", flags)[0]
    if name != b"val" or class_and_flags & 0xFF not in NUMERIC_CLASSES or class_and_flags & COMPLEX:
        return None
    shape = struct.unpack(f"{order}2i", dimensions)
    if min(shape) < 1:
        raise ValueError(f"'val' has shape {shape}")
    return np.frombuffer(numbers, order + TYPES_V5[kind]).reshape(shape[::-1]).T


def _read_scipy(path: str | Path) -> np.ndarray:
    """Read a version 4 file through SciPy."""
    from scipy.io import loadmat

    try:
        matrix = np.asarray(loadmat(path, variable_names=["val"])["val"])
    except Exception as error:  # a damaged file can raise nearly anything in the parser
        raise RecordError(f"{path}: not a readable MATLAB file with 'val': {error!r}") from error
    if matrix.ndim != 2:
        raise RecordError(f"{path}: 'val' has shape {matrix.shape}, not (leads, samples)")
    return matrix
