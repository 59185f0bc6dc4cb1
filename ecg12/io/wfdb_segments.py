"""WFDB recordings in segments: other recordings, one after the other, with gaps between them.

In a fixed layout all segments have the same signals. In a variable layout (of monitors) a first
segment of no samples names all signals that occur, and each of the others has some of them. What a
segment does not have, and the time between segments, is missing. A lead without gain in all
segments stays as stored.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ecg12.io.headers import GAP, Header
from ecg12.io.open_record import OpenRecord
from ecg12.io.record import MILLIVOLTS_PER_UNIT, Record
from ecg12.io.wfdb_files import check_beside
from ecg12.runtime.errors import RecordError

LARGEST = 2**26  # samples of all signals together; 10 min of 12 leads at 1 kHz take 2**23


def open_segments(
    stem: Path, header: Header, open_segment: Callable[[Path], OpenRecord]
) -> OpenRecord:
    """Open a recording in segments, of which no more are read than hold what is asked for.

    Parameters
    ----------
    stem
        Path of its header without suffix.
    header
        What the header says.
    open_segment
        Opens a segment from the path of its header without suffix.

    Returns
    -------
    OpenRecord
        Its samples are physical values in float64, because segments may differ in gain. It has the
        leads of the segments that are read.

    Raises
    ------
    RecordError
        If there are no samples, or the first segment cannot be opened; others when they are read.
    """
    named = next((name for name, n in header.segments if name != GAP and n), None)
    if named is None:
        raise RecordError(f"{stem}.hea: no samples in {len(header.segments)} segments")

    def opened(name: str) -> OpenRecord:
        check_beside(name, Path(f"{stem}.hea"))
        return open_segment(stem.with_name(name))

    first = opened(named)
    frame = round(first.rate / header.rate)
    if frame * header.rate != first.rate:
        raise RecordError(
            f"{stem}.hea: segment {named} at {first.rate:g} Hz, the recording at {header.rate:g} Hz"
        )
    n_samples = frame * sum(n for _, n in header.segments)
    read = partial(_stretch, stem, header, opened, first)
    return OpenRecord(name=stem.name, rate=first.rate, n_samples=n_samples, read=read)


def _stretch(
    stem: Path,
    header: Header,
    opened: Callable[[str], OpenRecord],
    first_segment: OpenRecord,
    first: int,
    n: int,
) -> Record:
    """Read samples from the segments that hold them; where there are none, all are missing."""
    rate, position = first_segment.rate, 0
    frame = round(rate / header.rate)
    pieces: list[tuple[int, Record]] = []
    for name, announced in header.segments:
        begin, end = max(first, position), min(first + n, position + announced * frame)
        if name != GAP and begin < end:
            segment = opened(name)
            if segment.rate != rate:
                raise RecordError(
                    f"{stem}.hea: segment {name} at {segment.rate:g} Hz, others at {rate:g} Hz"
                )
            if segment.n_samples < announced * frame:
                raise RecordError(
                    f"{stem}.hea: segment {name} announced with {announced * frame} samples, it "
                    f"holds {segment.n_samples}"
                )
            pieces.append((begin - first, segment.read(begin - position, end - begin)))
        position += announced * frame
    return _joined(stem, header, rate, n, pieces or [(n, first_segment.read(0, 1))])


def _joined(
    stem: Path, header: Header, rate: float, n: int, pieces: list[tuple[int, Record]]
) -> Record:
    """Put pieces where they belong among n samples; what lies behind them only has its leads."""
    units: dict[str, str] = {}
    for _, piece in pieces:
        for lead, unit in _units(piece):
            units.setdefault(lead, unit)
    if n * len(units) > LARGEST:
        raise RecordError(f"{stem}.hea: more than {LARGEST} samples; read its first seconds only")
    values = np.full((len(units), n), np.nan)
    rows = dict(zip(units, values, strict=True))
    gains = _gains(stem, [piece for _, piece in pieces])
    for begin, piece in pieces:
        physical = piece.centred / np.where(np.isnan(piece.gains), 1.0, piece.gains)[:, None]
        for row, (lead, unit) in zip(physical, _units(piece), strict=True):
            scale = _scale(stem, lead, unit, units[lead])
            rows[lead][begin : begin + len(row)] = row[: n - begin] * scale
    count = len(units)
    return Record(
        stem.name, values, np.array([gains[lead] for lead in units]), np.zeros(count),
        tuple(units.values()), tuple(units), rate, header.age, header.sex, header.codes,
    )  # fmt: skip


def _gains(stem: Path, pieces: list[Record]) -> dict[str, float]:
    """Return the gain of each lead's values: 1, or NaN where no segment gives the lead's gain."""
    gains: dict[str, float] = {}
    for piece in pieces:
        for lead, gain in zip(piece.leads, piece.gains, strict=True):
            own = float("nan") if np.isnan(gain) else 1.0
            if np.isnan(gains.setdefault(lead, own)) != np.isnan(own):
                raise RecordError(f"{stem}.hea: lead {lead} with a gain and without one")
    return gains


def _units(piece: Record) -> list[tuple[str, str]]:
    return list(zip(piece.leads, piece.units, strict=True))


def _scale(stem: Path, lead: str, unit: str, wanted: str) -> float:
    """Return the factor between two units of a lead."""
    if unit == wanted:
        return 1.0
    ours, others = (MILLIVOLTS_PER_UNIT.get(one.lower()) for one in (unit, wanted))
    if ours is None or others is None:
        raise RecordError(f"{stem}.hea: lead {lead} in {unit} and in {wanted}")
    return ours / others
