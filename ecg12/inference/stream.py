"""The one way from recordings to predictions: read, prepare, predict, a batch at a time.

The challenge's driver, its `run_model`, the command `predict` and `Model` all go through here, so
the same recording has the same prediction everywhere. A recording that cannot be read, or whose
scores are not finite numbers, or that has no signal, is a `Failure` with its reason; it never costs
the others. So is one that a program put together wrongly in memory, with a row too few or a rate
of 0: whatever its preparation raises is its reason. Every prediction has the quality of what it
rests on beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np

from ecg12.decision.conformal import NO, YES
from ecg12.ensemble.classifier import BATCH, Classifier, Decisions
from ecg12.inference.results import (
    NO_SIGNAL,
    ClassPrediction,
    Failure,
    Outcome,
    Prediction,
)
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, shown, unforeseen_errors
from ecg12.runtime.prefetch import prefetch
from ecg12.signal.preprocessing import Preprocessing, prepare_parts
from ecg12.signal.quality import Quality, assess, no_signal

ASSESSED = 10.0  # s that are read at least, for the signal's quality
MANY = 1000  # recordings for which processes are worth their start
MOST = 8  # processes that prepare; the networks of an ensemble need no more
BLOCK = 8  # batches for each of them; three blocks are in memory at most
Batched = TypeVar("Batched")
NOT_FINITE = "the model's scores are not finite numbers"


@dataclass(frozen=True, eq=False)
class Source:
    """A recording still to be read.

    Attributes
    ----------
    name
        How its prediction names it.
    read
        From the seconds that are needed of its beginning to the recording; may raise `InputError`
        or `OSError`.
    """

    name: str
    read: Callable[[float], Record]


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A recording as the networks take it, and what is reported of it."""

    name: str
    leads: tuple[str, ...]
    rate: float
    seconds: float
    signals: tuple[np.ndarray, ...]
    quality: Quality


_Item = _Prepared | Failure
_Prepare = Callable[[list[Source]], list[_Item]]


def check_record(record: object) -> None:
    """Refuse what is no `Record`, such as a path.

    Raises
    ------
    InputError
        The message says what takes paths.
    """
    if not isinstance(record, Record):
        takes = "ecg12.read_record reads a file, Model.predict_files predicts files"
        raise InputError(f"record={shown(record)}: a Record is needed; {takes}")


def needed_seconds(classifier: Classifier) -> float:
    """Return how much of the beginning of each recording is read, s."""
    return _needed_seconds(classifier.preprocessings)


def _needed_seconds(chains: Sequence[Preprocessing]) -> float:
    return max(ASSESSED, *(one.needed_seconds for one in chains))


def predict_stream(
    classifier: Classifier, sources: Iterable[Source], *, many: bool = False
) -> Iterator[Outcome]:
    """Predict recordings, in order.

    Reading and preparing run beside the networks; a few batches are in memory.

    Parameters
    ----------
    classifier
        The ensemble.
    sources
        Consumed as they are needed.
    many
        Read and prepare in processes, to which the sources are sent, rather than in threads. It
        takes a second to start them.

    Yields
    ------
    Prediction or Failure
        One for each source.
    """
    prepare = partial(_prepare_all, classifier.preprocessings)
    batches = _batches(sources, BATCH)
    first = next(batches, [])
    if len(first) < BATCH:  # all that there is: nothing runs beside it
        yield from _predict(classifier, prepare(first))
        return
    ahead = _in_processes if many else _in_threads
    for items in ahead(prepare, chain([first], batches)):
        yield from _predict(classifier, items)


def _in_threads(prepare: _Prepare, batches: Iterable[list[Source]]) -> Iterator[list[_Item]]:
    from joblib import cpu_count

    workers = cpu_count()
    return prefetch(prepare, batches, workers, workers + 1)


def _in_processes(prepare: _Prepare, batches: Iterable[list[Source]]) -> Iterator[list[_Item]]:
    """Prepare a block of batches while the networks are at the one before."""
    from joblib import cpu_count

    from ecg12.runtime.executors import LocalExecutor

    executor = LocalExecutor(min(cpu_count(), MOST))

    def prepared(block: list[list[Source]]) -> list[list[_Item]]:
        return list(executor.in_order(prepare, [(batch,) for batch in block]))

    blocks = _batches(batches, BLOCK * executor.workers)
    return chain.from_iterable(prefetch(prepared, blocks, workers=1, depth=1))


