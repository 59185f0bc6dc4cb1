"""HL7 aECG: the annotated ECG of HL7 version 3, also called FDA-XML.

Made for trials of drugs, it is what many electrocardiographs export (Schiller, Mindray, Edan, GE,
Philips) and what programs that digitise paper write. The root `AnnotatedECG` holds series; the one
of code RHYTHM is the recording, while series derived from it are median beats and are passed over.
A series holds a sequence set: a sequence of times, whose increment gives the rate, and a sequence
for each lead, whose value is

    origin + scale x digits,

both with a unit of their own. A lead is called by its ISO/IEEE 11073 name (`MDC_ECG_LEAD_AVF`).

Several sequence sets are columns of a printed page, 2.5 s each at different times; they are
refused, as are sequences without scale, without value, and of unequal length.

Source: Brown BD, Badilini F (2005). HL7 aECG Implementation Guide. Regulated Clinical Research
Information Management Technical Committee; schema PORT_MT020001.
"""

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ecg12.io.channels import Channel, rate_of, recording
from ecg12.io.demographics import parse_date, patient_age, patient_sex
from ecg12.io.headers import LARGEST, SHOWN
from ecg12.io.lead_names import LEADS, lead_of_code, standard_lead
from ecg12.io.record import MILLIVOLTS_PER_UNIT, MISSING, Record
from ecg12.io.statements import without_people
from ecg12.io.xml_file import attribute, finite, numbers, read_root, root_name, text
from ecg12.runtime.errors import RecordError

NAME = "HL7 aECG"
SUFFIXES = (".xml", ".aecg")
ROOT = "AnnotatedECG"
SUBJECT = "trialSubject"
PERSON = "subjectDemographicPerson"
AGE = "21612-7"  # LOINC: reported age
STATEMENT = "MDC_ECG_INTERPRETATION_STATEMENT"
TIMES = {"TIME_ABSOLUTE": "GLIST_TS", "TIME_RELATIVE": "GLIST_PQ"}
SECONDS_PER_UNIT = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is an aECG."""
    return root_name(head) == ROOT


def read(path: Path, seconds: float | None = None) -> Record:
    """Read the rhythm of an aECG.

    Parameters
    ----------
    path
        The file.
    seconds
        Keep only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the file is damaged or holds no rhythm that is read; the message names the reason.
    """
    path = Path(path)
    root = read_root(path, ROOT)
    sequences = _sequences(root, path)
    rate = _rate(sequences, path)
    channels = _channels(sequences, path)
    whole = all(channel.samples.dtype == np.int16 for channel in channels)
    return recording(
        path,
        channels,
        rate,
        age=_age(root),
        sex=patient_sex(attribute(root.find(f".//{PERSON}/administrativeGenderCode"), "code")),
        seconds=seconds,
        missing=MISSING if whole else -int(LARGEST),
    )


def statements(path: Path) -> tuple[str, ...]:
    """Return the statements of the interpretation in an aECG, without names of people.

    Raises
    ------
    RecordError
        If the file is damaged or no aECG.
    """
    root = read_root(Path(path), ROOT)
    said = (text(node, "value") for node in root.iter("annotation") if _code(node) == STATEMENT)
    people = (node.find("name") for node in root.iter() if node.tag.endswith("Person"))
    names = (" ".join(name.itertext()) for name in people if name is not None)
    identifiers = (attribute(node, "extension") for node in root.iterfind(f".//{SUBJECT}/id"))
    return without_people(said, (*names, *identifiers))


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file is damaged or of another format.
    """
    root = read_root(Path(path), ROOT)
    found = root.find(f".//{SUBJECT}/id")
    return (attribute(found, "extension") or attribute(found, "root")).strip()


def _code(element: Element) -> str:
    return attribute(element.find("code"), "code")


def _type(value: Element | None) -> str:
    return attribute(value, "type").rpartition(":")[2]


def _only(found: list[Element], what: str, why: str, path: Path) -> Element:
    if len(found) != 1:
        raise RecordError(f"{path}: {len(found)} {what}; {why}")
    return found[0]


def _sequences(root: Element, path: Path) -> list[Element]:
    """Return the sequences of the only sequence set of the only rhythm."""
    series = [s for s in root.iterfind("component/series") if _code(s).upper() == "RHYTHM"]
    rhythm = _only(series, "series of code RHYTHM", "one is read", path)
    sets = rhythm.findall("component/sequenceSet")
    why = "one is read, in which all leads were recorded together"
    return _only(sets, "sequence sets", why, path).findall("component/sequence")


