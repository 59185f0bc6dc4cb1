"""What a conversion has finished, line by line, so that a run that was killed goes on.

Each line of the hidden file is one recording as JSON. A later line of the same source replaces an
earlier one; a last line that was not written whole is not counted. A name that was given stays with
its source, whatever is converted into the folder later.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ecg12.runtime.errors import InputError
from ecg12.runtime.files import is_file

LOG, LOCK = ".convert.jsonl", ".convert.lock"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A recording that is converted.

    Attributes
    ----------
    source
        Absolute path, as `read_any` takes it.
    stamp
        What changes when the source or the options do.
    name
        Path of the output below its folder, without suffix.
    format
        Name of the source's format.
    patient
        Salted hash, or "".
    statements
        Diagnosis statements, which are free text; None where the format holds none.
    note
        What was changed of the samples, or "".
    """

    source: str
    stamp: str
    name: str
    format: str
    patient: str = ""
    statements: tuple[str, ...] | None = field(default=None, repr=False)
    note: str = ""


class Log:
    """The finished recordings of an output folder, which is made if missing.

    Parameters
    ----------
    folder
        The output folder.
    options
        By which the recordings are converted; others convert them again.

    Raises
    ------
    InputError
        If the folder holds anything and is of no earlier conversion.
    OSError
        If it cannot be written.
    """

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self.folder, self.path = folder, folder / LOG
        if not self.path.exists() and folder.is_dir() and any(folder.iterdir()):
            raise InputError(f"{folder}: not empty, and no folder of an earlier conversion")
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(sorted(options.items()), default=str)
        self.options = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.entries: dict[str, Finished] = {}

    def __enter__(self) -> Self:
        """Read what is finished, and begin to add to it."""
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        for line in whole.splitlines():
            fields = json.loads(line)
            if fields.get("statements") is not None:
                fields["statements"] = tuple(fields["statements"])
            entry = Finished(**fields)
            self.entries[entry.source] = entry
        self._file = self.path.open("r+b" if self.path.exists() else "wb")
        self._file.truncate(len(whole.encode()))
        self._file.seek(0, 2)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def add(self, entry: Finished) -> None:
        """Note a recording as finished; its outputs must be there."""
        self.entries[entry.source] = entry
        self._file.write(json.dumps(asdict(entry)).encode() + b"\n")
        self._file.flush()

    def has(self, source: str, stamp: str) -> bool:
        """Tell whether a recording is finished, from a source that has not changed since."""
        entry = self.entries.get(source)
        return entry is not None and entry.stamp == stamp and all(map(is_file, self.outputs(entry)))

    def outputs(self, entry: Finished) -> tuple[Path, Path]:
        """Return header and MATLAB file of a recording."""
        return self.folder / f"{entry.name}.hea", self.folder / f"{entry.name}.mat"

    def drop(self, source: str) -> None:
        """Remove what an earlier run made of a source that can no longer be converted."""
        entry = self.entries.get(source)
        if entry is not None and entry.stamp:
            for path in self.outputs(entry):
                path.unlink(missing_ok=True)
            self.add(Finished(source=source, stamp="", name=entry.name, format=entry.format))