def _batches(items: Iterable[Batched], size: int) -> Iterator[list[Batched]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def _prepare_all(chains: Sequence[Preprocessing], sources: Sequence[Source]) -> list[_Item]:
    return [_prepare(chains, source) for source in sources]


def _prepare(chains: Sequence[Preprocessing], source: Source) -> _Item:
    try:
        with unforeseen_errors(source.name):  # nobody checks a `Record` that a program makes
            return _prepared(chains, source)
    except (InputError, OSError) as error:
        return Failure(source.name, str(error))


def _prepared(chains: Sequence[Preprocessing], source: Source) -> _Item:
    seconds = _needed_seconds(chains)
    record = source.read(seconds)
    signals = tuple(prepare_parts(record, one) for one in chains)
    if nothing := nothing_seen(record, chains):
        return Failure(source.name, f"{NO_SIGNAL}{nothing}")
    quality = assess(_beginning(record, seconds))
    used = min(record.stored.shape[1] / record.rate, _longest(chains))
    return _Prepared(source.name, record.leads, record.rate, used, signals, quality)


def nothing_seen(record: Record, chains: Sequence[Preprocessing]) -> str:
    """Return why the networks see no signal in a recording; "" if they see some.

    What lies beyond the part that they take, in the filters' margin, does not count. A recording
    that is shorter than one sample at the rate of some network has none.
    """
    used = _beginning(record, _longest(chains))
    n, lowest = used.stored.shape[1], min(chain.rate for chain in chains)
    if nothing := no_signal(used):
        return nothing
    if n * lowest < record.rate:
        return f"{n} samples at {record.rate:g} Hz, less than one at the {lowest:g} Hz of a network"
    return ""


def _longest(chains: Sequence[Preprocessing]) -> float:
    return max(chain.parts * chain.seconds for chain in chains)


def _beginning(record: Record, seconds: float) -> Record:
    return replace(record, stored=record.stored[:, : int(np.ceil(seconds * record.rate))])


def _predict(classifier: Classifier, items: Sequence[_Item]) -> Iterator[Outcome]:
    """Yield a batch's outcomes, in order; the networks run once."""
    prepared = [item for item in items if isinstance(item, _Prepared)]
    decided = iter(_decide(classifier, prepared) if prepared else ())
    for item in items:
        yield item if isinstance(item, Failure) else next(decided)


def _decide(classifier: Classifier, prepared: Sequence[_Prepared]) -> Iterator[Outcome]:
    decisions = classifier.predict([item.signals for item in prepared])
    finite = np.isfinite(decisions.scores).all(axis=1)
    known = np.zeros(decisions.scores.shape[1], bool)
    probabilities = scores = np.where(finite[:, None], decisions.scores, 0.5)
    if classifier.calibration is not None:
        known = classifier.calibration.fitted
        probabilities = classifier.calibration.apply(scores)
    thresholds = [
        tuple(row) for row in np.array([m.thresholds for m in classifier.members]).T.tolist()
    ]
    named, fitted = list(_named(classifier)), known.tolist()
    labels, votes = decisions.labels.tolist(), decisions.votes.tolist()  # faster than one by one
    scores, probabilities = scores.tolist(), probabilities.tolist()
    for row, item in enumerate(prepared):
        if not finite[row]:
            yield Failure(item.name, NOT_FINITE)
            continue
        classes = tuple(
            ClassPrediction(
                codes=codes,
                abbreviation=abbreviation,
                name=name,
                positive=labels[row][k],
                score=scores[row][k],
                probability=probabilities[row][k] if fitted[k] else None,
                votes=votes[row][k],
                thresholds=thresholds[k],
                **_answered(decisions, row, k),
            )
            for k, (codes, abbreviation, name) in enumerate(named)
        )
        yield Prediction(
            source=item.name,
            leads=item.leads,
            rate=item.rate,
            seconds=item.seconds,
            classes=classes,
            quality=item.quality,
            coverage=decisions.coverage,
            ood_percentile=_percentile(decisions, row),
        )


def _answered(decisions: Decisions, row: int, k: int) -> dict[str, Any]:
    """Return answer and prediction set of a class, if there are any."""
    if decisions.answers is None or decisions.holds is None:
        return {}
    answer = str(decisions.answers[row, k])
    pair = zip((NO, YES), decisions.holds[:, row, k], strict=True)
    held = tuple(name for name, inside in pair if inside)
    return {"answer": answer, "prediction_set": held if answer else None}


def _percentile(decisions: Decisions, row: int) -> float | None:
    """Return the percentile of a recording's distance, or None if there is none."""
    if decisions.percentiles is None or not np.isfinite(decisions.percentiles[row]):
        return None
    return float(decisions.percentiles[row])


def _named(classifier: Classifier) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yield codes, abbreviation and name of each class."""
    classes = classifier.classes
    return zip(classes.groups, classes.names, classes.titles, strict=True)
