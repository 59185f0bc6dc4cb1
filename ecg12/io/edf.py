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
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ecg12.io.channels import Channel, recording
from ecg12.io.demographics import age_between, patient_sex
from ecg12.io.leads import LEADS, standard_leads
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import MILLIVOLTS_PER_UNIT, MISSING, Record
from ecg12.runtime.errors import RecordError, file_error
from ecg12.runtime.optional_deps import require_extra

log = logging.getLogger(__name__)

NAME = "EDF/BDF"
EXTRA = "edf"
SUFFIXES = (".edf", ".bdf", ".rec")
MARKS = {b"0       ": 2, b"\xffBIOSEMI": 3}  # bytes per sample
BLOCK = 256  # bytes of the header, and of what it says of each signal
MOST_SIGNALS = 1024
LARGEST_READ = 2**29  # bytes; 30 min of 12 leads at 1 kHz in 24 bits take 2**26
MISSING_BDF = -(2**23)
UNITS = ("nV", "uV", "mV", "V")


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
        If it is truncated or has gaps, if the leads differ in rate or have a unit that is no
        voltage, or if they are no twelve-lead recording (see `channels.recording`).
    InputError
        If the library edfio is not installed.
    """
    return open_record(path).cut(0.0, seconds)


def open_record(path: Path) -> OpenRecord:
    """Open an EDF, EDF+C or BDF recording, to read stretches of it.

    Raises
    ------
    RecordError, InputError
        As `read`.
    """
    path = Path(path)
    with require_extra("reading EDF", EXTRA):
        import edfio  # noqa: F401
    try:
        with path.open("rb") as file:
            layout, head = _layout(file, path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    found = _channels(_data_records(path, layout, head, range(1)))
    channels, rate = _of_one_rate(found, path)
    names = {channel.lead for channel in channels}
    if left := [channel.lead for channel, _ in found if channel.lead not in names]:
        log.info("%s: left out, no voltage of the leads' rate: %s", path, ", ".join(left))
    each = len(channels[0].samples)
    return OpenRecord(
        name=path.stem, rate=rate, n_samples=each * layout.n_records,
        read=partial(_stretch, path, layout, head, each),
    )  # fmt: skip


def _stretch(path: Path, layout: _Layout, head: bytes, each: int, first: int, n: int) -> Record:
    """Read samples of a recording whose data records hold `each` samples of a lead."""
    records = range(first // each, -(-(first + n) // each))
    edf = _data_records(path, layout, head, records)
    channels, rate = _of_one_rate(_channels(edf), path)
    begin = first - each * records.start
    channels = [replace(one, samples=one.samples[begin : begin + n]) for one in channels]
    age, sex = _patient(edf)
    missing = MISSING if layout.width == 2 else MISSING_BDF
    return recording(path, channels, rate, age=age, sex=sex, missing=missing)


def _data_records(path: Path, layout: _Layout, head: bytes, wanted: range) -> Any:
    """Read some data records as edfio does."""
    size = len(wanted) * layout.record
    if size > LARGEST_READ:
        raise RecordError(f"{path}: more than {LARGEST_READ} bytes of samples")
    try:
        with path.open("rb") as file:
            file.seek(layout.header + wanted.start * layout.record)
            return _parsed(head + file.read(size), layout.width, path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error


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


def _channels(edf: Any) -> list[tuple[Channel, float]]:
    """Return the signals that are no annotations, and their rates in Hz.

    A value is physical maximum + (digital - digital maximum) / gain.
    """
    channels = []
    leads = standard_leads(signal.label for signal in edf.signals)
    for signal, lead in zip(edf.signals, leads, strict=True):
        try:
            (low, high), (least, most) = signal.physical_range, signal.digital_range
            gain = (most - least) / (high - low)
            offset = most - high * gain
        except (ValueError, ArithmeticError):
            gain = offset = math.nan
        channel = Channel(
            lead=lead,
            samples=signal.digital,
            gain=gain,
            offset=offset,
            unit=signal.physical_dimension.strip().removeprefix("\u00c2"),  # of UTF-8's µ
        )
        channels.append((channel, float(signal.sampling_frequency)))
    return channels


def _of_one_rate(channels: list[tuple[Channel, float]], path: Path) -> tuple[list[Channel], float]:
    """Return the leads and other voltages of their rate, and that rate."""
    leads = [(channel, rate) for channel, rate in channels if channel.lead in LEADS]
    if not leads:
        raise RecordError(f"{path}: none of the twelve leads among {len(channels)} signals")
    rates = {rate: channel.lead for channel, rate in leads}
    if len(rates) != 1:
        found = ", ".join(f"{lead} {rate:g} Hz" for rate, lead in rates.items())
        raise RecordError(f"{path}: the twelve leads must have one rate; found: {found}")
    for lead, _ in leads:
        if not _is_voltage(lead):
            raise RecordError(
                f"{path}: lead {lead.lead} in {lead.unit!r}; read are {', '.join(UNITS)}"
            )
    (wanted,) = rates
    kept = [channel for channel, rate in channels if rate == wanted and _is_voltage(channel)]
    return kept, wanted


def _is_voltage(channel: Channel) -> bool:
    return channel.unit.lower() in MILLIVOLTS_PER_UNIT


def _patient(edf: Any) -> tuple[float | None, str | None]:
    """Return age and sex, which only EDF+ and BDF+ hold; None for what is unknown."""
    if not edf.reserved.startswith(("EDF+", "BDF+")):
        return None, None
    try:
        age = age_between(edf.patient.birthdate, edf.recording.startdate)
    except (ValueError, LookupError):
        age = None
    return age, patient_sex(edf.patient.sex)
