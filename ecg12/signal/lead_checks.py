"""Checks of a recording's leads against each other: names, samples, gains, the limb-lead laws.

Tolerances follow from the quantisation step. A lead in steps of q is off by at most q where it was
cut off, q/2 where it was rounded; a law that sums leads with coefficients c is then off by at most
Σ |c| q. The step is the one that the samples show: Chapman-Ningbo was recorded in steps of 4.88 µV
and is stored in units of 1 µV. III = II − I, the augmented leads as Goldberger (1942) defined them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ecg12.io.leads import LEADS, LIMB_LEAD_LAWS
from ecg12.io.record import MILLIVOLTS_PER_UNIT, Record
from ecg12.signal.quantiles import quantiles

MOST_OFF = 0.01  # share of samples that may break a law: the ends of resampled or filtered leads
HELD = 0.05  # s at one extreme value; a wave's top is held for less at any usual resolution
PLAUSIBLE = (0.05, 10.0)  # mV, 99th percentile of |x|: what a body surface shows
ALIKE, OPPOSITE = 0.5, -0.5  # correlation of neighbouring chest leads
CONTRADICTION = 0.1  # of the leads' span: a law broken by more is seen on paper
FRACTION = 0.005  # of a lead's range: its step, if its samples are no whole numbers
UNITS = ("nV", "uV", "mV", "V")  # that a signal may be in, whatever was stated
LIMB, CHEST = LEADS[:6], LEADS[6:]


@dataclass(frozen=True)
class Finding:
    """Something odd in a recording: its kind, the lead or law (or ``""``), and how much of it."""

    kind: str
    where: str
    detail: str


def check_names(record: Record) -> Iterator[Finding]:
    """Report leads that are missing, unknown or named twice."""
    for lead in LEADS:
        if lead not in record.leads:
            yield Finding("missing lead", lead, "not in the header")
    for lead in dict.fromkeys(record.leads):
        if lead not in LEADS:
            yield Finding("unknown lead", lead, "none of the twelve")
        if (count := record.leads.count(lead)) > 1:
            yield Finding("repeated lead", lead, f"{count} times")


def check_samples(
    record: Record, rows: np.ndarray, low: np.ndarray, high: np.ndarray, *, gaps: bool
) -> Iterator[Finding]:
    """Report leads that are flat, lack samples or stay at their extreme.

    Parameters
    ----------
    record
        Whose leads they are.
    rows
        (n_leads, n_samples) `record.centred`.
    low, high
        (n_leads,) smallest and greatest sample of each, NaN where every one is missing.
    gaps
        Whether any sample is missing.
    """
    n_missing = np.count_nonzero(np.isnan(rows), axis=1) if gaps else np.zeros(len(rows), int)
    at_extreme = [
        max(np.count_nonzero(row == bottom), np.count_nonzero(row == top))
        for row, bottom, top in zip(rows, low, high, strict=True)
    ]
    for k, lead in enumerate(record.leads):
        if n_missing[k] == rows.shape[1]:
            yield Finding("flat lead", lead, "every sample is missing")
            continue
        if n_missing[k]:
            yield Finding("missing samples", lead, f"{n_missing[k]} of {rows.shape[1]}")
        if high[k] == low[k]:
            yield Finding("flat lead", lead, f"{low[k]:g} throughout")
        elif at_extreme[k] / record.rate >= HELD:
            held = _longest_extreme(rows[k][~np.isnan(rows[k])]) / record.rate
            if held >= HELD:
                yield Finding("saturated lead", lead, f"at its extreme for {held * 1000:.0f} ms")


def check_equal(record: Record, rows: np.ndarray, alive: np.ndarray) -> Iterator[Finding]:
    """Report pairs of leads of the twelve with the same samples; `alive` is (n_leads,) bool."""
    first: dict[bytes, int] = {}
    flat_limb = any(
        lead in LIMB and not a for lead, a in zip(record.leads, alive, strict=True)
    )  # then by the laws other limb leads are equal
    for k, lead in enumerate(record.leads):
        if not alive[k] or lead not in LEADS or (flat_limb and lead in LIMB):
            continue
        few = rows[k, :: max(1, rows.shape[1] // 50)]
        other = first.setdefault(few.tobytes(), k)
        if other != k and np.array_equal(rows[other], rows[k], equal_nan=True):
            where = f"{record.leads[other]} and {lead}"
            yield Finding("equal leads", where, "the same samples")


def _longest_extreme(row: np.ndarray) -> int:
    """Return the longest run of samples at the row's greatest or smallest value."""
    return max(_longest_run(row == row.max()), _longest_run(row == row.min()))


