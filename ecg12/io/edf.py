"""EDF, EDF+ and BDF: the European Data Format and its kind of 24 bits.

A file is a header of 256 bytes, 256 more for each signal, and data records of equal duration, each
of which holds the samples of every signal in turn: int16 in EDF, 24 bits in BDF. A signal has its
own rate, unit and scale; physical and digital minimum and maximum give the scale. EDF+ adds a
signal of annotations, which are not read here, and recordings with gaps (EDF+D, BDF+D), which are
refused: a gap would shift everything after it.

Twelve-lead recordings come from converters and Holter systems. The leads must share one rate;
signals of another rate, such as respiration, are left out by name. Only the header and the data
records that are asked for are read, whatever the length of the file.

Sources: Kemp et al. (1992), Electroencephalogr Clin Neurophysiol 82, 391-393; Kemp and Olivan
(2003), Clin Neurophysiol 114, 1755-1761, www.edfplus.info; BioSemi's description of BDF. The header
is parsed by the library edfio.
"""

import io
import logging
import math
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ecg12.io.demographics import age_between
from ecg12.io.headers import GAINS, RATES
from ecg12.io.leads import LEADS, standard_lead
from ecg12.io.record import MILLIVOLTS_PER_UNIT, MISSING, Record
from ecg12.runtime.errors import RecordError
from ecg12.runtime.optional_deps import require_extra

log = logging.getLogger(__name__)

NAME = "EDF/BDF"
SUFFIXES = (".edf", ".bdf", ".rec")
MARKS = {b"0       ": 2, b"\xffBIOSEMI": 3}  # bytes per sample
BLOCK = 256  # bytes of the header, and of what it says of each signal
MOST_SIGNALS = 1024
LARGEST_READ = 2**29  # bytes; 30 min of 12 leads at 1 kHz in 24 bits take 2**26
MISSING_BDF = -(2**23)
SEXES = {"M": "Male", "F": "Female"}


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where the samples lie: sizes in bytes, duration of a data record in s, samples in each."""

    header: int
    width: int
    duration: float
    n_records: int
    n_samples: tuple[int, ...]

    @property
    def record(self) -> int:
        return self.width * sum(self.n_samples)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Channel:
    """One signal: digital = gain x physical + offset."""

    name: str
    rate: float
    unit: str
    gain: float
    offset: float
    digital: np.ndarray

    @property
    def is_voltage(self) -> bool:
        return self.unit.lower() in MILLIVOLTS_PER_UNIT


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is EDF or BDF."""
    return head[:8] in MARKS and (head[184:192].strip() or b"x").isdigit()


def read(path: Path, seconds: float | None = None) -> Record:
    """Read an EDF, EDF+C or BDF recording.

    Parameters
    ----------
    path
        The file.
    seconds
        Read only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If it is truncated or has gaps, if none of its signals is one of the twelve leads, or if
        those differ in rate or have a unit that is no voltage.
    InputError
        If the library edfio is not installed.
    """
    path = Path(path)
    with require_extra("reading EDF", "edf"):
        import edfio  # noqa: F401
    try:
        with path.open("rb") as file:
            layout, head = _layout(file, path)
            size = _wanted(layout, seconds) * layout.record
            if size > LARGEST_READ:
                raise RecordError(f"{path}: more than {LARGEST_READ} bytes of samples")
            edf = _parsed(head + file.read(size), layout.width, path)
    except OSError as error:
        raise RecordError(f"{path}: {error.strerror}") from error
    record = _record(path, _leads_and_more(_channels(edf, path), path), edf)
    missing = MISSING if layout.width == 2 else MISSING_BDF
    n_samples = None if seconds is None else max(1, math.ceil(seconds * record.rate))
    return replace(record, stored=record.stored[:, :n_samples], missing=missing)


def _layout(file: BinaryIO, path: Path) -> tuple[_Layout, bytes]:
    """Read the header; return the layout, whose data records are in the file, and its bytes."""
    head = file.read(BLOCK)
    if len(head) < BLOCK or not recognises(head):
        raise RecordError(f"{path}: not an EDF or BDF recording")
    if head[192:197] in (b"EDF+D", b"BDF+D"):
        raise RecordError(f"{path}: {head[192:197].decode()}, a recording with gaps; not read")
    n_signals = int(_number(head[252:256], 1, MOST_SIGNALS, "signals", path))
    head += file.read(BLOCK * n_signals)
    start = BLOCK + 216 * n_signals  # past label, transducer, unit, ranges and filter
    counts = (head[at : at + 8] for at in range(start, start + 8 * n_signals, 8))
    layout = _Layout(
        header=int(_number(head[184:192], len(head), len(head), "bytes in the header", path)),
        width=MARKS[head[:8]],
        duration=_number(head[244:252], 1e-6, 1e6, "seconds in a data record", path),
        n_records=int(_number(head[236:244], -1, 1e8, "data records", path)),
        n_samples=tuple(
            int(_number(count, 0, 1e8, "samples in a data record", path)) for count in counts
        ),
    )
    return replace(layout, n_records=_held(file, path, layout)), head


