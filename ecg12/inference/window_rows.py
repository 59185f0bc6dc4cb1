"""Windows as rows of csv or lines of JSON, as they come."""

import json
from collections.abc import Callable, Iterable, Iterator

from ecg12.inference.layouts import as_dict, rounded
from ecg12.inference.results import Failure
from ecg12.inference.windows import Window
from ecg12.io.classes import ScoredClasses
from ecg12.runtime.csv_tables import format_rows

COLUMNS = (
    "recording", "start", "end", "diagnoses", "codes", "heart_rate", "quality", "reasons", "error",
)  # fmt: skip


def csv_rows(windows: Iterable[Window], classes: ScoredClasses) -> Iterator[str]:
    """Yield a row for each window, without the head: what is found, and each class's score."""
    for window in windows:
        outcome = window.outcome
        place = [round(window.start, 3), round(window.end, 3)]
        rate = "" if window.heart_rate is None else round(window.heart_rate, 1)
        if isinstance(outcome, Failure):
            row = [outcome.source, *place, "", "", rate, "", "", outcome.reason]
            yield format_rows([[*row, *("" for _ in classes.names)]])
            continue
        found = outcome.diagnoses
        named = [
            "|".join(e.abbreviation for e in found),
            "|".join(c for e in found for c in e.codes),
        ]
        quality = [outcome.quality.verdict, "; ".join(outcome.quality.reasons), ""]
        scores = [rounded(entry.score) for entry in outcome.classes]
        yield format_rows([[outcome.source, *place, *named, rate, *quality, *scores]])


def csv_head(classes: ScoredClasses) -> str:
    """Return the names of the columns; those of the scores are ``score`` and the class."""
    return format_rows([[*COLUMNS, *(f"score {name}" for name in classes.names)]])


def json_lines(windows: Iterable[Window], _: ScoredClasses) -> Iterator[str]:
    """Yield a line for each window: start, end, heart rate, and what `predict` says in JSON."""
    for window in windows:
        rate = None if window.heart_rate is None else round(window.heart_rate, 1)
        place = {"start": round(window.start, 3), "end": round(window.end, 3), "heart_rate": rate}
        outcome = window.outcome
        if isinstance(outcome, Failure):
            said: dict[str, object] = {"source": outcome.source, "error": outcome.reason}
        else:
            said = as_dict(outcome)
        yield json.dumps({"source": said.pop("source"), **place, **said}, allow_nan=False) + "\n"


Rows = Callable[[Iterable[Window], ScoredClasses], Iterator[str]]
ROWS: dict[str, Rows] = {"csv": csv_rows, "json": json_lines}
