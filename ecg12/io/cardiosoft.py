"""GE CardioSoft and CASE: XML with the root `CardiologyXML`, as in the UK Biobank.

`StripData` is the recording: `SampleRate` in Hz, `Resolution` in microvolts per step and one
`WaveformData` per lead, whose numbers stand in decimal, between commas. The averaged beats
(`RestingECGMeasurements/MedianSamples`) and the whole of an exercise test (`FullDisclosure`) are
not read.

Source: files of the UK Biobank, field 20205, and the reader's checks on them: lead III is II - I.
"""

import math
from datetime import date
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ecg12.io.channels import Channel, recording
from ecg12.io.demographics import patient_age, patient_sex
from ecg12.io.headers import GAINS, LARGEST, SHOWN
from ecg12.io.record import Record
from ecg12.io.statements import without_people
from ecg12.io.xml_file import attribute, number, numbers, read_root, root_name, text
from ecg12.runtime.errors import RecordError

NAME = "CardioSoft XML"
SUFFIXES = (".xml",)
ROOT = "CardiologyXML"
IDENTIFIER = "PatientInfo/PID"
STATEMENTS = ("ConclusionText", "DiagnosisText")  # of a person, of the device
UNITS = ("", "uvperlsb")  # of the resolution, in small letters


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is CardioSoft XML."""
    return root_name(head) == ROOT


def read(path: Path, seconds: float | None = None) -> Record:
    """Read the recording of a CardioSoft file.

    Parameters
    ----------
    path
        The file.
    seconds
        Keep only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If it has no StripData or several, or if its leads are damaged or differ in length.
    """
    path = Path(path)
    root = read_root(path, ROOT)
    strips = [strip for strip in root.iter("StripData") if strip.find("WaveformData") is not None]
    if len(strips) != 1:
        others = " but FullDisclosure" if root.find("FullDisclosure") is not None else ""
        raise RecordError(f"{path}: {NAME} of {len(strips)} StripData{others}; one is read")
    rate, step = _scale(strips[0], path)
    return recording(
        path,
        _channels(strips[0], 1 / step, path),
        rate,
        age=_age(root),
        sex=patient_sex(text(root, "PatientInfo/Gender")),
        seconds=seconds,
    )


def statements(path: Path) -> tuple[str, ...]:
    """Return the conclusion or, without one, the device's diagnosis, without names of people.

    Raises
    ------
    RecordError
        If the file is damaged or no CardioSoft XML.
    """
    root = read_root(Path(path), ROOT)
    said = ([node.text or "" for node in root.iter(name)] for name in STATEMENTS)
    names = (" ".join(name.itertext()) for name in root.iter("Name"))
    return without_people(
        next((texts for texts in said if any(texts)), []), (*names, text(root, IDENTIFIER))
    )


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file is damaged or of another format.
    """
    return text(read_root(Path(path), ROOT), IDENTIFIER)


def _scale(strip: Element, path: Path) -> tuple[float, float]:
    """Return the rate in Hz and the microvolts per step."""
    rate, step = number(strip, "SampleRate"), number(strip, "Resolution")
    unit = attribute(strip.find("Resolution"), "units")
    if unit.lower() not in UNITS or not 1 / GAINS[1] <= step <= 1 / GAINS[0]:
        raise RecordError(f"{path}: Resolution {step:g} {unit[:SHOWN]!r} is not in uVperLsb")
    return rate, step


def _channels(strip: Element, gain: float, path: Path) -> list[Channel]:
    """Return the leads, all as long as is announced, if it is."""
    channels = []
    announced = number(strip, "ChannelSampleCountTotal")
    for position, waveform in enumerate(strip.iterfind("WaveformData"), 1):
        samples = numbers(waveform.text or "", ",")
        if (
            samples is None
            or samples.dtype.kind != "i"
            or np.abs(samples).max(initial=0) >= LARGEST
        ):
            raise RecordError(f"{path}: WaveformData {position} is no list of 32-bit numbers")
        if not math.isnan(announced) and announced != len(samples):
            raise RecordError(
                f"{path}: WaveformData {position}: {len(samples)} samples, {announced:g} announced"
            )
        lead = attribute(waveform, "lead")
        channels.append(Channel(lead=lead, samples=samples.astype(np.int32), gain=gain, unit="uV"))
    return channels


def _age(root: Element) -> float | None:
    """Return the age as written, or from the dates of birth and recording; None if unknown."""
    years, unit = number(root, "PatientInfo/Age"), attribute(root.find("PatientInfo/Age"), "units")
    born, day = _date(root, "PatientInfo/BirthDateTime"), _date(root, "ObservationDateTime")
    return patient_age(years, unit, born, day)


def _date(root: Element, name: str) -> date | None:
    written = root.find(name)
    try:
        return date(*(int(number(written, part)) for part in ("Year", "Month", "Day")))
    except (ValueError, OverflowError):
        return None
