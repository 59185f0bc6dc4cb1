"""The report of 20,000 recordings: summary, 2,000 bootstrap replicates, figures, tables and page.

    python -m benchmarks.report [FOLDER]

Writes headers without signals and random predictions into FOLDER (default a temporary one), which
is not measured; then runs `python -m ecg12 report` in a process of its own, as a user would. Exit
status 1 if that takes 60 s of processor time or more: on idle cores the clock shows no more than
that, whereas on busy ones it measures what else runs. 25 s of processor time were seen.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ecg12.io.classes import WEIGHTS, ScoredClasses, load_weights
from ecg12.io.outputs import write_output
from ecg12.runtime.progress import bar

N = 20_000
MOST = 60.0  # seconds
SITES = ("E", "HR", "JS")  # names of three databases


def write_case(folder: Path, classes: ScoredClasses) -> None:
    """Write headers into `labels` and predictions into `outputs`, unless they exist."""
    rng = np.random.default_rng(0)
    targets = rng.random((N, len(classes))) < 0.08
    scores = 1 / (1 + np.exp(2 - rng.normal(size=targets.shape) - 2 * targets))
    for part in ("labels", "outputs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for i in bar(range(N), desc="made up"):
        stem = f"{SITES[i % len(SITES)]}{i:05}"
        codes = ",".join(classes.groups[k][0] for k in np.flatnonzero(targets[i]))
        header = f"{stem} 12 500 5000\n#Age: 60\n#Sex: Male\n#Dx: {codes}\n"
        (folder / "labels" / f"{stem}.hea").write_text(header)
        predicted = classes.expand(scores[i] > 0.4), classes.expand(scores[i])
        write_output(folder / "outputs", stem, classes.columns, *predicted)


def main() -> None:
    """Print the time."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if not (folder / "outputs").is_dir():
            write_case(folder, load_weights(WEIGHTS))
        places = [str(folder / name) for name in ("labels", "outputs", "report")]
        command = [sys.executable, "-m", "ecg12", "report", *places[:2], "-o", places[2]]
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        waited = time.perf_counter() - begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken = used.ru_utime + used.ru_stime
        size = (Path(places[2]) / "index.html").stat().st_size / 1e6
        print(f"{N:,} recordings: {taken:.1f} s of processor time, {waited:.1f} s by the clock")
        print(f"{used.ru_maxrss / 1e6:.2f} GB of memory, page of {size:.1f} MB")
    sys.exit(taken >= MOST)


if __name__ == "__main__":
    main()
