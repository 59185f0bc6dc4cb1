"""What all stages share: where they work, how long they measure, what is at hand."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


class SkippedError(Exception):
    """A comparison cannot be made here; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Options of a run.

    Attributes
    ----------
    work
        Folder for recordings, models and the peers' environments.
    quick
        Few recordings and rounds: shows that all works, measures nothing.
    peers
        Whether environments for peers may be made from the package index.
    official
        Folder with clones of the official evaluators, `evaluation-2020` and `evaluation-2021`.
    """

    work: Path
    quick: bool = False
    peers: bool = True
    official: Path | None = None

    def size(self, full: int, quick: int) -> int:
        """Return a number of recordings or rounds."""
        return quick if self.quick else full

    @property
    def rounds(self) -> int:
        """How often calls of a second or less are timed."""
        return self.size(21, 2)

    @property
    def few(self) -> int:
        """How often longer ones are timed."""
        return self.size(5, 1)

    def folder(self, name: str) -> Path:
        """Return a folder of the work folder, made if missing."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def formats(self) -> Path:
        """The folder of sample files of clinical formats.

        Raises
        ------
        SkippedError
            If it is not at hand.
        """
        path = Path(os.environ.get("ECG12_SHARED", ROOT.parent / "shared")) / "data" / "formats"
        if not path.is_dir():
            raise SkippedError("no sample files; set ECG12_SHARED to their folder")
        return path
