"""ISHNE 1.0: the Holter format of the International Society for Holter and Noninvasive ECG.

A file is a header of 522 bytes, a block of text of any length and the samples: int16, lowest byte
first, one value per lead in turn. The header tells the number of samples, where they begin, for
each of at most twelve leads a code and the nanovolts per step, and the rate in Hz. Files of the
same society that begin with ``ANN  1.0`` hold beat annotations only.

Source: Badilini F (1998). The ISHNE Holter Standard Output File Format. Annals of Noninvasive
Electrocardiology 3(3), 263-266.
"""

import binascii
import logging
import math
import os
import struct
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ecg12.io.channels import Channel, check_rate, recording
from ecg12.io.demographics import age_between
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import Record
from ecg12.runtime.errors import RecordError, file_error

log = logging.getLogger(__name__)

NAME = "ISHNE"
SUFFIXES = (".ecg",)
MARK = b"ISHNE1.0"
HEADER_BYTES = 522
IDENTIFIER = range(108, 128)  # bytes of the header
LARGEST_TEXT = 2**20  # bytes of header and text before the samples
MOST_LEADS = 12

LEAD_CODES = {
    0: "unknown", 1: "bipolar", 2: "X", 3: "Y", 4: "Z", 5: "I", 6: "II", 7: "III",
    8: "aVR", 9: "aVL", 10: "aVF", 11: "V1", 12: "V2", 13: "V3", 14: "V4", 15: "V5", 16: "V6",
    17: "ES", 18: "AS", 19: "AI",
}  # fmt: skip
SEXES = {1: "Male", 2: "Female"}


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What the header says: samples per lead, their first byte, leads, nV per step, rate in Hz."""

    n_samples: int
    start: int
    leads: tuple[str, ...]
    steps: tuple[int, ...]
    rate: float
    age: float | None
    sex: str | None


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is an ISHNE recording."""
    return head.startswith(MARK)


def read(path: Path, seconds: float | None = None) -> Record:
    """Read an ISHNE recording.

    Parameters
    ----------
    path
        The file.
    seconds
        Read only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If it is truncated, its header makes no sense, or its leads are no twelve-lead recording
        (see `channels.recording`).
    """
    return open_record(path).cut(0.0, seconds)


def open_record(path: Path) -> OpenRecord:
    """Open an ISHNE recording, to read stretches of it.

    Raises
    ------
    RecordError
        As `read`; if its leads are none, reading it says so.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            header = _header(file, path)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    check_rate(path, header.rate)
    return OpenRecord(
        name=path.stem, rate=header.rate, n_samples=header.n_samples,
        read=partial(_stretch, path, header),
    )  # fmt: skip


def identifier(path: Path) -> str:
    """Return the identifier of the patient, "" if there is none; for keys, never to be shown.

    Raises
    ------
    RecordError
        If the file cannot be read or is of another format.
    """
    try:
        with path.open("rb") as file:
            _header(file, path)
            file.seek(IDENTIFIER.start)
            data = file.read(len(IDENTIFIER))
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    return data.decode("latin-1").partition("\0")[0].strip()


def _stretch(path: Path, header: _Header, first: int, n: int) -> Record:
    frame = 2 * len(header.leads)
    try:
        with path.open("rb") as file:
            file.seek(header.start + frame * first)
            data = file.read(frame * n)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    if len(data) < frame * n:
        raise RecordError(f"{path}: truncated while it was read")
    rows = np.frombuffer(data, "<i2").reshape(n, len(header.leads)).T
    channels = [
        Channel(lead=lead, samples=row, gain=1 / step if step > 0 else math.nan, unit="nV")
        for lead, row, step in zip(header.leads, rows, header.steps, strict=True)
    ]
    return recording(path, channels, header.rate, age=header.age, sex=header.sex)


def _header(file: BinaryIO, path: Path) -> _Header:
    """Read and check the header; the samples that it announces are in the file."""
    data = file.read(HEADER_BYTES)
    if len(data) < HEADER_BYTES or not recognises(data):
        raise RecordError(f"{path}: not an ISHNE recording: no {MARK.decode()} header")
    announced, _, start = struct.unpack_from("<3i", data, 14)
    n_leads, rate = struct.unpack_from("<h", data, 156)[0], struct.unpack_from("<h", data, 272)[0]
    if not 1 <= n_leads <= MOST_LEADS:
        raise RecordError(f"{path}: {n_leads} leads; an ISHNE recording has 1 to {MOST_LEADS}")
    if not HEADER_BYTES <= start <= LARGEST_TEXT:
        raise RecordError(f"{path}: its samples are said to begin at byte {start}")
    _check_checksum(data + file.read(start - HEADER_BYTES), path)
    codes = struct.unpack_from(f"<{n_leads}h", data, 158)
    return _Header(
        n_samples=_n_samples(file, path, announced, start, n_leads),
        start=start,
        leads=tuple(LEAD_CODES.get(code, f"code {code}") for code in codes),
        steps=struct.unpack_from(f"<{n_leads}h", data, 206),
        rate=float(rate),
        age=_age(data),
        sex=SEXES.get(struct.unpack_from("<h", data, 128)[0]),
    )


def _check_checksum(data: bytes, path: Path) -> None:
    """Log a wrong checksum (CRC-16 of CCITT) of everything before the samples, after itself."""
    if binascii.crc_hqx(data[10:], 0xFFFF) != struct.unpack_from("<H", data, 8)[0]:
        log.warning("%s: wrong checksum of the ISHNE header", path)


def _n_samples(file: BinaryIO, path: Path, announced: int, start: int, n_leads: int) -> int:
    """Return the samples per lead; some writers announce the sum over all leads."""
    held = (os.fstat(file.fileno()).st_size - start) // (2 * n_leads)
    for n_samples in (announced, announced // n_leads):
        if 1 <= n_samples <= held and (n_samples == announced or announced == held * n_leads):
            return n_samples
    raise RecordError(
        f"{path}: truncated: {announced} samples per lead announced, the file holds {held}"
    )


def _age(data: bytes) -> float | None:
    """Return the age in years from the dates of birth and recording; None if one is unknown."""
    try:
        days, months, years = zip(*struct.iter_unpack("<3h", data[132:144]), strict=True)
        born, day = (date(*written) for written in zip(years, months, days, strict=True))
    except ValueError:
        return None
    return age_between(born, day)
