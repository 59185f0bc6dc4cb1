"""Any recording as 16-bit integers, the samples of the challenge's MATLAB files.

Integers that fit stay as they are, with their gain, offset and unit. Others are brought into the
range by an offset, and if that does not suffice, by a coarser step, the same multiple for all
of the twelve leads. Numbers that are no integers, such as millivolts in an array, get steps of
1 uV.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ecg12.io.headers import LARGEST
from ecg12.io.lead_names import LEADS, standard_lead
from ecg12.io.open_record import alike
from ecg12.io.record import MISSING, Record
from ecg12.runtime.errors import RecordError

LARGEST_INT16 = 32767  # magnitude of a sample; the lowest value marks a missing one
SPAN = 2 * LARGEST_INT16 - 4  # steps between extremes, less what rounding may add
USUAL_STEP = 1e-3  # mV, of numbers that are no integers
LEAST_MOVE = 1e-6  # steps by which an offset may be rounded without a word
NO_UNIT = "NU"  # WFDB's word for it; without a word it would be mV
LONGEST_LEAD = 40  # characters of a name that is none of the known
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9 ().+/-]+")  # of leads: what could end a line of a header


class LeadsChangeError(RecordError):
    """A recording whose leads, units or gains are not the same throughout."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How the samples of one recording become int16; made by `steps_of`.

    Attributes
    ----------
    factor
        (n_leads,) stored units per new step; None where samples stay as they are.
    shift
        (n_leads,) new steps that are taken off.
    note
        What is changed of the samples, or "".
    """

    factor: np.ndarray | None
    shift: np.ndarray
    note: str

    def apply(self, record: Record, name: str) -> Record:
        """Return the recording, or a stretch of it, as `write_record` takes it.

        Raises
        ------
        RecordError
            If an offset is beyond 32 bits.
        """
        if self.factor is None:
            gains, offsets = record.gains, np.rint(record.offsets)
            stored = _as_they_are(record)
        else:
            gains, offsets = record.gains / self.factor, -self.shift
            stored = np.rint(record.centred / self.factor[:, None]) - self.shift[:, None]
            stored = np.where(np.isnan(stored), MISSING, stored).astype(np.int16)
        if np.abs(offsets).max() > LARGEST:
            raise RecordError(
                f"{name}: an offset of {np.abs(offsets).max():g} steps cannot be stored"
            )
        turned = gains < 0
        if turned.any():
            stored = np.where(turned[:, None] & (stored != MISSING), -stored, stored)
        sign = np.where(turned, -1.0, 1.0)
        leads = tuple(_lead(lead, number) for number, lead in enumerate(record.leads, 1))
        units = tuple("_".join(unit.split()) or NO_UNIT for unit in record.units)
        return replace(
            record, name=name, stored=stored, gains=gains * sign, offsets=offsets * sign + 0.0,
            leads=leads, units=units, missing=MISSING,
        )  # fmt: skip


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
    steps = steps_of([record])
    return steps.apply(record, name), steps.note


def steps_of(stretches: Iterable[Record]) -> Steps:
    """Look at a recording, stretch by stretch, and choose its steps; there is at least one.

    Raises
    ------
    LeadsChangeError
        If stretches differ in more than their samples.
    """
    first, whole, fits = None, True, True
    low, high = np.array(np.nan), np.array(np.nan)
    for record in stretches:
        first = first or record
        if not alike(record, first):
            raise LeadsChangeError(f"{record.name}: leads or gains change within it")
        if record.stored.dtype == np.int16 and record.missing == MISSING:
            known = np.zeros(0)
        else:
            known = record.stored[~np.isnan(record.centred)]
        whole = whole and bool(np.all(known == np.rint(known)))
        fits = fits and np.abs(known).max(initial=0) <= LARGEST_INT16
        if not known.size:
            continue
        low = np.fmin(low, np.fmin.reduce(record.centred, axis=1))
        high = np.fmax(high, np.fmax.reduce(record.centred, axis=1))
    if first is None:
        raise ValueError("a recording without stretches")
    if whole and fits:
        moved = float(np.abs(first.offsets - np.rint(first.offsets)).max())
        note = f"offset rounded by {moved:.2g} steps" if moved > LEAST_MOVE else ""
        return Steps(factor=None, shift=np.zeros(len(first.leads)), note=note)
    return _coarser(first, whole, *np.broadcast_arrays(low, high, first.gains)[:2])


def _as_they_are(record: Record) -> np.ndarray:
    if record.stored.dtype == np.int16 and record.missing == MISSING:
        return record.stored
    return np.where(np.isnan(record.centred), MISSING, record.stored).astype(np.int16)


def _coarser(record: Record, whole: bool, low: np.ndarray, high: np.ndarray) -> Steps:
    """Choose new steps and offsets from the extremes of each lead, in stored units."""
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
    ends = np.rint(np.abs([low, high]) / factor)
    extreme = np.nan_to_num(np.fmax.reduce(ends, axis=0))
    middle = np.rint(np.nan_to_num((high + low) / 2) / factor)
    shift = np.where(extreme > LARGEST_INT16, middle, 0.0)
    microvolts = np.abs(record.resolution) * factor * 1e3
    shown = sorted({f"{step:.4g}" for step in microvolts[~np.isnan(microvolts)]})
    note = f"steps of {', '.join(shown) or 'unknown'} uV"
    kept = whole and np.all(factor == 1)
    note = f"moved by an offset, {note} kept" if kept else f"quantised in {note}"
    return Steps(factor=factor, shift=shift, note=note)


def _lead(name: str, number: int) -> str:
    """Return a lead's name as a header can hold it; what is none of the twelve stays none."""
    if name in LEADS:
        return name
    clean = " ".join(_NOT_IN_NAMES.sub(" ", name).split())[:LONGEST_LEAD].strip()
    return clean if clean and standard_lead(clean) not in LEADS else f"signal {number}"
