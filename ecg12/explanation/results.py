"""What an explanation says: for each class, how much its score rests on each lead and time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

DIGITS = 3  # of weights in JSON: log odds
MILLISECONDS = 3  # digits of times in JSON, s


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassMap:
    """What the score of one class rests on.

    Attributes
    ----------
    abbreviation, name
        As in a prediction.
    score
        Median of the members' scores for the whole recording.
    leads
        Rows of the map.
    edges
        (n_segments + 1,) s of the recording, ascending: where its columns begin and end.
    weights
        (n_leads, n_segments), 0 and above: how much the log odds of the score fall without this
        part of the recording; 0 where they do not fall.
    """

    abbreviation: str
    name: str
    score: float
    leads: tuple[str, ...]
    edges: np.ndarray
    weights: np.ndarray

    @property
    def lead_shares(self) -> dict[str, float]:
        """Each lead's share of all weights, adding to 1; all 0 where nothing lowers the score."""
        total = float(self.weights.sum()) or 1.0
        sums = self.weights.sum(axis=1) / total
        return dict(zip(self.leads, sums.tolist(), strict=True))

    @property
    def top_leads(self) -> tuple[str, ...]:
        """The two leads that matter most, the first one more; fewer where no others matter."""
        shares = self.lead_shares
        ranked = sorted((lead for lead in shares if shares[lead] > 0), key=lambda x: -shares[x])
        return tuple(ranked[:2])

    @property
    def top_times(self) -> tuple[tuple[float, float], ...]:
        """The three stretches that matter most over all leads, s, the first one most."""
        sums = self.weights.sum(axis=0)
        ranked = [int(k) for k in np.argsort(-sums, kind="stable")[:3] if sums[k] > 0]
        return tuple((float(self.edges[k]), float(self.edges[k + 1])) for k in ranked)

    @property
    def summary(self) -> str:
        """In words, such as ``rests on V2 (18 %), III (11 %); most at 5.03-5.19, 1.60-1.76 s``."""
        shares = self.lead_shares
        if not self.top_leads:
            return "no part alone lowers the score"
        leads = ", ".join(f"{lead} ({100 * shares[lead]:.0f} %)" for lead in self.top_leads)
        times = ", ".join(f"{begin:.2f}-{end:.2f}" for begin, end in self.top_times)
        return f"rests on {leads}; most at {times} s"

    def as_dict(self) -> dict[str, Any]:
        """Return a compact form for JSON; the map as whole percents of its largest weight."""
        largest = float(self.weights.max(initial=0.0))
        percents = np.rint(100 * self.weights / (largest or 1.0)).astype(int)
        shares = self.lead_shares
        return {
            "summary": self.summary,
            "top_leads": list(self.top_leads),
            "lead_shares": {lead: round(shares[lead], DIGITS) for lead in self.leads},
            "edges": self.edges.round(MILLISECONDS).tolist(),
            "largest": round(largest, DIGITS),
            "map": dict(zip(self.leads, percents.tolist(), strict=True)),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """What the scores of a recording rest on.

    Attributes
    ----------
    recording
        Its name.
    classes
        One map for each class that was asked for, in that order.
    """

    recording: str
    classes: tuple[ClassMap, ...]

    def __getitem__(self, abbreviation: str) -> ClassMap:
        """Return a class's map.

        Raises
        ------
        KeyError
            If that class is not explained.
        """
        for one in self.classes:
            if one.abbreviation == abbreviation:
                return one
        raise KeyError(abbreviation)

    def as_dict(self) -> dict[str, Any]:
        """Return class → its compact form for JSON, see `ClassMap.as_dict`."""
        return {one.abbreviation: one.as_dict() for one in self.classes}
