"""QRS complexes and the heart rate, from any of the twelve leads in any unit.

The envelope of 8 to 20 Hz, summed over the leads, peaks at each QRS complex.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import butter, find_peaks, sosfilt, sosfilt_zi

from ecg12.io.leads import LEADS
from ecg12.io.record import Record

QRS_BAND = (8.0, 20.0)  # Hz
REFRACTORY = 0.24  # s; two QRS complexes are rarely closer, up to 250 per minute
CLOSEST = 0.15  # s; in a regular rhythm alone, up to 400 per minute
REGULAR = 0.1  # share of the mean RR interval, the standard deviation of a regular rhythm at most
QRS_SHARE = 0.3  # of the usual peak of the envelope
STRETCH = 1.5  # s; holds a beat at 40 per minute and more
LOWEST_RATE = 50.0  # Hz; below, a QRS complex has no shape
FEWEST = 3  # beats, for a rate to be known
SHORTEST_GAP = 0.04  # s without samples; of a shorter gap's QRS complex enough is left to find it
FLAT = 2.0  # s without change in any lead: longer than between two QRS complexes at 30 per minute
EDGE = 0.05  # s beside a gap in which a step to or from it may look like a beat


def heart_rate(signals: np.ndarray, rate: float, present: np.ndarray | None = None) -> float | None:
    """Return the mean heart rate in beats per minute, None where it is unknown: see `mean_rate`.

    Parameters are those of `find_beats`.
    """
    beats = find_beats(signals, rate, present)
    if present is None:
        return mean_rate(beats, rate)
    missing = np.asarray(~present.any(axis=0))
    return mean_rate(beats, rate, _long_runs(missing, SHORTEST_GAP * rate))


def mean_rate(beats: np.ndarray, rate: float, gaps: np.ndarray | None = None) -> float | None:
    """Return the mean heart rate in beats per minute over the RR intervals without a gap.

    None where fewer than `FEWEST` − 1 of them are left, as many as `FEWEST` beats have.

    Parameters
    ----------
    beats
        (n_beats,) samples of the QRS complexes, ascending.
    rate
        Sampling rate in Hz.
    gaps
        (n_samples,) bool: samples that no lead records, where beats cannot be found. None: none.
    """
    intervals = np.diff(beats)
    if gaps is not None:
        edge = round(EDGE * rate)
        before = np.concatenate([[0], np.cumsum(gaps)])
        first = before[np.maximum(beats[:-1] - edge, 0)]
        last = before[np.minimum(beats[1:] + edge, len(gaps))]
        intervals = intervals[first == last]
    if len(intervals) < FEWEST - 1:
        return None
    return 60 * rate * len(intervals) / float(intervals.sum())


def record_heart_rate(record: Record) -> float | None:
    """Return the mean heart rate of a recording in beats per minute, by the twelve leads alone.

    None where it is unknown to `mean_rate`, none of the twelve leads changes, or the sampling rate
    is below `LOWEST_RATE`.
    """
    rows = only_leads(record).centred
    alive = np.fmax.reduce(rows, axis=1) > np.fmin.reduce(rows, axis=1)
    if record.rate < LOWEST_RATE or not alive.any():
        return None
    rows = rows if alive.all() else rows[alive]
    present = find_recorded(rows, record.rate)
    if present is not None:
        left = present.any(axis=1)
        if not left.any():
            return None
        rows, present = np.where(present, rows, np.nan)[left], present[left]
    return heart_rate(bridge_gaps(rows), record.rate, present)


def only_leads(record: Record) -> Record:
    """Return a recording less the channels that are none of the twelve leads; maybe no row is left.

    A pulse wave, the breath or an EEG changes with other rhythms than QRS complexes.
    """
    chosen = [k for k, lead in enumerate(record.leads) if lead in LEADS]
    if len(chosen) == len(record.leads):
        return record
    return replace(
        record,
        stored=record.stored[chosen],
        gains=record.gains[chosen],
        offsets=record.offsets[chosen],
        units=tuple(record.units[k] for k in chosen),
        leads=tuple(record.leads[k] for k in chosen),
    )


def find_recorded(rows: np.ndarray, rate: float) -> np.ndarray | None:
    """Return which samples are recorded, (n_leads, n_samples) bool; None: all.

    Missing samples are not, nor are those of all leads where no lead changes for `FLAT` s, as
    with the electrodes off, and `EDGE` s on either side. An ordinary flat segment is shorter. A
    flat lead beside others that change counts.

    Parameters
    ----------
    rows
        (n_leads, n_samples) as recorded, unfiltered, NaN where a sample is missing.
    rate
        Sampling rate in Hz.
    """
    present = ~np.isnan(rows)
    whole = bool(present.all())
    if not whole:  # a missing sample does not change
        places = np.where(present, np.arange(rows.shape[1]), 0)
        latest = np.maximum.accumulate(places, axis=1)
        rows = np.take_along_axis(np.nan_to_num(rows), latest, axis=1)
    still = _long_runs(np.asarray((rows[:, 1:] == rows[:, :-1]).all(axis=0)), FLAT * rate - 1)
    if still.any():
        wide = maximum_filter1d(np.append(still, False), 2 * round(EDGE * rate) + 1)
        present &= ~wide
    elif whole:
        return None
    return present


def _long_runs(mask: np.ndarray, least: float) -> np.ndarray:
    """Return a mask, (n,) bool, less its runs of fewer than `least` samples."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    long = edges[1::2] - edges[::2] >= least
    steps = np.zeros(len(mask) + 1, np.int8)
    steps[edges[::2][long]] = 1
    steps[edges[1::2][long]] = -1
    return np.cumsum(steps[:-1], dtype=np.int8) > 0


