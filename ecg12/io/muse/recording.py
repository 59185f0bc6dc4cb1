"""One MUSE file: its recording, patient key and statements."""

import hmac
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from ecg12.io.demographics import known_patient, parse_date, patient_age, patient_sex
from ecg12.io.leads import LEADS
from ecg12.io.muse.segments import segments
from ecg12.io.muse.waveforms import Lead, rhythm_leads, with_derived
from ecg12.io.record import Record
from ecg12.io.xml_file import number, read_root, root_name, text

NAME = "GE MUSE XML"
SUFFIXES = (".xml",)
ROOT = "RestingECG"
IDENTIFIER = "PatientDemographics/PatientID"
KEY_DIGITS = 32  # hexadecimal; 128 bits


@dataclass(frozen=True, eq=False)
class MuseRecording:
    """One file of a MUSE archive.

    Attributes
    ----------
    record
        The recording; its `codes` are empty, because statements are text.
    patient
        Salted hash of the patient identifier, 32 hexadecimal digits; None without salt or
        identifier.
    statements
        Segments of the over-read diagnosis, in order, lines that name a reader left out. They are
        free text, so `repr` does not show them.
    """

    record: Record = field(repr=False)
    patient: str | None
    statements: tuple[str, ...] = field(repr=False)


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is MUSE XML."""
    return root_name(head) == ROOT


def read(path: Path, seconds: float | None = None) -> Record:
    """Read the recording of a MUSE XML file, or its first seconds; errors as in `read_muse`."""
    record = read_muse(path).record
    n_samples = None if seconds is None else max(1, math.ceil(seconds * record.rate))
    return replace(record, stored=record.stored[:, :n_samples])


def read_muse(path: str | Path, salt: str | None = None) -> MuseRecording:
    """Read a MUSE XML file.

    Parameters
    ----------
    path
        The file.
    salt
        Secret from which patient keys are made; the same salt gives the same patient the same key.
        Without it no keys are made.

    Raises
    ------
    RecordError
        If the file is no MUSE recording, declares XML entities, is too large, or if its samples
        are damaged or not as many as announced. The message names the file.
    ValueError
        If the salt is empty, which would let anyone who knows an identifier find its key.
    """
    path = Path(path)
    root = read_root(path, ROOT)
    leads, rate = rhythm_leads(root, path)
    return MuseRecording(
        _record(path.stem, leads, rate, root),
        patient_key(text(root, IDENTIFIER), salt),
        segments(root),
    )


def statements(path: Path) -> tuple[str, ...]:
    """Return the statements of a MUSE XML file; errors as in `read_statements`."""
    return read_statements(path)[1]


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file is damaged or of another format.
    """
    return text(read_root(Path(path), ROOT), IDENTIFIER)


def read_statements(
    path: str | Path, salt: str | None = None
) -> tuple[str | None, tuple[str, ...]]:
    """Read patient key and statements of a MUSE XML file, but no samples, which is faster.

    Parameters
    ----------
    path, salt
        As for `read_muse`.

    Returns
    -------
    patient, statements
        As in `MuseRecording`.

    Raises
    ------
    RecordError
        If the file is no MUSE recording, declares XML entities or is too large.
    ValueError
        If the salt is empty.
    """
    root = read_root(Path(path), ROOT)
    return patient_key(text(root, IDENTIFIER), salt), segments(root)


def _record(name: str, leads: dict[str, Lead], rate: float, root: Element) -> Record:
    """Join leads, the standard ones first and in order, and what is known of the patient."""
    stored, leads = leads, with_derived(leads)
    names = [lead for lead in LEADS if lead in leads]
    names += [lead for lead in leads if lead not in LEADS]
    ordered = [leads[lead] for lead in names]
    demographics = root.find("PatientDemographics")
    return Record(
        name,
        np.array([lead.samples for lead in ordered]),
        np.array([lead.gain for lead in ordered]),
        np.zeros(len(ordered)),
        tuple(lead.unit for lead in ordered),
        tuple(names),
        rate,
        patient_age(
            number(demographics, "PatientAge"),
            text(demographics, "AgeUnits"),
            parse_date(text(demographics, "DateofBirth")),
            parse_date(text(root, "TestDemographics/AcquisitionDate")),
        ),
        patient_sex(text(demographics, "Gender")),
        derived=tuple(lead for lead in names if lead not in stored),
    )


def patient_key(identifier: str, salt: str | None) -> str | None:
    """Return what stands for a patient: a salted hash of 32 hexadecimal digits.

    Parameters
    ----------
    identifier
        What the archive calls the patient; None is returned if it has no letter and no digit, as
        an empty one or "---", or stands for no one (`demographics.known_patient`).
    salt
        Secret; None for no key.

    Raises
    ------
    ValueError
        If the salt is empty, which would let anyone who knows an identifier find its key.
    """
    if salt == "":
        raise ValueError("the salt of patient keys is empty; give a secret text, or None")
    if salt is None or not any(map(str.isalnum, known_patient(identifier))):
        return None
    return hmac.digest(salt.encode(), identifier.encode(), "sha256").hex()[:KEY_DIGITS]
