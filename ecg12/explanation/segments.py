"""Where a recording is cut for occlusion: QRS, ST, T, and what is between beats in even parts.

Segments follow the heartbeat, so that each holds a wave or a part of one, and their ends lie where
the signal is near its baseline.
"""

from dataclasses import dataclass

import numpy as np

from ecg12.signal.heart_rate import FEWEST, LOWEST_RATE, find_beats

QRS = 0.16  # s; holds a wide complex
T_END = 0.40  # s after the middle of QRS where beats are 1 s apart; times the cube root of RR
T_SHARE = 0.62  # of the time to the next beat: T ends before, whatever the heart rate
ST_SHARE = 0.2  # of the time from the end of QRS to the end of T
PART = 0.12  # s; usual length of the other segments
SHORTEST = 0.03  # s; what is shorter joins the segment after it
MOST = 100  # segments of a recording, about; those of a long one are longer
KINDS = ("between", "QRS", "ST", "T")


@dataclass(frozen=True, eq=False)
class Segments:
    """Parts of a recording, one after the other.

    Attributes
    ----------
    edges
        (n + 1,) s, ascending from 0 to the end: where they begin and end.
    t_waves
        (n,) bool: which of them hold the T wave of a beat, whole.
    """

    edges: np.ndarray
    t_waves: np.ndarray


def cut_segments(signals: np.ndarray, rate: float, seconds: float) -> Segments:
    """Cut a recording into segments.

    Parameters
    ----------
    signals
        (n_leads, n_samples) as the networks take it; what lies beyond `seconds` is padding.
    rate
        Of these, Hz.
    seconds
        Length of what is cut. Where no beats are found in it, segments are even.
    """
    part = max(PART, seconds / MOST)
    centres = np.empty(0)
    if rate >= LOWEST_RATE:
        recorded = signals[:, : max(round(seconds * rate), 1)].astype(float)
        centres = find_beats(recorded, rate) / rate
    if len(centres) < FEWEST or part > QRS:
        n = max(1, round(seconds / part))
        return Segments(np.linspace(0, seconds, n + 1), np.zeros(n, bool))
    begin, end, t_end = centres - QRS / 2, centres + QRS / 2, _t_ends(centres)
    st_end = end + ST_SHARE * (t_end - end)
    ends = [*np.ravel([begin, end, st_end, t_end], order="F"), seconds]
    edges, t_waves = [0.0], []
    for place, stop in enumerate(ends):
        kind = KINDS[place % len(KINDS)]
        length = min(max(stop, 0.0), seconds) - edges[-1]
        if length >= SHORTEST:
            n = max(1, round(length / part)) if kind == "between" else 1
            edges += np.linspace(edges[-1], edges[-1] + length, n + 1)[1:].tolist()
            t_waves += [kind == "T" and stop <= seconds] * n
    edges[-1] = seconds
    return Segments(np.array(edges), np.array(t_waves))


def _t_ends(centres: np.ndarray) -> np.ndarray:
    """Return where the T wave of each beat ends, s, by the time to the next beat (Fridericia)."""
    following = np.diff(centres)
    following = np.append(following, np.median(following))
    return centres + np.minimum(T_END * np.cbrt(following), T_SHARE * following)
