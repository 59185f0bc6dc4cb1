"""Inference as the challenge's programs ask for it: one recording, or a folder to output files."""

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.inference.model import Model, file_source, load_model
from ecg12.inference.results import Failure, Outcome
from ecg12.inference.stream import MANY, Source, predict_stream
from ecg12.io.formats import find_any
from ecg12.io.headers import LARGEST, parse_header
from ecg12.io.label_table import first_of_each, without_suffix
from ecg12.io.outputs import write_output
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb import HEADER, check_leads, is_recording
from ecg12.io.wfdb_files import stem_of
from ecg12.runtime.errors import UnfinishedError, file_error
from ecg12.runtime.files import NO_SPACE, is_file
from ecg12.runtime.progress import bar
from ecg12.signal.quality import VERDICTS

log = logging.getLogger(__name__)

Columns = tuple[list[str], list[int], list[float]]


def predict_challenge(model: Model, header: str | Iterable[str], recording: Any) -> Columns:
    """Predict one recording as a harness hands it over.

    Parameters
    ----------
    model
        The ensemble.
    header
        The header's text (2021), or its lines (2020).
    recording
        (n_leads, n_samples) stored integers, or floats of the same values, rows in header order.

    Returns
    -------
    codes, labels, scores
        Plain SNOMED CT codes, labels of 0 and 1, and scores, one of each per output column. An
        unreadable recording, as one in which a lead stands twice, is all-negative, and the log
        says why.
    """
    text = header if isinstance(header, str) else "\n".join(header)
    name = text.split(maxsplit=1)[0] if text.strip() else "header"

    def read(_: float) -> Record:
        parsed = parse_header(text, name)
        check_leads(parsed.name, parsed)
        return Record.from_header(parsed, _as_stored(recording), parsed.name)

    [outcome] = predict_stream(model.classifier, [Source(name, read)])
    if isinstance(outcome, Failure):
        log.error("%s: no prediction, all-negative: %s", name, outcome.reason)
    return output_columns(model, outcome)


def _as_stored(recording: Any) -> Any:
    """Return floats that stand for stored integers as these; anything else as it is."""
    values = np.asarray(recording)
    if values.dtype.kind != "f":
        return recording
    known = np.where(np.abs(values) <= LARGEST, values, MISSING)  # not NaN either
    return known.astype(np.int64) if (known == np.rint(known)).all() else recording


def output_columns(model: Model, outcome: Outcome) -> Columns:
    """Return codes, labels and scores of each output column; all-negative for a failure."""
    columns = list(model.classes.columns)
    if isinstance(outcome, Failure):
        return columns, [0] * len(columns), [0.0] * len(columns)
    entries = [entry for entry in outcome.classes for _ in entry.codes]
    return columns, [int(e.positive) for e in entries], [e.score for e in entries]


def drive(model: str | Path, data: str | Path, output: str | Path) -> list[Failure]:
    """Predict every recording of a folder and write one output file each.

    A recording without a prediction gets the all-negative row and a message; it never costs the
    others.

    Parameters
    ----------
    model
        Model folder.
    data
        Recordings, flat or nested; read only.
    output
        Made if missing; receives `<stem>.csv` per recording, the stem being that of its header, or
        of the file that is itself the recording.

    Returns
    -------
    list of Failure
        The recordings without a prediction. (Of recordings with the same stem only the first is
        predicted; the log names the others.)

    Raises
    ------
    ModelError
        If the model folder cannot be loaded.
    FileNotFoundError
        If there are no recordings.
    OSError
        If the output folder is full, read-only or gone.
    UnfinishedError
        If single outputs could not be written, after all others are; the message names them.
    """
    paths = _first_of_each_stem(find_any(data))
    loaded = load_model(model, n_recordings=len(paths))
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    failures: list[Failure] = []
    unwritten: list[str] = []
    verdicts: Counter[str] = Counter()
    sources = map(file_source, paths.values())
    outcomes = predict_stream(loaded.classifier, sources, many=len(paths) >= MANY)
    shown = bar(outcomes, total=len(paths), desc="recordings", unit="rec")
    for stem, outcome in zip(paths, shown, strict=True):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            verdicts[outcome.quality.verdict] += 1
        unwritten += _written(folder, stem, output_columns(loaded, outcome))
    for failure in failures:
        named = failure.source in failure.reason
        reason = failure.reason if named else f"{failure.source}: {failure.reason}"
        log.error("no prediction, all-negative: %s", reason)
    log.info("signal quality: %s", ", ".join(f"{verdicts[v]} {v}" for v in VERDICTS))
    log.info("%d recordings, %d of them without a prediction", len(paths), len(failures))
    if unwritten:
        raise UnfinishedError("\n".join([f"{len(unwritten)} outputs are not written:", *unwritten]))
    return failures


def _written(folder: Path, stem: str, columns: Columns) -> list[str]:
    """Write an output; return why it cannot be written, unless no other could be either."""
    try:
        write_output(folder, stem, *columns)
    except OSError as error:
        if error.errno in NO_SPACE or not folder.is_dir():
            raise
        return [f"  {file_error(error, folder / f'{stem}.csv')}"]
    return []


def _first_of_each_stem(found: Iterable[Path]) -> dict[str, Path]:
    """Return the recordings by stem, which names the output; say which are left out."""
    paths, left_out = first_of_each(found, _stem)
    for stem, path in left_out:
        log.error("no prediction: %s: the output %s.csv belongs to %s", path, stem, paths[stem])
    return paths


def _stem(path: Path) -> str:
    """Return the name of a recording's header, or of a file that is itself one, without suffix.

    A header `p1.ecg.hea` is of the recording `p1.ecg`, whose last part is no suffix.
    """
    try:
        by_itself = path.suffix.lower() != HEADER and is_file(path) and not is_recording(path)
        return without_suffix(path.name) if by_itself else stem_of(path).name
    except OSError:  # which reading it says again
        return without_suffix(path.name)
