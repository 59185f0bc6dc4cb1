"""Signal quality of a recording: what is odd in each lead, and one verdict on the whole.

``"unusable"`` means what the annotators of the PhysioNet/CinC Challenge 2011 called unacceptable: a
lead without signal that no other lead replaces, or two leads that do not show the beats of the
others. ``"usable"`` recordings have other faults, named in the reasons; ``"good"`` ones have none.
The header's gains do not count: they are often wrong, so an amplitude beyond any heart is a warning
that changes no verdict.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ecg12.io.leads import LEADS, derive_limb_leads
from ecg12.io.record import Record
from ecg12.signal.lead_checks import (
    LIMB,
    Finding,
    amplitude,
    check_amplitude,
    check_chest,
    check_equal,
    check_laws,
    check_names,
    check_samples,
)
from ecg12.signal.noise import MAINS, Measures, measure
from ecg12.signal.reasons import NO_SIGNAL, by_kind, warnings, words

# The constants of the verdict "unusable". `python -m experiments.quality DATA` fits them on one
# half of the challenge's set a of 2011, 426 recordings; see reports/quality.md.
VERDICT = {
    "agreement": 0.575,  # correlation of QRS envelopes below which a lead shows no common beats
    "leads": 2,  # that show no common beats
    "height": 0.01,  # of the recording's QRS height, below which a lead has no signal
}
# What is called noise, in QRS heights of the recording. It makes "usable" of "good", no more.
NOISE = {"wander": 1.0, "mains": 0.1, "muscle": 0.04, "spike": 1.5}
SHORT, TOO_SHORT = 5.0, 2.0  # s; below the second a recording is unusable, and so is a lead
MISSING = 0.01  # share of the samples that may be missing in a good recording
OPPOSITE = 0.5  # correlation of aVR with V6, and of I with −V6, if the arm electrodes are swapped

VERDICTS = ("good", "usable", "unusable")


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What is known of a recording's quality.

    Attributes
    ----------
    verdict
        ``"good"``, ``"usable"`` or ``"unusable"``.
    reasons
        Why it is not good, in words.
    warnings
        What changes no verdict: gains that are missing or implausible.
    no_signal
        Why there is nothing to predict, or ``""``.
    used, derived, absent, ignored
        Leads of the twelve that have a signal, that follow from those, and that are lacking; and
        leads that are none of the twelve.
    missing
        Share of missing samples in the given leads of the twelve.
    seconds
        Length.
    amplitude
        mV by the header's gains, the median over leads of the 99th percentile; NaN if unknown.
    findings
        All that is odd, lead by lead.
    """

    verdict: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    no_signal: str = ""
    used: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    missing: float = 0.0
    seconds: float = 0.0
    amplitude: float = float("nan")
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class _Leads:
    """The leads of the twelve that change, their samples in one unit, and what is measured."""

    names: tuple[str, ...]
    rows: np.ndarray
    measures: Measures | None


def assess(record: Record) -> Quality:
    """Assess a recording's quality; a recording of 10 s takes about 3 ms."""
    rows = record.centred
    low, high = rows.min(axis=1), rows.max(axis=1)
    gaps = bool(np.isnan(low).any())
    if gaps:
        low, high = np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)
    alive = high > low  # False where every sample is missing
    standard = np.array([lead in LEADS for lead in record.leads])
    peak = amplitude(record, rows)
    known = {lead: rows[k] for k, lead in enumerate(record.leads) if alive[k] and lead in LEADS}
    leads = _measured(record, rows, alive & standard)
    findings = [
        *check_names(record),
        *check_samples(record, rows, low, high, gaps=gaps),
        *check_amplitude(record, peak),
        *check_laws(record, known),
        *check_chest(known, gaps=gaps),
        *check_equal(record, rows, alive),
        *_short_leads(leads, record.rate),
        *_swapped_arms(leads),
        *_noise(leads),
    ]
    missing = float(np.isnan(rows[standard]).mean()) if gaps and standard.any() else 0.0
    return _judge(record, findings, leads, missing, peak)


def _measured(record: Record, rows: np.ndarray, chosen: np.ndarray) -> _Leads:
    names = tuple(np.array(record.leads)[chosen].tolist())
    if not names:
        return _Leads((), rows[:0], None)
    resolution = np.abs(record.resolution)
    unknown = np.isnan(resolution)
    scale = np.ones(len(rows))
    if not unknown.all():
        scale = np.where(unknown, 1.0, resolution / np.median(resolution[~unknown]))
    scale *= np.where(record.resolution < 0, -1, 1)
    common = rows if chosen.all() else rows[chosen]
    if (scale[chosen] != 1).any():
        common = common * scale[chosen, None]
    return _Leads(names, common, measure(common, record.rate))


def _short_leads(leads: _Leads, rate: float) -> Iterator[Finding]:
    """Report leads with too few present samples, if the recording is long enough."""
    if leads.rows.shape[1] < TOO_SHORT * rate or not np.isnan(leads.rows.min(initial=0.0)):
        return
    for lead, row in zip(leads.names, leads.rows, strict=True):
        seconds = (row.size - int(np.isnan(row).sum())) / rate
        if seconds < TOO_SHORT:
            yield Finding("short lead", lead, f"{seconds:.2g} s")