def _longest_run(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def amplitude(record: Record, rows: np.ndarray) -> float:
    """Return the median over leads of the 99th percentile of |x − median| in mV; NaN if unknown."""
    resolution = np.abs(record.resolution)
    known = ~np.isnan(resolution)
    if np.isnan(rows.min()):
        pairs = zip(rows[known], resolution[known], strict=True)
        present = [(row[~np.isnan(row)], each) for row, each in pairs]
        peaks = np.array([_peaks(row) * each for row, each in present if row.size])
    else:
        peaks = _peaks(rows if known.all() else rows[known]) * resolution[known]
    peaks = peaks[peaks > 0]
    return float(np.median(peaks)) if peaks.size else float("nan")


def _peaks(rows: np.ndarray) -> np.ndarray:
    """Return the 99th percentile of |x − median| of each row."""
    distances = rows - quantiles(rows, 0.5)[..., None]
    return quantiles(np.abs(distances, out=distances), 0.99)


def check_amplitude(record: Record, peak: float) -> Iterator[Finding]:
    """Report gains that are not given, and an amplitude in mV that no heart has."""
    if np.isnan(record.resolution).any():
        unknown = [x for x, r in zip(record.leads, record.resolution, strict=True) if np.isnan(r)]
        yield Finding("unknown gain", " ".join(unknown), "no millivolts")
    low, high = PLAUSIBLE
    if peak < low or peak > high:
        detail = f"{peak:.3g} mV, usual is {low:g} to {high:g} mV{_likely_unit(record, peak)}"
        yield Finding("implausible amplitude", "", detail)


def _likely_unit(record: Record, peak: float) -> str:
    """Name the unit in which the same numbers would be plausible, if there is one."""
    stated = next(unit for unit in record.units if unit.lower() in MILLIVOLTS_PER_UNIT)
    number = peak / MILLIVOLTS_PER_UNIT[stated.lower()]
    peaks = {unit: number * MILLIVOLTS_PER_UNIT[unit.lower()] for unit in UNITS}
    best = min(peaks, key=lambda unit: abs(np.log(peaks[unit])))  # nearest to 1 mV
    if not PLAUSIBLE[0] <= peaks[best] <= PLAUSIBLE[1]:
        return ""
    return f"; if the samples were in {best}, {peaks[best]:.3g} mV"


def check_laws(record: Record, known: dict[str, np.ndarray]) -> list[Finding]:
    """Report laws that more than a few samples break; or the sign or the swap that explains all.

    In stored units where a gain is unknown, as if all leads had the same.

    Parameters
    ----------
    record
        Whose leads they are.
    known
        Lead → (n_samples,) stored values less their offset, of leads that change.
    """
    scales, unit = dict(zip(record.leads, record.resolution, strict=True)), "mV"
    if np.isnan(record.resolution).any():
        scales, unit = dict.fromkeys(record.leads, 1.0), "stored units"
    leads = {lead: known[lead] * scales[lead] for lead in LIMB if lead in known}
    whole = record.stored.dtype.kind in "iu"
    if whole and not _broken(leads, {lead: abs(scales[lead]) for lead in leads}):
        return []  # no step is smaller
    steps = {lead: step(known[lead]) * abs(scales[lead]) for lead in leads}
    broken = _broken(leads, steps)
    if not broken:
        return []
    for lead in leads:
        if not _broken({**leads, lead: -leads[lead]}, steps):
            return [Finding("lead of wrong sign", lead, f"breaks {', '.join(broken)}")]
    spans = [float(np.fmax.reduce(row) - np.fmin.reduce(row)) for row in leads.values()]
    found = [
        Finding(kind, law, f"by more than {limit:.3g} {unit} in {share:.0%}")
        for kind, laws in (
            ("limb lead law broken", broken),
            (
                "limb leads contradict",
                _broken(leads, steps, CONTRADICTION * float(np.median(spans))),
            ),
        )
        for law, (share, limit) in laws.items()
    ]
    if any(np.isnan(row.min()) for row in leads.values()):
        return found  # exchanged, leads may have no samples in common
    for one, two in combinations(leads, 2):
        if len(leads) > 3 and not _broken({**leads, one: leads[two], two: leads[one]}, steps):
            return [
                *found,
                Finding("swapped leads", f"{one} and {two}", "exchanged, all laws hold"),
            ]
    return found


def step(row: np.ndarray) -> float:
    """Return the quantisation step that a lead shows, in stored units, rounding to them included.

    Of the distances between neighbouring values the smallest quarter lies where the lead dwells;
    steps of no whole number of units appear as two distances, whose mean is the step. Of samples
    that are no whole numbers, which were filtered or scaled, a share of the lead's range.
    """
    values = np.sort(row)  # NaN at the end
    if np.isnan(values[-1]):
        values = values[: len(values) - np.count_nonzero(np.isnan(values))]
    distances = np.diff(values)
    distances = distances[distances > 0]
    small = quantiles(distances, 0.25)
    shown = float(distances[distances < 1.5 * small].mean())
    if (values != np.rint(values)).any():
        return max(shown, FRACTION * float(values[-1] - values[0]))
    return shown + 0.5 if shown > 1 else 1.0


def _broken(
    leads: dict[str, np.ndarray], steps: dict[str, float], seen: float = 0.0
) -> dict[str, tuple[float, float]]:
    """Return law → share of the samples that break it, and the tolerance in the leads' unit.

    With `seen`, the least that is seen on paper, the tolerance is at least that, and an
    offset, which a converter may add, breaks no law.
    """
    found: dict[str, tuple[float, float]] = {}
    for law, terms in LIMB_LEAD_LAWS.items():
        if not terms.keys() <= leads.keys():
            continue
        limit = sum(abs(factor) * steps[lead] for lead, factor in terms.items())
        limit = max(limit, seen)
        rest = _sum(leads, terms)
        if np.isnan(rest.min()):
            rest = rest[~np.isnan(rest)]
        if not rest.size:
            continue
        if seen:
            rest = rest - rest.mean()
        off = np.count_nonzero(np.abs(rest, out=rest) > limit * (1 + 1e-9)) / rest.size
        if off > MOST_OFF:
            found[law] = (off, limit)
    return found


def _sum(leads: dict[str, np.ndarray], terms: Mapping[str, float]) -> np.ndarray:
    """Return the sum of leads, each times its factor, as a new array."""
    (first, factor), *others = terms.items()
    total = factor * leads[first]
    for lead, factor in others:
        total += factor * leads[lead]
    return total


def check_chest(known: dict[str, np.ndarray], *, gaps: bool) -> Iterator[Finding]:
    """Report a chest lead opposite to both its neighbours, which are like each other.

    Parameters
    ----------
    known
        As for `check_laws`.
    gaps
        Whether any sample is missing.
    """
    for before, lead, after in zip(CHEST, CHEST[1:], CHEST[2:], strict=False):
        if {before, lead, after} <= known.keys():
            rows = [known[before], known[lead], known[after]]
            if gaps:
                complete = ~np.isnan(rows).any(axis=0)
                rows = [row[complete] for row in rows]
            if (r := _correlation(rows[0], rows[1])) >= OPPOSITE:
                continue
            s = _correlation(rows[1], rows[2])
            if s < OPPOSITE and _correlation(rows[0], rows[2]) > ALIKE:
                detail = f"correlation {r:.2f} and {s:.2f} with its neighbours"
                yield Finding("lead of wrong sign", lead, detail)


def _correlation(one: np.ndarray, two: np.ndarray) -> float:
    """Return the correlation of two rows; 0 if one is constant or there are no samples."""
    if not one.size:
        return 0.0
    one, two = one - one.mean(), two - two.mean()
    power = float((one @ one) * (two @ two))
    return float(one @ two) / power**0.5 if power > 0 else 0.0
