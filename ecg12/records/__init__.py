"""Recordings: a header (`.hea`) and a signal file of the same stem, read and written.

The signals are MATLAB (`.mat`, variable `val`, (leads, samples)) or any other WFDB signal file.
Folders may be flat or nested.
"""

from ecg12.records.folder import (
    SUFFIXES,
    find_records,
    read_header,
    read_record,
    read_text,
    signal_files,
    write_record,
)
from ecg12.records.matlab import read_mat
from ecg12.records.record import MILLIVOLTS_PER_UNIT, MISSING, Record

__all__ = [
    "MILLIVOLTS_PER_UNIT",
    "MISSING",
    "SUFFIXES",
    "Record",
    "find_records",
    "read_header",
    "read_mat",
    "read_record",
    "read_text",
    "signal_files",
    "write_record",
]