def _swapped_arms(leads: _Leads) -> Iterator[Finding]:
    """Report lead I opposite to V6 and aVR like it: the arm electrodes are likely swapped."""
    if leads.measures is None or not {"I", "aVR", "V6"} <= set(leads.names):
        return
    one, right, lateral = map(leads.names.index, ("I", "aVR", "V6"))
    r = leads.measures.similarity[lateral]
    if r[one] < -OPPOSITE and r[right] > OPPOSITE:
        detail = f"I correlates by {r[one]:.2f} with V6, aVR by {r[right]:.2f}"
        yield Finding("swapped leads", "right and left arm", detail)


def _noise(leads: _Leads) -> Iterator[Finding]:
    found = leads.measures
    if found is None:
        return
    for k, lead in enumerate(leads.names):
        if found.height[k] == 0 and np.isnan(leads.rows[k]).any():
            yield Finding("sparse lead", lead, "less than half of each 1.5 s is there")
            continue
        if found.height[k] < VERDICT["height"]:
            yield Finding("nearly flat lead", lead, f"{found.height[k]:.2g} of the QRS height")
            continue
        if found.agreement[k] < VERDICT["agreement"]:
            detail = f"correlation {found.agreement[k]:.2f} with the other leads' QRS complexes"
            yield Finding("no common beats", lead, detail)
        loudest = int(np.argmax(found.mains[k]))
        hum = float(found.mains[k, loudest])
        if found.wander[k] > NOISE["wander"]:
            yield Finding("baseline wander", lead, f"{found.wander[k]:.2g} QRS heights")
        if hum > NOISE["mains"]:
            yield Finding("mains", lead, f"{MAINS[loudest]} Hz, {hum:.2g} QRS heights")
        elif found.muscle[k] > NOISE["muscle"]:
            yield Finding("muscle noise", lead, f"{found.muscle[k]:.2g} QRS heights")
        if found.spike[k] > NOISE["spike"]:
            yield Finding("spikes", lead, f"{found.spike[k]:.2g} QRS heights")


def no_signal(record: Record) -> str:
    """Return why a recording holds no signal of the twelve leads; "" if it holds some."""
    rows = record.centred[[lead in LEADS for lead in record.leads]]
    changes = np.fmax.reduce(rows, axis=1) > np.fmin.reduce(rows, axis=1)
    return _no_signal(record, changes=bool(changes.any()), missing=bool(np.isnan(rows).all()))


def _judge(
    record: Record, findings: list[Finding], leads: _Leads, missing: float, peak: float
) -> Quality:
    """Draw the conclusion from all findings."""
    derived = _derivable(leads)
    by_reader = set(record.derived) & set(leads.names)
    absent = tuple(lead for lead in LEADS if lead not in (*leads.names, *derived))
    seconds = record.stored.shape[1] / record.rate
    nothing = _no_signal(record, changes=bool(leads.names), missing=missing == 1)
    where = by_kind(findings, derived)
    unusable = (
        bool(nothing)
        or seconds < TOO_SHORT
        or any(where[kind] for kind in NO_SIGNAL)
        or len(where["no common beats"]) >= VERDICT["leads"]
    )
    reasons = [f"no signal: {nothing}"] if nothing else []
    reasons += [f"only {seconds:.3g} s long"] if seconds < SHORT else []
    if not nothing:
        reasons += words(where, [lead for lead in absent if lead not in record.leads])
        reasons += [f"{missing:.0%} of the samples are missing"] if missing > MISSING else []
    return Quality(
        verdict="unusable" if unusable else "usable" if reasons else "good",
        reasons=tuple(reasons),
        warnings=tuple(warnings(findings)),
        no_signal=nothing,
        used=tuple(lead for lead in leads.names if lead not in record.derived),
        derived=tuple(lead for lead in LEADS if lead in (*by_reader, *derived)),
        absent=absent,
        ignored=tuple(lead for lead in record.leads if lead not in LEADS),
        missing=missing,
        seconds=seconds,
        amplitude=peak,
        findings=tuple(findings),
    )


def _derivable(leads: _Leads) -> tuple[str, ...]:
    """Return the limb leads that follow from those with a signal, and have one then."""
    present = {lead: row for lead, row in zip(leads.names, leads.rows, strict=True) if lead in LIMB}
    if not 2 <= len(present) < len(LIMB):
        return ()
    least = VERDICT["height"] * np.median([_span(row) for row in present.values()])
    derived = derive_limb_leads(present)
    return tuple(lead for lead in LIMB if lead in derived and _span(derived[lead]) > least)


def _span(row: np.ndarray) -> float:
    return float(np.fmax.reduce(row) - np.fmin.reduce(row))


def _no_signal(record: Record, *, changes: bool, missing: bool) -> str:
    if changes or not set(record.leads) & set(LEADS):  # other leads alone are refused elsewhere
        return ""
    if record.stored.shape[1] == 1:
        return "one sample"
    return "every sample is missing" if missing else "all leads are flat"
