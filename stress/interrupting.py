"""Interrupt every long command, and the challenge's programs, at random moments, and start again.

    python -m stress.interrupting [--moments 20] [--commands check predict ...] [--seed 0]

SIGINT goes to all processes of the command, as from a terminal, SIGTERM to the first alone, as from
a scheduler. The command must end with status 130 or 143, its last line must be the only one about
that, its processes must be gone within two seconds, and nothing unfinished may be left. The same
command, interrupted up to three more times, must then end as if it had never been, with the same
files. The moments begin when the program has set up its handlers; what comes before is Python's
own start.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ECG12 = (sys.executable, "-m", "ecg12")
TINY = ("--recipe", "smoke")
COMMANDS = {  # name → its program and arguments, in a folder of `make_world`
    "check": (*ECG12, "check", "data", "-o", "out", "--workers", "2"),
    "convert": (*ECG12, "convert", "data", "-o", "out", "--workers", "2"),
    "synth": (*ECG12, "synth", "out", "-n", "96", "--workers", "2"),
    "label": (*ECG12, "label", "muse", "-o", "out", "--min-count", "2", "--workers", "2"),
    "plot": (*ECG12, "plot", "data", "-o", "out"),
    "predict": (*ECG12, "predict", "data", "-o", "out.json", "--format", "json"),
    "report": (*ECG12, "report", "data", "outputs", "-o", "out", "--replicates", "500"),
    "prepare": (*ECG12, "prepare", "data", "-o", "out", "--workers", "2"),
    "pretrain": (*ECG12, "pretrain", "data", "-o", "out", *TINY),
    "finetune": (*ECG12, "finetune", "data", "--classes", "classes.csv", "-o", "out", *TINY),
    "crossval": (*ECG12, "crossval", "data", "-o", "out", "--folds", "2", *TINY),
    "search": (*ECG12, "search", "data", "-o", "out", "--trials", "2", "--keep", "1", *TINY),
    "export": (*ECG12, "export", "model", "-o", "out"),
    "train_model.py": (sys.executable, str(ROOT / "train_model.py"), "data", "out"),
    "driver.py": (sys.executable, str(ROOT / "driver.py"), "model", "data", "out"),
}
UNNAMED = re.compile(r"-[0-9a-f]{8}(?=\.keras$)")  # the checksum in the name of a network
SAME = (".hea", ".mat", ".png")  # files whose bytes tell nothing of time
ENDINGS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
IN_A_ROW = 4  # times that a command is interrupted before it may end
GONE = 2.0  # s within which all processes must have ended


@dataclass
class Ended:
    """How an interrupted command ended; status 0 or 1 if it was faster than the signal."""

    status: int
    err: str
    seconds: float


def make_world(folder: Path, n: int = 48) -> None:
    """Write what the commands read: recordings, a MUSE archive, outputs, classes, a model."""
    for words in (["synth", "data"], ["synth", "muse", "--format", "muse"]):
        command = [*ECG12, *words, "-n", str(n), "--classes", "NSR", "AF", "SB", "--quiet"]
        subprocess.run(
            command, cwd=folder, env=environment(folder), check=True, capture_output=True
        )
    (folder / "classes.csv").write_text("426783006,NSR,sinus rhythm\n164889003,AF,fibrillation\n")
    (folder / "model").symlink_to(ROOT / "ecg12" / "ensemble" / "shipped")
    command = [sys.executable, str(ROOT / "driver.py"), "model", "data", "outputs"]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)


def environment(folder: Path) -> dict[str, str]:
    """Return the variables of the programs: this checkout, the small recipe, their own `tmp`."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    own = {"PYTHONPATH": str(ROOT), "ECG12_RECIPE": "smoke", "TMPDIR": str(temporary)}
    return os.environ | own


def start(name: str, folder: Path, err: Path) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own; return when it has set up its handlers."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job of sh
    with err.open("wb") as file:
        process = subprocess.Popen(
            COMMANDS[name], cwd=folder, env=environment(folder), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
        )  # fmt: skip
    while process.poll() is None and not _catches(process.pid, signal.SIGTERM):
        time.sleep(0.002)
    return process


