"""The answers of the service: those of ``ecg12 predict --format json``, and more if asked for."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ecg12.decision.conformal import Conformal
from ecg12.ensemble.classifier import sets_of
from ecg12.inference.layouts import NOTICE, render
from ecg12.inference.model import Model
from ecg12.inference.results import Failure, Outcome
from ecg12.io.format_table import READ
from ecg12.runtime.csv_tables import format_rows
from ecg12.runtime.errors import InputError
from ecg12.runtime.version import __version__
from ecg12.web.limits import Limits, RefusedError
from ecg12.web.reader_process import Reading

INCLUDE = ("signals", "explanation", "csv", "failures")
FIELDS = ("rate", "unit", "leads", "coverage", "include", "start")
COVERAGE = 0.9  # that the page asks for


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the text fields of a request ask for.

    Attributes
    ----------
    said
        What arrays of numbers do not say, as `read_any` takes it.
    include
        What the answer holds besides the predictions: any of `INCLUDE`.
    coverage
        Of the prediction sets; None for none.
    start
        Where the signals that are drawn begin, s.
    """

    said: dict[str, Any] = field(default_factory=dict)
    coverage: float | None = None
    include: frozenset[str] = frozenset()
    start: float = 0.0


def read_fields(fields: dict[str, str], conformal: Conformal | None) -> Wanted:
    """Check the text fields of a request; `conformal` are the model's prediction sets.

    Raises
    ------
    RefusedError
        422 if a field is not known, or its value cannot be.
    """
    if unknown := sorted(fields.keys() - set(FIELDS)):
        raise RefusedError(422, f"unknown field {unknown[0]!r}; choices: {', '.join(FIELDS)}")
    include = {word.strip() for word in fields.get("include", "").split(",")} - {""}
    if wrong := sorted(include - set(INCLUDE)):
        raise RefusedError(422, f"include={wrong[0]!r}; choices: {', '.join(INCLUDE)}")
    said: dict[str, Any] = {
        name: fields[name].strip() for name in FIELDS[:3] if fields.get(name, "").strip()
    }
    if "rate" in said:
        said["rate"] = _number("rate", said["rate"])
    coverage = None
    if fields.get("coverage", "").strip():
        coverage = _number("coverage", fields["coverage"])
        try:
            sets_of(conformal, coverage)
        except InputError as error:
            raise RefusedError(422, str(error)) from error
    return Wanted(said=said, include=frozenset(include), coverage=coverage, start=_start(fields))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RefusedError(422, f"{name}={text!r}: a number is needed") from None


def _start(fields: dict[str, str]) -> float:
    text = fields.get("start", "").strip()
    start = _number("start", text) if text else 0.0
    if not 0 <= start < math.inf:
        raise RefusedError(422, f"start={text!r}: a number of seconds from 0 is needed")
    return start


def answer(
    outcomes: Sequence[Outcome],
    readings: Sequence[Reading],
    include: frozenset[str],
    explanation: dict[str, Any] | None = None,
) -> tuple[int, str]:
    """Return the status and the text of an answer.

    Parameters
    ----------
    outcomes, readings
        One of each for each recording, in order.
    include
        Any of `INCLUDE`: ``"signals"`` adds a list, for each recording that is predicted what the
        page draws of it; ``"csv"`` the text that ``predict --format csv`` prints, with the notice;
        ``"failures"`` makes the status 200 whatever failed.
    explanation
        Of the only recording, if it was asked for.

    Returns
    -------
    200; 415 if there are only files of no format that is read; 422 if there is no prediction.
    """
    text = "".join(render("json", outcomes))
    if include:
        more: dict[str, Any] = {}
        if "signals" in include:
            pairs = zip(outcomes, readings, strict=True)
            more["signals"] = [r.drawing for o, r in pairs if not isinstance(o, Failure)]
        if "explanation" in include:
            more["explanation"] = explanation
        if "csv" in include:
            more["csv"] = _csv_with_notice(outcomes)
        text = json.dumps(json.loads(text) | more, allow_nan=False) + "\n"
    if "failures" in include or any(not isinstance(outcome, Failure) for outcome in outcomes):
        return 200, text
    return (422 if any(reading.known for reading in readings) else 415), text


def _csv_with_notice(outcomes: Sequence[Outcome]) -> str:
    """Return the table of predictions with the notice as its last column."""
    rows = list(csv.reader(io.StringIO("".join(render("csv", outcomes)), newline="")))
    cells = ["notice", *[NOTICE] * (len(rows) - 1)]
    return format_rows([[*row, cell] for row, cell in zip(rows, cells, strict=True)])


def describe(model: Model, name: str, limits: Limits) -> dict[str, Any]:
    """Return what ``GET /v1/model`` says: classes, thresholds, formats and limits."""
    classifier = model.classifier
    classes = classifier.classes
    fitted = classifier.calibration.fitted if classifier.calibration is not None else None
    return {
        "notice": NOTICE,
        "version": __version__,
        "model": name,
        "runtime": str(classifier.runtime),
        "members": len(classifier.members),
        "classes": [
            {
                "codes": list(codes), "abbreviation": short, "name": title,
                "calibrated": bool(fitted is not None and fitted[k]),
                "thresholds": [float(member.thresholds[k]) for member in classifier.members],
            }
            for k, (codes, short, title) in enumerate(
                zip(classes.groups, classes.names, classes.titles, strict=True)
            )
        ],
        "formats": READ.split(", "),
        "include": list(INCLUDE),
        "coverage": None if classifier.conformal is None else COVERAGE,
        "limits": {
            "request_bytes": limits.request_bytes,
            "files": limits.files,
            "recordings": limits.recordings,
            "upload_seconds": limits.upload_seconds,
            "read_seconds": limits.read_seconds,
            "answer_seconds": limits.answer_seconds,
            "requests": limits.requests,
            "client_requests": limits.client_requests,
        },
    }  # fmt: skip
