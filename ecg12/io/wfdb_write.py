"""Write recordings as WFDB: a header of either dialect of the challenge and a MATLAB file."""

import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np

from ecg12.io.headers import RATES, Header, SignalLine
from ecg12.io.matlab import mat_head
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import atomic_write, write_text


def write_record(folder: str | Path, record: Record, dialect: str = "A") -> Path:
    """Write a recording as `.hea` and MATLAB v4 `.mat`, readable by WFDB; return the header's path.

    Parameters
    ----------
    folder
        An existing folder.
    record
        Its `stored` samples must be int16.
    dialect
        Header dialect, ``"A"`` (challenge archives) or ``"B"`` (PhysioNet release).

    Raises
    ------
    InputError
        If a header cannot say it: a name with a blank, a code with a comma, a rate that is not
        read, a number of leads other than that of rows.
    ValueError
        If the samples are not int16 or the dialect is unknown.
    """
    return write_stretches(folder, [record], record.stored.shape[1], dialect)


def write_stretches(
    folder: str | Path, stretches: Iterable[Record], n_samples: int, dialect: str = "A"
) -> Path:
    """Write a recording that comes in stretches, one after the other, as `write_record` does.

    Parameters
    ----------
    folder, dialect
        As for `write_record`.
    stretches
        At least one; they differ in their samples alone.
    n_samples
        Of all together.
    """
    left = iter(stretches)
    record = next(left)
    _check(record)
    base = Path(folder) / record.name
    sums = np.zeros(len(record.leads), np.int64)
    with (
        atomic_write(base.with_name(f"{record.name}.mat")) as temporary,
        temporary.open("wb") as file,
    ):
        file.write(mat_head((len(record.leads), n_samples)))
        for stretch in chain([record], left):
            if stretch.stored.dtype != np.int16:
                kind = stretch.stored.dtype
                raise ValueError(f"{record.name}: samples must be int16, not {kind}")
            sums += stretch.stored.sum(axis=1, dtype=np.int64)
            file.write(stretch.stored.T.astype("<i2").tobytes())
    text = _header_text(record, n_samples, sums, dialect)
    path = base.with_name(f"{record.name}.hea")
    write_text(path, text)
    return path


def _check(record: Record) -> None:
    """Refuse what would be read back as something else; errors of `write_record`."""
    n_rows, n_leads = len(record.stored), len(record.leads)
    if n_rows != n_leads:
        raise InputError(f"{record.name}: {n_rows} rows of samples for {n_leads} leads")
    if not RATES[0] <= record.rate <= RATES[1]:
        low, high = RATES
        raise InputError(f"{record.name}: {record.rate} Hz; {low:g} to {high:g} Hz are read")
    fields = {"name": (record.name, r"[\s/#]|^$"), "sex": (record.sex or "", r"[\r\n]")}
    fields |= {f"code {n}": (code, r",|: |[\r\n]|^$") for n, code in enumerate(record.codes, 1)}
    for what, (text, forbidden) in fields.items():
        if found := re.search(forbidden, text):
            why = f"{found[0]!r} in it" if found[0] else "nothing in it"
            raise InputError(f"{record.name}: {what} {text!r} cannot stand in a header: {why}")


def _header_text(record: Record, n_samples: int, sums: np.ndarray, dialect: str) -> str:
    storage = "16+24" if dialect == "A" else "16x1+24"
    gains = [None if np.isnan(gain) else float(gain) for gain in record.gains]
    fields = zip(gains, record.offsets, record.units, record.leads, strict=True)
    signals = tuple(SignalLine(f"{record.name}.mat", storage, *field) for field in fields)
    header = Header(
        record.name, record.rate, n_samples, signals, record.age, record.sex, record.codes,
    )  # fmt: skip
    first = record.stored[:, 0].tolist()
    return format_header(header, first, sums.astype(np.int16).tolist(), dialect)


def format_header(header: Header, first: list[int], checksums: list[int], dialect: str) -> str:
    """Write a header of dialect ``"A"`` or ``"B"`` for samples stored as int16.

    Parameters
    ----------
    header
        What to write; an unknown age is written ``NaN``, an unknown sex ``Unknown``.
    first, checksums
        First stored sample and 16-bit checksum of each signal.
    dialect
        ``"A"``, the challenge archives', or ``"B"``, the PhysioNet release's.

    Raises
    ------
    ValueError
        If the dialect is unknown.
    """
    if dialect not in ("A", "B"):
        raise ValueError(f"unknown header dialect {dialect!r}; choices: 'A', 'B'")
    lines = [f"{header.name} {len(header.signals)} {header.rate:.12g} {header.n_samples}"]
    for signal, value, checksum in zip(header.signals, first, checksums, strict=True):
        gain = _format_gain(signal, dialect)
        lines.append(
            f"{signal.file} {signal.format} {gain} 16 {signal.offset:.0f} {value} {checksum} 0 "
            f"{' '.join(signal.lead.split())}"
        )
    mark = "#" if dialect == "A" else "# "
    age = "NaN" if header.age is None else f"{header.age:.12g}"
    lines += [f"{mark}Age: {age}", f"{mark}Sex: {header.sex or 'Unknown'}"]
    lines += [f"{mark}Dx: {','.join(header.codes)}"]
    lines += [f"{mark}{key}: Unknown" for key in ("Rx", "Hx", "Sx")]
    return "\n".join(lines) + "\n"


def _format_gain(signal: SignalLine, dialect: str) -> str:
    gain = float(signal.gain or 0)
    unit = re.sub("[µμ]", "u", signal.unit)  # WFDB reads headers as ASCII
    unit = re.sub(r"\s+", "_", unit.strip())
    if dialect == "B":
        return f"{gain!r}({signal.offset:.0f})/{unit}"
    offset = f"({signal.offset:.0f})" if signal.offset else ""
    return f"{gain:.12g}{offset}/{unit}"