def _catches(process: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def session(leader: int) -> Iterator[str]:
    """Yield the command lines of the processes of a session that run."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] not in "ZX":
                yield (path / "cmdline").read_text().replace("\0", " ")[:200]
        except OSError:  # it has ended
            continue


def interrupt(name: str, folder: Path, number: signal.Signals, delay: float) -> Ended:
    """Start a command, send a signal after a delay, and wait until all of it has ended.

    Raises
    ------
    AssertionError
        If it does not end, or not as it should.
    """
    err = folder / "stderr"
    process = start(name, folder, err)
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        send = os.killpg if number == signal.SIGINT else os.kill
        send(process.pid, number)
    begun = time.monotonic()
    status = process.wait(60)
    while left := list(session(process.pid)):
        busy = os.getloadavg()[0] > (os.cpu_count() or 1)
        if time.monotonic() - begun > max(GONE, 20 * GONE * busy):
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"{name}: still there after {GONE} s: {left}")
        time.sleep(0.01)
    ended = Ended(status, err.read_text(errors="replace"), time.monotonic() - begun)
    check(name, folder, number, ended)
    return ended


def check(name: str, folder: Path, number: signal.Signals, ended: Ended) -> None:
    """Compare how a command ended with how it should."""
    status, said = ENDINGS[number]
    where = f"{name} at {number.name}: status {ended.status}"
    lines = ended.err.splitlines()
    if "Traceback" in ended.err or "Exception ignored" in ended.err or "Warning" in ended.err:
        raise AssertionError(f"{where}\n{ended.err[-3000:]}")
    if ended.status == 0:
        return
    program = name if name.endswith(".py") else "ecg12"
    if ended.status != status or lines[-1:] != [f"{program}: {said}"]:
        raise AssertionError(f"{where}\n{ended.err[-3000:]}")
    unfinished = [p for p in folder.rglob(".*") if ".part" in p.name]
    temporary = [path for path in (folder / "tmp").iterdir() if path.name[0] != "."]
    if unfinished or temporary:
        raise AssertionError(f"{where}: left behind: {unfinished} {temporary}")


def results(folder: Path) -> dict[str, bytes]:
    """Return the files that a command has made, with the bytes of those that must not differ."""
    made = [folder / "out.json", *(folder / "out").rglob("*")]
    return {
        UNNAMED.sub("", str(path.relative_to(folder))): _content(path)
        for path in made
        if path.is_file() and not path.name.startswith(".")
    }


def _content(path: Path) -> bytes:
    """Return what must not differ: of a network its weights, of a table all but times."""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            return archive.read("model.weights.h5")
    if path.suffix == ".csv":
        head, *rows = path.read_bytes().splitlines()
        times = [place for place, name in enumerate(head.split(b",")) if b"seconds" in name]
        return b"\n".join([head, *(_without(row, times) for row in rows)])
    return path.read_bytes() if path.suffix in SAME else b""


def _without(row: bytes, places: list[int]) -> bytes:
    return b",".join(x for place, x in enumerate(row.split(b",")) if place not in places)


def clear(folder: Path) -> None:
    """Remove what a command has made."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out.json").unlink(missing_ok=True)


def campaign(name: str, folder: Path, moments: int, rng: random.Random) -> Counter[int]:
    """Interrupt a command so often; return how often it ended with which status.

    Signals that come when its work is done (status 0 or 1) do not count.
    """
    clear(folder)
    begun = time.monotonic()
    process = start(name, folder, folder / "stderr")
    if process.wait() != 0:
        raise AssertionError(f"{name}: {(folder / 'stderr').read_text()}")
    seconds, expected = time.monotonic() - begun, results(folder)
    statuses: Counter[int] = Counter()
    while sum(statuses[status] for status, _ in ENDINGS.values()) < moments:
        clear(folder)
        for number in list(ENDINGS) * (IN_A_ROW // 2):
            status = interrupt(name, folder, number, rng.uniform(0, seconds)).status
            statuses[status] += 1
            if status in (0, 1):
                break
        # What has ended well may refuse to do it again, as a search does.
        if status != 0 and start(name, folder, folder / "stderr").wait() != 0:
            raise AssertionError(f"{name}, again: {(folder / 'stderr').read_text()}")
        if (found := results(folder)) != expected:
            other = sorted(path for path in expected if found.get(path) != expected[path])
            raise AssertionError(f"{name}: other results after {number.name} ({status}): {other}")
    return statuses


def main() -> None:
    """Run the campaign in a temporary folder; print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=20, help="(default %(default)s)")
    parser.add_argument("--commands", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--recordings", type=int, default=48, help="(default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        make_world(Path(name), options.recordings)
        for command in options.commands:
            statuses = campaign(command, Path(name), options.moments, rng)
            print(f"{command}: {statuses.total()} signals, statuses {dict(statuses)}", flush=True)


if __name__ == "__main__":
    main()