def find_beats(signals: np.ndarray, rate: float, present: np.ndarray | None = None) -> np.ndarray:
    """Return the samples of the QRS complexes, (n_beats,) int.

    Parameters
    ----------
    signals
        (n_leads, n_samples) without NaN, each lead in any unit.
    rate
        Sampling rate in Hz, at least `LOWEST_RATE`.
    present
        (n_leads, n_samples) bool: samples that count; where some leads have gaps, the others count
        more. None: all.
    """
    if not signals.size:
        return np.empty(0, np.intp)
    quick = _steepness(signals, rate, present)
    if present is not None:
        quick = quick * present * (len(present) / np.maximum(present.sum(axis=0), 1))
        present = np.any(present, axis=0, keepdims=True)
    return _peaks(quick.sum(axis=0)[None], rate, present)[0]


def find_window_beats(windows: np.ndarray, rate: float) -> list[np.ndarray]:
    """Return what `find_beats` finds in each of several windows, with one filter for all.

    Parameters
    ----------
    windows
        (n_windows, n_leads, n_samples) without NaN.
    rate
        Sampling rate in Hz, at least `LOWEST_RATE`.
    """
    quick = _steepness(windows.reshape(-1, windows.shape[-1]), rate)
    return _peaks(quick.reshape(windows.shape).sum(axis=1), rate)


def _steepness(signals: np.ndarray, rate: float, present: np.ndarray | None = None) -> np.ndarray:
    """Return the size of what is as quick as a QRS complex, in shares of the usual, at most 1."""
    quick = band_pass(signals, rate, *QRS_BAND)
    usual = usual_of(np.ptp, quick, rate, present)[:, None]
    return np.minimum(np.abs(quick) / np.where(usual > 0, usual, 1), 1)


def _peaks(summed: np.ndarray, rate: float, present: np.ndarray | None = None) -> list[np.ndarray]:
    """Return the QRS complexes of each row: peaks of what `_steepness` sums up to over leads."""
    envelopes = uniform_filter1d(summed, round(0.1 * rate), axis=1)
    heights = QRS_SHARE * usual_of(np.max, envelopes, rate, present)
    return [_beats(*pair, rate) for pair in zip(envelopes, heights, strict=True)]


def _beats(envelope: np.ndarray, height: float, rate: float) -> np.ndarray:
    """Return the peaks; at more than 250 per minute only those of a regular rhythm.

    There, peaks `REFRACTORY` apart are every second beat, and look like a rate of 125 and more.
    """
    found, _ = find_peaks(envelope, height=height, distance=max(int(REFRACTORY * rate), 1))
    if len(found) < FEWEST or np.median(np.diff(found)) >= 2 * REFRACTORY * rate:
        return found
    closer, _ = find_peaks(envelope, height=height, distance=max(int(CLOSEST * rate), 1))
    intervals = np.diff(closer)
    mean = intervals.mean()
    is_fast = mean < REFRACTORY * rate and intervals.std() < REGULAR * mean
    return closer if is_fast else found


def usual_of(
    measure: Callable[..., np.ndarray],
    signals: np.ndarray,
    rate: float,
    present: np.ndarray | None = None,
) -> np.ndarray:
    """Return the median over stretches of 1.5 s of a measure of each signal.

    Stretches count of which more than half is present; 0 for a signal that has none of them.
    """
    step, n = round(STRETCH * rate), signals.shape[1]
    begins = range(0, max(n - step // 2, 1), step)
    whole = n // step
    stretches = signals[:, : whole * step].reshape(len(signals), whole, step)
    measured = measure(stretches, axis=2).T[: len(begins)]
    if len(begins) > whole:
        measured = np.vstack([measured, measure(signals[:, whole * step :], axis=1)])
    if present is None:
        return np.median(measured, axis=0)
    enough = np.array([present[:, i : i + step].mean(axis=1) > 0.5 for i in begins])
    return np.array([
        np.median(values[count]) if count.any() else 0.0
        for values, count in zip(measured.T, enough.T, strict=True)
    ])  # fmt: skip


def bridge_gaps(rows: np.ndarray) -> np.ndarray:
    """Interpolate NaN linearly in each row, (n_leads, n_samples), so that a filter can pass."""
    gaps = np.isnan(rows)
    if not gaps.any():
        return rows
    places = np.arange(rows.shape[1])
    pairs = zip(rows, gaps, strict=True)
    return np.array([np.interp(places, places[~gap], row[~gap]) for row, gap in pairs])


def band_pass(signals: np.ndarray, rate: float, low: float, high: float) -> np.ndarray:
    """Pass a band, forwards and backwards; without its upper end where the rate is too low."""
    band, kind = ((low, high), "bandpass") if high < 0.45 * rate else (low, "highpass")
    sections, at_rest = _filter(band, kind, rate)
    n, padding = signals.shape[1], min(round(2 * rate), signals.shape[1] - 1)
    parts = signals[:, padding:0:-1], signals, signals[:, -2 : -padding - 2 : -1]
    passed = np.concatenate(parts, axis=1)
    for _ in range(2):  # forwards, then backwards
        begin = at_rest * passed[:, :1]
        passed = sosfilt(sections, passed, axis=1, zi=begin)[0][:, ::-1]
    return passed[:, padding : padding + n]


@lru_cache(maxsize=16)
def _filter(
    band: tuple[float, float] | float, kind: str, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sections of a filter, and what they hold at rest on 1, (n_sections, 1, 2)."""
    sections = butter(2, band, kind, fs=rate, output="sos")
    return sections, sosfilt_zi(sections)[:, None, :]
