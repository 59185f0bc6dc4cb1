"""EDF, EDF+ and BDF: the European Data Format and its kind of 24 bits.

A file is a header of 256 bytes, 256 more for each signal, and data records of equal duration, each
of which holds the samples of every signal in turn: int16 in EDF, 24 bits in BDF. A signal has its
own rate, unit and scale; physical and digital minimum and maximum give the scale. EDF+ adds a
signal of annotations, which are not read here, and recordings that may have gaps (EDF+D, BDF+D).
One that has is refused, for a gap would shift everything after it; each data record says when it
begins, and many recordings so marked have none.

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
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ecg12.io.channels import Channel, check_rate, recording
from ecg12.io.demographics import age_between, patient_sex
from ecg12.io.edf_layout import Layout, read_layout, recognises
from ecg12.io.leads import LEADS, standard_leads
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import MILLIVOLTS_PER_UNIT, MISSING, Record
from ecg12.runtime.errors import RecordError, file_error
from ecg12.runtime.optional_deps import require_extra

__all__ = ["EXTRA", "NAME", "SUFFIXES", "identifier", "open_record", "read", "recognises"]

log = logging.getLogger(__name__)

NAME = "EDF/BDF"
EXTRA = "edf"
SUFFIXES = (".edf", ".bdf", ".rec")
LARGEST_READ = 2**29  # bytes; 30 min of 12 leads at 1 kHz in 24 bits take 2**26
MISSING_BDF = -(2**23)
UNITS = ("nV", "uV", "mV", "V")


def read(path: Path, seconds: float | None = None) -> Record:
    """Read an EDF, EDF+ or BDF recording.

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
    """Open an EDF, EDF+ or BDF recording, to read stretches of it.

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
            layout, head = read_layout(file, path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    found = _channels(_data_records(path, layout, head, range(1)))
    channels, rate = _of_one_rate(found, path)
    names = {channel.lead for channel in channels}
    if left := [channel.lead for channel, _ in found if channel.lead not in names]:
        log.info("%s: left out, no voltage of the leads' rate: %s", path, ", ".join(left))
    check_rate(path, rate)
    each = len(channels[0].samples)
    if each < 1:
        raise RecordError(f"{path}: no samples in a data record")
    return OpenRecord(
        name=path.stem, rate=rate, n_samples=each * layout.n_records,
        read=partial(_stretch, path, layout, head, each),
    )  # fmt: skip


def _stretch(path: Path, layout: Layout, head: bytes, each: int, first: int, n: int) -> Record:
    """Read samples of a recording whose data records hold `each` samples of a lead."""
    records = range(first // each, -(-(first + n) // each))
    edf = _data_records(path, layout, head, records)
    channels, rate = _of_one_rate(_channels(edf), path)
    begin = first - each * records.start
    channels = [replace(one, samples=one.samples[begin : begin + n]) for one in channels]
    age, sex = _patient(edf)
    missing = MISSING if layout.width == 2 else MISSING_BDF
    return recording(path, channels, rate, age=age, sex=sex, missing=missing)


def _data_records(path: Path, layout: Layout, head: bytes, wanted: range) -> Any:
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


def identifier(path: Path) -> str:
    """Return the patient's code, which only EDF+ and BDF+ hold, or ""; never to be shown.

    Raises
    ------
    RecordError
        If the file cannot be read or is of another format.
    """
    try:
        with path.open("rb") as file:
            _, head = read_layout(file, path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    plus = head[192:196] in (b"EDF+", b"BDF+")
    code = head[8:88].decode("latin-1").partition(" ")[0] if plus else ""
    return "" if code == "X" else code


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
