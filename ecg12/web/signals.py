"""The signals of a recording as the page draws them: ten seconds of it, filtered for the eye."""

import base64
from typing import Any

import numpy as np

from ecg12.io.open_record import OpenRecord
from ecg12.plotting.excerpt import excerpt
from ecg12.runtime.errors import InputError

SECONDS = 10.0  # that are shown
STEP = 0.005  # mV; a twentieth of a millimetre of paper
GAP = -32768  # where there is no sample


def drawing(record: OpenRecord, start: float = 0.0) -> dict[str, Any]:
    """Return what the page draws.

    Parameters
    ----------
    record
        Any length; no more is read than is drawn, where its format allows.
    start
        Where the part that is drawn begins, s.

    Returns
    -------
    dict
        ``"leads"``: lead → base64 of little-endian int16 in steps of ``"step"`` mV, `GAP` where a
        sample is missing; ``"rate"`` in Hz; ``"start"`` and ``"seconds"`` of what is shown, and
        ``"length"`` of the whole; ``"silent"`` leads; ``"heart_rate"`` per minute or None;
        ``"to_scale"``, ``"amplitude_note"`` and ``"filtered"`` as in `Excerpt`. Or only
        ``"reason"``, if nothing can be drawn.
    """
    try:
        shown = excerpt(record, start, SECONDS)
    except InputError as error:
        return {"reason": str(error)}
    return {
        "leads": {lead: _packed(values) for lead, values in shown.signals.items()},
        "rate": shown.rate,
        "start": shown.start,
        "seconds": shown.seconds,
        "length": shown.length,
        "step": STEP,
        "silent": list(shown.silent),
        "heart_rate": None if shown.heart_rate is None else round(shown.heart_rate),
        "to_scale": shown.to_scale,
        "amplitude_note": shown.amplitude_note,
        "filtered": shown.filtered,
    }


def _packed(values: np.ndarray) -> str:
    steps = np.clip(np.rint(values / STEP), -32767, 32767)
    stored = np.where(np.isnan(steps), GAP, steps).astype("<i2")
    return base64.b64encode(stored.tobytes()).decode("ascii")
