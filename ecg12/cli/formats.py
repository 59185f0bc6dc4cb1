"""List the formats of ECG files: which are read, and what to do with the others."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from ecg12.cli.arguments import recordings

EXTRA = "formats"  # has what every format needs


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "files",
        nargs="*",
        type=recordings,
        metavar="FILE",
        help="say of which format these files or folders are",
    )


def run(options: argparse.Namespace) -> None:
    """Print the table of formats, or of which format files are and what folders hold."""
    lines = [line for path in options.files for line in _said(path)]
    print("\n".join(lines if options.files else _table()))


def _table() -> Iterator[str]:
    from ecg12.io.format_table import ARRAY, FORMATS

    yield "The content of a file decides of which format it is, not its name."
    yield "\nread:"
    for row in FORMATS:
        extra = f"; needs the extra {EXTRA!r}" if row.extra else ""
        if row is ARRAY:
            extra = f"; HDF5 needs the extra {EXTRA!r}"
        if row.read:
            yield f"  {row.name:20} {' '.join(row.suffixes)}{extra}"
    yield "\nrecognised, not read:"
    for row in FORMATS:
        if not row.read:
            yield f"  {row.name:20} {row.instead}"


def _said(path: Path) -> Iterator[str]:
    """Yield what a file is, or what a folder holds."""
    from ecg12.io.formats import format_at, scan

    if path.is_dir():
        found = scan(path)
        found.complain()
        yield f"{path}: {len(found.recordings)} recordings"
        yield from (f"  {n} {name}" for name, n in sorted(found.counts().items()))
        yield from (f"  {line}" for line in found.left_out())
        return
    row = format_at(path)
    if row is None:
        yield f"{path}: of no known format"
    else:
        yield f"{path}: {row.name}{'' if row.read else f', not read: {row.instead}'}"
