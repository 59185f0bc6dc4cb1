"""Any recording as 16-bit integers, the samples of the challenge's MATLAB files.

Integers that fit stay as they are, with their gain, offset and unit. Others are brought into the
range by an offset, and if that does not suffice, by a coarser step, the same multiple for all
of the twelve leads. Numbers that are no integers, such as millivolts in an array, get steps of
1 uV.
"""

import re
from dataclasses import replace

import numpy as np

from ecg12.io.headers import LARGEST
from ecg12.io.lead_names import LEADS, standard_lead
from ecg12.io.record import MISSING, Record
from ecg12.runtime.errors import RecordError

LARGEST_INT16 = 32767  # magnitude of a sample; the lowest value marks a missing one
SPAN = 2 * LARGEST_INT16 - 4  # steps between extremes, less what rounding may add
USUAL_STEP = 1e-3  # mV, of numbers that are no integers
LEAST_MOVE = 1e-6  # steps by which an offset may be rounded without a word
NO_UNIT = "NU"  # WFDB's word for it; without a word it would be mV
LONGEST_LEAD = 40  # characters of a name that is none of the known
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9 ().+/-]+")  # of leads: what could end a line of a header


def as_int16(record: Record, name: str) -> tuple[Record, str]:
    """Return a recording as `write_record` takes it, and what was changed of its samples.

    Parameters
    ----------
    record
        Any recording.
    name
        Its name from now on.

    Returns
    -------
    record
        Samples are int16, gains positive, offsets whole numbers; a missing sample is -32768.
    note
        The step if the samples were quantised again, by how much an offset was rounded, or "".

    Raises
    ------
    RecordError
        If an offset is beyond 32 bits.
    """
    stored, whole = _integers(record)
    gains, offsets, note = record.gains, np.rint(record.offsets), ""
    if stored is None:
        stored, gains, offsets, note = _quantised(record, whole)
    elif (moved := float(np.abs(record.offsets - offsets).max())) > LEAST_MOVE:
        note = f"offset rounded by {moved:.2g} steps"
    if np.abs(offsets).max() > LARGEST:
        raise RecordError(f"{name}: an offset of {np.abs(offsets).max():g} steps cannot be stored")
    turned = gains < 0
    if turned.any():
        stored = np.where(turned[:, None] & (stored != MISSING), -stored, stored)
    sign = np.where(turned, -1.0, 1.0)
    leads = tuple(_lead(lead, number) for number, lead in enumerate(record.leads, 1))
    units = tuple("_".join(unit.split()) or NO_UNIT for unit in record.units)
    changed = replace(
        record, name=name, stored=stored, gains=gains * sign, offsets=offsets * sign + 0.0,
        leads=leads, units=units, missing=MISSING,
    )  # fmt: skip
    return changed, note


def _integers(record: Record) -> tuple[np.ndarray | None, bool]:
    """Return the samples as they are if they fit int16, or None, and if they are integers."""
    if record.stored.dtype == np.int16 and record.missing == MISSING:
        return record.stored, True
    missing = np.isnan(record.centred)
    known = record.stored[~missing]
    whole = bool(np.all(known == np.rint(known)))
    if not whole or np.abs(known).max(initial=0) > LARGEST_INT16:
        return None, whole
    return np.where(missing, MISSING, record.stored).astype(np.int16), True


def _quantised(record: Record, whole: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """Return int16 samples in new steps, their gains and offsets, and a note of the steps."""
    centred = record.centred
    low, high = np.fmin.reduce(centred, axis=1), np.fmax.reduce(centred, axis=1)
    span = np.nan_to_num(high - low)
    base = np.ones(len(span))
    if not whole:
        least = np.where(span > 0, span / SPAN, 1.0)
        resolution = np.abs(record.resolution)
        base = np.where(np.isnan(resolution), least, USUAL_STEP / resolution)
    coarser = np.maximum(1.0, span / base / SPAN)
    twelve = np.isin(record.leads, LEADS)
    coarser[twelve] = coarser[twelve].max(initial=1.0)
    factor = base * coarser
    steps = np.rint(centred / factor[:, None])
    extreme = np.nan_to_num(np.fmax.reduce(np.abs(steps), axis=1))
    middle = np.rint(np.nan_to_num((high + low) / 2) / factor)
    shift = np.where(extreme > LARGEST_INT16, middle, 0.0)
    microvolts = np.abs(record.resolution) * factor * 1e3
    shown = sorted({f"{step:.4g}" for step in microvolts[~np.isnan(microvolts)]})
    note = f"steps of {', '.join(shown) or 'unknown'} uV"
    kept = whole and np.all(factor == 1)
    note = f"moved by an offset, {note} kept" if kept else f"quantised in {note}"
    stored = steps - shift[:, None]
    stored = np.where(np.isnan(stored), MISSING, stored).astype(np.int16)
    return stored, record.gains / factor, -shift, note


def _lead(name: str, number: int) -> str:
    """Return a lead's name as a header can hold it; what is none of the twelve stays none."""
    if name in LEADS:
        return name
    clean = " ".join(_NOT_IN_NAMES.sub(" ", name).split())[:LONGEST_LEAD].strip()
    return clean if clean and standard_lead(clean) not in LEADS else f"signal {number}"
