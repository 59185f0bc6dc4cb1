"""The whole way from an archive's statements to its label table.

Two passes: the first reads every recording once and counts its phrases on disk (`Corpus`), the
second writes the label table from there. Memory holds the phrases that are reviewed, some
thousands, and one batch of recordings.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecg12.io.classes import ScoredClasses
from ecg12.io.label_table import Row, write_label_rows
from ecg12.labelling.corpus import Corpus, database_errors
from ecg12.labelling.counting import write_counts
from ecg12.labelling.lookup import Mapper, Proposal
from ecg12.labelling.review import WHY, Review, read_review, write_review
from ecg12.labelling.sources import (
    Columns,
    Statements,
    files_with_statements,
    muse_statements,
    table_statements,
)
from ecg12.labelling.splitting import DEFAULT, Splitting, phrases_of
from ecg12.labelling.vocabulary import Vocabulary, open_mapper
from ecg12.runtime.errors import InputError, RecordError
from ecg12.runtime.locks import locked
from ecg12.runtime.progress import bar

log = logging.getLogger(__name__)
LABELS, REVIEW, COUNTS = "labels.csv", "review.csv", "counts.csv"
MIN_COUNT = 50  # how often a phrase must occur (Ansari et al., 2020)
_Known = Callable[[str, str], bool]
_Opened = Callable[[_Known], tuple[int | None, Iterable[Statements | RecordError]]]
ALGORITHM = 4  # counts up when phrases of the same statements change


@dataclass(frozen=True)
class Summary:
    """What became of an archive.

    Attributes
    ----------
    recordings, repeated
        Rows of the label table; recordings named twice.
    failures
        A message for each recording that could not be read: file and reason.
    unlabelled
        Recordings without any scored class.
    patients
        Whether patient keys were made.
    phrases, mapped, decided
        Phrases of enough occurrences and people; those that mean a class; those that a reader
        decided.
    counts
        Recordings per SNOMED CT code.
    """

    recordings: int
    repeated: int
    failures: tuple[str, ...]
    unlabelled: int
    patients: bool
    phrases: int
    mapped: int
    decided: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Options:
    """How to label.

    Attributes
    ----------
    columns
        Columns of a csv table; None for a MUSE folder.
    splitting
        Where statements are cut.
    min_count
        How often a phrase must occur to be reviewed and used; besides, it must be said of
        `ecg12.labelling.corpus.MIN_PEOPLE` people, or of `min_count` if that is fewer.
    all_ancestors
        Give every scored ancestor, not only the nearest.
    salt
        Secret of the patient keys; None for none.
    workers
        Processes that read MUSE files; -1 for all processors.
    """

    columns: Columns | None = None
    splitting: Splitting = DEFAULT
    min_count: int = MIN_COUNT
    all_ancestors: bool = False
    salt: str | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        """Refuse counts below one."""
        if self.min_count < 1:
            raise InputError(f"min_count is {self.min_count}; the least is 1")


def label(
    source: str | Path,
    output: str | Path,
    classes: ScoredClasses,
    vocabulary: Vocabulary,
    options: Options,
) -> Summary:
    """Write the label table of an archive, its review file and its counts.

    Killed at any moment, the same call goes on; called again, it reads only what has changed.

    Parameters
    ----------
    source
        A folder of MUSE files, or a csv table.
    output
        Folder for `labels.csv`, `review.csv`, `counts.csv` and hidden working files.
    classes
        The scored classes.
    vocabulary
        Release files.
    options
        How to label.

    Raises
    ------
    InputError
        If the review file or a release file is malformed, a column does not exist, no recording
        can be read, or another process works in `output`.
    FileNotFoundError
        If a file is missing or the folder holds no MUSE files.
    """
    source, output = Path(source), Path(output)
    opened = _open(source, options)  # mistakes are reported before anything is written
    output.mkdir(parents=True, exist_ok=True)
    with locked(output / ".lock"), database_errors(output):
        read_review(output / REVIEW, classes)  # mistakes are reported before the long work
        mapper = open_mapper(output, classes, vocabulary, all_ancestors=options.all_ancestors)
        settings = f"{ALGORITHM} {options.splitting} {source.resolve()}"
        store = output / ".phrases.sqlite"
        with Corpus(store, settings, options.min_count, options.salt) as corpus:
            failed, repeated = _count_phrases(corpus, opened, options)
            corpus.finish()
            if failed and not any(corpus.recordings()):
                raise InputError(
                    f"{source}: none of {len(failed)} recordings could be read: {failed[0]}"
                )
            return _write(corpus, output, mapper, failed, repeated)


def _count_phrases(corpus: Corpus, opened: _Opened, options: Options) -> tuple[list[str], int]:
    """Read and count all statements; return what failed, and how many were repeated."""
    failed: list[str] = []
    repeated = unnamed = 0
    total, found = opened(corpus.is_known)
    for one in bar(found, total=total, unit="rec", desc="statements"):
        if isinstance(one, RecordError):
            failed.append(str(one))
            continue
        if options.columns and corpus.is_known(one.recording, one.stamp):
            continue
        unnamed += one.unnamed
        phrases = phrases_of(one.segments, options.splitting)
        if not corpus.add(one.recording, one.stamp, one.patient, phrases):
            log.warning("%s: occurs twice; the first one is used", one.recording)
            repeated += 1
    if unnamed:
        log.info("%d sentences or lines name a reader and are left out", unnamed)
    return failed, repeated


def _open(source: Path, options: Options) -> _Opened:
    """Return what reads a source: from which files are known to their number and statements."""
    salt, workers = options.salt, options.workers
    if options.columns:
        rows = table_statements(source, options.columns, salt)
        return lambda _: (None, rows)
    paths = files_with_statements(source)
    return lambda is_known: muse_statements(source, salt, workers, is_known, paths=paths)


def _write(
    corpus: Corpus, output: Path, mapper: Mapper, failed: list[str], repeated: int
) -> Summary:
    """Propose, keep what was decided, write everything."""
    counts = corpus.counts()
    review = read_review(output / REVIEW, mapper.classes)  # as it is now
    proposals = {phrase: _propose(mapper, review, phrase) for phrase in [*counts, *review.rows]}
    everything = {phrase: corpus.count_of(phrase) for phrase in review.rows} | counts
    write_review(output / REVIEW, review, everything, proposals)
    codes = {phrase: proposals[phrase].codes for phrase in counts} | dict(review.decided)
    columns = mapper.classes.columns
    tally: Counter[str] = Counter()
    rows = _tallied(_rows(corpus, codes), tally)
    write_label_rows(output / LABELS, rows, columns)
    write_counts(output / COUNTS, columns, tally)
    if without := tally["recordings"] - tally["patients"]:
        log.warning(
            "%d of %d recordings have no patient key: recordings are counted there in place of "
            "people, so a phrase about one person with many of them may be in %s",
            without, tally["recordings"], REVIEW,
        )  # fmt: skip
    return Summary(
        tally["recordings"],
        repeated,
        tuple(failed),
        tally["unlabelled"],
        tally["patients"] > 0,
        len(counts),
        sum(bool(codes[phrase]) for phrase in counts),
        len(review.decided),
        {code: tally[code] for code in columns},
    )


def _propose(mapper: Mapper, review: Review, phrase: str) -> Proposal:
    """Look a phrase up; without a vocabulary, what an earlier run proposed holds."""
    if mapper.vocabulary is None and phrase in review.proposed:
        return Proposal(review.proposed[phrase], review.rows[phrase][WHY])
    return mapper.propose(phrase)


def _rows(corpus: Corpus, codes: Mapping[str, tuple[str, ...]]) -> Iterator[Row]:
    meaning = {corpus.fingerprint(phrase): found for phrase, found in codes.items() if found}
    for name, patient, phrases in corpus.recordings():
        found = {code for phrase in phrases for code in meaning.get(phrase, ())}
        yield name, patient, tuple(sorted(found))


def _tallied(rows: Iterable[Row], tally: Counter[str]) -> Iterator[Row]:
    """Pass rows on, counting them, their codes, and those without code or with a patient."""
    for name, patient, codes in rows:
        tally.update(codes)
        tally["recordings"] += 1
        tally["unlabelled"] += not codes
        tally["patients"] += bool(patient)
        yield name, patient, codes
