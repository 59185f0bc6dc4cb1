"""Run a command and watch it: time, processor time, peak of its own memory, children included."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.setting import ROOT
from benchmarks.timing import WORDS

EVERY = 0.1  # s between two looks at the memory


@dataclass(frozen=True)
class Watched:
    """One run: seconds by the clock and of the processor, MB of memory at the peak."""

    wall: float
    processor: float
    memory: float


def watch(command: Sequence[str], settings: Mapping[str, str]) -> Watched:
    """Run a command to its end.

    Its memory is what it and its children hold of their own (anonymous pages): the pages of files,
    as of a memory map, are taken back by the system when others need them.

    Raises
    ------
    RuntimeError
        If it fails, with its last words.
    """
    begun, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, cwd=ROOT, env=os.environ | settings
        )
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak, sum(map(_anonymous, family(process.pid))))
            time.sleep(EVERY)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {said.read()[-WORDS:]}")
    wall = time.perf_counter() - begun
    return Watched(wall, usage.ru_utime + usage.ru_stime, peak / 1e3)


def family(process: int) -> Iterator[int]:
    """Yield a process, its children and theirs; those that have ended are left out."""
    yield process
    with suppress(FileNotFoundError, ProcessLookupError):
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from family(int(child))


def _anonymous(process: int) -> int:
    """Return a process's own memory in kB, 0 if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0
