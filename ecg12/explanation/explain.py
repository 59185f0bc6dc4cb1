"""Explain a recording's scores: occlude its parts, in groups of leads first, then lead by lead.

Removing a beat from all leads leaves a pause, which is a finding of its own; so each copy lacks a
segment in one group of three leads only. The cells (group, segment) at which a score falls most are
then divided among their leads by occluding each alone; the others are divided as these are.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from ecg12.explanation.occlusion import Occluder, Patch, Prepared
from ecg12.explanation.results import ClassMap, Explanation
from ecg12.explanation.segments import Segments, cut_segments
from ecg12.inference.model import Model
from ecg12.inference.results import NO_SIGNAL
from ecg12.inference.stream import check_record, nothing_seen
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError, RecordError, shown, unforeseen_errors
from ecg12.signal.preprocessing import Preprocessing

GROUPS = (("I", "aVR", "aVL"), ("II", "III", "aVF"), ("V1", "V2", "V3"), ("V4", "V5", "V6"))
REFINED = 40  # cells that are divided by measurement, of all classes together


def explain(
    model: Model, record: Record, classes: Sequence[str] | str | None = None
) -> Explanation:
    """Find which leads and stretches of time the scores of a recording rest on.

    Segments of the prepared recording (QRS complexes of 160 ms, ST, T, about 120 ms between beats)
    are replaced by straight lines, T by a usual T wave, in some leads at a time, and scored again:
    some 400 times for 10 s and twelve leads, whatever the number of classes. It costs seconds.

    Parameters
    ----------
    model
        As `load_model` returns it; any networks, any runtime.
    record
        As `read_record` returns it. What the model does not use of a long one has no weights.
    classes
        Abbreviations of the classes to explain, or of one. None: those that are diagnosed, maybe
        none.

    Returns
    -------
    Explanation
        For each class a `ClassMap`.

    Raises
    ------
    InputError
        If a class is not one of the model's, or there is no `Record`.
    RecordError
        If the recording cannot be prepared, holds no signal, or its scores are no finite numbers.
    """
    check_record(record)
    classifier = model.classifier
    names = list(model.classes.names)
    places = None if classes is None else _places(names, classes)
    with unforeseen_errors(record.name):
        prepared = classifier.prepare(record)
        nothing = nothing_seen(record, classifier.preprocessings)
    if nothing:
        raise RecordError(f"{record.name}: {NO_SIGNAL}{nothing}")
    whole = classifier.predict([prepared])
    if not np.isfinite(whole.scores).all():
        raise RecordError(f"{record.name}: the model's scores are not finite numbers")
    wanted = np.flatnonzero(whole.labels[0]) if places is None else places
    occluder = Occluder(classifier, record, prepared)
    segments = segments_of(occluder.seconds, prepared, classifier.preprocessings)
    weights = _weights(occluder, segments, wanted)
    maps = tuple(
        ClassMap(
            abbreviation=names[k],
            name=model.classes.titles[k],
            score=float(whole.scores[0, k]),
            leads=occluder.leads,
            edges=segments.edges,
            weights=own,
        )
        for k, own in zip(wanted, weights, strict=True)
    )
    return Explanation(recording=record.name, classes=maps)


def _places(names: Sequence[str], wanted: Sequence[str] | str) -> np.ndarray:
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(wanted, Iterable) or not all(isinstance(name, str) for name in wanted):
        known = ", ".join(names)
        raise InputError(f"classes={shown(wanted)}: names of classes are needed; choices: {known}")
    if unknown := [name for name in wanted if name not in names]:
        raise InputError(f"unknown class {', '.join(unknown)}; choices: {', '.join(names)}")
    return np.array([names.index(name) for name in wanted], np.intp)


def segments_of(seconds: float, prepared: Prepared, chains: Sequence[Preprocessing]) -> Segments:
    """Return the segments of a prepared recording; of several parts they are even."""
    chain = chains[0]
    if seconds <= chain.seconds:
        return cut_segments(prepared[0][0], chain.rate, seconds)
    return cut_segments(np.zeros((1, 0)), chain.rate, seconds)


def _weights(occluder: Occluder, segments: Segments, wanted: np.ndarray) -> np.ndarray:
    """Return (n_wanted, n_leads, n_segments)."""
    begins, ends = segments.edges[:-1].tolist(), segments.edges[1:].tolist()
    spans = list(zip(begins, ends, segments.t_waves.tolist(), strict=True))
    leads, groups = occluder.leads, _groups(occluder.leads)
    if not len(wanted):
        return np.zeros((0, len(leads), len(spans)))
    copies = [[Patch(group, *span)] for group in groups for span in spans]
    coarse = (
        occluder.falls(copies)[:, wanted].clip(0).T.reshape(len(wanted), len(groups), len(spans))
    )
    cells = _heaviest(coarse, REFINED)
    copies = [[Patch((lead,), *spans[place])] for g, place in cells for lead in groups[g]]
    singles = occluder.falls(copies)[:, wanted].clip(0)
    return _divided(coarse, groups, leads, cells, singles)


def _groups(leads: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the leads in groups; those of no known group are groups of their own."""
    known = [tuple(lead for lead in group if lead in leads) for group in GROUPS]
    other = [(lead,) for lead in leads if not any(lead in group for group in GROUPS)]
    return [group for group in (*known, *other) if group]


