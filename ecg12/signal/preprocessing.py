"""From a recording to a network's input: one chain for training and inference.

The chain is that of Ansari et al. (MCIRCC, Computing in Cardiology 2020, section 2.3.1): resample
to 250 Hz; remove the baseline, estimated by a median filter of 200 ms and another of 600 ms on its
result; low-pass at 40 Hz (Butterworth, order 5); keep the first 10 s, or pad with zeros to 10 s.

Where the paper is silent: windows are odd (51 and 151 samples), the median repeats the edge
sample, the low-pass runs forwards and backwards (zero phase). One second more than is kept goes
through the filters, which puts their edge effects outside the kept part.

The network of Singstad and Tronstad (2020) takes stored integers instead: 500 Hz, 20 s, no filter.
Its integers are steps of 1 µV in most of the challenge's files, so samples that are physical values
(floats with a gain of 1 and a known unit, as `Record.from_array` makes them) become such steps.

Deviation: paper B's amplitude is taken to be millivolts, which needs the header's gain. Headers
lie about it (the same samples are published with gains that differ five-fold), so by default each
recording is divided by its own amplitude.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ecg12.io.leads import LEADS, LIMB_LEADS, derive_limb_leads
from ecg12.io.record import Record
from ecg12.runtime.errors import RecordError
from ecg12.signal.filters import low_pass, resample
from ecg12.signal.preprocessing_ranges import check_ranges
from ecg12.signal.quantiles import median, quantiles
from ecg12.signal.running_median import cascaded_median

# Prepared signals of another version are not used again. Raise it with every change of reading or
# preprocessing that changes a prepared sample.
CHAIN_VERSION = 2
STORED_VERSION = 3  # the same for the amplitude "stored" alone
STEP = 1 / 1024  # quantisation step of a scaled signal, in its own unit
# What a prepared signal is measured in, and its quantisation step there.
STEPS = {"recording": STEP, "millivolts": STEP, "stored": 1.0}
STORED_STEP = 1e-3  # mV, what physical values become steps of where stored integers are wanted
LARGEST_STORED = 32767  # steps: prepared signals are clipped to the range of int16, ±32 at `STEP`
ROUNDING = 1e-6  # stored units: what is smaller comes from rounding errors, not from the heart
PEAK = 0.99  # share of a lead's samples below its amplitude
SPARE = 0.1  # of a part: what is left of a recording must be more, to be a part of its own
LARGEST_TERM = 10_000  # of the resampling ratio; keeps odd rates within 1 ms over 10 s


@dataclass(frozen=True)
class Preprocessing:
    """What one family of networks expects of its input.

    Attributes
    ----------
    rate
        Sampling rate after resampling, Hz.
    seconds
        Length after cropping or padding, s.
    margin
        Read and filtered beyond that length, then dropped, s.
    medians
        Windows of the cascaded median filters that estimate the baseline, s; none: it is kept.
    cutoff, order
        Low-pass: Butterworth −3 dB frequency of one pass in Hz, or None for no filter; its order.
    zero_phase
        Filter forwards and backwards (−6 dB at `cutoff`) rather than once.
    amplitude
        ``"recording"``: divide by the recording's own amplitude, whatever the header's gain;
        ``"millivolts"``: trust the gain; ``"stored"``: the stored integers, less their offset,
        and of physical values (floats with a gain of 1 and a known unit) steps of 1 µV.
    leads
        Rows of the input, in order.
    parts
        How many stretches of `seconds` of a longer recording are answered, at most; their scores
        are averaged. One: the beginning alone, as in the papers.

    Raises
    ------
    ValueError
        If the amplitude is not known, or a number is beyond `preprocessing_ranges`.
    """

    rate: float = 250.0
    seconds: float = 10.0
    margin: float = 1.0
    medians: tuple[float, ...] = (0.2, 0.6)
    cutoff: float | None = 40.0
    order: int = 5
    zero_phase: bool = True
    amplitude: str = "recording"
    leads: tuple[str, ...] = LEADS
    parts: int = 1

    def __post_init__(self) -> None:
        if self.amplitude not in STEPS:
            raise ValueError(f"unknown amplitude {self.amplitude!r}; choices: {tuple(STEPS)}")
        check_ranges(vars(self))

    @property
    def step(self) -> float:
        """Quantisation step of a prepared signal: times it, the integers are the signal."""
        return STEPS[self.amplitude]

    @property
    def n_samples(self) -> int:
        """Samples per lead of a prepared signal."""
        return round(self.rate * self.seconds)

    @property
    def windows(self) -> tuple[int, ...]:
        """Lengths of the median windows in samples, made odd."""
        return tuple(2 * (round(w * self.rate) // 2) + 1 for w in self.medians)

    @property
    def needed_seconds(self) -> float:
        """How much of the beginning of a recording is used, s."""
        return self.parts * self.seconds + self.margin


def dequantize(prepared: np.ndarray, step: float) -> np.ndarray:
    """Scale prepared int16 signals, (n, n_leads, n_samples), and add the channel axis."""
    return (prepared * np.float32(step))[..., None]


def parts_of(seconds: float, preprocessing: Preprocessing) -> int:
    """Return how many parts a recording of that length has; a rest below `SPARE` adds none."""
    parts = np.ceil(seconds / preprocessing.seconds - SPARE)
    return int(np.clip(parts, 1, preprocessing.parts))


def prepare(record: Record, preprocessing: Preprocessing) -> np.ndarray:
    """Turn the beginning of a recording into a network's input.

    Parameters
    ----------
    record
        Any subset and order of leads, any sampling rate and length.
    preprocessing
        What the network expects.

    Returns
    -------
    np.ndarray
        (n_leads, n_samples) int16; times `preprocessing.step` it is the signal. Missing limb leads
        are derived where Einthoven's law allows, other missing leads are zero.

    Raises
    ------
    RecordError
        If no lead is one of the standard twelve, or if millivolts are asked for and a lead has no
        known gain.
    """
    return prepare_parts(record, replace(preprocessing, parts=1))[0]


def prepare_parts(record: Record, preprocessing: Preprocessing) -> np.ndarray:
    """Turn a recording into as many inputs as it is long, at most `preprocessing.parts`.

    They are evenly spaced from the beginning to the end of what is used, so they overlap where its
    length is no multiple of `seconds`; each is scaled by its own amplitude.

    Returns
    -------
    np.ndarray
        (n_parts, n_leads, n_samples) int16, each as `prepare` describes.

    Raises
    ------
    RecordError
        As for `prepare`.
    """
    n_used = int(np.ceil(preprocessing.needed_seconds * record.rate))
    used = replace(record, stored=record.stored[:, :n_used])
    rows = used.centred
    gaps = np.isnan(rows) if np.isnan(rows.min()) else None
    signals = _standardized(used, rows, gaps, preprocessing)
    n = preprocessing.n_samples
    signals = _filtered(signals, record.rate, preprocessing)[:, : preprocessing.parts * n]
    length = signals.shape[1]
    present = None if gaps is None else _present(used, rows, gaps, preprocessing, length)
    count = parts_of(length / preprocessing.rate, preprocessing)
    starts = np.linspace(0, max(length - n, 0) if count > 1 else 0, count).astype(int)
    prepared = np.zeros((count, len(signals), n), np.int16)
    for part, at in zip(prepared, starts, strict=True):
        there = None if present is None else present[:, at : at + n]
        quantize(signals[:, at : at + n], preprocessing, there, out=part)
    return prepared


def quantize(
    signals: np.ndarray,
    preprocessing: Preprocessing,
    present: np.ndarray | None = None,
    *,
    out: np.ndarray,
) -> None:
    """Scale filtered signals and round them to steps: the end of the chain.

    Parameters
    ----------
    signals
        (n_leads, n) float64.
    preprocessing
        The chain's settings.
    present
        As for `amplitude`.
    out
        (n_leads, at least n) int16, whose rows begin with the result.
    """
    unit = preprocessing.step
    if preprocessing.amplitude == "recording":
        unit *= amplitude(signals, present) or 1.0
    steps = signals / unit
    np.clip(steps, -LARGEST_STORED, LARGEST_STORED, out=steps)
    np.rint(steps, out=out[:, : steps.shape[1]], casting="unsafe")


def amplitude(signals: np.ndarray, present: np.ndarray | None = None) -> float:
    """Return a recording's amplitude: the median over its leads of the 99th percentile of |x|.

    At any heart rate the QRS complexes take up more than a hundredth of the time, so the
    percentile lies on them and not on a spike; leads without signal are left out; 0 if all are.
    Of leads with gaps, only samples that are `present`, bool of the same shape, count.
    """
    sizes = np.abs(signals)
    if present is None:
        peaks = quantiles(sizes, PEAK)
    else:
        known = (row[here] for row, here in zip(sizes, present, strict=True) if here.any())
        peaks = np.array([quantiles(row, PEAK) for row in known])
    peaks = peaks[peaks > ROUNDING]
    return median(peaks) if peaks.size else 0.0


def standardize_leads(record: Record, preprocessing: Preprocessing) -> np.ndarray:
    """Return (n_leads, n_samples) float64: every lead that the network expects, gaps filled.

    Missing samples are interpolated linearly. A lead that never changes counts as missing: an
    unplugged electrode, or a harness that fills absent leads with zeros.

    Raises
    ------
    RecordError
        As for `prepare`.
    """
    rows = record.centred
    gaps = np.isnan(rows) if np.isnan(rows.min()) else None
    return _standardized(record, rows, gaps, preprocessing)


def _standardized(
    record: Record, rows: np.ndarray, gaps: np.ndarray | None, preprocessing: Preprocessing
) -> np.ndarray:
    """Standardize `record.centred`; `gaps` is where it is NaN, None if nowhere."""
    if not set(record.leads) & set(LEADS):
        raise RecordError(f"{record.name}: none of the leads {record.leads} is one of {LEADS}")
    if gaps is not None:
        rows = np.array([_fill(row, gap) for row, gap in zip(rows, gaps, strict=True)])
    units = _units(record, preprocessing)
    if (units != 1).any():
        rows = rows * units[:, None]
    alive = rows.max(axis=1) > rows.min(axis=1)
    if alive.all() and record.leads == preprocessing.leads:
        return rows
    present = {lead: row for lead, row, some in zip(record.leads, rows, alive, strict=True) if some}
    return _arrange(present, preprocessing.leads, rows.shape[1])


def _arrange(present: dict[str, np.ndarray], leads: tuple[str, ...], n: int) -> np.ndarray:
    """Put leads in order, the missing limb leads derived; other missing leads are zero."""
    present = present | derive_limb_leads(present)
    return np.array([present.get(lead, np.zeros(n)) for lead in leads])


def _present(
    record: Record, rows: np.ndarray, gaps: np.ndarray, preprocessing: Preprocessing, n: int
) -> np.ndarray:
    """Return which of n samples of each lead are not interpolated.

    A derived lead lacks the samples that any other limb lead lacks.
    """
    changes = np.fmax.reduce(rows, axis=1) > np.fmin.reduce(rows, axis=1)
    missing = {
        lead: gap for lead, gap, some in zip(record.leads, gaps, changes, strict=True) if some
    }
    limb = [gap for lead, gap in missing.items() if lead in LIMB_LEADS]
    derived = np.array(limb).any(axis=0) if limb else np.zeros(rows.shape[1], bool)
    nearest = (np.arange(n) * (record.rate / preprocessing.rate)).astype(int)
    nearest = np.minimum(nearest, rows.shape[1] - 1)
    chosen = np.array([missing.get(lead, derived) for lead in preprocessing.leads])
    return ~chosen[:, nearest]


def _units(record: Record, preprocessing: Preprocessing) -> np.ndarray:
    """Return the factor from stored units to the network's, or to units common to the leads."""
    resolution = record.resolution
    unknown = np.isnan(resolution)
    if preprocessing.amplitude == "millivolts":
        if unknown.any():
            lead = record.leads[int(np.argmax(unknown))]
            raise RecordError(f"{record.name}: lead {lead} has no gain, so no millivolts")
        return resolution
    if preprocessing.amplitude == "stored":
        is_physical = ~unknown & (record.gains == 1) & (record.stored.dtype.kind == "f")
        return np.where(is_physical, resolution / STORED_STEP, 1.0)
    if unknown.all():
        return np.ones(len(resolution))
    # Leads may differ in gain among themselves; what all share is left out.
    relative = resolution / np.median(np.abs(resolution[~unknown]))
    return np.where(unknown, 1.0, relative)


def _fill(row: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Interpolate gaps linearly, hold the nearest value at the ends; all NaN becomes zero."""
    if not gaps.any():
        return row
    if gaps.all():
        return np.zeros(len(row))
    known = np.flatnonzero(~gaps)
    return np.interp(np.arange(len(row)), known, row[known])


def _filtered(signals: np.ndarray, rate: float, preprocessing: Preprocessing) -> np.ndarray:
    up, down = _ratio(preprocessing.rate, rate)
    if up != down:
        signals = resample(signals, up, down)
    if preprocessing.windows:
        signals = signals - cascaded_median(signals, preprocessing.windows)
    if preprocessing.cutoff is None:
        return signals
    return low_pass(
        signals, preprocessing.cutoff, preprocessing.rate,
        order=preprocessing.order, zero_phase=preprocessing.zero_phase,
    )  # fmt: skip


def _ratio(target: float, rate: float) -> tuple[int, int]:
    """Return target/rate as a ratio of whole numbers of at most `LARGEST_TERM`."""
    small, large = sorted((target, rate))
    ratio = Fraction(small / large).limit_denominator(LARGEST_TERM)
    return ratio.as_integer_ratio() if target < rate else ratio.as_integer_ratio()[::-1]
