"""Write one recording as GE MUSE XML, as an export of a MUSE system looks."""

import base64
import math
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from ecg12.io.record import Record
from ecg12.runtime.files import atomic_write
from ecg12.synthetic.detection import TooFewBeatsError, find_beats

STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
MICROVOLTS_PER_BIT = 4.88
MEDIAN_BEAT = (0.4, 0.8)  # s before and after the QRS
GENDER = {"Male": "MALE", "Female": "FEMALE", None: "UNKNOWN"}
HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
# Where a statement is broken into pieces: before a connective or an afterthought, and between
# "When compared with ECG of" and its date.
_BREAK = re.compile(r"\s(?=with\s(?!ECG))|(?=,\s)|(?<=with ECG of)\s")


@dataclass(frozen=True)
class Visit:
    """Who was recorded, and when.

    Attributes
    ----------
    patient_id
        Identifier, the same for all recordings of a patient.
    last_name, first_name, born
        The patient.
    acquired
        Time of the recording.
    """

    patient_id: str
    last_name: str
    first_name: str
    born: date
    acquired: datetime


@dataclass(frozen=True, eq=False)
class MedianBeat:
    """The usual beat of a recording.

    Attributes
    ----------
    millivolts
        (n_leads, n_samples) in the order of the recording's leads.
    heart_rate
        Beats per minute, NaN where unknown.
    """

    millivolts: np.ndarray
    heart_rate: float


def write_muse(
    folder: str | Path,
    record: Record,
    statements: Sequence[str],
    visit: Visit,
    *,
    original: Sequence[str] = (),
    leads: Sequence[str] = STORED,
    beat: MedianBeat | None = None,
) -> Path:
    """Write a recording as `NAME.xml`, atomically; return the path.

    Parameters
    ----------
    folder
        An existing folder.
    record
        The recording; values are rounded to 4.88 µV, missing ones become -32768.
    statements
        Segments of the over-read diagnosis.
    visit
        Who was recorded, and when.
    original
        Segments of the machine's diagnosis.
    leads
        Which leads to store; a reader derives III, aVR, aVL and aVF from I and II.
    beat
        The recording's median beat, where it is known already.

    Raises
    ------
    ValueError
        If the record lacks one of `leads`, or the gain of a lead.
    """
    rows = _rows(record, leads)
    beat = beat or median_beat(record)
    body = (
        _demographics(record, visit)
        + _measurements(beat.heart_rate, record.rate)
        + _diagnosis("Diagnosis", statements)
        + _diagnosis("OriginalDiagnosis", original)
        + _waveform("Median", beat.millivolts[rows], leads, record.rate)
        + _waveform("Rhythm", record.millivolts[rows], leads, record.rate)
    )
    path = Path(folder) / f"{record.name}.xml"
    text = f"{HEAD}<RestingECG>\n{body}</RestingECG>\n"
    with atomic_write(path) as temporary:
        temporary.write_bytes(text.encode("iso-8859-1", "xmlcharrefreplace"))
    return path


def _rows(record: Record, leads: Sequence[str]) -> list[int]:
    """Return where a recording has some leads, all with a known scale."""
    if missing := [lead for lead in leads if lead not in record.leads]:
        raise ValueError(f"{record.name}: no lead {', '.join(missing)} among {record.leads}")
    rows = [record.leads.index(lead) for lead in leads]
    if np.isnan(record.resolution[rows]).any():
        raise ValueError(f"{record.name}: a lead has no gain, so no millivolts")
    return rows


def median_beat(record: Record) -> MedianBeat:
    """Return the median beat of a recording of the twelve leads in their usual order.

    Where fewer than three beats are found, the first 1.2 s stand for it.
    """
    signals = np.nan_to_num(record.millivolts)
    before, after = (round(t * record.rate) for t in MEDIAN_BEAT)
    try:
        times = find_beats(signals, record.rate).times
    except TooFewBeatsError:
        return MedianBeat(signals[:, : before + after], math.nan)
    centres = np.rint(times * record.rate).astype(np.intp)
    whole = centres[(centres >= before) & (centres + after <= signals.shape[1])]
    if not whole.size:
        return MedianBeat(signals[:, : before + after], math.nan)
    beats = signals[:, whole[:, None] + np.arange(-before, after)]
    return MedianBeat(np.median(beats, axis=1), float(60 / np.median(np.diff(times))))


