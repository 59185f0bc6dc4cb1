"""WFDB recordings: a header and MATLAB or other signal files, or other recordings in sequence."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ecg12.io.headers import DEFAULT_RATE, SHOWN, Header
from ecg12.io.leads import LEADS
from ecg12.io.matlab import open_mat
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb_files import (
    HEADER,
    SUFFIXES,
    check_beside,
    existing,
    find_records,
    header_files,
    header_of,
    header_path,
    in_folder,
    is_recording,
    read_header,
    read_text,
    signal_files,
    stem_of,
    text_of,
)  # fmt: skip
from ecg12.io.wfdb_segments import open_segments
from ecg12.io.wfdb_signals import FORMATS, open_signals
from ecg12.io.wfdb_write import write_record
from ecg12.runtime.errors import RecordError
from ecg12.runtime.text import decode, marked_encoding

__all__ = [
    "HEADER", "NAME", "SUFFIXES", "check_leads", "find_records", "header_files", "header_of",
    "in_folder", "is_recording", "open_record", "read", "read_header", "read_record", "read_text",
    "recognises", "signal_files", "text_of", "write_record",
]  # fmt: skip

log = logging.getLogger(__name__)

NAME = "WFDB"
_RECORD_LINE = re.compile(r"\S+ +\d+ +[\d.]+(?:[/(]\S*)?(?: +\d.*)?")
_SIGNAL_LINE = re.compile(r"(?!-?[\d.]+ )\S+ (\d+)(?:[x:+]\S*)?(?: .*)?")
_SEGMENTS, _SEGMENT_LINE = re.compile(r"\S+/\d+ .*"), re.compile(r"\S+ \d+")


def recognises(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it is a WFDB header."""
    if b"\0" in head and not marked_encoding(head[:4]):
        return False
    lines = (" ".join(line.split()) for line in decode(head).lstrip("\ufeff").splitlines())
    first, second, *_ = *(line for line in lines if line and line[0] != "#"), "", ""
    if not _RECORD_LINE.fullmatch(first):
        return False
    if _SEGMENTS.fullmatch(first):
        return _SEGMENT_LINE.fullmatch(second) is not None
    signal = _SIGNAL_LINE.fullmatch(second)
    return signal is not None and signal[1] in {*FORMATS, "0"}


def read_record(path: str | Path, seconds: float | None = None) -> Record:
    """Read a recording, given with or without suffix.

    Parameters
    ----------
    path
        The header, the signal file, or their common path without suffix.
    seconds
        Read only the first seconds; all of them by default.

    Raises
    ------
    RecordError
        If the header or the signals are missing, malformed or truncated, or a lead stands twice.
    """
    return open_record(path).cut(0.0, seconds)


read = read_record


def open_record(path: str | Path) -> OpenRecord:
    """Open a recording, given with or without suffix, to read stretches of it.

    Raises
    ------
    RecordError
        As `read_record`; what only the samples show is found when they are read.
    """
    stem = stem_of(Path(path))
    header = read_header(header_path(stem))
    if header.assumed_rate:
        log.warning("%s: no sampling rate; WFDB's %g Hz is used", stem, DEFAULT_RATE)
    if header.segments:
        return open_segments(stem, header, _open_segment)
    check_leads(stem, header)
    return _open_single(stem, header)


def _open_segment(stem: Path) -> OpenRecord:
    header = read_header(header_path(stem))
    if header.segments:
        raise RecordError(f"{stem}.hea: a segment that is in segments itself")
    check_leads(stem, header)
    return _open_single(stem, header)


def _open_single(stem: Path, header: Header) -> OpenRecord:
    """Open a recording that is not in segments.

    A MATLAB file of the header's name holds the samples where a file that the header names is a
    MATLAB file or is not there. Beside another file that is there, it is not what the gains are of.
    """
    own = existing(stem.with_name(f"{stem.name}.mat"))
    files = _signal_files(stem, header)
    matlab = [file for file in files.values() if file.suffix.lower() == ".mat"]
    if matlab and (own or len(files) == 1):
        (n_samples, read), missing = open_mat(own or matlab[0]), MISSING
    else:
        _check_names(stem, header)
        n_samples, read, missing = open_signals(header_path(stem), header, files)
    return OpenRecord(
        name=stem.name, rate=header.rate, n_samples=n_samples,
        read=partial(_stretch, stem, header, read, missing),
    )  # fmt: skip


def _stretch(
    stem: Path,
    header: Header,
    read: Callable[[int, int], np.ndarray],
    missing: int,
    first: int,
    n: int,
) -> Record:
    record = Record.from_header(header, read(first, n), str(stem))
    return replace(record, name=stem.name, missing=missing)


def _signal_files(stem: Path, header: Header) -> dict[str, Path]:
    """Return the files that the header names, all beside it, by these names; all must be there."""
    files: dict[str, Path] = {}
    own = existing(stem.with_name(f"{stem.name}.mat"))
    for name in dict.fromkeys(signal.file for signal in header.signals):
        file = (existing(stem.with_name(Path(name).name)) if Path(name).name else None) or own
        if file is None:
            wanted = dict.fromkeys([f"{stem.name}.mat", Path(name).name[:SHOWN]])
            shown = " or ".join(filter(None, wanted))
            raise RecordError(f"{header_path(stem)}: no signal file {shown}")
        files[name] = file
    return files


def check_leads(stem: Path | str, header: Header) -> None:
    """Refuse a lead that stands twice; log what is assumed, and what is upside down.

    Raises
    ------
    RecordError
        Naming the recording, `stem`, and the leads.
    """
    leads = [signal.lead for signal in header.signals]
    if twice := [lead for lead in LEADS if leads.count(lead) > 1]:
        raise RecordError(f"{stem}: lead {', '.join(twice)} stands twice")
    if header.assumed:
        log.warning("%s: no gain of %s; WFDB's 200 per mV is used", stem, ", ".join(header.assumed))
    if turned := [s.lead for s in header.signals if s.gain and s.gain < 0]:
        log.warning("%s: negative gain: %s stored upside down", stem, ", ".join(turned))


def _check_names(stem: Path, header: Header) -> None:
    """Refuse names that would lead anywhere but to files beside the header."""
    for name in (header.name, *(signal.file for signal in header.signals)):
        check_beside(name, header_path(stem))
