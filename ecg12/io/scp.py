"""SCP-ECG: the Standard Communications Protocol for computer-assisted electrocardiography.

A file is a checksum, its size and sections, each with a header of 16 bytes; section 0 tells where
the others are. Section 1 describes patient and recording, section 2 the Huffman tables (none:
samples are plain), section 3 the leads, section 6 the rhythm: nanovolts per step, the interval in
microseconds, and the samples of each lead, Huffman coded and as first or second differences.

Usually I, II and V1 to V6 are stored; the other limb leads follow from I and II later. Paediatric
recordings with V3R or V7 in the place of V3 and V5 are refused, as are what no file is known to use
and cannot be tested against one: tables of a file's own, samples less a reference beat, and fewer
samples between beats (bimodal compression). Healforce devices write files of this name in a layout
of their own, without the mark `SCPECG`; they are refused, too.

Source: EN 1064:2005+A1:2007 (ISO 11073-91064), Standard communications protocol.
"""

import binascii
import logging
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from ecg12.io.channels import Channel, rate_of, recording
from ecg12.io.demographics import patient_age
from ecg12.io.file_bytes import file_bytes
from ecg12.io.lead_names import CODES
from ecg12.io.record import MISSING, Record
from ecg12.io.scp_codes import huffman, undo_differences
from ecg12.io.statements import without_people
from ecg12.runtime.errors import RecordError

log = logging.getLogger(__name__)

NAME = "SCP-ECG"
SUFFIXES = (".scp",)
LARGEST_FILE = 2**21  # bytes; 10 s take 2**15; a lead has at most 2**16
MOST_SAMPLES = 2**17  # of a lead; two minutes at 1 kHz
MOST_LEADS = 32
MARK_AT, MARK = 16, b"SCPECG"
HEADER, POINTER = 16, 10  # bytes
DEFAULT_TABLE = 19999
LONGEST = 65534  # bytes of a lead, whole samples: the count has 16 bits
PATIENT, TABLES, LEAD_LIST, RHYTHM, DIAGNOSIS = 1, 2, 3, 6, 8  # sections
AGE, BORN, SEX, ACQUIRED, END = 4, 5, 8, 25, 255  # tags of section 1
IDENTIFIER = 2
NAMES = (0, 1, IDENTIFIER, 3, 20, 21, 22)  # patient and identifier, physicians, technician
AGE_UNITS = {1: "YEAR", 2: "MONTH", 3: "WEEK", 4: "DAY", 5: "HOUR"}
SEXES = {1: "Male", 2: "Female"}
# Before the mark was introduced: section 0, and its pointer to itself, behind checksum and size.
_UNMARKED = re.compile(rb"(?s).{8}\0\0(.{4}).{8}\0\0\1\x07\0\0\0")
_HEALFORCE = re.compile(rb"(?s).{8}\0\0(.{4})\r\r\0{8}\1\x06\0\0\0")


@dataclass(frozen=True, kw_only=True)
class _Rhythm:
    """What section 6 says: nV per step, interval in us, order of differences, code per lead."""

    step: int
    interval: int
    order: int
    codes: tuple[bytes, ...]


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is SCP-ECG, or Healforce's kind of it."""
    return _is_scp(head) or _HEALFORCE.match(head) is not None


def _is_scp(head: bytes) -> bool:
    return head[MARK_AT:].startswith(MARK) or _UNMARKED.match(head) is not None


def read(path: Path, seconds: float | None = None) -> Record:
    """Read the rhythm of an SCP-ECG file.

    Parameters
    ----------
    path
        The file.
    seconds
        Keep only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the file is damaged or coded in a way that is not read; the message names the reason.
    """
    path = Path(path)
    sections = _sections(path)
    leads = _leads(sections.get(LEAD_LIST, b""), path)
    rhythm = _rhythm(sections.get(RHYTHM, b""), len(leads), path)
    coded = _is_coded(sections.get(TABLES, b""), path)
    channels = [
        Channel(
            lead=lead,
            samples=_samples(rhythm, code, coded, n_samples, f"{path}: lead {lead}"),
            gain=1000 / rhythm.step if rhythm.step else math.nan,
            unit="uV",
        )
        for (lead, n_samples), code in zip(leads.items(), rhythm.codes, strict=True)
    ]
    if cut := [c for c in channels if len(c.samples) < leads[c.lead]]:
        held, announced = len(cut[0].samples), leads[cut[0].lead]
        named = ", ".join(channel.lead for channel in cut)
        log.warning("%s: %s cut after %d of %d samples", path, named, held, announced)
    rate = rate_of(path, rhythm.interval * 1e-6, 1e-6)
    age, sex = _patient(sections.get(PATIENT, b""))
    return recording(path, channels, rate, age=age, sex=sex, seconds=seconds)