def _rate(sequences: list[Element], path: Path) -> float:
    """Return the sampling rate in Hz from the increment of the times."""
    times = [sequence for sequence in sequences if _code(sequence) in TIMES]
    value = _only(times, "sequences of time", "one is needed", path).find("value")
    increment = None if value is None else value.find("increment")
    unit = attribute(increment, "unit")
    if _type(value) not in TIMES.values() or unit not in SECONDS_PER_UNIT:
        raise RecordError(f"{path}: no increment of time in {', '.join(SECONDS_PER_UNIT)}")
    written = attribute(increment, "value")
    digit = 10.0 ** -len(written.partition(".")[2]) if len(written) < SHOWN else 0.0
    scale = SECONDS_PER_UNIT[unit]
    return rate_of(path, finite(written) * scale, digit * scale)


def _channels(sequences: list[Element], path: Path) -> list[Channel]:
    """Return the leads, and other voltages."""
    channels: list[Channel] = []
    for sequence in sequences:
        if _code(sequence) in TIMES:
            continue
        lead = lead_of_code(_code(sequence)) or standard_lead(_code(sequence))
        shown = f"{path}: lead {lead if lead in LEADS else f'number {len(channels) + 1}'}"
        value = sequence.find("value")
        unit = attribute(None if value is None else value.find("scale"), "unit")
        if lead in LEADS or unit.lower() in MILLIVOLTS_PER_UNIT:
            channels.append(_channel(lead, _value(sequence, shown), shown))
    return channels


def _value(sequence: Element, shown: str) -> Element:
    """Return the list of samples of a lead, of which no part is said to be unknown."""
    value = sequence.find("value")
    if any(attribute(part, "nullFlavor") for part in sequence.iter()):
        raise RecordError(f"{shown} is partly unknown (nullFlavor)")
    kind = _type(value)
    if kind == "SLIST_INT":
        raise RecordError(f"{shown} has whole numbers without scale (SLIST_INT)")
    if value is None or kind != "SLIST_PQ":
        raise RecordError(f"{shown} has no list of samples (SLIST_PQ)")
    return value


def _channel(lead: str, value: Element, shown: str) -> Channel:
    step, unit = _quantity(value.find("scale"), shown)
    origin, origin_unit = _quantity(value.find("origin"), shown)
    origin *= MILLIVOLTS_PER_UNIT[origin_unit.lower()] / MILLIVOLTS_PER_UNIT[unit.lower()]
    if not step:
        raise RecordError(f"{shown} has a scale of 0")
    samples = _samples(value.findtext("digits") or "", shown)
    return Channel(lead=lead, samples=samples, gain=1 / step, offset=0.0 - origin / step, unit=unit)


def _quantity(element: Element | None, shown: str) -> tuple[float, str]:
    value, unit = finite(attribute(element, "value")), attribute(element, "unit")
    if np.isnan(value) or unit.lower() not in MILLIVOLTS_PER_UNIT:
        raise RecordError(f"{shown} has no origin or no scale in a unit of voltage")
    return value, unit


def _samples(digits: str, shown: str) -> np.ndarray:
    """Return the digits as int16, int32 where they need it, or float64 where one is not whole."""
    values = numbers(digits)
    if values is None or not (np.abs(values.astype(float)) <= LARGEST).all():
        raise RecordError(f"{shown} has digits that are no samples")
    if values.dtype == np.int64:
        narrow = ((values >= MISSING) & (values <= -MISSING - 1)).all()
        values = values.astype(np.int16 if narrow else np.int32)
    return values


def _age(root: Element) -> float | None:
    """Return the age in years: as reported, or else from birth to recording."""
    value = unit = ""
    for observation in root.iterfind("controlVariable/relatedObservation"):
        if _code(observation) == AGE:
            stated = observation.find("value")
            value, unit = attribute(stated, "value"), attribute(stated, "unit")
    born = attribute(root.find(f".//{PERSON}/birthTime"), "value")
    times = (attribute(time, "value") for time in root.iterfind("effectiveTime/*"))
    day = next((day for time in times if (day := parse_date(time[:8]))), None)
    return patient_age(finite(value), unit, parse_date(born[:8]), day)
