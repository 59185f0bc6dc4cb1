"""Kill preparation, training, thresholding, saving and driving at random moments, and restart.

    python -m stress.killing [--kills 10] [--seed 0]

Every killed run is started again with the same command. The result must equal, bit for bit, that of
a run that was never killed: prepared signals, weights, thresholds, histories, outputs. After each
kill no file may be half-written, and a model folder that has an index must be whole; after each
restart no temporary file may be left. Besides the random moments, every rename of a finished file
is killed once before and once after it.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import traceback
import zipfile
from pathlib import Path

import h5py
import numpy as np

from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.runtime.files import sha256
from stress import victim

STAGES = {"preparation": "prepare", "training": "train", "thresholding": "train",
          "saving": "train", "driving": "drive"}  # fmt: skip
PREPARED, TRAINED, DRIVEN = 200, 20, 96  # recordings for each kind of work
TIMED = ("seconds",)  # what a report tells of the clock


def make_data(place: Path) -> None:
    """Write recordings of noise whose amplitude tells their class; the sets share their files."""
    rng = np.random.default_rng(0)
    data = place / "prepare"
    data.mkdir()
    for i in range(PREPARED):
        signals = rng.normal(0, 1, (12, 400)) * (1 + 2 * (i % 2))
        codes = (("426783006", "164889003")[i % 2],)
        write_record(data, Record.from_millivolts(f"R{i:03d}", signals, LEADS, 500.0, codes=codes))
    for name, n in (("train", TRAINED), ("drive", DRIVEN)):
        (place / name).mkdir()
        for path in sorted(data.iterdir())[: 2 * n]:
            (place / name / path.name).hardlink_to(path)


def run(place: Path, work: str, result: Path, *kill: str) -> tuple[int, str]:
    """Run a victim whose result goes to `result`; return its exit status and what it wrote.

    The process is forked from this one, where TensorFlow is imported and has not run: starting it
    takes longer than all that is killed here. It writes to a file: worker processes of a killed
    one live on for a while, and would keep a pipe open.
    """
    arguments = [work, str(place / work), str(result)]
    if work == "drive":
        arguments = [work, str(place / work), str(place / "model"), str(result)]
    arguments += ["--kill", *kill] if kill else []
    said = place / "said"
    if not (child := os.fork()):
        with said.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        status = 1
        try:
            victim.main(arguments)
            status = 0
        except Exception:  # the parent reads the traceback and the status 1
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(ended), said.read_text()


def content(work: str, result: Path) -> object:
    """Return all of a result that must not depend on kills; and check that no litter is left."""
    litter = [path.name for path in result.rglob(".*")]
    if work == "train" and (result / "ecg12-work").exists():
        litter.append("ecg12-work")
    if litter:
        raise AssertionError(f"left behind: {litter}")
    if work == "prepare":
        state = json.loads((result / "signals.json").read_text())
        return sha256(result / "signals.npy"), state
    if work == "drive":
        return {path.name: path.read_text() for path in sorted(result.iterdir())}
    index = json.loads((result / "classifier.json").read_text())
    for member in index["members"]:
        member["weights"] = _weights(result / member.pop("file"))
        member.pop("sha256")  # the archive holds the date
    return index, _untimed(json.loads((result / "training.json").read_text()))


def _weights(path: Path) -> dict[str, str]:
    """Return a checksum of every array in a `.keras` file."""
    found: dict[str, str] = {}
    with zipfile.ZipFile(path) as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = hashlib.sha256(np.asarray(item).tobytes()).hexdigest()

    with file:
        file.visititems(note)
    return found


def _untimed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _untimed(part) for key, part in value.items() if key not in TIMED}
    return [_untimed(part) for part in value] if isinstance(value, list) else value


def check_whole(result: Path) -> None:
    """Check that what a kill left is readable: files that are not temporary are complete."""
    for path in result.rglob("[!.]*"):
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".csv":
            if len(path.read_text().split("\n")) != 5:
                raise AssertionError(f"{path}: half-written")
        elif path.suffix in (".keras", ".npz"):
            if (bad := zipfile.ZipFile(path).testzip()) is not None:
                raise AssertionError(f"{path}: {bad} is damaged")
    if (result / "classifier.json").exists():
        for member in json.loads((result / "classifier.json").read_text())["members"]:
            if sha256(result / member["file"]) != member["sha256"]:
                raise AssertionError(f"{member['file']}: not what the index names")


def kill_and_restart(place: Path, work: str, expected: object, *kill: str) -> bool:
    """Kill one run and start it again; return whether the kill came before its end."""
    result = place / "killed"
    shutil.rmtree(result, ignore_errors=True)
    status, said = run(place, work, result, *kill)
    if status not in (0, -signal.SIGKILL):
        raise AssertionError(f"killed {kill}: exit status {status}\n{said}")
    if result.exists():
        check_whole(result)
    again, said = run(place, work, result)
    if again != 0:
        raise AssertionError(f"restarted after {kill}: exit status {again}\n{said}")
    if content(work, result) != expected:
        raise AssertionError(f"restarted after {kill}: another result")
    return status != 0


def moments(stage: str, durations: list[float], kills: int, rng: random.Random) -> list[list[str]]:
    """Choose random moments within the calls of a stage, each call as likely as it was long."""
    calls = rng.choices(range(len(durations)), durations, k=kills)
    return [[stage, str(call + 1), str(rng.uniform(0, durations[call]))] for call in calls]


def campaign(place: Path, kills: int, seed: int, stages: list[str]) -> None:
    """Kill every stage so often, and every rename of a finished file; print one line each."""
    rng = random.Random(seed)
    make_data(place)
    expected, durations = {}, {}
    for work in ("prepare", "train", "drive"):
        result = place / ("model" if work == "train" else f"whole-{work}")
        status, said = run(place, work, result)
        if status:
            raise AssertionError(f"{work}: exit status {status}\n{said}")
        durations[work] = json.loads(said.split("durations ")[-1].splitlines()[0])
        expected[work] = content(work, result)
    for stage in stages:
        work = STAGES[stage]
        died, tried = 0, 0
        while died < kills:
            for moment in moments(stage, durations[work][stage], kills - died, rng):
                died += kill_and_restart(place, work, expected[work], *moment)
                tried += 1
        print(f"{stage}: {died} kills at random moments in {tried} runs: same result", flush=True)
    if "saving" in stages:
        renames(place, "train", expected["train"])
        renames(place, "prepare", expected["prepare"])


def renames(place: Path, work: str, expected: object) -> None:
    """Kill before and after every rename that the work does."""
    call = 0
    while True:
        call += 1
        before = kill_and_restart(place, work, expected, "replace", str(call), "before")
        if not before:
            break
        kill_and_restart(place, work, expected, "replace", str(call), "after")
    n = call - 1
    print(f"{work}: {2 * n} kills, before and after each of {n} renames: same result", flush=True)


def main() -> None:
    """Run the campaign in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10, help="of each stage (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        campaign(Path(folder), options.kills, options.seed, options.stages)


if __name__ == "__main__":
    main()
