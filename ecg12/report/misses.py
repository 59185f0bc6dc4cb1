"""The worst misses: recordings that lost most credit, drawn with predicted and true classes.

A recording loses the credit that the truth would have earned in the challenge metric, less what its
prediction earned. Of recordings that lose the same, the one whose scores fit worst (binary
cross-entropy, scores taken for probabilities) comes first.
"""

import io
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.explanation import ClassMap
from ecg12.io.record import Record
from ecg12.io.wfdb import read_record
from ecg12.metrics import ChallengeScorer
from ecg12.plotting import draw
from ecg12.plotting.explained import draw_explained
from ecg12.report.results import Results
from ecg12.report.tables import Table
from ecg12.runtime.errors import InputError, record_errors
from ecg12.runtime.files import atomic_write

log = logging.getLogger(__name__)
DPI = 110  # an A4 page is 1286 pixels wide
CLIP = 1e-3  # scores closer to 0 and 1 count as this close

Explain = Callable[[Record, str], ClassMap]  # what the score of a class, by name, rests on


@dataclass(frozen=True)
class Miss:
    """A recording, the credit that its prediction lost, and the classes in words.

    `wrong` is the class to explain: of those predicted and not true the one with the highest score,
    or else of those true and not predicted the one with the lowest.
    """

    name: str
    header: Path
    lost: float
    true: str
    predicted: str
    wrong: str


def lost_credit(results: Results) -> np.ndarray:
    """Return (n,) the credit that each prediction lost against the truth, 0 to 1 and more."""
    scorer = ChallengeScorer(results.y_true, results.classes)
    return scorer.credit(results.y_true) - scorer.credit(results.y_pred)


def worst_misses(results: Results, n: int) -> list[Miss]:
    """Return the n recordings that lost most; those that lost nothing are left out."""
    lost = lost_credit(results)
    probability = np.clip(results.y_score, CLIP, 1 - CLIP)
    cross_entropy = -np.log(np.where(results.y_true, probability, 1 - probability)).sum(axis=1)
    order = np.lexsort((-cross_entropy, -lost.round(9)))[:n]
    return [_miss(results, int(i), float(lost[i])) for i in order if lost[i] > 0]


def _miss(results: Results, i: int, lost: float) -> Miss:
    header = results.headers[i]
    predicted = _names(results, results.y_pred[i], results.y_score[i])
    true, wrong = _names(results, results.y_true[i]), _wrong(results, i)
    return Miss(header.stem, header, lost, true, predicted, wrong)


def _wrong(results: Results, i: int) -> str:
    truth, said, scores = results.y_true[i], results.y_pred[i], results.y_score[i]
    extra, missed = said & ~truth, truth & ~said
    if extra.any():
        return results.classes.names[int(np.argmax(np.where(extra, scores, -np.inf)))]
    return results.classes.names[int(np.argmin(np.where(missed, scores, np.inf)))]


def _names(results: Results, mask: np.ndarray, scores: np.ndarray | None = None) -> str:
    """Return the names of classes that are on, with their scores if given."""
    classes, parts = results.classes, []
    for k in np.flatnonzero(mask):
        short, name = classes.names[k], classes.titles[k]
        score = "" if scores is None else f" {scores[k]:.2f}"
        parts.append(f"{short}{score}" if name == short else f"{name} ({short}){score}")
    return "; ".join(parts) or "no scored diagnosis"


def miss_table(misses: list[Miss]) -> Table:
    """Return the misses as a table."""
    rows = [(miss.name, miss.lost, miss.true, miss.predicted) for miss in misses]
    heading = ("recording", "credit lost", "true", "predicted, with score")
    return Table("misses", "Worst misses", heading, rows)


def draw_miss(miss: Miss, folder: Path, explain: Explain | None = None) -> bytes | str:
    """Draw a recording into `<folder>/<name>.png`; return the image, or why there is none.

    With `explain` it is drawn with what the score of its wrong class rests on.
    """
    image, notes = io.BytesIO(), (f"Predicted: {miss.predicted}",)
    try:
        with record_errors(miss.header):
            record = read_record(miss.header)
        if explain:
            figure = draw_explained(record, explain(record, miss.wrong), notes=notes)
        else:
            figure = draw(record, notes=notes)
    except InputError as error:
        log.warning("not drawn: %s", error)
        return f"Not drawn: {error}"
    figure.savefig(image, dpi=DPI, format="png")
    with atomic_write(folder / f"{miss.name}.png") as temporary:
        temporary.write_bytes(image.getvalue())
    return image.getvalue()
