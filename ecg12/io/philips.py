"""Philips PageWriter and TraceMaster: XML of the Sierra ECG family, versions 1.03 to 1.04.02.

The root is `restingecgdata`, in UTF-8 (documents of type SierraECG) or UTF-16 (PhilipsECG). One
element, `parsedwaveforms`, holds all leads, in base64 and compressed by XLI; rate and microvolts
per step stand in its attributes or in `signalcharacteristics`. The representative beats,
`repbeats`, are not the recording.

A recording of 10 s is stored as 11 s: in its last second there is a calibration pulse of 1 mV in
every lead, then zeros. Only the first 10 s are read.

Source: the examples and the decoder of github.com/sixlettervariables/sierra-ecg-tools (MIT), which
describe the format; Philips publishes no more than the XML schema.
"""

import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ecg12.io.channels import Channel, check_rate, recording
from ecg12.io.demographics import parse_date, patient_age, patient_sex
from ecg12.io.headers import GAINS, SHOWN
from ecg12.io.lead_names import INVERTED
from ecg12.io.leads import LEADS, standard_lead
from ecg12.io.philips_xli import decode_lead
from ecg12.io.record import Record
from ecg12.io.statements import without_people
from ecg12.io.xml_file import attribute, finite, number, read_root, root_name, text
from ecg12.runtime.errors import RecordError

NAME = "Philips XML"
SUFFIXES = (".xml",)
ROOT = "restingecgdata"
VERSIONS = ("1.03", "1.04", "1.04.01", "1.04.02")
SECONDS = 10.0  # what follows is a calibration pulse
MOST_LEADS, FEWEST_SAMPLES, MOST_SAMPLES = 16, 2, 2**15  # per lead; a minute at 500 Hz
DERIVED = (*LEADS[2:6], *INVERTED)  # limb leads of which what is stored is no voltage
STANDARD_SETS = ("STD-12", "10-WIRE")  # names of the twelve leads in the usual order
PATIENT = "patient/generalpatientdata"
IDENTIFIERS = ("MRN", "patientid", "uniquepatientid")
_PERSON = re.compile(r"\w*(?:name|clinician|physician|doctor|operator|editor)\w*")
LARGEST_SAMPLE = 32767


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """What the file says of its waveforms: leads, rate in Hz, samples, µV per step, value of 0."""

    leads: tuple[str, ...]
    rate: float
    n_samples: int
    step: float
    offset: float


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is Philips XML."""
    return root_name(head) == ROOT


def read(path: Path, seconds: float | None = None) -> Record:
    """Read the first 10 s of a Philips recording.

    Parameters
    ----------
    path
        The file.
    seconds
        Read only the first seconds.

    Raises
    ------
    RecordError
        If its version or its compression is not known, if its samples are damaged or not as many as
        announced, or if it has one of the leads `DERIVED` in an order that is not the usual one.
    """
    path = Path(path)
    root = read_root(path, ROOT)
    version = text(root, "documentinfo/documentversion")
    if version not in VERSIONS:
        raise RecordError(
            f"{path}: Philips XML of version {version[:SHOWN]!r}; read are {', '.join(VERSIONS)}"
        )
    waveforms = root.find("waveforms/parsedwaveforms")
    if waveforms is None:
        raise RecordError(f"{path}: Philips XML without parsedwaveforms")
    layout = _layout(root, waveforms, path)
    channels = [
        Channel(
            lead=lead, samples=row.astype(np.int16), gain=1 / layout.step, offset=layout.offset,
            unit="uV",
        )
        for lead, row in zip(layout.leads, _signals(waveforms, layout, path), strict=True)
    ]  # fmt: skip
    sex = patient_sex(text(root, f"{PATIENT}/sex"))
    seconds = SECONDS if seconds is None else min(seconds, SECONDS)
    return recording(path, channels, layout.rate, age=_age(root), sex=sex, seconds=seconds)


def statements(path: Path) -> tuple[str, ...]:
    """Return the statements of the interpretation and its severity, without names of people.

    The reasons that stand beside the statements ("rate< 50") are left out.

    Raises
    ------
    RecordError
        If the file is damaged or no Philips XML.
    """
    root = read_root(Path(path), ROOT)
    said = [
        text(node, name).strip(" -<>")
        for interpretation in root.iter("interpretation")
        for node, name in (
            *((statement, "leftstatement") for statement in interpretation.iter("statement")),
            (interpretation, "severity"),
        )
    ]
    people = (node.text or "" for node in root.iter() if _PERSON.fullmatch(node.tag))
    identifiers = (text(root, f"{PATIENT}/{name}") for name in IDENTIFIERS)
    return without_people(said, (*people, *identifiers))


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file is damaged or of another format.
    """
    root = read_root(Path(path), ROOT)
    return next(filter(None, (text(root, f"{PATIENT}/{name}") for name in IDENTIFIERS)), "")


