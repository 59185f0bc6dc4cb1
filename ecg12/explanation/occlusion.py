"""Copies of a prepared recording, in each of which some leads lack a stretch of time.

What is occluded becomes the straight line between the levels at its two ends. It is done on the
prepared signal: filters and scaling, which would spread it over the rest, have been applied. A line
is no wave, no step and no gap; the parts that are left keep their values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecg12.ensemble.classifier import BATCH, Classifier
from ecg12.io.record import Record
from ecg12.signal.preprocessing import Preprocessing

LEVEL = 0.02  # s on either side, whose mean is the level at an end
CLIP = 1e-7  # scores closer to 0 and 1 count as this close: float32 tells no more apart

Prepared = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Patch:
    """What is occluded: some leads, by name, from `start` to `end`, s of the recording."""

    leads: tuple[str, ...]
    start: float
    end: float


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

    def occlude(self, patches: Sequence[Patch]) -> Prepared:
        """Return the prepared recording without some of its parts."""
        pairs = zip(self._prepared, self._classifier.preprocessings, strict=True)
        return tuple(_occluded(parts, chain, self.seconds, patches) for parts, chain in pairs)

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


def _occluded(
    parts: np.ndarray, chain: Preprocessing, seconds: float, patches: Sequence[Patch]
) -> np.ndarray:
    """Return (n_parts, n_leads, n_samples) with lines in the place of the patches."""
    copy = parts.copy()
    width = max(1, round(LEVEL * chain.rate))
    begins = part_starts(len(parts), chain, seconds)
    for patch in patches:
        rows = [chain.leads.index(lead) for lead in patch.leads if lead in chain.leads]
        for part, begin in enumerate(begins):
            recorded = min(chain.n_samples, round((seconds - begin) * chain.rate))
            first, last = (round((time - begin) * chain.rate) for time in (patch.start, patch.end))
            first, last = max(first, 0), min(last, recorded)
            if first < last:
                line = _line(parts[part][rows, :recorded], first, last, width)
                copy[part, rows, first:last] = np.rint(line)
    return copy


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
