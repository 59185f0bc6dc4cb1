"""What an ensemble says of each recording: decisions, scores, probabilities, votes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import cpu_count

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.io.formats import read_any
from ecg12.io.headers import RATES
from ecg12.io.leads import standard_lead
from ecg12.io.record import MILLIVOLTS_PER_UNIT, Record
from ecg12.runtime.errors import InputError, RecordError
from ecg12.runtime.prefetch import prefetch


@dataclass(frozen=True)
class ClassResult:
    """What is said of one class.

    Attributes
    ----------
    codes
        Its SNOMED CT codes; more than one where codes are equivalent.
    abbreviation, name
        As in the challenge's tables; names of equivalent codes joined by " / ".
    positive
        Whether it is diagnosed: more than half of the members vote for it.
    score
        Median of the members' scores, in [0, 1]. No probability.
    probability
        The calibrated score; None if the model is not calibrated for this class.
    votes
        Members whose score exceeds their threshold.
    thresholds
        Of each member.
    """

    codes: tuple[str, ...]
    abbreviation: str
    name: str
    positive: bool
    score: float
    probability: float | None
    votes: int
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class Result:
    """What is said of one recording.

    Attributes
    ----------
    source
        The recording's path as given, or the name chosen for an array.
    leads, rate, seconds
        What there was to judge: lead names, sampling rate in Hz, and the length used, s.
    classes
        One entry per scored class, in the model's order.
    """

    source: str
    leads: tuple[str, ...]
    rate: float
    seconds: float
    classes: tuple[ClassResult, ...]

    @property
    def diagnoses(self) -> tuple[ClassResult, ...]:
        """The positive classes, the highest score first."""
        positive = [entry for entry in self.classes if entry.positive]
        return tuple(sorted(positive, key=lambda entry: -entry.score))


@dataclass(frozen=True)
class Failure:
    """A recording that could not be read, and why."""

    source: str
    reason: str


Prepared = tuple[Record, tuple[np.ndarray, ...]]


def predict_signals(
    classifier: Classifier,
    signals: np.ndarray,
    rate: float,
    leads: Sequence[str],
    unit: str = "mV",
    name: str = "recording",
) -> Result:
    """Judge one recording that is held in memory.

    Parameters
    ----------
    classifier
        As `ecg12.ensemble.model_folder.load_classifier` returns it.
    signals
        (n_leads, n_samples) in `unit`; NaN where a sample is missing. They are stored in steps of
        1 µV, and voltages beyond ±32 mV are cut.
    rate
        Sampling rate in Hz.
    leads
        Name of each row: any of I, II, III, aVR, aVL, aVF and V1 to V6, in any order.
    unit
        ``"nV"``, ``"uV"``, ``"mV"`` or ``"V"``.
    name
        How the result names the recording.

    Raises
    ------
    InputError
        If unit, rate or shape cannot be, a lead is repeated, or none is one of the twelve.
    """
    if unit.lower() not in MILLIVOLTS_PER_UNIT:
        raise InputError(f"unknown unit {unit!r}; choices: {', '.join(MILLIVOLTS_PER_UNIT)}")
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"sampling rate {rate} Hz; {RATES[0]:g} to {RATES[1]:g} Hz are read")
    signals = np.asarray(signals, np.float64)
    if signals.ndim != 2 or len(signals) != len(leads) or not signals.size:
        raise InputError(
            f"signals of shape {signals.shape} for {len(leads)} leads; "
            "rows must be leads, columns samples"
        )
    names = [standard_lead(lead) for lead in leads]
    if twice := [lead for lead in names if names.count(lead) > 1]:
        raise InputError(f"lead {twice[0]} twice in {', '.join(leads)}")
    millivolts = signals * MILLIVOLTS_PER_UNIT[unit.lower()]
    return predict_records(classifier, [Record.from_millivolts(name, millivolts, leads, rate)])[0]


def predict_records(
    classifier: Classifier, records: Sequence[Record], sources: Sequence[str] | None = None
) -> list[Result]:
    """Judge recordings in one call of the networks; results bear `sources`, or their names.

    Raises
    ------
    RecordError
        If a recording has none of the twelve leads.
    """
    if not records:
        return []
    prepared = [classifier.prepare(record) for record in records]
    names = sources or [record.name for record in records]
    return _judge(classifier, list(zip(records, prepared, strict=True)), names)


def predict_files(classifier: Classifier, paths: Sequence[Path]) -> Iterator[Result | Failure]:
    """Judge recordings on disk, in order; those that cannot be read yield a `Failure`.

    Reading and preparing run in threads while the networks predict, a few batches at a time.
    """
    chunks = [paths[i : i + BATCH] for i in range(0, len(paths), BATCH)]
    read = prefetch(lambda chunk: _read(classifier, chunk), chunks, cpu_count(), cpu_count() + 1)
    for chunk, prepared in zip(chunks, read, strict=True):
        good = [item for item in prepared if not isinstance(item, Failure)]
        names = [
            str(path)
            for path, item in zip(chunk, prepared, strict=True)
            if not isinstance(item, Failure)
        ]
        judged = iter(_judge(classifier, good, names) if good else [])
        for item in prepared:
            yield item if isinstance(item, Failure) else next(judged)


def _read(classifier: Classifier, paths: Sequence[Path]) -> list[Prepared | Failure]:
    seconds = max(p.needed_seconds for p in classifier.preprocessings)
    results: list[Prepared | Failure] = []
    for path in paths:
        try:
            record = read_any(path, seconds)
            results.append((record, classifier.prepare(record)))
        except (RecordError, OSError) as error:
            results.append(Failure(str(path), str(error)))
    return results


def _judge(
    classifier: Classifier, prepared: Sequence[Prepared], names: Sequence[str]
) -> list[Result]:
    prediction = classifier.predict([signals for _, signals in prepared])
    probabilities = np.full(prediction.scores.shape, np.nan)
    if (calibration := classifier.calibration) is not None:
        calibrated = calibration.apply(prediction.scores)
        probabilities = np.where(calibration.fitted, calibrated, np.nan)
    longest = max(p.parts * p.seconds for p in classifier.preprocessings)
    judged = prediction.labels, prediction.scores, probabilities, prediction.votes
    return [
        Result(
            name, record.leads, record.rate,
            min(record.stored.shape[1] / record.rate, longest),
            _class_results(classifier, *row),
        )
        for name, (record, _), *row in zip(names, prepared, *judged, strict=True)
    ]  # fmt: skip


def _class_results(
    classifier: Classifier,
    labels: np.ndarray,
    scores: np.ndarray,
    probabilities: np.ndarray,
    votes: np.ndarray,
) -> tuple[ClassResult, ...]:
    """Name what was decided on one recording; the arrays are (n_classes,)."""
    classes = classifier.classes
    thresholds = np.array([member.thresholds for member in classifier.members]).T
    columns = zip(
        classes.groups,
        classes.names,
        classes.titles,
        labels,
        scores,
        probabilities,
        votes,
        thresholds,
        strict=True,
    )
    return tuple(
        ClassResult(
            group,
            abbreviation,
            title,
            bool(label),
            float(score),
            None if np.isnan(probability) else float(probability),
            int(vote),
            tuple(cuts.tolist()),
        )
        for group, abbreviation, title, label, score, probability, vote, cuts in columns
    )