def _layout(root: Element, waveforms: Element, path: Path) -> _Layout:
    """Read the layout from the attributes or, in version 1.03, from elsewhere; check it."""
    signal = root.find("dataacquisition/signalcharacteristics")

    def value(name: str, *elements: str) -> float:
        written = [attribute(waveforms, name), *(text(signal, element) for element in elements)]
        return finite(next(filter(None, written), ""))

    rate, duration = value("samplespersecond", "samplingrate"), value("durationperchannel")
    step, offset = value("resolution", "resolution", "signalresolution"), value("", "signaloffset")
    check_rate(path, rate)
    if not FEWEST_SAMPLES <= rate * duration / 1000 <= MOST_SAMPLES:
        raise RecordError(f"{path}: {duration:g} ms at {rate:g} Hz cannot be a Philips recording")
    if not 1 / GAINS[1] <= step <= 1 / GAINS[0]:
        raise RecordError(f"{path}: {step:g} uV per step cannot be a resolution")
    return _Layout(
        leads=_leads(waveforms, signal, path),
        rate=rate,
        n_samples=round(rate * duration / 1000),
        step=step,
        offset=np.nan_to_num(offset).item(),
    )


def _leads(waveforms: Element, signal: Element | None, path: Path) -> tuple[str, ...]:
    """Return the leads in the order of the chunks, as labelled or as the set of leads has them."""
    labels = attribute(waveforms, "leadlabels").split()
    n_leads = finite(attribute(waveforms, "numberofleads") or text(signal, "numberchannelsvalid"))
    if not labels and n_leads == len(LEADS):
        named = {text(signal, "acquisitiontype"), text(signal, "leadset")}
        labels = list(LEADS) if named & set(STANDARD_SETS) else []
    leads = tuple(standard_lead(label) for label in labels)
    if not 1 <= len(leads) <= MOST_LEADS:
        raise RecordError(
            f"{path}: {n_leads:g} leads, {len(leads)} of them named; 1 to {MOST_LEADS} are read"
        )
    return leads


def _signals(waveforms: Element, layout: _Layout, path: Path) -> np.ndarray:
    """Return the samples of all leads, (n_leads, n_samples) int64, within the range of int16."""
    method = attribute(waveforms, "compression") or attribute(waveforms, "compressmethod")
    encoding = attribute(waveforms, "dataencoding")
    if (method.upper(), encoding.lower()) != ("XLI", "base64"):
        raise RecordError(
            f"{path}: waveforms compressed by {method[:SHOWN]!r} in {encoding[:SHOWN]!r}; "
            "read are those compressed by 'XLI' in 'Base64'"
        )
    try:
        data = binascii.a2b_base64("".join((waveforms.text or "").split()), strict_mode=True)
    except ValueError as error:  # binascii.Error, or text that is not ASCII
        raise RecordError(f"{path}: parsedwaveforms is not base64: {error}") from None
    signals = np.empty((len(layout.leads), layout.n_samples), np.int64)
    position = 0
    for row, lead in enumerate(layout.leads):
        where = f"{path}: lead {lead}"
        signals[row], position = decode_lead(data, position, layout.n_samples, where)
    if layout.leads[:6] == LEADS[:6]:
        _add_limb_leads(signals)
    elif left := [lead for lead in layout.leads if lead in DERIVED]:
        raise RecordError(
            f"{path}: XLI stores {', '.join(left)} as differences from what other limb leads give; "
            f"read only where the first leads are {', '.join(LEADS[:6])}"
        )
    if np.abs(signals).max() > LARGEST_SAMPLE:
        raise RecordError(f"{path}: damaged: samples beyond 16 bits")
    return signals


def _add_limb_leads(signals: np.ndarray) -> None:
    """Turn what is stored of III, aVR, aVL, aVF into these leads, in place; halves round down."""
    one, two, three, right, left, foot = signals[:6]
    three[:] = two - one - three
    right[:] = -right - (one + two) // 2
    left[:] = (one - three) // 2 - left
    foot[:] = (two + three) // 2 - foot


def _age(root: Element) -> float | None:
    age = root.find(f"{PATIENT}/age")
    day = attribute(root.find("dataacquisition"), "date")
    born = parse_date(text(age, "dateofbirth"))
    return patient_age(number(age, "years"), "years", born, parse_date(day))