def _number(field: bytes, low: float, high: float, what: str, path: Path) -> float:
    """Read a number between `low` and `high`; the message quotes no text of the file."""
    try:
        value = float(field)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise RecordError(f"{path}: damaged EDF header: {value:g} {what}")
    return value


def _held(file: BinaryIO, path: Path, layout: _Layout) -> int:
    """Return the number of data records; -1 in the header means that the recorder did not say."""
    if not layout.record:
        raise RecordError(f"{path}: damaged EDF header: data records without samples")
    held = (os.fstat(file.fileno()).st_size - layout.header) // layout.record
    announced = held if layout.n_records == -1 else layout.n_records
    if not 1 <= announced <= held:
        raise RecordError(f"{path}: truncated: {announced} data records announced, {held} held")
    return announced


def _wanted(layout: _Layout, seconds: float | None) -> int:
    """Return how many data records hold the first seconds."""
    if seconds is None:
        return layout.n_records
    return max(1, math.ceil(min(seconds / layout.duration, layout.n_records)))


def _parsed(data: bytes, width: int, path: Path) -> Any:
    """Let edfio parse the header and the data records that were read."""
    import edfio

    parse = edfio.read_edf if width == 2 else edfio.read_bdf
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fewer data records than announced: wanted so
            return parse(io.BytesIO(data), header_encoding="latin-1")
    except Exception as error:  # the library lets nearly anything out of a damaged header
        raise RecordError(f"{path}: damaged EDF header: {type(error).__name__}") from error


def _channels(edf: Any, path: Path) -> list[_Channel]:
    """Return the signals that are no annotations.

    A value is physical maximum + (digital - digital maximum) / gain.
    """
    channels = []
    for signal in edf.signals:
        try:
            (low, high), (least, most) = signal.physical_range, signal.digital_range
            gain = (most - least) / (high - low)
            offset = most - high * gain
        except (ValueError, ArithmeticError):
            gain = offset = math.nan
        channels.append(
            _Channel(
                name=standard_lead(signal.label),
                rate=float(signal.sampling_frequency),
                unit=signal.physical_dimension.strip().removeprefix("\u00c2"),  # of UTF-8's µ
                gain=gain if GAINS[0] <= abs(gain) <= GAINS[1] else math.nan,
                offset=offset,
                digital=signal.digital,
            )
        )
    if not channels:
        raise RecordError(f"{path}: no signals but annotations")
    return channels


def _leads_and_more(channels: list[_Channel], path: Path) -> list[_Channel]:
    """Return the leads, which must fit together, and other voltages of their rate; log the rest."""
    leads = [channel for channel in channels if channel.name in LEADS]
    names = [channel.name for channel in leads]
    if not leads or len(set(names)) < len(names):
        found = ", ".join(channel.name for channel in channels)
        raise RecordError(f"{path}: signals {found}; the twelve leads are wanted, each once")
    rates = {f"{channel.rate:g}": channel.name for channel in leads}
    if len(rates) > 1 or not RATES[0] <= leads[0].rate <= RATES[1]:
        found = ", ".join(f"{name} {rate} Hz" for rate, name in rates.items())
        raise RecordError(f"{path}: leads of different or impossible rates ({found}) are not read")
    for lead in leads:
        if not lead.is_voltage or math.isnan(lead.gain):
            raise RecordError(
                f"{path}: lead {lead.name} has unit {lead.unit!r} and gain {lead.gain:g} per unit; "
                f"units read are {', '.join(MILLIVOLTS_PER_UNIT)}"
            )
    kept = [c for c in channels if c in leads or (c.is_voltage and c.rate == leads[0].rate)]
    if left := [channel.name for channel in channels if channel not in kept]:
        log.info("%s: no voltage of the leads' rate, left out: %s", path, ", ".join(left))
    return kept


def _record(path: Path, channels: list[_Channel], edf: Any) -> Record:
    age, sex = _patient(edf)
    return Record(
        path.stem,
        np.array([channel.digital for channel in channels]),
        np.array([channel.gain for channel in channels]),
        np.array([channel.offset for channel in channels]),
        tuple(channel.unit for channel in channels),
        tuple(channel.name for channel in channels),
        channels[0].rate,
        age,
        sex,
    )


def _patient(edf: Any) -> tuple[float | None, str | None]:
    """Return age and sex, which only EDF+ and BDF+ hold; None for what is unknown."""
    if not edf.reserved.startswith(("EDF+", "BDF+")):
        return None, None
    try:
        age = age_between(edf.patient.birthdate, edf.recording.startdate)
    except (ValueError, LookupError):
        age = None
    return age, SEXES.get(edf.patient.sex)
