"""Checks of one recording against itself: samples, leads, Einthoven's and Goldberger's laws.

Tolerances follow from the quantisation step. A lead in steps of q is off by at most q where it was
cut off, q/2 where it was rounded; a law that sums leads with coefficients c is then off by at most
Σ |c| q. The step is the one that the samples show: Chapman-Ningbo was recorded in steps of 4.88 µV
and is stored in units of 1 µV. III = II − I, the augmented leads as Goldberger (1942) defined them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ecg12.io.leads import LEADS, LIMB_LEAD_LAWS
from ecg12.io.record import Record

MOST_OFF = 0.01  # share of samples that may break a law: the ends of resampled or filtered leads
HELD = 0.05  # s at one extreme value; a wave's top is held for less at any usual resolution
PLAUSIBLE = (0.05, 10.0)  # mV, 99th percentile of |x|: what a body surface shows
ALIKE, OPPOSITE = 0.5, -0.5  # correlation of neighbouring chest leads
CHEST = LEADS[6:]


@dataclass(frozen=True)
class Finding:
    """Something odd in a recording: its kind, the lead or law (or ``""``), and how much of it."""

    kind: str
    where: str
    detail: str


def check(record: Record) -> list[Finding]:
    """Return all that is odd in a recording's samples and leads."""
    rows = record.centred
    found = [*_leads(record), *_samples(record, rows)]
    known = {
        lead: row
        for lead, row in zip(record.leads, rows, strict=True)
        if lead in LEADS and not np.isnan(row).all() and np.nanmax(row) > np.nanmin(row)
    }
    return [*found, *_amplitude(record, rows), *_laws(record, known), *_chest(known)]


def _leads(record: Record) -> Iterator[Finding]:
    for lead in LEADS:
        if lead not in record.leads:
            yield Finding("missing lead", lead, "not in the header")
    for lead in dict.fromkeys(record.leads):
        if lead not in LEADS:
            yield Finding("unknown lead", lead, "none of the twelve")
        if (count := record.leads.count(lead)) > 1:
            yield Finding("repeated lead", lead, f"{count} times")


def _samples(record: Record, rows: np.ndarray) -> Iterator[Finding]:
    for lead, row in zip(record.leads, rows, strict=True):
        present = row[~np.isnan(row)]
        if not present.size:
            yield Finding("flat lead", lead, "every sample is missing")
            continue
        if missing := row.size - present.size:
            yield Finding("missing samples", lead, f"{missing} of {row.size}")
        if present.max() == present.min():
            yield Finding("flat lead", lead, f"{present[0]:g} throughout")
        elif (held := _longest_extreme(present) / record.rate) >= HELD:
            yield Finding("saturated lead", lead, f"at its extreme for {held * 1000:.0f} ms")


def _longest_extreme(row: np.ndarray) -> int:
    """Return the longest run of samples at the row's greatest or smallest value."""
    return max(_longest_run(row == row.max()), _longest_run(row == row.min()))


def _longest_run(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def amplitude(record: Record, rows: np.ndarray) -> float:
    """Return the median over leads of the 99th percentile of |x − median| in mV; NaN if unknown."""
    millivolts = rows * record.resolution[:, None]
    usable = ~np.isnan(millivolts).all(axis=1)
    if not usable.any():
        return float("nan")
    centred = millivolts[usable] - np.nanmedian(millivolts[usable], axis=1, keepdims=True)
    peaks = np.nanpercentile(np.abs(centred), 99, axis=1)
    return float(np.median(peaks[peaks > 0])) if (peaks > 0).any() else float("nan")


def _amplitude(record: Record, rows: np.ndarray) -> Iterator[Finding]:
    if np.isnan(record.resolution).any():
        unknown = [x for x, r in zip(record.leads, record.resolution, strict=True) if np.isnan(r)]
        yield Finding("unknown gain", " ".join(unknown), "no millivolts")
    peak = amplitude(record, rows)
    if peak < PLAUSIBLE[0] or peak > PLAUSIBLE[1]:
        low, high = PLAUSIBLE
        yield Finding("implausible amplitude", "", f"{peak:.3g} mV, usual is {low:g} to {high:g}")


def _laws(record: Record, known: dict[str, np.ndarray]) -> list[Finding]:
    """Report every law that more than a few samples break; or the one lead whose sign explains all.

    In stored units where a gain is unknown, as if all leads had the same.
    """
    scales = dict(zip(record.leads, record.resolution, strict=True))
    if np.isnan(record.resolution).any():
        scales = dict.fromkeys(record.leads, 1.0)
    steps = {lead: step(row) * abs(scales[lead]) for lead, row in known.items()}
    leads = {lead: row * scales[lead] for lead, row in known.items()}
    broken = _broken(leads, steps)
    if not broken:
        return []
    for lead in leads:
        if lead in LEADS[:6] and not _broken({**leads, lead: -leads[lead]}, steps):
            return [Finding("lead of wrong sign", lead, f"breaks {', '.join(broken)}")]
    return [
        Finding("limb lead law broken", law, f"by more than {limit:.3g} mV in {share:.0%}")
        for law, (share, limit) in broken.items()
    ]


def step(row: np.ndarray) -> float:
    """Return the quantisation step that a lead shows, in stored units, rounding to them included.

    Of the distances between neighbouring values the smallest quarter lies where the lead dwells;
    steps of no whole number of units appear as two distances, whose mean is the step.
    """
    distances = np.diff(np.unique(row[~np.isnan(row)]))
    small = float(np.percentile(distances, 25))
    shown = float(distances[distances < 1.5 * small].mean())
    return shown + 0.5 if shown > 1 else 1.0


def _broken(
    leads: dict[str, np.ndarray], steps: dict[str, float]
) -> dict[str, tuple[float, float]]:
    """Return law → share of the samples that break it, and the tolerance in mV."""
    found = {}
    for law, terms in LIMB_LEAD_LAWS.items():
        if not terms.keys() <= leads.keys():
            continue
        limit = sum(abs(factor) * steps[lead] for lead, factor in terms.items())
        rest = np.abs(sum(factor * leads[lead] for lead, factor in terms.items()))
        off = float(np.mean(rest[~np.isnan(rest)] > limit * (1 + 1e-9)))
        if off > MOST_OFF:
            found[law] = (off, limit)
    return found


def _chest(known: dict[str, np.ndarray]) -> Iterator[Finding]:
    """Report a chest lead opposite to both its neighbours, which are like each other."""
    for before, lead, after in zip(CHEST, CHEST[1:], CHEST[2:], strict=False):
        if {before, lead, after} <= known.keys():
            rows = np.array([known[before], known[lead], known[after]])
            complete = rows[:, ~np.isnan(rows).any(axis=0)]
            if complete.shape[1] < 2 or (np.ptp(complete, axis=1) == 0).any():
                continue
            r = np.corrcoef(complete)
            if r[0, 2] > ALIKE and max(r[0, 1], r[1, 2]) < OPPOSITE:
                detail = f"correlation {r[0, 1]:.2f} and {r[1, 2]:.2f} with its neighbours"
                yield Finding("lead of wrong sign", lead, detail)
