"""The rhythm waveform of a MUSE file: sampling rate, stored leads, and those that follow."""

import binascii
import logging
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ecg12.io.channels import check_chest
from ecg12.io.headers import GAINS, RATES
from ecg12.io.leads import LEADS, LIMB_LEADS, standard_lead
from ecg12.io.record import MISSING
from ecg12.io.xml_file import number, text
from ecg12.runtime.errors import RecordError

log = logging.getLogger(__name__)

LARGEST_SAMPLE = 32767
UNITS = {"NANOVOLTS": "nV", "MICROVOLTS": "uV", "MILLIVOLTS": "mV", "VOLTS": "V"}
USUAL_UNIT = "MICROVOLTS"  # the format's default
# Twice each derived limb lead as multiples of I and II (Einthoven, Goldberger): whole numbers.
DERIVED = {
    lead: (round(2 * one), round(2 * two))
    for lead, (one, two) in LIMB_LEADS.items()
    if lead not in ("I", "II")
}


@dataclass(frozen=True, eq=False)
class Lead:
    """Samples of one lead, (n_samples,) int16, with stored units per physical unit."""

    samples: np.ndarray
    gain: float
    unit: str


def rhythms(root: Element, path: Path) -> list[Element]:
    """Return the waveforms that are the recording: usually one, of several each has other leads.

    Raises
    ------
    RecordError
        If there is none.
    """
    found = [
        waveform
        for waveform in root.iterfind("Waveform")
        if text(waveform, "WaveformType").lower() == "rhythm"
    ]
    if not found:
        n_others = len(root.findall("Waveform"))
        raise RecordError(f"{path}: no Waveform of type Rhythm among {n_others}")
    return found


def rhythm_leads(root: Element, path: Path) -> tuple[dict[str, Lead], float]:
    """Return the stored leads of all rhythm waveforms by name, and their rate in Hz.

    Raises
    ------
    RecordError
        If there is no such waveform, if several differ in rate or length, or share a lead, if other
        leads are in the place of chest leads; or as `sampling_rate` and `stored_leads`.
    """
    waveforms = rhythms(root, path)
    rates = [sampling_rate(waveform, path) for waveform in waveforms]
    leads: dict[str, Lead] = {}
    for waveform in waveforms:
        more = stored_leads(waveform, path)
        if twice := [lead for lead in more if lead in leads and lead in LEADS]:
            raise RecordError(f"{path}: lead {twice[0]} in two Rhythm waveforms")
        leads |= more
    lengths = {len(lead.samples) for lead in leads.values()}
    if len(set(rates)) > 1 or len(lengths) > 1:
        raise RecordError(
            f"{path}: {len(waveforms)} Rhythm waveforms at {rates} Hz of {sorted(lengths)} samples"
        )
    check_chest(path, leads)
    return leads, rates[0]


def sampling_rate(waveform: Element, path: Path) -> float:
    """Return SampleBase × 10^SampleExponent in Hz; without an exponent it is 0.

    Raises
    ------
    RecordError
        If that is no sampling rate.
    """
    base, exponent = number(waveform, "SampleBase"), number(waveform, "SampleExponent")
    exponent = 0.0 if math.isnan(exponent) else exponent
    rate = base * 10.0**exponent if abs(exponent) < 10 else math.nan
    if not RATES[0] <= rate <= RATES[1]:
        raise RecordError(
            f"{path}: SampleBase {base:g}, SampleExponent {exponent:g} cannot be a sampling rate; "
            f"{RATES[0]:g} to {RATES[1]:g} Hz are read"
        )
    return rate


