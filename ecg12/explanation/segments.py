"""Where a recording is cut for occlusion: QRS complexes, and the time between them in even parts.

Segments follow the heartbeat, so that each holds a wave or a part of one, and the ends of QRS
segments lie where the signal is near its baseline.
"""

import numpy as np

from ecg12.signal.heart_rate import FEWEST, LOWEST_RATE, find_beats

QRS = 0.16  # s; holds a wide complex
PART = 0.12  # s; usual length of the other segments
SHORTEST = 0.03  # s; what is shorter joins the segment after it
MOST = 100  # segments of a recording, about; those of a long one are longer


def segment_edges(signals: np.ndarray, rate: float, seconds: float) -> np.ndarray:
    """Cut a recording into segments.

    Parameters
    ----------
    signals
        (n_leads, n_samples) as the networks take it; what lies beyond `seconds` is padding.
    rate
        Of these, Hz.
    seconds
        Length of what is cut.

    Returns
    -------
    (n_segments + 1,) s, ascending from 0 to `seconds`. Where no beats are found, segments are even.
    """
    part = max(PART, seconds / MOST)
    centres = np.empty(0)
    if rate >= LOWEST_RATE:
        recorded = signals[:, : max(round(seconds * rate), 1)].astype(float)
        centres = find_beats(recorded, rate) / rate
    if len(centres) < FEWEST or part > QRS:
        return np.linspace(0, seconds, max(1, round(seconds / part)) + 1)
    around = np.ravel([centres - QRS / 2, centres + QRS / 2], order="F")
    edges = [0.0]
    for place, end in enumerate(np.clip([*around, seconds], 0.0, seconds)):
        length = end - edges[-1]
        if length >= SHORTEST:
            n = 1 if place % 2 else max(1, round(length / part))
            edges += np.linspace(edges[-1], end, n + 1)[1:].tolist()
    edges[-1] = seconds
    return np.array(edges)
