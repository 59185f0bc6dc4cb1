"""Copies of a prepared recording, in each of which some leads lack a stretch of time.

What is occluded becomes the straight line between the levels at its two ends. It is done on the
prepared signal: filters and scaling, which would spread it over the rest, have been applied. A line
is no wave, no step and no gap; the parts that are left keep their values.

In the place of a T wave a line is a flat T, itself abnormal. A T wave becomes the usual one of
normal recordings, on that line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.io.record import Record
from ecg12.signal.preprocessing import Preprocessing, amplitude

LEVEL = 0.02  # s on either side, whose mean is the level at an end
CLIP = 1e-7  # scores closer to 0 and 1 count as this close: float32 tells no more apart

# The usual T wave of 600 normal recordings of PTB-XL's training part, prepared: heights above the
# line, in shares of the recording's amplitude; one shape in all leads (experiments/usual_t.py).
NORMAL_T = {
    "I": 0.24, "II": 0.28, "III": 0.04, "aVR": -0.26, "aVL": 0.10, "aVF": 0.16,
    "V1": -0.04, "V2": 0.40, "V3": 0.48, "V4": 0.44, "V5": 0.36, "V6": 0.28,
}  # fmt: skip
T_PEAK, T_WIDTH = 0.44, 0.17  # of its length: place and standard deviation of a Gaussian

Prepared = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Patch:
    """What is occluded: some leads, by name, from `start` to `end`, s of the recording.

    Where it is the `t_wave` of a beat, the usual one takes its place.
    """

    leads: tuple[str, ...]
    start: float
    end: float
    t_wave: bool = False


class _Input:
    """What networks of one preprocessing take of a recording, (n_parts, n_leads, n_samples)."""

    def __init__(self, parts: np.ndarray, chain: Preprocessing, seconds: float) -> None:
        self._parts, self._chain = parts, chain
        self._width = max(1, round(LEVEL * chain.rate))
        self._begins = part_starts(len(parts), chain, seconds)
        rest = np.round((seconds - self._begins) * chain.rate).astype(int)
        self._recorded = np.minimum(rest, chain.n_samples).tolist()
        self._t_heights = [
            _t_heights(part[:, :n], chain.leads)
            for part, n in zip(parts, self._recorded, strict=True)
        ]

    def occluded(self, patches: Sequence[Patch]) -> np.ndarray:
        """Return it with lines, or usual T waves, in the place of the patches."""
        copy, leads, rate = self._parts.copy(), self._chain.leads, self._chain.rate
        for patch in patches:
            rows = [leads.index(lead) for lead in patch.leads if lead in leads]
            for part, begin in enumerate(self._begins):
                recorded = self._recorded[part]
                start, end = (round((time - begin) * rate) for time in (patch.start, patch.end))
                first, last = max(start, 0), min(end, recorded)
                if first < last:
                    wave = _line(self._parts[part][rows, :recorded], first, last, self._width)
                    if patch.t_wave:
                        place = (np.arange(first, last) + 0.5 - start) / (end - start)
                        shape = np.exp(-0.5 * ((place - T_PEAK) / T_WIDTH) ** 2)
                        wave += self._t_heights[part][rows, None] * shape
                    copy[part, rows, first:last] = np.rint(wave)
        return copy


class Occluder:
    """Scores a recording again without some of its parts.

    Parameters
    ----------
    classifier
        Any ensemble.
    record
        The recording.
    prepared
        The same, as `Classifier.prepare` returned it.

    Attributes
    ----------
    leads
        All leads that any network takes.
    seconds
        How much of the recording is used.
    """

    def __init__(self, classifier: Classifier, record: Record, prepared: Prepared) -> None:
        self._classifier = classifier
        self._prepared = prepared
        chains = classifier.preprocessings
        self.leads = tuple(dict.fromkeys(lead for chain in chains for lead in chain.leads))
        longest = max(chain.parts * chain.seconds for chain in chains)
        self.seconds = float(min(record.stored.shape[1] / record.rate, longest))
        self._whole = log_odds(classifier.predict([prepared]).scores)
        pairs = zip(prepared, chains, strict=True)
        self._inputs = [_Input(parts, chain, self.seconds) for parts, chain in pairs]

    def occlude(self, patches: Sequence[Patch]) -> Prepared:
        """Return the prepared recording without some of its parts."""
        return tuple(own.occluded(patches) for own in self._inputs)

    def falls(self, copies: Sequence[Sequence[Patch]]) -> np.ndarray:
        """Return (n, n_classes): by how much the log odds fall in n copies, each without patches.

        The copies are made a batch at a time. Negative where log odds rise.
        """
        found = [np.empty_like(self._whole[:0])]
        for first in range(0, len(copies), BATCH):
            made = [self.occlude(patches) for patches in copies[first : first + BATCH]]
            found.append(self._whole - log_odds(self._classifier.predict(made).scores))
        return np.concatenate(found)


def log_odds(scores: np.ndarray) -> np.ndarray:
    """Return the log odds of scores in [0, 1], finite for all."""
    clipped = np.clip(scores.astype(float), CLIP, 1 - CLIP)
    return np.log(clipped / (1 - clipped))


def _t_heights(signals: np.ndarray, leads: Sequence[str]) -> np.ndarray:
    """Return (n_leads,) heights of the usual T waves; 0 in leads without signal."""
    centred = signals - np.median(signals, axis=1, keepdims=True)
    heights = amplitude(centred) * np.array([NORMAL_T.get(lead, 0.0) for lead in leads])
    return np.where(np.ptp(signals, axis=1) > 0, heights, 0.0)


def part_starts(n_parts: int, chain: Preprocessing, seconds: float) -> np.ndarray:
    """Return where each part of a recording begins, s, as `prepare_parts` spaces them."""
    used = min(seconds, chain.parts * chain.seconds)
    return np.linspace(0, max(used - chain.seconds, 0) if n_parts > 1 else 0, n_parts)


def _line(rows: np.ndarray, first: int, last: int, width: int) -> np.ndarray:
    """Return (n_rows, last - first): lines from the level before to the level after a stretch.

    At the beginning and the end of a recording there is one level only; where there is none, zero.
    """
    before, after = rows[:, max(first - width, 0) : first], rows[:, last : last + width]
    known = [side.mean(axis=1) for side in (before, after) if side.size]
    if not known:
        return np.zeros((len(rows), last - first))
    share = np.arange(1, last - first + 1) / (last - first + 1)
    return known[0][:, None] + (known[-1] - known[0])[:, None] * share
