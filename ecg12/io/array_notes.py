"""What must be known of an array of numbers: rate, unit and leads, as given or as its file says."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.io.array_files import NOTES, TRACINGS, StoredArray
from ecg12.io.channels import check_rate
from ecg12.io.leads import LEADS, standard_lead
from ecg12.io.record import MILLIVOLTS_PER_UNIT
from ecg12.runtime.errors import RecordError

_UNIT = re.compile(r"\s*(\d+\.?\d*(?:[eE]-?\d{1,2})?|\.\d+)?\s*([^\s\d]+)\s*")


def settled(path: Path, array: StoredArray, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return rate, unit and leads: as the file says, or else as given.

    Raises
    ------
    RecordError
        If one is not known, which the message says, makes no sense, or differs from what the file
        says.
    """
    said = dict(array.notes)
    if array.name == TRACINGS and array.values.shape[-1] == len(LEADS):
        said.setdefault("leads", LEADS)
    notes = said | {name: value for name, value in given.items() if value is not None}
    if missing := [f"--{name}" for name in NOTES if name not in notes]:
        raise RecordError(
            f"{path}: the file does not say everything that is needed; missing: "
            f"{', '.join(missing)} (in Python {', '.join(name[2:] for name in missing)})"
        )
    notes["rate"] = read_rate(path, notes["rate"])
    notes["leads"] = read_names(path, notes["leads"])
    for name, own in array.notes.items():
        if _comparable(path, name, own) != _comparable(path, name, notes[name]):
            raise RecordError(
                f"{path}: {name} {_shown(own)} in the file, {_shown(notes[name])} given; leave out "
                f"--{name} where the file says it"
            )
    return notes


def _comparable(path: Path, name: str, value: Any) -> Any:
    """Return rate, leads by their usual names, or unit such that equal ones are equal."""
    if name == "rate":
        return read_rate(path, value)
    if name == "leads":
        return [standard_lead(lead) for lead in read_names(path, value)]
    gain, unit = read_gain(path, value)
    return f"{gain / MILLIVOLTS_PER_UNIT[unit.lower()]:.9g}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(map(str, np.atleast_1d(value)))


def read_rate(path: Path, written: Any) -> float:
    """Return a sampling rate in Hz; errors as of `settled`."""
    try:
        rate = float(written)
    except (TypeError, ValueError):
        raise RecordError(f"{path}: rate {written!r}; a number of Hz is needed") from None
    check_rate(path, rate)
    return rate


def read_names(path: Path, leads: Any) -> list[str]:
    """Return lead names from a list, or a text with commas between; errors as of `settled`."""
    names = leads.split(",") if isinstance(leads, str) else leads
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise RecordError(f"{path}: leads must be names such as I,II,V1; given: {leads!r}")
    return [name.strip() for name in names]


def read_gain(path: Path, unit: Any) -> tuple[float, str]:
    """Return stored numbers per unit and the unit, from `"mV"` or a step such as `"5 uV"`.

    Raises
    ------
    RecordError
        If it is no unit of voltage.
    """
    found = _UNIT.fullmatch(unit) if isinstance(unit, str) else None
    step = float(found[1] or 1) if found else 0.0
    if found is None or found[2].lower() not in MILLIVOLTS_PER_UNIT or step <= 0:
        raise RecordError(
            f"{path}: unit {unit!r}; known are nV, uV, mV and V, alone or after a number, "
            "as in '5 uV' for steps of 5 uV"
        )
    return 1 / step, found[2]
