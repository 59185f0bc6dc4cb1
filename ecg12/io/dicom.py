"""DICOM waveforms: ECGs as archives for images (PACS) keep them.

A 12-lead, general or ambulatory ECG holds a Waveform Sequence of multiplex groups. A group has one
rate, the number of channels and samples, and the samples of all channels in turn. A channel names
its lead by a code (SCP-ECG or ISO/IEEE 11073) or by a meaning, and its amplitude:

    (stored value x Channel Sensitivity x Sensitivity Correction Factor) + Channel Baseline,

in the unit of Channel Sensitivity Units. Without sensitivity the amplitude is unknown and the file
is refused. Groups of originality DERIVED are median beats and are passed over. Waveform Padding
Value is honoured at the ends only, where all channels hold it: some writers declare a value that
true samples have.

Many hospitals store the drawing of an ECG instead, as PDF in DICOM; it is refused by name, as are
hemodynamic and intracardiac recordings and samples compressed by mu-law or A-law.

Sources: DICOM PS3.3, C.10.9 (waveform), PS3.5, 8.3 (encoding), PS3.16, CID 3001 (leads). The
library pydicom parses (`ecg12.io.dicom_file`).
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.io.channels import Channel, recording
from ecg12.io.demographics import parse_date, patient_age, patient_sex
from ecg12.io.dicom_file import Dicom, is_dicom
from ecg12.io.dicom_samples import extended, group_samples
from ecg12.io.headers import SHOWN
from ecg12.io.lead_names import LEADS, lead_of_code, standard_lead
from ecg12.io.record import MILLIVOLTS_PER_UNIT, MISSING, Record
from ecg12.io.statements import without_people
from ecg12.runtime.errors import RecordError

log = logging.getLogger(__name__)

NAME = "DICOM"
EXTRA = "dicom"
SUFFIXES = (".dcm", ".dicom")
WANTED = (
    "SOPClassUID", "StudyDate", "AcquisitionDateTime", "PatientAge", "PatientBirthDate",
    "PatientSex", "WaveformSequence",
)  # fmt: skip
PEOPLE = (
    "PatientName", "PatientID", "OtherPatientIDs", "OperatorsName", "ReferringPhysicianName",
    "PerformingPhysicianName", "NameOfPhysiciansReadingStudy",
)  # fmt: skip
REFUSED = {
    "1.2.840.10008.5.1.4.1.1.9.2.1": "a hemodynamic waveform, no ECG",
    "1.2.840.10008.5.1.4.1.1.9.3.1": "a cardiac electrophysiology waveform, recorded in the heart",
    "1.2.840.10008.5.1.4.1.1.104.1": "an encapsulated PDF: the drawing of an ECG, no samples",
}
SCHEMES = ("MDC", "SCPECG")  # that number the leads; others may do it otherwise
MOST_GROUPS, MOST_CHANNELS = 64, 128

recognises = is_dicom


def read(path: Path, seconds: float | None = None) -> Record:
    """Read the ECG of a DICOM file.

    Parameters
    ----------
    path
        The file.
    seconds
        Keep only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the file is damaged or holds no ECG that is read; the message names the reason.
    InputError
        If the library pydicom is not installed.
    """
    path = Path(path)
    dicom = Dicom(path, *WANTED)
    groups = _groups(dicom)
    channels = _joined(dicom, groups)
    wide = any(c.samples.dtype.kind == "i" and c.samples.itemsize > 2 for c in channels)
    return recording(
        path,
        channels,
        dicom.real(groups[0], "SamplingFrequency"),
        age=_age(dicom),
        sex=patient_sex(dicom.text(dicom.dataset, "PatientSex")),
        seconds=seconds,
        missing=-(2**31) if wide else MISSING,
    )


def statements(path: Path) -> tuple[str, ...]:
    """Return the texts with which a DICOM file annotates its waveforms, without names of people.

    Raises
    ------
    RecordError
        If the file is damaged or no DICOM.
    """
    dicom = Dicom(Path(path), "WaveformAnnotationSequence", *PEOPLE)
    annotations = dicom.items(dicom.dataset, "WaveformAnnotationSequence")
    texts = (dicom.text(annotation, "UnformattedTextValue") for annotation in annotations)
    return without_people(texts, (dicom.text(dicom.dataset, keyword) for keyword in PEOPLE))


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file is damaged or of another format.
    """
    dicom = Dicom(Path(path), "PatientID")
    return dicom.text(dicom.dataset, "PatientID").strip()


def _groups(dicom: Dicom) -> list[Any]:
    """Return the multiplex groups that are the recording: the longest, and those beside it."""
    kind = dicom.text(dicom.dataset, "SOPClassUID")
    if kind in REFUSED:
        raise RecordError(f"{dicom.path}: DICOM, {REFUSED[kind]}")
    groups = dicom.items(dicom.dataset, "WaveformSequence")
    if not groups:
        raise RecordError(f"{dicom.path}: DICOM without waveforms{_class_name(kind)}")
    originals = [g for g in groups if dicom.text(g, "WaveformOriginality").upper() != "DERIVED"]
    if not originals or len(groups) > MOST_GROUPS:
        raise RecordError(
            f"{dicom.path}: {len(originals)} original among {len(groups)} waveforms; the others "
            "are derived, such as median beats"
        )
    first = max(originals, key=lambda group: dicom.whole(group, "NumberOfWaveformSamples"))
    return [first, *_beside(dicom, first, originals)]


