"""What benchmarks read: recordings that share signals, headers with outputs."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.io.outputs import write_output
from ecg12.io.wfdb import write_record
from ecg12.synthetic import Options, recording

DISTINCT = 64
OPTIONS = Options(rates=(500.0,), seconds=(10.0,))
SITES = ("E", "HR", "JS")  # names of three databases


def write_linked(folder: Path, n: int, distinct: int = DISTINCT) -> list[Path]:
    """Write n recordings of 10 s at 500 Hz, links to few different ones; return their stems.

    What is there is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stems = [folder / f"R{i:06}" for i in range(n)]
    if len(list(folder.glob("*.hea"))) == n:
        return stems
    for place, stem in enumerate(stems):
        if place < distinct:
            write_record(folder, replace(recording(0, place, OPTIONS), name=stem.name))
            continue
        for suffix in (".mat", ".hea"):
            stem.with_suffix(suffix).hardlink_to(stems[place % distinct].with_suffix(suffix))
    return stems


def write_sharing(folder: Path, n: int) -> None:
    """Write n headers of 10 s at 500 Hz that name the samples of one file."""
    folder.mkdir(parents=True, exist_ok=True)
    header = write_record(folder, recording(0, 0, OPTIONS))
    text = header.read_text()
    header.unlink()
    for i in range(n):
        (folder / f"R{i:06}.hea").write_text(text)


def write_case(folder: Path, classes: ScoredClasses, n: int) -> tuple[Path, Path]:
    """Write headers without signals into `labels`, predictions into `outputs`; return both.

    What is there is kept.
    """
    labels, outputs = folder / "labels", folder / "outputs"
    if outputs.is_dir() and len(list(outputs.glob("*.csv"))) == n:
        return labels, outputs
    rng = np.random.default_rng(0)
    targets = rng.random((n, len(classes))) < 0.08
    scores = 1 / (1 + np.exp(2 - rng.normal(size=targets.shape) - 2 * targets))
    for part in (labels, outputs):
        part.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        stem = f"{SITES[i % len(SITES)]}{i:05}"
        codes = ",".join(classes.groups[k][0] for k in np.flatnonzero(targets[i]))
        header = f"{stem} 12 500 5000\n#Age: 60\n#Sex: Male\n#Dx: {codes}\n"
        (labels / f"{stem}.hea").write_text(header)
        predicted = classes.expand(scores[i] > 0.4), classes.expand(scores[i])
        write_output(outputs, stem, classes.columns, *predicted)
    return labels, outputs