def _heaviest(coarse: np.ndarray, n: int) -> list[tuple[int, int]]:
    """Return n cells (group, segment): the heaviest of each class in turn; none without weight."""
    ranked = [np.argsort(-one, axis=None, kind="stable") for one in coarse]
    turns = ((k, int(cell)) for row in zip(*ranked, strict=True) for k, cell in enumerate(row))
    cells: dict[int, None] = {}
    for k, cell in turns:
        if len(cells) == n:
            break
        if coarse[k].flat[cell] > 0:
            cells[cell] = None
    width = coarse.shape[2]
    return [divmod(cell, width) for cell in cells]


def _divided(
    coarse: np.ndarray,
    groups: Sequence[tuple[str, ...]],
    leads: Sequence[str],
    cells: Sequence[tuple[int, int]],
    singles: np.ndarray,
) -> np.ndarray:
    """Divide the weights of groups among their leads.

    Parameters
    ----------
    coarse
        (n_wanted, n_groups, n_segments).
    groups, leads
        Leads of each group; leads in the order of the result.
    cells
        (group, segment) whose leads were occluded one by one.
    singles
        (sum of the cells' group sizes, n_wanted): these weights.

    Returns
    -------
    (n_wanted, n_leads, n_segments); the sum over a group's leads is the group's weight.
    """
    weights = np.zeros((len(coarse), len(leads), coarse.shape[2]))
    rows = [[leads.index(lead) for lead in group] for group in groups]
    measured: dict[tuple[int, int], np.ndarray] = {}
    begin = 0
    for group, place in cells:
        measured[group, place] = singles[begin : begin + len(groups[group])].T
        begin += len(groups[group])
    for g, own in enumerate(rows):
        usual = sum(
            (values for (group, _), values in measured.items() if group == g),
            np.zeros((len(coarse), len(own))),
        )
        for place in range(coarse.shape[2]):
            shares = _shares(measured.get((g, place), usual), usual)
            weights[:, own, place] = coarse[:, g, place, None] * shares
    return weights


def _shares(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return (n_wanted, n) shares that add to 1: of values, or else of the usual, or else even."""
    even = np.ones_like(values)
    chosen = np.where(values.sum(axis=1, keepdims=True) > 0, values, usual)
    chosen = np.where(chosen.sum(axis=1, keepdims=True) > 0, chosen, even)
    return chosen / chosen.sum(axis=1, keepdims=True)
