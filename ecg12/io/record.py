"""One recording in memory: stored integers and what turns them into millivolts."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ecg12.io.headers import LARGEST, RATES, Header
from ecg12.io.leads import standard_lead
from ecg12.runtime.errors import InputError, RecordError

MILLIVOLTS_PER_UNIT = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}
MISSING = -32768  # WFDB's mark for a missing sample in 16-bit formats


@dataclass(frozen=True, eq=False)
class Record:
    """A 12-lead recording as stored.

    Attributes
    ----------
    name
        The file's stem; outputs are named by it.
    stored
        (n_leads, n_samples), integers as stored, or floats where the caller converted them.
    gains
        (n_leads,) stored units per physical unit; NaN where the header gives none or zero.
    offsets
        (n_leads,) stored value of 0 physical units.
    units
        Physical unit of each lead, such as ``"mV"`` or ``"uV"``.
    leads
        Lead names, the standard twelve in their usual spelling, in the order of `stored`.
    rate
        Sampling rate in Hz.
    age
        Years, or None.
    sex
        ``"Male"``, ``"Female"`` or None.
    codes
        SNOMED CT codes of the diagnoses.
    missing
        Stored value that marks a missing sample.
    derived
        Leads that the file does not hold and the reader computed from others.
    """

    name: str
    stored: np.ndarray
    gains: np.ndarray
    offsets: np.ndarray
    units: tuple[str, ...]
    leads: tuple[str, ...]
    rate: float
    age: float | None = None
    sex: str | None = None
    codes: tuple[str, ...] = ()
    missing: int = MISSING
    derived: tuple[str, ...] = ()

    @property
    def resolution(self) -> np.ndarray:
        """(n_leads,) millivolts per stored unit; NaN where gain or unit is unknown."""
        scale = [MILLIVOLTS_PER_UNIT.get(unit.lower(), np.nan) for unit in self.units]
        return np.asarray(scale) / self.gains

    @property
    def centred(self) -> np.ndarray:
        """(n_leads, n_samples) float64: stored values less their offset, NaN where missing.

        NaN, infinity and floats beyond 32 bits, which no format can store, count as missing.
        """
        values = self.stored.astype(np.float64, order="C")
        lost = self.stored == self.missing
        if self.stored.dtype.kind == "f" or self.stored.dtype.itemsize > 4:
            lost |= ~(np.abs(values) <= LARGEST)
        if lost.any():
            values[lost] = np.nan
        if self.offsets.any():
            values -= self.offsets[:, None]
        return values

    @property
    def millivolts(self) -> np.ndarray:
        """(n_leads, n_samples) float64 in mV; NaN where missing or where the gain is unknown."""
        return self.centred * self.resolution[:, None]

    @classmethod
    def from_header(cls, header: Header, stored: Any, name: str) -> "Record":
        """Join a parsed header and a matrix of samples, (n_leads, n_samples).

        The matrix decides the number of samples where the two differ.

        Raises
        ------
        RecordError
            If the matrix is not numeric, or has not one row per signal of the header.
        """
        stored = np.asarray(stored)
        if stored.ndim != 2 or stored.dtype.kind not in "iuf" or not stored.size:
            raise RecordError(f"{name}: samples of shape {stored.shape}, type {stored.dtype}")
        if len(stored) != len(header.signals):
            raise RecordError(
                f"{name}: the header describes {len(header.signals)} leads, "
                f"the signal file holds {len(stored)} rows"
            )
        signals = header.signals
        return cls(
            name,
            stored,
            np.array([signal.gain or np.nan for signal in signals]),
            np.array([signal.offset for signal in signals]),
            tuple(signal.unit for signal in signals),
            tuple(signal.lead for signal in signals),
            header.rate,
            header.age,
            header.sex,
            header.codes,
        )

    @classmethod
    def from_array(
        cls,
        signals: Any,
        *,
        fs: float,
        leads: Sequence[str],
        unit: str = "mV",
        name: str = "recording",
    ) -> "Record":
        """Check signals that a program holds in memory and make a recording of them.

        Parameters
        ----------
        signals
            (n_leads, n_samples) in `unit`; NaN or infinity where a sample is missing. An array of
            numbers is not copied.
        fs
            Sampling rate in Hz.
        leads
            Name of each row, none twice.
        unit
            ``"nV"``, ``"uV"``, ``"mV"`` or ``"V"``.
        name
            Names the recording.

        Raises
        ------
        InputError
            If an argument is of the wrong type, unit or rate cannot be, there is not one name per
            row, or a lead is repeated.
        """
        values, names = _checked(signals, fs, leads, unit)
        if twice := [lead for lead in names if names.count(lead) > 1]:
            raise InputError(f"lead {twice[0]} twice in {', '.join(leads)}")
        n = len(names)
        return cls(name, values, np.ones(n), np.zeros(n), (unit,) * n, names, float(fs))

    @classmethod
    def from_millivolts(
        cls,
        name: str,
        signals: np.ndarray,
        leads: Sequence[str],
        rate: float,
        *,
        gain: float = 1000.0,
        unit: str = "mV",
        age: float | None = None,
        sex: str | None = None,
        codes: Sequence[str] = (),
    ) -> "Record":
        """Quantise signals in mV, (n_leads, n_samples), to int16 with `gain` steps per `unit`.

        Values beyond the range of int16 saturate, NaN becomes the mark of a missing sample.

        Raises
        ------
        InputError
            If an argument is of the wrong type, unit, rate or gain cannot be, or there is not one
            name per row.
        """
        values, names = _checked(signals, rate, leads, unit, "rate")
        if isinstance(gain, bool) or not isinstance(gain, Real) or not 0 < gain < np.inf:
            raise InputError(f"gain={gain!r}: a positive number of steps per {unit} is needed")
        steps = values.astype(np.float64) * (gain / MILLIVOLTS_PER_UNIT[unit.lower()])
        stored = np.clip(np.rint(steps), -32767, 32767)
        stored = np.where(np.isnan(stored), MISSING, stored).astype(np.int16)
        n = len(names)
        gains, offsets, units = np.full(n, float(gain)), np.zeros(n), (unit,) * n
        return cls(
            name, stored, gains, offsets, units, names, rate, age, sex, tuple(map(str, codes))
        )


def _checked(
    signals: Any, rate: float, leads: Sequence[str], unit: str, called: str = "fs"
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return signals as an array of numbers, and the usual names of leads; errors of `Record`."""
    if not isinstance(unit, str) or unit.lower() not in MILLIVOLTS_PER_UNIT:
        raise InputError(f"unknown unit {unit!r}; choices: {', '.join(MILLIVOLTS_PER_UNIT)}")
    if isinstance(rate, bool) or not isinstance(rate, Real) or not RATES[0] <= rate <= RATES[1]:
        low, high = RATES
        raise InputError(f"{called}={rate!r}: a sampling rate is a number, {low:g} to {high:g} Hz")
    if (
        not isinstance(leads, Sequence | np.ndarray)
        or isinstance(leads, str)
        or not all(isinstance(lead, str) for lead in leads)
    ):
        raise InputError(f"leads={leads!r}: a list of names is needed, such as ['I', 'II']")
    values = _numbers(signals)
    if values.ndim != 2 or len(values) != len(leads) or not values.size:
        raise InputError(
            f"signals of shape {values.shape} for {len(leads)} leads; "
            "rows must be leads, columns samples"
        )
    return values, tuple(standard_lead(lead) for lead in leads)


def _numbers(signals: Any) -> np.ndarray:
    """Return an array of numbers as it is, and anything like one as float64; masked is NaN."""
    if isinstance(signals, np.ma.MaskedArray) and signals.dtype.kind in "iuf":
        return np.where(np.ma.getmaskarray(signals), np.nan, np.asarray(signals, np.float64))
    if isinstance(signals, np.ndarray) and signals.dtype.kind in "iuf":
        return signals
    try:
        return np.array(signals, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"signals are not an array of numbers: {error}") from error
