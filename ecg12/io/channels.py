"""From the channels of a clinical file to a recording, by the same rules for every format.

A file of a hospital may hold anything: a channel twice, channels of unequal length, one lead of a
monitor, or a set of leads in which right-sided or posterior ones stand where a network expects
others. What is no twelve-lead recording is refused here, with the reason.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ecg12.io.headers import GAINS, RATES
from ecg12.io.lead_names import BEYOND, INVERTED, LEADS, standard_leads
from ecg12.io.record import MISSING, Record
from ecg12.runtime.errors import RecordError

FEWEST = 2  # of the twelve leads: from two limb leads the other limb leads follow


@dataclass(frozen=True, eq=False, kw_only=True)
class Channel:
    """One channel as stored.

    Attributes
    ----------
    lead
        Its name in any spelling.
    samples
        (n_samples,) stored values.
    gain
        Stored units per physical unit; negative where the channel is stored upside down.
    offset
        Stored value of 0 physical units.
    unit
        Physical unit, such as ``"mV"`` or ``"uV"``.
    """

    lead: str
    samples: np.ndarray
    gain: float
    offset: float = 0.0
    unit: str = "mV"


def recording(
    path: Path,
    channels: Sequence[Channel],
    rate: float,
    *,
    age: float | None = None,
    sex: str | None = None,
    seconds: float | None = None,
    missing: int = MISSING,
) -> Record:
    """Join channels to a recording: the twelve leads in their usual order first, others behind.

    A lead that is stored upside down (−aVR) is turned by the sign of its gain.

    Parameters
    ----------
    path
        The file, which gives the recording its name and stands in messages.
    channels
        What it holds, in any order.
    rate
        Sampling rate in Hz.
    age, sex
        As in `Record`.
    seconds
        Keep only the first seconds; all of them by default.
    missing
        Stored value that marks a missing sample.

    Raises
    ------
    RecordError
        If the rate or a gain is impossible, a lead stands twice, lengths differ or are zero, fewer
        than two of the twelve leads are there, or others are in the place of chest leads.
    """
    check_rate(path, rate)
    named = _by_name(path, channels)
    lengths = sorted({len(channel.samples) for channel in channels})
    if len(lengths) != 1 or not lengths[0]:
        raise RecordError(
            f"{path}: {len(channels)} leads of {lengths} samples; one length is needed, not 0"
        )
    names = [lead for lead in LEADS if lead in named]
    _check_set(path, names, list(named))
    names += [lead for lead in named if lead not in LEADS]
    ordered = [named[name] for name in names]
    n_samples = None if seconds is None else max(1, math.ceil(seconds * rate))
    return Record(
        path.stem,
        np.array([channel.samples[:n_samples] for channel in ordered]),
        np.array([channel.gain for channel in ordered], float),
        np.array([channel.offset for channel in ordered], float),
        tuple(channel.unit for channel in ordered),
        tuple(names),
        rate,
        age,
        sex,
        missing=missing,
    )


def check_rate(path: Path, rate: float) -> None:
    """Refuse what cannot be a sampling rate in Hz.

    Raises
    ------
    RecordError
        If it is NaN, or beyond what is read.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise RecordError(
            f"{path}: a sampling rate of {rate:g} Hz; {RATES[0]:g} to {RATES[1]:g} Hz are read"
        )


def rate_of(path: Path, interval: float, digit: float) -> float:
    """Return the sampling rate of an interval in s: a whole one if the interval is its rounding.

    Parameters
    ----------
    path
        The file, for messages.
    interval
        Time from one sample to the next in s.
    digit
        What its last written digit counts, in s: 1667 us is 600 Hz, not 599.88 Hz.

    Raises
    ------
    RecordError
        If it gives no sampling rate.
    """
    rate = 1 / interval if interval else math.inf
    check_rate(path, rate)
    whole = float(round(rate))
    return whole if abs(1 / whole - interval) <= 0.5001 * digit else rate


def _by_name(path: Path, channels: Sequence[Channel]) -> dict[str, Channel]:
    named: dict[str, Channel] = {}
    leads = standard_leads(channel.lead for channel in channels)
    for number, (lead, channel) in enumerate(zip(leads, channels, strict=True), 1):
        lead, gain = lead or f"channel {number}", channel.gain
        if lead in INVERTED:
            lead, gain = INVERTED[lead], -gain
        shown = lead if lead in LEADS else f"number {number}"
        if lead in named and lead in LEADS:
            raise RecordError(f"{path}: lead {shown} stands twice")
        if not GAINS[0] <= abs(gain) <= GAINS[1] or not math.isfinite(channel.offset):
            raise RecordError(f"{path}: lead {shown} has no amplitude per bit that can be read")
        lead = f"{lead} {number}" if lead in named else lead
        named[lead] = replace(channel, lead=lead, gain=gain)
    return named


def _check_set(path: Path, standard: list[str], names: list[str]) -> None:
    """Refuse fewer than two of the twelve leads, and leads in the place of missing chest leads."""
    if len(standard) < FEWEST:
        raise RecordError(
            f"{path}: {len(standard)} of the twelve leads among {len(names)}; {FEWEST} are needed"
        )
    check_chest(path, names)


def check_chest(path: Path, names: Collection[str]) -> None:
    """Refuse leads in the place of missing chest leads.

    Raises
    ------
    RecordError
        Naming both.
    """
    missing = [lead for lead in LEADS[6:] if lead not in names]
    others = [lead for lead in names if lead in BEYOND]
    if missing and others:
        raise RecordError(
            f"{path}: no {', '.join(missing)}, but {', '.join(others)}: a right-sided or posterior "
            "recording, not one of the twelve leads"
        )
