"""Draw synthetic recordings and write them as a challenge folder.

Every recording has a random generator of its own, seeded by the run's seed and the recording's
index, so recording i is the same whatever the number of recordings or of workers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from ecg12.headers import LEADS
from ecg12.records import Record, write_record
from ecg12.synthetic.cases import draw_case
from ecg12.synthetic.dipole import twelve_leads
from ecg12.synthetic.findings import codes_of, draw_findings, mix_of
from ecg12.synthetic.noise import noise

SHORTEST = 5.0  # s
CHUNK = 16  # recordings per job handed to a worker


@dataclass(frozen=True)
class Options:
    """What to draw.

    Attributes
    ----------
    classes
        Abbreviations or SNOMED CT codes of the classes to draw; None for all. Sinus rhythm stands
        beside classes that say nothing about the rhythm.
    rates
        Sampling rates in Hz, drawn evenly.
    seconds
        Lengths in seconds, drawn evenly.
    noise
        Factor on the noise; 0 for none.
    """

    classes: tuple[str, ...] | None = None
    rates: tuple[float, ...] = (500.0,)
    seconds: tuple[float, ...] = (10.0,)
    noise: float = 1.0

    def __post_init__(self) -> None:
        """Refuse lengths too short to be measured."""
        if min(self.seconds) < SHORTEST:
            raise ValueError(f"{min(self.seconds)} s; the shortest recording is {SHORTEST} s")


DEFAULT = Options()


def recording(seed: int, index: int, options: Options = DEFAULT) -> Record:
    """Return one synthetic recording, ``S00000`` for index 0.

    Raises
    ------
    ValueError
        If a class is unknown; the message lists the choices.
    """
    rng = np.random.default_rng((seed, index))
    wanted = draw_findings(rng, mix_of(options.classes))
    rate, seconds = float(rng.choice(options.rates)), float(rng.choice(options.seconds))
    case, classes = draw_case(rng, wanted, seconds)
    n_samples = round(seconds * rate)
    signals = case.signals(rate, n_samples)
    if options.noise:
        breath = case.rhythm.breath
        signals += twelve_leads(noise(rng, rate, n_samples, breath, options.noise))
    return Record.from_millivolts(
        f"S{index:05d}", signals, LEADS, rate,
        age=case.person.age, sex=case.person.sex, codes=codes_of(rng, classes),
    )  # fmt: skip


def generate(
    folder: str | Path,
    n: int,
    seed: int = 0,
    *,
    classes: Sequence[str] | None = None,
    rates: Sequence[float] = (500.0,),
    seconds: Sequence[float] = (10.0,),
    noise: float = 1.0,
    dialect: str = "A",
    workers: int = 1,
    progress: bool = False,
) -> list[Path]:
    """Write n synthetic recordings, ``S00000`` and on, into a folder, which is made if need be.

    Parameters
    ----------
    folder
        Where to write.
    n
        How many.
    seed
        Same seed, same recordings.
    classes, rates, seconds, noise
        See `Options`.
    dialect
        Header dialect, ``"A"`` or ``"B"``.
    workers
        Processes; the result does not depend on it.
    progress
        Show a progress bar.

    Returns
    -------
    The paths of the headers.

    Raises
    ------
    ValueError
        If a class or the dialect is unknown.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(
        None if classes is None else tuple(classes), tuple(rates), tuple(seconds), noise
    )
    mix_of(options.classes)
    jobs = (
        delayed(_write)(folder, seed, range(first, min(first + CHUNK, n)), options, dialect)
        for first in range(0, n, CHUNK)
    )
    done: Iterator[list[Path]] = Parallel(n_jobs=workers, return_as="generator")(jobs)
    paths: list[Path] = []
    with tqdm(total=n, unit="recording", disable=not progress) as bar:
        for chunk in done:
            paths += chunk
            bar.update(len(chunk))
    return paths


def _write(folder: Path, seed: int, indices: range, options: Options, dialect: str) -> list[Path]:
    return [write_record(folder, recording(seed, index, options), dialect) for index in indices]
