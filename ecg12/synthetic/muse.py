"""Synthetic recordings as GE MUSE XML with diagnosis statements, patients with several of them.

Recording i of a seed is the same as in a challenge folder of that seed, but for the format's step
of 4.88 µV. Names, identifiers and dates are invented; what the recordings of one patient share is
who they are, not how their hearts lie.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from ecg12.io.record import Record
from ecg12.runtime.csv_tables import read_table, write_rows
from ecg12.runtime.executors import LocalExecutor
from ecg12.runtime.progress import bar
from ecg12.synthetic.generate import CHUNK, DEFAULT, Options, recording
from ecg12.synthetic.muse_xml import MEDIAN_BEAT, MedianBeat, Visit, median_beat, write_muse
from ecg12.synthetic.vocabulary import write_vocabulary
from ecg12.synthetic.wording import Context, comparison, diagnosis, findings_of, pick

REPOLARIZATION = (0.08, 0.32)  # s after the QRS: ST and T
TERRITORIES = {
    "inferior": ("II", "III", "aVF"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "anterior": ("V2", "V3", "V4"),
}
BLOCK = 64  # recordings among which patients recur; some four each
STATEMENTS, PATIENT = 1, 2  # streams of randomness beside the recording's own
SALT = 12  # of the seeds of those streams
MISSED, COMPARED, CONFIRMED = 0.33, 0.35, 0.85  # shares of recordings
LAST_NAMES = (
    "ADLER", "BRANDT", "CASTELLO", "DUBOIS", "ERIKSEN", "FARKAS", "GÓMEZ", "HOLLOWAY", "IVANOV",
    "JANSSEN", "KOWALSKI", "LINDQVIST", "MÜLLER", "NAKAMURA", "O'BRIEN", "PETROV", "QUIROGA",
    "ROSSI", "SMITH", "TANAKA", "URQUHART", "VARGA", "WHITFIELD", "YILMAZ", "ZHOU",
)  # fmt: skip
FIRST_NAMES = {
    "Male": ("JOHN", "PIERRE", "OLAV", "MARCO", "HIRO", "JOSÉ", "WALTER", "IMRE"),
    "Female": ("MARY", "CLAIRE", "INGRID", "LUCIA", "YUKI", "ANA", "RENATE", "ILONA"),
}
LABELS = "truth.csv"
COLUMNS = ("recording", "codes")
VOCABULARY = "vocabulary"  # folder


def generate_muse(
    folder: str | Path,
    n: int,
    seed: int = 0,
    options: Options = DEFAULT,
    *,
    workers: int = 1,
    progress: bool = False,
) -> list[Path]:
    """Write n synthetic MUSE files, ``S00000.xml`` and on, their true codes and a vocabulary.

    Parameters
    ----------
    folder
        Where to write; made if need be.
    n
        How many.
    seed
        Same seed, same files.
    options
        What to draw.
    workers
        Processes; the result does not depend on it.
    progress
        Show a progress bar.

    Returns
    -------
    The paths of the XML files. Beside them stand `truth.csv`, the SNOMED CT codes of each recording
    (see `read_labels`), and the folder `vocabulary` with small files in the formats of UMLS and
    SNOMED CT, for `python -m ecg12 label`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [
        (folder, seed, range(first, min(first + CHUNK, n)), options) for first in range(0, n, CHUNK)
    ]
    written: list[tuple[Path, str]] = []
    with bar(total=n, unit="rec", disable=not progress) as shown:
        for chunk in LocalExecutor(workers).in_order(_write, jobs):
            written += chunk
            shown.update(len(chunk))
    write_rows(folder / LABELS, [COLUMNS, *((path.stem, codes) for path, codes in written)])
    write_vocabulary(folder / VOCABULARY)
    return [path for path, _ in written]


