"""Draw synthetic recordings and write them as a challenge folder.

Every recording has a random generator of its own, seeded by the run's seed and the recording's
index, so recording i is the same whatever the number of recordings or of workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.runtime.errors import InputError
from ecg12.runtime.executors import LocalExecutor
from ecg12.runtime.progress import bar
from ecg12.synthetic.cases import Case, draw_case
from ecg12.synthetic.detection import EIGHT
from ecg12.synthetic.dipole import twelve_leads
from ecg12.synthetic.findings import draw_findings, mix_of
from ecg12.synthetic.noise import damaged, noise
from ecg12.synthetic.sites import SITES, Site, electrocardiograph, labels

T = TypeVar("T")
SLOWEST = 100.0  # Hz; QRS would not survive less
SHORTEST = 5.0  # s; fewer beats cannot be measured
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
        Sampling rates in Hz, drawn evenly; None for those of the site.
    seconds
        Lengths in seconds, drawn evenly; None for those of the site.
    noise
        Factor on the noise; 0 for noise-free signals, which are not filtered either.
    sites
        Keys of `ecg12.synthetic.sites.SITES`, drawn evenly.
    weights
        Relative frequencies of the classes; None for those of the usual mix.
    """

    classes: tuple[str, ...] | None = None
    rates: tuple[float, ...] | None = (500.0,)
    seconds: tuple[float, ...] | None = (10.0,)
    noise: float = 1.0
    sites: tuple[str, ...] = ("general",)
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse unknown classes, weights and sites, and lengths and rates too low to show them."""
        mix_of(self.classes, self.weights)
        if unknown := [name for name in self.sites if name not in SITES]:
            raise InputError(f"unknown site {', '.join(unknown)}; choices: {', '.join(SITES)}")
        if self.seconds is not None and min(self.seconds) < SHORTEST:
            raise InputError(f"{min(self.seconds)} s; the shortest recording is {SHORTEST} s")
        if self.rates is not None and min(self.rates) < SLOWEST:
            raise InputError(f"{min(self.rates)} Hz; the lowest sampling rate is {SLOWEST} Hz")


DEFAULT = Options()


def recording(seed: int, index: int, options: Options = DEFAULT) -> Record:
    """Return one synthetic recording, named ``S00000`` for index 0 and so on.

    Raises
    ------
    RuntimeError
        If the classes drawn cannot be shown together in any of many draws.
    """
    rng = np.random.default_rng((seed, index))
    wanted = draw_findings(rng, mix_of(options.classes, options.weights))
    site = SITES[str(rng.choice(options.sites))]
    rate = float(rng.choice(options.rates or site.rates))
    seconds = float(rng.choice(options.seconds or site.seconds))
    case, classes = draw_case(rng, wanted, seconds)
    signals = case.signals(rate)
    if options.noise:
        signals = _recorded(rng, site, case, signals, rate, options.noise)
    return Record.from_millivolts(
        f"S{index:05d}", signals, LEADS, rate, gain=site.gain,
        age=case.person.age, sex=case.person.sex, codes=labels(rng, classes, site.habit),
    )  # fmt: skip


def _recorded(
    rng: np.random.Generator,
    site: Site,
    case: Case,
    signals: np.ndarray,
    rate: float,
    level: float,
) -> np.ndarray:
    """Add noise to (12, n) mV and pass them through a site's electrocardiograph."""
    breath, n_samples = case.rhythm.breath, signals.shape[1]
    eight = signals[EIGHT] + level * noise(rng, rate, n_samples, breath, site.mains)
    return damaged(rng, twelve_leads(electrocardiograph(rng, site, eight, rate)))


def generate(
    folder: str | Path,
    n: int,
    seed: int = 0,
    *,
    classes: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    rates: Sequence[float] | None = (500.0,),
    seconds: Sequence[float] | None = (10.0,),
    noise: float = 1.0,
    sites: Sequence[str] = ("general",),
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
    classes
        Abbreviations or SNOMED CT codes of the classes to draw; None for all.
    weights
        Relative frequencies of the classes; None for those of the usual mix.
    rates, seconds
        Sampling rates in Hz and lengths in s, drawn evenly; None for those of the site.
    noise
        Factor on the noise; 0 for noise-free signals, which are not filtered either.
    sites
        Keys of `ecg12.synthetic.sites.SITES`, drawn evenly.
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
    InputError
        If a class or a site is unknown, or a length or a rate too low.
    ValueError
        If the dialect is unknown.
    """
    options = Options(
        _tuple(classes), _tuple(rates), _tuple(seconds), noise, tuple(sites), _tuple(weights)
    )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (folder, seed, range(first, min(first + CHUNK, n)), options, dialect)
        for first in range(0, n, CHUNK)
    ]
    paths: list[Path] = []
    with bar(total=n, unit="rec", disable=not progress) as count:
        for chunk in LocalExecutor(workers).in_order(_write, jobs):
            paths += chunk
            count.update(len(chunk))
    return paths


def _tuple(values: Sequence[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(values)


def _write(folder: Path, seed: int, indices: range, options: Options, dialect: str) -> list[Path]:
    return [write_record(folder, recording(seed, index, options), dialect) for index in indices]
