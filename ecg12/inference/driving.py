"""Inference: one recording at a time for a harness, or a whole folder to output files."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.ensemble.model_folder import load_classifier
from ecg12.io.headers import parse_header
from ecg12.io.outputs import write_output
from ecg12.io.record import Record
from ecg12.io.wfdb import find_records, read_record
from ecg12.runtime.errors import RecordError
from ecg12.runtime.prefetch import prefetch
from ecg12.runtime.progress import bar

log = logging.getLogger(__name__)

Answer = tuple[list[str], list[int], list[float]]


def answer(classifier: Classifier, header: str | Iterable[str], recording: Any) -> Answer:
    """Decide on one recording, as a harness hands it over.

    Parameters
    ----------
    classifier
        The ensemble.
    header
        The header's text (2021), or its lines (2020).
    recording
        (n_leads, n_samples) stored integers, or floats of the same values, rows in header order.

    Returns
    -------
    tuple
        Plain SNOMED CT codes, labels of 0 and 1, and probabilities, one of each per output column.
        An unreadable recording is answered all-negative, and the log says why.
    """
    text = header if isinstance(header, str) else "\n".join(header)
    try:
        parsed = parse_header(text, text.split(maxsplit=1)[0] if text.strip() else "header")
        record = Record.from_header(parsed, recording, parsed.name)
        prepared = classifier.prepare(record)
    except RecordError as error:
        log.error("unreadable, answered all-negative: %s", error)
        return negative(classifier)
    return answers(classifier, [prepared])[0]


def answers(classifier: Classifier, prepared: Sequence[tuple[np.ndarray, ...]]) -> list[Answer]:
    """Decide on prepared recordings, in one call of the networks.

    Scores that are no finite numbers never leave: such a recording is answered all-negative, and
    the log says so.
    """
    prediction = classifier.predict(prepared)
    labels = classifier.classes.expand(prediction.labels).astype(int).tolist()
    scores = classifier.classes.expand(prediction.scores).tolist()
    rows = [(list(classifier.classes.columns), *row) for row in zip(labels, scores, strict=True)]
    finite = np.isfinite(prediction.scores).all(axis=1)
    if not finite.all():
        log.error("%d recordings answered all-negative: the model's scores are no finite numbers",
                  np.count_nonzero(~finite))  # fmt: skip
    return [row if good else negative(classifier) for row, good in zip(rows, finite, strict=True)]


def negative(classifier: Classifier) -> Answer:
    """Return the answer for an unreadable recording: no diagnosis, probability 0."""
    columns = list(classifier.classes.columns)
    return columns, [0] * len(columns), [0.0] * len(columns)


def drive(model: str | Path, data: str | Path, output: str | Path) -> list[str]:
    """Decide on every recording of a folder and write one output file each.

    Reading and preparing run in threads while the networks predict. A recording that cannot be
    read gets the all-negative row and a message; it never costs the others.

    Parameters
    ----------
    model
        Model folder.
    data
        Recordings, flat or nested; read only.
    output
        Made if missing; receives `<stem>.csv` per recording.

    Returns
    -------
    list of str
        One message per recording that could not be read. (Of recordings with the same stem only
        the first is answered; the log names the others.)

    Raises
    ------
    ModelError
        If the model folder cannot be loaded.
    FileNotFoundError
        If there are no recordings.
    """
    stems = find_records(data)
    classifier = load_classifier(model)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for message in _repeated(stems):
        log.error("not answered: %s", message)
    failures: list[str] = []
    unique = list({stem.name: stem for stem in reversed(stems)}.values())[::-1]
    chunks = [unique[i : i + BATCH] for i in range(0, len(unique), BATCH)]
    prepared = prefetch(
        lambda chunk: _prepare(classifier, chunk), chunks, cpu_count(), cpu_count() + 1
    )
    with bar(total=len(unique), desc="recordings", unit="rec") as shown:
        for chunk, results in zip(chunks, prepared, strict=True):
            failures += _write(classifier, folder, chunk, results)
            shown.update(len(chunk))
    for message in failures:
        log.error("unreadable: %s", message)
    log.info("%d recordings answered, %d of them unreadable", len(unique), len(failures))
    return failures


def _repeated(stems: list[Path]) -> list[str]:
    """Name the recordings whose output file would be another's; only the first one is driven."""
    first: dict[str, Path] = {}
    return [
        f"{stem}: the output {stem.name}.csv belongs to {first[stem.name]}"
        for stem in stems
        if first.setdefault(stem.name, stem) is not stem
    ]


def _prepare(
    classifier: Classifier, stems: list[Path]
) -> list[tuple[np.ndarray, ...] | RecordError]:
    seconds = max(p.needed_seconds for p in classifier.preprocessings)
    results: list[tuple[np.ndarray, ...] | RecordError] = []
    for stem in stems:
        try:
            results.append(classifier.prepare(read_record(stem, seconds)))
        except RecordError as error:
            results.append(error)
    return results


def _write(
    classifier: Classifier,
    folder: Path,
    stems: list[Path],
    results: list[tuple[np.ndarray, ...] | RecordError],
) -> list[str]:
    """Predict and write one chunk; return its failures' messages."""
    readable = [result for result in results if not isinstance(result, RecordError)]
    decided = iter(answers(classifier, readable) if readable else [])
    failures = []
    for stem, result in zip(stems, results, strict=True):
        if isinstance(result, RecordError):
            failures.append(str(result))
            write_output(folder, stem.name, *negative(classifier))
        else:
            write_output(folder, stem.name, *next(decided))
    return failures
