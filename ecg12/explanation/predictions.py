"""Predictions with the reasons of their diagnoses."""

from dataclasses import replace
from typing import Any

from ecg12.explanation.explain import explain
from ecg12.inference.model import Model
from ecg12.inference.results import Failure, Outcome
from ecg12.io.formats import read_any
from ecg12.runtime.errors import unforeseen_errors


def with_reasons(model: Model, outcome: Outcome, **array: Any) -> Outcome:
    """Return the prediction of a file with a `ClassMap` as `explanation` of every diagnosis.

    Parameters
    ----------
    model
        What predicted it.
    outcome
        Its `source` is the file, which is read again; a failure is returned as it is.
    array
        What `read_any` needs for arrays.

    Raises
    ------
    InputError, OSError
        If the file cannot be read again, or whatever goes wrong while it is explained.
    """
    if isinstance(outcome, Failure) or not outcome.diagnoses:
        return outcome
    seconds = max(chain.needed_seconds for chain in model.classifier.preprocessings)
    record = read_any(outcome.source, seconds, **array)
    with unforeseen_errors(outcome.source):
        found = explain(model, record, [entry.abbreviation for entry in outcome.diagnoses])
    maps = {one.abbreviation: one for one in found.classes}
    classes = (
        replace(entry, explanation=maps.get(entry.abbreviation)) for entry in outcome.classes
    )
    return replace(outcome, classes=tuple(classes))