def stored_leads(waveform: Element, path: Path) -> dict[str, Lead]:
    """Return the stored leads by name, all of one length.

    Which checksums are wrong, and which leads were off, is logged.

    Raises
    ------
    RecordError
        If a lead stands twice, is damaged or holds fewer or more samples than announced, if the
        leads differ in length or time, or if there are none.
    """
    leads: dict[str, Lead] = {}
    damaged, off, begins = [], [], set()
    for element in waveform.iterfind("LeadData"):
        name = standard_lead(text(element, "LeadID"))
        shown = name if name in LEADS else f"number {len(leads) + 1}"
        if name in leads:
            raise RecordError(f"{path}: lead {shown} stands twice")
        data = _decoded(element, f"{path}: lead {shown}")
        if not _checksum_agrees(element, data):
            damaged.append(shown)
        if text(element, "LeadOff").upper() == "TRUE":
            off.append(shown)
        begins.add(0.0 if math.isnan(begin := number(element, "LeadTimeOffset")) else begin)
        leads[name] = Lead(np.frombuffer(data, "<i2"), *_scale(element))
    lengths = {len(lead.samples) for lead in leads.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise RecordError(
            f"{path}: {len(leads)} leads of {sorted(lengths)} samples; a recording needs one "
            "lead or more, all of one length"
        )
    if len(begins) > 1:
        raise RecordError(f"{path}: leads that begin at {sorted(begins)} (LeadTimeOffset)")
    if off:
        log.warning("%s: lead %s was off (LeadOff)", path, ", ".join(off))
    if damaged:
        log.warning("%s: wrong checksum (LeadDataCRC32) of lead %s", path, ", ".join(damaged))
    return leads


def _decoded(element: Element, where: str) -> bytes:
    """Return the bytes of a lead, which are as many as the file announces, if it does."""
    if text(element, "LeadSampleSize") not in ("", "2"):
        raise RecordError(f"{where}: LeadSampleSize is not 2; only 16-bit samples are read")
    encoded = element.findtext("WaveFormData") or ""
    for blank in "\n\t ":
        encoded = encoded.replace(blank, "")
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError as error:  # binascii.Error, or text that is not ASCII
        raise RecordError(f"{where}: WaveFormData is not base64: {error}") from None
    announced = number(element, "LeadSampleCountTotal")
    if len(data) % 2 or (not math.isnan(announced) and 2 * announced != len(data)):
        raise RecordError(
            f"{where}: LeadSampleCountTotal {announced:g}, but WaveFormData has {len(data)} bytes"
        )
    return data


def _checksum_agrees(element: Element, data: bytes) -> bool:
    """Compare with CRC-32, written signed or unsigned; a lead without checksum agrees."""
    written = text(element, "LeadDataCRC32")
    return not written or number(element, "LeadDataCRC32") % 2**32 == zlib.crc32(data)


def _scale(element: Element) -> tuple[float, str]:
    """Return stored units per physical unit, NaN where step or unit are unknown, and the unit."""
    unit = UNITS.get(text(element, "LeadAmplitudeUnits").upper() or USUAL_UNIT)
    step = number(element, "LeadAmplitudeUnitsPerBit")
    known = unit is not None and GAINS[0] <= abs(step) <= GAINS[1]
    return (1 / step if known else math.nan), unit or UNITS[USUAL_UNIT]


def with_derived(leads: dict[str, Lead]) -> dict[str, Lead]:
    """Add the limb leads that follow from I and II, in half their steps: nothing is rounded.

    What one of the two misses, the derived leads miss too; beyond the range of int16 they
    saturate. Where I and II differ in scale or have none, nothing is added.
    """
    one, two = leads.get("I"), leads.get("II")
    if one is None or two is None or one.unit != two.unit or one.gain != two.gain:
        return leads  # a gain of NaN equals none
    missing = (one.samples == MISSING) | (two.samples == MISSING)
    first, second = one.samples.astype(np.int32), two.samples.astype(np.int32)
    derived = {}
    for name, (a, b) in DERIVED.items():
        doubled = np.clip(a * first + b * second, -LARGEST_SAMPLE, LARGEST_SAMPLE)
        doubled[missing] = MISSING
        derived[name] = Lead(doubled.astype(np.int16), 2 * one.gain, one.unit)
    return derived | leads
