"""Full scale: the memory of preparing 43,101 recordings, the time of driving 36,266.

    python -m stress.scale [memory] [time] [--recordings 43101] [--measured 64]

`memory` prepares so many recordings, whose headers all name the samples of one file, in a process
that may take 13 GB of address space (`ulimit -v`), and prints its peak of memory, resident and of
its own (anonymous; the rest are pages of the memory map, which the system takes back at will).

`time` drives the ensemble of five that the `mcircc` recipe would keep at its most expensive, over
a few recordings, and extrapolates to the hidden test set. Processor time tells more than wall-clock
time where others share the machine; the organizers' has 2 processors and allows 24 h.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from joblib.externals.loky import get_reusable_executor

from ecg12.data.dataset import prepare_folder
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.signal.preprocessing import Preprocessing

HIDDEN, HOURS, PROCESSORS = 36_266, 24, 2
QUICK = Preprocessing(medians=(), cutoff=None)  # a signal as large as usual, in less time
ADDRESS_SPACE = 13 * 10**9  # bytes


def noise(name: str) -> Record:
    """Return 10 s of twelve leads of noise at 500 Hz."""
    signals = np.random.default_rng(0).normal(0, 1, (12, 5000))
    return Record.from_millivolts(name, signals, LEADS, 500.0, codes=("426783006",))


def memory(place: Path, n: int) -> None:
    """Prepare n recordings in a process of limited address space; print its peaks."""
    data = place / "data"
    data.mkdir()
    text = write_record(data, noise("shared")).read_text()
    (data / "shared.hea").unlink()
    for i in range(n):
        (data / f"S{i:05d}.hea").write_text(text)
    (data / "shared.hea").write_text(text)
    if not (child := os.fork()):
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        dataset = prepare_folder(data, place / "work", QUICK, load_weights(WEIGHTS))
        get_reusable_executor().shutdown()  # else its workers wait five minutes for more
        os._exit(0 if len(dataset) == n + 1 else 1)
    begun, own = time.monotonic(), 0
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        own = max(own, _anonymous(child))
        time.sleep(0.2)
    if status:
        raise AssertionError(f"preparing ended with status {os.waitstatus_to_exitcode(status)}")
    size = (place / "work" / "signals.npy").stat().st_size
    print(
        f"{n + 1} recordings, {size / 1e9:.2f} GB of signals, prepared in "
        f"{time.monotonic() - begun:.0f} s; peak {usage.ru_maxrss / 1e6:.2f} GB resident, "
        f"{own / 1e6:.2f} GB of its own",
        flush=True,
    )


def _anonymous(process: int) -> int:
    """Return a process's own memory in kB, without the pages of files."""
    status = Path(f"/proc/{process}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines.get("RssAnon", "0").split()[0])


def drive_time(place: Path, n: int) -> None:
    """Drive an untrained submission ensemble over n recordings; extrapolate."""
    from ecg12.ensemble.classifier import Classifier, Member
    from ecg12.ensemble.model_folder import save_classifier
    from ecg12.inference.challenge import drive
    from ecg12.training.recipes import get_recipe

    recipe, classes = get_recipe("mcircc"), load_weights(WEIGHTS)
    networks = sorted(recipe.networks, key=lambda network: -network.gflop())[: recipe.keep]
    members = [
        Member(
            f"m{i}", network.build(len(classes.columns)), recipe.preprocessing,
            thresholds=np.full(len(classes), 0.5), validation_score=0.0,
        )
        for i, network in enumerate(networks)
    ]  # fmt: skip
    for name in ("model", "drive"):
        (place / name).mkdir()
    save_classifier(place / "model", Classifier(classes, members))
    for i in range(n):
        write_record(place / "drive", noise(f"R{i:05d}"))
    drive(place / "model", place / "drive", place / "out")  # compiled and warm
    begun, used = time.monotonic(), time.process_time()
    drive(place / "model", place / "drive", place / "out")
    wall, processor = time.monotonic() - begun, time.process_time() - used
    hours = HIDDEN * processor / n / PROCESSORS / 3600
    print(
        f"{', '.join(network.name for network in networks)}: {n} recordings, loading included, in "
        f"{wall:.0f} s, {processor / n:.2f} s of processor time each; {HIDDEN} recordings on "
        f"{PROCESSORS} processors: {hours:.1f} h of {HOURS} h allowed",
        flush=True,
    )


def main() -> None:
    """Measure what is asked for, or both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["memory", "time"], metavar="memory|time")
    parser.add_argument("--recordings", type=int, default=43_101)
    parser.add_argument("--measured", type=int, default=64)
    options = parser.parse_args()
    for what in options.what:
        with tempfile.TemporaryDirectory() as folder:
            if what == "memory":
                memory(Path(folder), options.recordings)
            else:
                drive_time(Path(folder), options.measured)


if __name__ == "__main__":
    main()
