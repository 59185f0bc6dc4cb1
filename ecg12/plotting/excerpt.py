"""What is shown of a recording: a stretch of it in mV, filtered for the eye.

The filters are those of an electrocardiograph for adults (Kligfield et al., Circulation 2007,
115:1306–1324): low-pass at 150 Hz, and a high-pass without phase shift below 0.67 Hz, which takes
out the baseline's wander and leaves the ST segment.
"""

from dataclasses import dataclass

import numpy as np

from ecg12.io.leads import LEADS
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError
from ecg12.signal.heart_rate import (
    LOWEST_RATE,
    band_pass,
    bridge_gaps,
    find_recorded,
    heart_rate,
    usual_of,
)
from ecg12.signal.lead_checks import PLAUSIBLE

HIGH_PASS = 0.5  # Hz, forwards and backwards, so −6 dB there
LOW_PASS = 150.0  # Hz
MARGIN = 5.0  # s; filtered on either side of what is shown, so that the ends are not bent

# Heights of QRS in mV (see `wave_height`) that are usual. Of 220 recordings of the challenge's
# databases 216 lie between 0.4 and 2.2, and one, a ventricular tachycardia, at 4.0. Low voltage, a
# finding in itself, lies below; it is drawn to scale, as all is that a body surface can show
# (`lead_checks.PLAUSIBLE`). Beyond those limits the gain is wrong. A gain that is wrong by a factor
# of 5 can still look usual.
USUAL = (0.3, 4.5)
TYPICAL = 1.1  # their median, at which a recording of unknown scale is shown


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A stretch of a recording, ready to be drawn.

    Attributes
    ----------
    signals
        Lead name → (n,) mV, NaN in gaps; leads without any change are left out.
    rate
        Samples per second.
    start, seconds
        Where in the recording the stretch begins and how long it is, s.
    silent
        Leads that the recording has, but without signal in this stretch.
    heart_rate
        Beats per minute, or None where fewer than three are found.
    to_scale
        Whether the signals are millivolts by a possible gain, rather than of a typical size.
    amplitude_note
        What is wrong with the amplitude, or unusual about it, or an empty text.
    filtered
        The pass band in words.
    record
        The samples that were read for it, a little more than is shown.
    length
        Of the whole recording, s.
    """

    signals: dict[str, np.ndarray]
    rate: float
    start: float
    seconds: float
    silent: tuple[str, ...]
    heart_rate: float | None
    to_scale: bool
    amplitude_note: str
    filtered: str
    record: Record
    length: float


def excerpt(
    recording: Record | OpenRecord,
    start: float = 0.0,
    seconds: float = 10.0,
    *,
    low_pass: float = LOW_PASS,
    raw: bool = False,
) -> Excerpt:
    """Cut a stretch out of a recording and filter it for the eye.

    Parameters
    ----------
    recording
        Any leads, rate and length; of an open one no more is read than is needed.
    start, seconds
        Where the stretch begins and how long it is at most, s.
    low_pass
        Upper end of the pass band, Hz; without effect where the rate is too low for it.
    raw
        Leave the signals unfiltered, each less its own median.

    Raises
    ------
    InputError
        If the recording ends before `start`, `low_pass` is not above 1 Hz, or the sampling rate is
        below 50 Hz.
    """
    opened = recording if isinstance(recording, OpenRecord) else OpenRecord.of(recording)
    _check(opened, start, low_pass)
    record, shown = _cut(opened, start, seconds)
    centred = record.centred
    alive = np.array([_changes(row[shown]) for row in centred])
    resolution, unknown = _resolution(record)
    values = centred[alive] * resolution[alive, None]
    gaps = np.isnan(values)
    values = bridge_gaps(values)
    smooth = band_pass(values, record.rate, HIGH_PASS, low_pass)
    present = None if not gaps.any() else ~gaps[:, shown]
    height = wave_height(smooth[:, shown], record.rate, present)
    to_scale = not unknown and PLAUSIBLE[0] <= height <= PLAUSIBLE[1]
    middle = np.nanmedian(np.where(gaps, np.nan, values)[:, shown], axis=1, keepdims=True)
    display = values - middle if raw else smooth
    display = np.where(gaps, np.nan, display * (1.0 if to_scale else TYPICAL / height))[:, shown]
    leads = np.array(record.leads)
    return Excerpt(
        dict(zip(leads[alive].tolist(), display, strict=True)),
        record.rate,
        start,
        min(seconds, opened.seconds - start),
        tuple(leads[~alive].tolist()),
        _rate(smooth[:, shown], centred[alive][:, shown], leads[alive], record.rate),
        to_scale,
        unknown or _unusual(height),
        "unfiltered" if raw else _band(record.rate, low_pass),
        record,
        opened.seconds,
    )


def wave_height(signals: np.ndarray, rate: float, present: np.ndarray | None = None) -> float:
    """Return the usual height of QRS in mV: the median over the leads of their usual span.

    A lead's usual span is the median over stretches of 1.5 s of highest less lowest value, which a
    few spikes or a loose electrode do not change. 1 where no lead has signal. Only stretches count
    of which most is `present` (bool, as `signals`; all by default).
    """
    spans = usual_of(np.ptp, signals, rate, present)
    return float(np.median(spans[spans > 0])) if (spans > 0).any() else 1.0


def _rate(smooth: np.ndarray, rows: np.ndarray, leads: np.ndarray, rate: float) -> float | None:
    """Return the heart rate by the twelve leads alone, as of `record_heart_rate`."""
    own = np.isin(leads, LEADS)
    return heart_rate(smooth[own], rate, find_recorded(rows[own], rate)) if own.any() else None


def _check(record: OpenRecord, start: float, low_pass: float) -> None:
    if not (start >= 0 and round(start * record.rate) < record.n_samples):
        raise InputError(
            f"{record.name}: start at {start:g} s of a recording of {record.seconds:g} s"
        )
    if not low_pass > 1:
        raise InputError(f"low-pass at {low_pass:g} Hz: it must lie above 1 Hz")
    if record.rate < LOWEST_RATE:
        raise InputError(
            f"{record.name}: {record.rate:g} Hz; at least {LOWEST_RATE:g} Hz can be drawn"
        )


def _cut(recording: OpenRecord, start: float, seconds: float) -> tuple[Record, slice]:
    """Return the samples to filter, and which of those to show."""
    rate = recording.rate
    first = max(0, round((start - MARGIN) * rate))
    begin = round(start * rate) - first
    last = min(recording.n_samples, round((start + seconds + MARGIN) * rate))
    return recording.read(first, last - first), slice(begin, begin + round(seconds * rate))


def _changes(row: np.ndarray) -> bool:
    known = row[~np.isnan(row)]
    return known.size > 1 and bool(np.ptp(known) > 0)


def _resolution(record: Record) -> tuple[np.ndarray, str]:
    """Return mV per stored unit of each lead, and what is unknown about it."""
    resolution = record.resolution
    unknown = np.isnan(resolution)
    if not unknown.any():
        return resolution, ""
    leads = ", ".join(np.array(record.leads)[unknown])
    guess = 1.0 if unknown.all() else np.median(resolution[~unknown])
    return np.where(unknown, guess, resolution), f"the header gives no gain for {leads}"


def _unusual(height: float) -> str:
    """Return what is unusual about the height of the waves, or nothing."""
    low, high = USUAL
    if low <= height <= high:
        return ""
    return f"by the header's gain QRS spans {height:.2g} mV, where {low:g} to {high:g} is usual"


def _band(rate: float, low_pass: float) -> str:
    return f"{HIGH_PASS:g}–{low_pass:g} Hz" if low_pass < 0.45 * rate else f"above {HIGH_PASS:g} Hz"