def read_labels(folder: str | Path) -> dict[str, tuple[str, ...]]:
    """Return the true SNOMED CT codes of each recording of a synthetic MUSE archive, by name."""
    table = read_table(Path(folder) / LABELS, COLUMNS)
    return {row["recording"]: tuple(row["codes"].split()) for _, row in table.records()}


def _write(folder: Path, seed: int, indices: range, options: Options) -> list[tuple[Path, str]]:
    written = []
    for index in indices:
        record = recording(seed, index, options)
        visit = visit_of(seed, index, record)
        beat = median_beat(record)
        said, machine = statements_of(seed, index, record, visit, beat)
        path = write_muse(folder, record, said, visit, original=machine, beat=beat)
        written.append((path, " ".join(record.codes)))
    return written


# What is said, and of whom


def visit_of(seed: int, index: int, record: Record) -> Visit:
    """Invent a patient who fits a synthetic recording.

    Recordings of one block with the same sex and the same decade of age are one patient's, some
    years apart, so that whose a recording is depends on nothing but its seed and index.
    """
    age, sex = int(record.age or 0), record.sex or "Female"
    decade = age // 10
    patient = (index // BLOCK, decade, int(sex == "Male"))
    rng = np.random.default_rng((SALT, PATIENT, seed, *patient))
    identifier = f"{rng.integers(10**8, 10**9)}"
    names = pick(rng, LAST_NAMES), pick(rng, FIRST_NAMES[sex])
    new_year = date(int(rng.integers(1990, 2003)) - 10 * decade, 1, 1)
    born = new_year + timedelta(days=int(rng.integers(365)))
    own = np.random.default_rng((SALT, PATIENT, seed, index))
    minutes = int(own.integers(360 * 24 * 60))
    birthday = datetime(born.year + age, born.month, min(born.day, 28))  # or up to three days less
    return Visit(identifier, *names, born, birthday + timedelta(days=3, minutes=minutes))


def statements_of(
    seed: int, index: int, record: Record, visit: Visit, beat: MedianBeat
) -> tuple[list[str], list[str]]:
    """Return the over-read statements of a synthetic recording, and the machine's.

    The machine misses a finding of every third recording; the over-reader misses none.
    """
    rng = np.random.default_rng((SALT, STATEMENTS, seed, index))
    context = context_of(record, beat)
    findings = findings_of(record.codes)
    missed = {pick(rng, sorted(findings))} if findings and rng.random() < MISSED else set()
    machine = diagnosis(rng, findings - missed, context)
    said = diagnosis(rng, findings, context)
    if rng.random() < COMPARED:
        compared = comparison(rng, visit.acquired)
        said, machine = said + compared, machine + compared
    if rng.random() < CONFIRMED:
        said.append(_confirmation(rng, visit.acquired))
    return said, machine


def _confirmation(rng: np.random.Generator, acquired: datetime) -> str:
    reader = f"{pick(rng, LAST_NAMES)}, {pick(rng, FIRST_NAMES['Female'])}"
    when = acquired + timedelta(minutes=int(rng.integers(5, 5000)))
    verb = pick(rng, ("Confirmed by", "Reconfirmed by", "Electronically signed by"))
    return f"{verb} {reader} ({rng.integers(100, 1000)}) on {when:%m/%d/%Y %I:%M:%S %p}"


def context_of(record: Record, beat: MedianBeat) -> Context:
    """Tell where ST and T are lowest and highest, against the beat's median level."""
    first, last = (round((MEDIAN_BEAT[0] + t) * record.rate) for t in REPOLARIZATION)
    level = beat.millivolts[:, first:last].mean(axis=1) - np.median(beat.millivolts, axis=1)
    of_lead = dict(zip(record.leads, level, strict=True))
    levels = {
        name: float(np.mean([of_lead[lead] for lead in leads]))
        for name, leads in TERRITORIES.items()
    }
    lowest, *_, highest = sorted(levels, key=levels.__getitem__)
    return Context(beat.heart_rate, lowest, highest)