def statements(path: Path) -> tuple[str, ...]:
    """Return the textual diagnosis of an SCP-ECG file (section 8), without names of people.

    Raises
    ------
    RecordError
        If the file is damaged or no SCP-ECG.
    """
    sections = _sections(Path(path))
    tags = _tags(sections.get(PATIENT, b""))
    people = (value.decode("latin-1") for tag, value in tags if tag in NAMES)
    return without_people(_texts(sections.get(DIAGNOSIS, b"")), people)


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file is damaged or of another format.
    """
    tags = dict(_tags(_sections(Path(path)).get(PATIENT, b"")))
    return tags.get(IDENTIFIER, b"").decode("latin-1").partition("\0")[0].strip()


def _texts(section: bytes) -> Iterator[str]:
    """Yield the texts of section 8: behind status, date, time and number, each with a head."""
    position = 9
    while position + 3 <= len(section):
        (length,) = struct.unpack_from("<H", section, position + 1)
        yield section[position + 3 : position + 3 + length].decode("latin-1").replace("\0", " ")
        position += 3 + length


def _sections(path: Path) -> dict[int, bytes]:
    """Return the content of the sections by number; log a wrong checksum."""
    data = file_bytes(path, LARGEST_FILE)
    if not _is_scp(data):
        own = " but Healforce's own format" if _HEALFORCE.match(data) else ""
        raise RecordError(f"{path}: not SCP-ECG{own}: no mark {MARK.decode()}")
    checksum, size = struct.unpack_from("<HI", data)
    if size > len(data):
        raise RecordError(f"{path}: truncated: {size} bytes announced, {len(data)} held")
    if binascii.crc_hqx(data[2:size], 0xFFFF) != checksum:
        log.warning("%s: wrong checksum", path)
    (length,) = struct.unpack_from("<I", data, 10)
    sections = {}
    pointers = data[6 + HEADER : 6 + length]
    for number, length, start in struct.iter_unpack("<HII", _whole(pointers, POINTER)):
        content = data[max(start, 1) - 1 : max(start, 1) - 1 + length]
        if length >= HEADER and number <= DIAGNOSIS:
            if len(content) < length or content[2:4] != struct.pack("<H", number):
                raise RecordError(f"{path}: section {number} is not where section 0 says")
            sections[number] = content[HEADER:]
    return sections


def _whole(data: bytes, size: int) -> bytes:
    """Return as much of the data as makes whole items."""
    return data[: len(data) // size * size]


def _leads(section: bytes, path: Path) -> dict[str, int]:
    """Return the number of samples of each lead, which were recorded together."""
    if len(section) < 2 or len(section) < 2 + 9 * section[0] or not 0 < section[0] <= MOST_LEADS:
        raise RecordError(f"{path}: no list of at most {MOST_LEADS} leads (section 3)")
    if section[1] & 1:
        raise RecordError(f"{path}: samples less a reference beat are not read")
    leads: dict[str, int] = {}
    starts = set()
    for first, last, code in struct.iter_unpack("<2IB", section[2 : 2 + 9 * section[0]]):
        lead = CODES.get(code, f"lead of code {code}")
        if lead in leads:
            raise RecordError(f"{path}: {lead} stands twice")
        leads[lead] = last - max(first, 1) + 1  # some writers count from 0
        starts.add(first)
        if not 0 < leads[lead] <= MOST_SAMPLES:
            raise RecordError(f"{path}: samples {first} to {last} of {lead}")
    if len(starts) > 1:
        raise RecordError(f"{path}: leads that were not recorded together, but one after the other")
    return leads


def _rhythm(section: bytes, n_leads: int, path: Path) -> _Rhythm:
    if len(section) < 6 + 2 * n_leads:
        raise RecordError(f"{path}: no rhythm (section 6)")
    step, interval, order, bimodal = struct.unpack_from("<2H2B", section)
    if bimodal:
        raise RecordError(f"{path}: bimodal compression is not read")
    if order > 2:
        raise RecordError(f"{path}: differences of order {order}; 0, 1 and 2 are read")
    sizes = struct.unpack_from(f"<{n_leads}H", section, 6)
    ends = np.cumsum((6 + 2 * n_leads, *sizes)).tolist()
    if ends[-1] > len(section):
        raise RecordError(
            f"{path}: truncated: {ends[-1]} bytes of rhythm announced, {len(section)} held"
        )
    codes = tuple(section[start:end] for start, end in zip(ends, ends[1:], strict=False))
    return _Rhythm(step=step, interval=interval, order=order, codes=codes)


def _is_coded(section: bytes, path: Path) -> bool:
    """Tell whether the samples are coded, by the default table; without section 2 they are not."""
    if not section:
        return False
    if section[:2] != struct.pack("<H", DEFAULT_TABLE):
        raise RecordError(f"{path}: Huffman tables of its own are not read")
    return True


def _samples(rhythm: _Rhythm, code: bytes, coded: bool, n_samples: int, shown: str) -> np.ndarray:
    """Return the samples of a lead, fewer than announced only if 16 bits cannot count the bytes."""
    if coded:
        values = huffman(code, n_samples)
    else:
        values = np.frombuffer(_whole(code, 2), "<i2").astype(np.int64)[:n_samples]
    if values is None or (len(values) < n_samples and len(code) < LONGEST):
        raise RecordError(f"{shown}: truncated: fewer than {n_samples} samples")
    samples = undo_differences(values, rhythm.order)
    if samples.min() < MISSING or samples.max() > -MISSING - 1:
        raise RecordError(f"{shown} has samples of more than 16 bits")
    return samples.astype(np.int16)


def _patient(section: bytes) -> tuple[float | None, str | None]:
    """Return age in years, as written or from the dates, and sex; None for what is unknown."""
    tags = dict(_tags(section))
    value, unit = math.nan, ""
    if len(tags.get(AGE, b"")) >= 3:
        number, code = struct.unpack_from("<HB", tags[AGE])
        value, unit = float(number), AGE_UNITS.get(code, "unknown")
    age = patient_age(value, unit, _day(tags.get(BORN, b"")), _day(tags.get(ACQUIRED, b"")))
    return age, SEXES.get((tags.get(SEX, b"") or b"\0")[0])


def _tags(section: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 3 <= len(section):
        tag, length = struct.unpack_from("<BH", section, position)
        if tag == END:
            return
        yield tag, section[position + 3 : position + 3 + length]
        position += 3 + length


def _day(value: bytes) -> date | None:
    try:
        return date(*struct.unpack("<H2B", value))
    except (struct.error, ValueError):
        return None
