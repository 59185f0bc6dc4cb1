"""A layer between this process and its files, in which one operation fails.

It counts what Python does with paths below a folder (stat, list, open, read, write, rename, remove,
make) and lets the n-th of these operations fail as a disk, a network or a user would let it: by an
error, once or for this path ever after; by a full disk, for all that is written from then on; or
because the file or folder has just vanished. What libraries in C do with files is not seen.
"""

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WRITING = {"write", "create", "mkdir", "fallocate"}
# Function of `os` → what it does; the first argument is the path that is meant.
CALLS = {
    "stat": "stat", "lstat": "stat", "scandir": "list", "listdir": "list", "open": "open",
    "replace": "rename", "rename": "rename", "unlink": "remove", "remove": "remove",
    "rmdir": "remove", "mkdir": "mkdir",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """How an operation fails.

    Attributes
    ----------
    code
        The error's number, such as ``errno.EIO``; 0 where the file really vanishes.
    lasting
        Whether later operations on the same path fail as well.
    """

    code: int
    lasting: bool = False

    @property
    def name(self) -> str:
        """Such as ``"EIO, lasting"``."""
        name = errno.errorcode[self.code] if self.code else "vanished"
        return f"{name}, lasting" if self.lasting else name


FAULTS = (
    Fault(errno.EIO), Fault(errno.EACCES, lasting=True), Fault(errno.ESTALE, lasting=True),
    Fault(errno.ENOSPC, lasting=True), Fault(0),
)  # fmt: skip


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fspath(path))  # noqa: PTH100  # links stay


@dataclass
class Layer:
    """Counts operations below a folder, and lets the n-th that the fault can hit fail.

    Attributes
    ----------
    operations
        What was done, in order: kind and path.
    failed
        The first operation that failed, or None.
    """

    root: str
    n: int = 0
    fault: Fault = FAULTS[0]
    operations: list[tuple[str, str]] = field(default_factory=list)
    failed: tuple[str, str] | None = None

    def pass_through(self, kind: str, path: Any) -> None:
        """Count one operation; raise the error if it is its turn."""
        if not isinstance(path, str | bytes | os.PathLike):
            return
        where = _absolute(os.fsdecode(path))
        if not where.startswith(self.root):
            return
        full = self.fault.code == errno.ENOSPC
        if full and kind not in WRITING:
            return
        self.operations.append((kind, where))
        again = self.failed is not None and self.fault.lasting and (full or where == self.failed[1])
        if len(self.operations) != self.n and not again:
            return
        self.failed = self.failed or (kind, where)
        if self.fault.code:
            raise OSError(self.fault.code, os.strerror(self.fault.code), os.fsdecode(path))
        self._remove(where)

    def _remove(self, where: str) -> None:
        root, self.root = self.root, "\0"  # what is done here does not count
        shutil.rmtree(where) if Path(where).is_dir() else Path(where).unlink(missing_ok=True)
        self.root = root


class _File(io.FileIO):
    """A file whose reads and writes are operations of a layer."""

    def __init__(self, path: Any, mode: str, layer: Layer, opener: Any = None) -> None:
        super().__init__(path, mode, opener=opener)
        self._where, self._layer = path, layer

    def readinto(self, buffer: Any) -> Any:
        self._layer.pass_through("read", self._where)
        return super().readinto(buffer)

    def read(self, size: int | None = -1) -> Any:
        self._layer.pass_through("read", self._where)
        return super().read(-1 if size is None else size)

    def readall(self) -> bytes:
        self._layer.pass_through("read", self._where)
        return super().readall()

    def write(self, data: Any) -> Any:
        self._layer.pass_through("write", self._where)
        return super().write(data)


def _opening(layer: Layer, original: Callable[..., Any]) -> Callable[..., Any]:
    def open_file(
        file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None,
        errors: str | None = None, newline: str | None = None, closefd: bool = True,
        opener: Any = None,
    ) -> Any:  # fmt: skip
        inside = isinstance(file, str | os.PathLike) and _absolute(file).startswith(layer.root)
        if not inside:
            return original(file, mode, buffering, encoding, errors, newline, closefd, opener)
        layer.pass_through("open" if set(mode) <= set("rbt") else "create", file)
        raw = _File(os.fspath(file), mode.replace("b", "").replace("t", ""), layer, opener)
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in mode else None
        if buffered is None:
            buffered = io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)
        text.mode = mode
        return text

    return open_file


@contextmanager
def faulty_files(root: Path, n: int = 0, fault: Fault = FAULTS[0]) -> Iterator[Layer]:
    """Let the n-th operation below a folder fail within the block; with 0 only count."""
    layer = Layer(_absolute(root) + os.sep, n, fault)
    before: list[tuple[Any, str, Any]] = []

    def patch(owner: Any, name: str, new: Any) -> None:
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, new)

    def guarded(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **named: Any) -> Any:
            layer.pass_through(kind, path)
            return function(path, *arguments, **named)

        return call

    for name, kind in CALLS.items():
        patch(os, name, guarded(kind, getattr(os, name)))
    for owner in (builtins, io):
        patch(owner, "open", _opening(layer, owner.open))
    try:
        yield layer
    finally:
        for owner, name, original in reversed(before):
            setattr(owner, name, original)
