"""Arrays in files of NumPy and HDF5, of which no more is read than is asked for.

A file is opened for its shape; the numbers are read when the array is indexed. Nothing is
unpickled, no other file is followed to, and sizes are checked before memory is taken.

Sources: NEP 1, "A Simple File Format for NumPy Arrays"; HDF5 File Format Specification, version 3.
"""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.runtime.errors import RecordError
from ecg12.runtime.optional_deps import require_extra

NPY = b"\x93NUMPY"
ZIP = b"PK\x03\x04"
HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES = (0, 512, 1024, 2048)  # where the mark may stand
LARGEST_ARRAY = 2**29  # bytes that are taken into memory; 12 leads of 8 h at 500 Hz in 32 bits
LARGEST_HEADER = 2**14  # bytes before the numbers; NumPy reads headers of 10,000 characters
LARGEST_NOTE = 2**16  # bytes of what a file says beside its array
MOST_MEMBERS = 1000
TRACINGS = "tracings"  # the array of the CODE data sets, which may be padded by zeros at its ends
NOTES = ("rate", "unit", "leads")  # what a file may say of its array, under these names


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredArray:
    """An array in a file and what the file says of it.

    Attributes
    ----------
    values
        Anything with `shape` and `dtype` that gives NumPy arrays when it is indexed.
    notes
        Rate in Hz, unit, lead names, under the names of `NOTES`, as far as the file tells them.
    name
        What the file calls it; empty in a file of one array.
    named
        Whether it is a table with columns that are named as leads.
    """

    values: Any
    notes: Mapping[str, Any]
    name: str = ""
    named: bool = False


def is_array(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is one of NumPy or HDF5."""
    return head.startswith(NPY) or _is_npz(head) or is_hdf5(head)


def is_hdf5(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is HDF5."""
    return any(head.startswith(HDF5, at) for at in HDF5_PLACES)


def _is_npz(head: bytes) -> bool:
    """Tell whether a file begins as a zip archive of `.npy` files."""
    length = int.from_bytes(head[26:28], "little")
    return head.startswith(ZIP) and head[30 : 30 + length].endswith(b".npy")


@contextmanager
def open_array(path: Path, head: bytes) -> Iterator[StoredArray]:
    """Open a file of NumPy or HDF5 whose first bytes are known.

    Raises
    ------
    RecordError
        If it is damaged, or has not exactly one array of numbers of two or three dimensions.
    InputError
        If it is HDF5 and the library h5py is not installed.
    """
    opened = _npy if head.startswith(NPY) else _npz if head.startswith(ZIP) else _hdf5
    with opened(path) as array:
        yield array


@contextmanager
def _npy(path: Path) -> Iterator[StoredArray]:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # NumPy lets anything out of a damaged header
        raise RecordError(
            f"{path}: damaged NumPy file, or one of objects: {_kind(error)}"
        ) from error
    if not _fits(values):
        raise RecordError(f"{path}: an array of {values.dtype}, shape {values.shape}")
    yield StoredArray(values=values, notes={})


@dataclass(frozen=True, kw_only=True)
class _Member:
    """What an array in a zip archive says of itself, before its numbers."""

    info: zipfile.ZipInfo
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool

    @property
    def size(self) -> int:
        return self.dtype.itemsize * prod(self.shape)


@contextmanager
def _npz(path: Path) -> Iterator[StoredArray]:
    state = path.stat()
    yield _npz_array(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1)  # its recordings are read one after the other
def _npz_array(path: Path, size: int, time: int) -> StoredArray:
    """Read the array of a file, which is as it was if its size and time of change are."""
    found: dict[str, _Member] = {}
    notes: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist()[:MOST_MEMBERS]:
                name, member = info.filename.removesuffix(".npy"), _member(path, archive, info)
                if name not in NOTES and _fits(member) and member.size <= LARGEST_ARRAY:
                    found[name] = member
                elif name in NOTES and not member.dtype.hasobject and member.size <= LARGEST_NOTE:
                    notes[name] = _plain(_numbers(archive, member))
            name = _only(path, found)  # so that the numbers of one array at most are in memory
            values = _numbers(archive, found[name])
    except (RecordError, OSError):
        raise
    except Exception as error:  # zip and NumPy let anything out of a damaged file
        raise RecordError(f"{path}: damaged .npz file: {_kind(error)}") from error
    return StoredArray(values=values, notes=notes, name=name)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    """Read the header of one array."""
    with archive.open(info) as file:
        head = BytesIO(file.read(LARGEST_HEADER))
    version = np.lib.format.read_magic(head)
    reader = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        reader = np.lib.format.read_array_header_2_0
    shape, fortran, dtype = reader(head)
    if min(shape, default=0) < 0:
        raise RecordError(f"{path}: {info.filename[:80]!r} has shape {shape}")
    return _Member(info=info, start=head.tell(), shape=shape, dtype=dtype, fortran=fortran)


def _numbers(archive: zipfile.ZipFile, member: _Member) -> np.ndarray:
    """Read the numbers of one array."""
    with archive.open(member.info) as file:
        file.read(member.start)
        values = np.frombuffer(file.read(member.size), member.dtype)
    return values.reshape(member.shape, order="F" if member.fortran else "C")


@contextmanager
def _hdf5(path: Path) -> Iterator[StoredArray]:
    with require_extra("reading HDF5", "formats"):
        import h5py
    try:
        file = h5py.File(path, "r", locking=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise RecordError(f"{path}: damaged HDF5 file: {_kind(error)}") from error
    with file:
        try:
            found = dict(_datasets(file))
            name = TRACINGS if TRACINGS in found else _only(path, found)
            notes = _attributes(file) | _attributes(found[name])
        except RecordError:
            raise
        except Exception as error:  # the library lets anything out of a damaged file
            raise RecordError(f"{path}: damaged HDF5 file: {_kind(error)}") from error
        yield StoredArray(values=found[name], notes=notes, name=name)


def _datasets(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arrays at the top of an HDF5 file that lie in it, in chunks of a sane size."""
    import h5py

    for name in list(file)[:MOST_MEMBERS]:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            continue
        data = file[name]
        if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
            continue
        chunk = prod(data.chunks or ()) * data.dtype.itemsize
        if _fits(data) and chunk <= LARGEST_ARRAY:
            yield name, data


def _attributes(node: Any) -> dict[str, Any]:
    """Return what the attributes of an HDF5 file or array say of it."""
    notes = {}
    for name in NOTES:
        if name in node.attrs and node.attrs.get_id(name).get_storage_size() <= LARGEST_NOTE:
            notes[name] = _plain(node.attrs[name])
    return notes


def _plain(value: Any) -> Any:
    """Return a note as Python's own types: bytes as text, one alone without its array."""
    array = np.asarray(value)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return array.item() if array.size == 1 else array.tolist()


def _fits(values: Any) -> bool:
    """Tell whether these may be recordings: numbers, in two dimensions or three."""
    return values.dtype.kind in "iuf" and len(values.shape) in (2, 3) and prod(values.shape) > 0


def _only(path: Path, found: Mapping[str, Any]) -> str:
    if len(found) != 1:
        shown = ", ".join(f"{name} {found[name].shape}" for name in found) or "none"
        raise RecordError(
            f"{path}: one array of numbers in two or three dimensions is wanted; found: {shown}"
        )
    return next(iter(found))


def _kind(error: Exception) -> str:
    return type(error).__name__