def _demographics(record: Record, visit: Visit) -> str:
    patient = {"PatientID": visit.patient_id}
    if record.age is not None:
        patient |= {"PatientAge": f"{record.age:g}", "AgeUnits": "YEARS"}
    patient |= {
        "DateofBirth": f"{visit.born:%m-%d-%Y}",
        "Gender": GENDER[record.sex],
        "PatientLastName": visit.last_name,
        "PatientFirstName": visit.first_name,
    }
    test = {
        "DataType": "RESTING",
        "Site": "1",
        "SiteName": "Synthetic",
        "AcquisitionTime": f"{visit.acquired:%H:%M:%S}",
        "AcquisitionDate": f"{visit.acquired:%m-%d-%Y}",
    }
    return _element("PatientDemographics", patient) + _element("TestDemographics", test)


def _measurements(heart_rate: float, rate: float) -> str:
    measured = {} if math.isnan(heart_rate) else {"VentricularRate": f"{heart_rate:.0f}"}
    sampling = {"ECGSampleBase": f"{rate:.12g}", "ECGSampleExponent": "0"}
    return _element("RestingECGMeasurements", measured | sampling)


def _diagnosis(name: str, segments: Iterable[str]) -> str:
    statements = "".join(_statement(segment) for segment in segments)
    return f"<{name}>\n<Modality>RESTING</Modality>\n{statements}</{name}>\n"


def _statement(segment: str) -> str:
    """Break a segment into pieces, the last of which has the end-of-line flag."""
    pieces = [piece.strip() for piece in _BREAK.split(segment)]
    elements = [_element("DiagnosisStatement", {"StmtText": piece}) for piece in pieces[:-1]]
    last = {"StmtFlag": "ENDSLINE", "StmtText": pieces[-1]}
    return "".join([*elements, _element("DiagnosisStatement", last)])


def _waveform(kind: str, signals: np.ndarray, leads: Sequence[str], rate: float) -> str:
    quantised = Record.from_millivolts(kind, signals, leads, rate, gain=1e3 / MICROVOLTS_PER_BIT)
    head = {
        "WaveformType": kind,
        "WaveformStartTime": "0",
        "NumberofLeads": f"{len(leads)}",
        "SampleType": "CONTINUOUS_SAMPLES",
        "SampleBase": f"{rate:.12g}",
        "SampleExponent": "0",
    }
    rows = zip(leads, quantised.stored, strict=True)
    inner = _tags(head) + "".join(_lead_data(lead, samples) for lead, samples in rows)
    return f"<Waveform>\n{inner}</Waveform>\n"


def _lead_data(lead: str, samples: np.ndarray) -> str:
    """Write one lead, (n_samples,) int16."""
    data = samples.astype("<i2").tobytes()
    fields = {
        "LeadByteCountTotal": f"{len(data)}",
        "LeadTimeOffset": "0",
        "LeadSampleCountTotal": f"{len(samples)}",
        "LeadAmplitudeUnitsPerBit": f"{MICROVOLTS_PER_BIT}",
        "LeadAmplitudeUnits": "MICROVOLTS",
        "LeadHighLimit": "32767",
        "LeadLowLimit": "-32768",
        "LeadID": lead,
        "LeadOffsetFirstSample": "0",
        "FirstSampleBaseline": "0",
        "LeadSampleSize": "2",
        "LeadOff": "FALSE",
        "BaselineSway": "FALSE",
        "LeadDataCRC32": f"{zlib.crc32(data)}",
        "WaveFormData": "\n" + base64.encodebytes(data).decode(),
    }
    return _element("LeadData", fields)


def _element(name: str, fields: dict[str, str]) -> str:
    return f"<{name}>\n{_tags(fields)}</{name}>\n"


def _tags(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>\n" for name, value in fields.items())