def _class_name(kind: str) -> str:
    """Return what DICOM calls a class of objects, if it is one."""
    from pydicom import config
    from pydicom.uid import UID

    uid = UID(kind, config.IGNORE)
    return f": {uid.name}" if uid.name != kind else ""


def _beside(dicom: Dicom, first: Any, originals: list[Any]) -> list[Any]:
    """Return the groups with other leads of the twelve, recorded at the same time.

    Raises
    ------
    RecordError
        If there are such groups of another time, rate or length: printed in columns, a lead is
        there for a part of the time only.
    """
    found, known = [], set(_leads(dicom, first))
    for group in originals:
        new = set(_leads(dicom, group)) - known
        if group is first or not new & set(LEADS):
            continue
        if new != set(_leads(dicom, group)) or _span(dicom, group) != _span(dicom, first):
            raise RecordError(
                f"{dicom.path}: leads in several waveforms of different time, rate or length"
            )
        found.append(group)
        known |= new
    return found


def _span(dicom: Dicom, group: Any) -> tuple[float, float, int]:
    """Return when a group begins in ms, its rate in Hz, and its number of samples."""
    begin = dicom.real(group, "MultiplexGroupTimeOffset", 0.0)
    rate = dicom.real(group, "SamplingFrequency")
    return begin, rate, dicom.whole(group, "NumberOfWaveformSamples")


def _leads(dicom: Dicom, group: Any) -> list[str]:
    channels = dicom.items(group, "ChannelDefinitionSequence")
    if len(channels) > MOST_CHANNELS:
        raise RecordError(f"{dicom.path}: {len(channels)} channels; {MOST_CHANNELS} are read")
    return [_lead(dicom, channel, number) for number, channel in enumerate(channels, 1)]


def _lead(dicom: Dicom, channel: Any, number: int) -> str:
    """Return a channel's lead by its code, or else by the code's meaning or the channel's label."""
    source = dicom.first(channel, "ChannelSourceSequence")
    code, meaning = dicom.text(source, "CodeValue"), dicom.text(source, "CodeMeaning")
    named = (code, meaning, dicom.text(channel, "ChannelLabel"))
    known = (name for name in map(standard_lead, named) if name in LEADS)
    numbered = dicom.text(source, "CodingSchemeDesignator") in SCHEMES
    lead = (lead_of_code(code) if numbered else None) or next(known, None) or meaning
    return lead[:SHOWN] or f"channel {number}"


def _joined(dicom: Dicom, groups: list[Any]) -> list[Channel]:
    """Return the channels of all groups, from the time at which none of them is padded."""
    found = [_channels(dicom, group) for group in groups]
    first, last = max(kept.start for _, kept in found), min(kept.stop for _, kept in found)
    if first >= last:
        raise RecordError(f"{dicom.path}: waveforms that are padded at all times, each at others")
    return [
        replace(channel, samples=channel.samples[first:last])
        for channels, _ in found
        for channel in channels
    ]


def _channels(dicom: Dicom, group: Any) -> tuple[list[Channel], slice]:
    """Return the channels of a group that are a voltage, and which samples are not padding."""
    definitions = dicom.items(group, "ChannelDefinitionSequence")
    samples, kept = group_samples(dicom, group, len(definitions))
    leads = _leads(dicom, group)
    unsigned = samples.min() >= 0
    channels, others = [], 0
    for lead, definition, values in zip(leads, definitions, samples, strict=True):
        unit = _unit(dicom, definition)
        if unit is None and lead not in LEADS:
            others += 1
            continue
        if unsigned:
            values = extended(values, dicom.whole(definition, "WaveformBitsStored"))
        channels.append(_channel(dicom, lead, unit, definition, values))
    if others:
        log.info("%s: %d channels that are no voltage are left out", dicom.path, others)
    return channels, kept


def _unit(dicom: Dicom, definition: Any) -> str | None:
    units = dicom.first(definition, "ChannelSensitivityUnitsSequence")
    unit = dicom.text(units, "CodeValue")
    return unit if unit.lower() in MILLIVOLTS_PER_UNIT else None


def _channel(
    dicom: Dicom, lead: str, unit: str | None, definition: Any, values: np.ndarray
) -> Channel:
    step = dicom.real(definition, "ChannelSensitivity")
    step *= dicom.real(definition, "ChannelSensitivityCorrectionFactor", 1.0)
    if unit is None or not abs(step) > 0:
        raise RecordError(
            f"{dicom.path}: lead {lead} has no channel sensitivity in a unit of voltage, so its "
            "amplitude is unknown"
        )
    baseline = dicom.real(definition, "ChannelBaseline", 0.0)
    return Channel(
        lead=lead,
        samples=values,
        gain=1 / step,
        offset=0.0 - baseline / step,
        unit=unit,
    )


def _age(dicom: Dicom) -> float | None:
    """Return the age in years: as written, such as ``042Y``, or else from the dates."""
    written, born, acquired, studied = (
        dicom.text(dicom.dataset, keyword)
        for keyword in ("PatientAge", "PatientBirthDate", "AcquisitionDateTime", "StudyDate")
    )
    value = float(written[:-1]) if written[:-1].isdecimal() else float("nan")
    day = parse_date(acquired[:8]) or parse_date(studied)
    return patient_age(value, written[-1:], parse_date(born), day)
