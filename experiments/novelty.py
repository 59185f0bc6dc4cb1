"""How well the distance from the training recordings tells what is unlike them.

    python -m experiments.novelty DATA --real REAL [--every 2] [--only NAME …] [--model FOLDER]

prints the table of reports/novelty.md: the test part of PTB-XL (DATA/test) against noise, ECG that
was spoilt, synthetic ECG and other hospitals (REAL). Nothing is chosen here, but on the validation
part: `experiments.novelty_variants`.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.inference.layouts import FAR
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import find_records, read_record
from ecg12.metrics import auroc
from ecg12.runtime.errors import ModelError
from ecg12.signal.preprocessing import dequantize
from ecg12.synthetic import recording
from ecg12.training.novelty_fit import distances_of
from experiments.ptbxl.evaluation import SOURCE_OF

COLOURS = {"violet": -2, "blue": -1, "white": 0, "pink": 1, "brown": 2}  # power falls as f ** -x
N_NOISE, N_SYNTHETIC = 200, 100
PACED = "10370003"  # pacing rhythm
Records = Iterable[Record]


def noise(colour: str, n: int = N_NOISE) -> Iterator[Record]:
    """Yield recordings of noise: twelve independent leads, 10 s at 500 Hz, 1 mV."""
    rng = np.random.default_rng(0)
    frequencies = np.fft.rfftfreq(5000, 1 / 500)[1:]
    for _ in range(n):
        phases = np.exp(2j * np.pi * rng.random((12, len(frequencies))))
        spectrum = np.pad(frequencies ** (-COLOURS[colour] / 2) * phases, ((0, 0), (1, 0)))
        signals = np.fft.irfft(spectrum, 5000)
        yield Record.from_array(signals / signals.std(), fs=500, leads=LEADS, name=colour)


def shuffled(records: Records) -> Iterator[Record]:
    """Yield recordings whose leads have each other's names."""
    rng = np.random.default_rng(0)
    for record in records:
        order = rng.permutation(len(record.leads))
        yield replace(record, leads=tuple(record.leads[i] for i in order))


def fewer(records: Records, leads: Sequence[str]) -> Iterator[Record]:
    """Yield recordings with some of the leads only."""
    for record in records:
        rows = [record.leads.index(lead) for lead in leads]
        yield Record.from_array(record.millivolts[rows], fs=record.rate, leads=leads)


def spoilt(records: Callable[[], Records]) -> Iterator[tuple[str, Records]]:
    """Yield names and recordings: what was done to those of the test part."""
    yield "stated rate × 0.5", (replace(one, rate=one.rate / 2) for one in records())
    yield "stated rate × 2", (replace(one, rate=one.rate * 2) for one in records())
    yield "leads shuffled", shuffled(records())
    yield "time reversed", (replace(one, stored=one.stored[:, ::-1]) for one in records())
    yield "first 5 s, unchanged", (replace(one, stored=one.stored[:, :500]) for one in records())
    yield "six limb leads", fewer(records(), LEADS[:6])
    yield "leads I and II", fewer(records(), LEADS[:2])
    yield "paced", (one for one in records() if PACED in one.codes)


def distances(classifier: Classifier, records: Records) -> np.ndarray:
    """Return the distances of recordings, (n,)."""
    novelty = classifier.novelty
    if novelty is None:
        raise ModelError("the model has no statistics of its training part")
    signals = np.concatenate([classifier.prepare(one)[0] for one in records])
    step = classifier.preprocessings[0].step
    chunks = (dequantize(signals[i : i + BATCH], step) for i in range(0, len(signals), BATCH))
    return distances_of(classifier, novelty.members, chunks)


def row(name: str, own: np.ndarray, base: np.ndarray, classifier: Classifier) -> str:
    """Return a line of the table."""
    truth = np.repeat([False, True], [len(base), len(own)])[:, None]
    area = auroc(truth, np.concatenate([base, own])[:, None])[0]
    percentiles = classifier.novelty.percentiles(own) if classifier.novelty else own
    return (
        f"| {name} | {len(own)} | {area:.3f} | {(percentiles > FAR).mean():.1%} | "
        f"{np.median(percentiles):.1f} |"
    )


def sources(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield the sources of other hospitals' recordings, and the recordings of each."""
    found: dict[str, list[Path]] = {}
    for path in find_records(folder):
        name = path.relative_to(folder).parts[0]
        found.setdefault(SOURCE_OF.get(name, name), []).append(path)
    yield from sorted(found.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="PTB-XL: test")
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="of so many test recordings one")
    parser.add_argument("--only", nargs="*", help="rows to print; by default all")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    classifier = load_classifier(options.model)
    paths = list(find_records(options.data / "test"))[:: options.every]
    kept = [read_record(path) for path in paths]
    base = distances(classifier, kept)
    heads = ["recordings", "n", "AUROC", f"beyond the {FAR:g}th percentile", "median percentile"]
    show(f"| {' | '.join(heads)} |", "|---" * len(heads) + "|")
    show(row("PTB-XL, test part", base, base, classifier))
    given: list[tuple[str, Records]] = [(name, map(read_record, own))
                                        for name, own in sources(options.real)]  # fmt: skip
    given += spoilt(lambda: kept)
    given += [("synthetic ECG", (recording(0, i) for i in range(N_SYNTHETIC)))]
    given += [(f"{name} noise", noise(name)) for name in COLOURS]
    for name, records in given:
        if options.only is None or name in options.only:
            show(row(name, distances(classifier, records), base, classifier))


def show(*lines: str) -> None:
    """Print lines at once."""
    print(*lines, sep="\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
