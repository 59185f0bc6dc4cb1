"""WFDB recordings in segments: other recordings, one after the other, with gaps between them.

In a fixed layout all segments have the same signals. In a variable layout (of monitors) a first
segment of no samples names all signals that occur, and each of the others has some of them. What a
segment does not have, and the time between segments, is missing.
"""

from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np

from ecg12.io.headers import GAP, SHOWN, Header
from ecg12.io.record import MILLIVOLTS_PER_UNIT, Record
from ecg12.runtime.errors import RecordError

LARGEST = 2**26  # samples of all signals together; 10 min of 12 leads at 1 kHz take 2**23


def join_segments(
    stem: Path, header: Header, seconds: float | None, read: Callable[[Path, float], Record]
) -> Record:
    """Read the segments of a recording.

    Parameters
    ----------
    stem
        Path of its header without suffix.
    header
        What the header says.
    seconds
        Read only the first seconds, and only the segments that hold them; all by default.
    read
        Reads a segment from the path of its header without suffix, and seconds.

    Returns
    -------
    Record
        Its samples are physical values in float64, because segments may differ in gain.

    Raises
    ------
    RecordError
        If a segment cannot be read, or does not fit the others.
    """
    total = sum(n for _, n in header.segments)
    total = total if seconds is None else min(total, max(1, ceil(seconds * header.rate)))
    pieces: list[tuple[int, Record]] = []
    position = 0  # in samples at the header's rate
    for name, n_samples in header.segments:
        n_samples = min(n_samples, total - position)
        if name != GAP and n_samples:
            if Path(name).name != name:
                raise RecordError(
                    f"{stem}.hea: {name[:SHOWN]!r} is no name of a recording beside the header"
                )
            pieces.append((position, read(stem.with_name(name), n_samples / header.rate)))
        position += n_samples
    if not pieces:
        raise RecordError(f"{stem}.hea: no samples in {len(header.segments)} segments")
    return _joined(stem, header, position, pieces)


def _joined(stem: Path, header: Header, total: int, pieces: list[tuple[int, Record]]) -> Record:
    """Put the segments where they belong; a segment may have several samples per frame."""
    rate = pieces[0][1].rate
    frame = round(rate / header.rate)
    units: dict[str, str] = {}
    for _, piece in pieces:
        for lead, unit in _units(piece):
            units.setdefault(lead, unit)
    if total * frame * len(units) > LARGEST:
        raise RecordError(f"{stem}.hea: more than {LARGEST} samples; read its first seconds only")
    values = np.full((len(units), total * frame), np.nan)
    rows = dict(zip(units, values, strict=True))
    for position, piece in pieces:
        if piece.rate != rate or frame * header.rate != rate:
            raise RecordError(
                f"{stem}.hea: segment {piece.name} at {piece.rate:g} Hz, others at {rate:g} Hz"
            )
        physical = piece.centred / piece.gains[:, None]
        for row, (lead, unit) in zip(physical, _units(piece), strict=True):
            scale = _scale(stem, lead, unit, units[lead])
            begin = position * frame
            rows[lead][begin : begin + len(row)] = row * scale
    n = len(units)
    return Record(
        stem.name, values, np.ones(n), np.zeros(n), tuple(units.values()), tuple(units), rate,
        header.age, header.sex, header.codes,
    )  # fmt: skip


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
