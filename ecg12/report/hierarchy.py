"""The SNOMED CT hierarchy of the scored classes, paper B's figure 4, and where to draw its nodes.

`hierarchy.csv` holds the figure's arrows as pairs of codes, child and parent. Names come from the
challenge's own tables alone, so a concept that is not scored shows its code.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from ecg12.runtime.csv_tables import read_table

TABLE = Path(__file__).with_name("hierarchy.csv")
SWEEPS = 24  # over the columns; the order no longer changes after a dozen


@dataclass(frozen=True)
class Hierarchy:
    """Concepts and their arrows.

    Attributes
    ----------
    edges
        Pairs of codes, child and parent; no concept is its own ancestor.
    """

    edges: tuple[tuple[str, str], ...]

    @cached_property
    def parents(self) -> dict[str, list[str]]:
        """Code → its parents."""
        found: dict[str, list[str]] = {code: [] for edge in self.edges for code in edge}
        for child, parent in self.edges:
            found[child].append(parent)
        return found

    @cached_property
    def depth(self) -> dict[str, int]:
        """Code → the length of the longest way to a concept without parents."""
        depth = dict.fromkeys(self.parents, 0)
        for _ in depth:
            for child, parent in self.edges:
                depth[child] = max(depth[child], depth[parent] + 1)
        return depth

    def layout(self) -> tuple[dict[str, tuple[float, float]], list[list[tuple[float, float]]]]:
        """Place the concepts such that arrows point to the left and cross seldom.

        Columns are depths. An arrow over several columns passes each at a place of its own
        (Sugiyama et al., IEEE Trans. Syst. Man Cybern. 11:109, 1981); within a column, what stands
        there is sorted by the mean row of its neighbours, column after column, forwards and
        backwards.

        Returns
        -------
        places
            Code → (column, row).
        ways
            For each arrow its points, from child to parent.
        """
        ways = [self._way(child, parent) for child, parent in self.edges]
        near: dict[_Stop, list[_Stop]] = {}
        for way in ways:
            for a, b in pairwise(way):
                near.setdefault(a, []).append(b)
                near.setdefault(b, []).append(a)
        depths = range(max(self.depth.values()) + 1)
        columns = [[stop for stop in near if stop[1] == d] for d in depths]
        rows = {stop: row for column in columns for stop, row in _spread(column).items()}
        for sweep in range(SWEEPS):
            for column in columns if sweep % 2 else columns[::-1]:
                column.sort(key=lambda stop: float(np.mean([rows[other] for other in near[stop]])))
                rows |= _spread(column)
        points = {stop: (float(stop[1]), row) for stop, row in rows.items()}
        places = {code: points[code, depth] for code, depth in self.depth.items()}
        return places, [[points[stop] for stop in way] for way in ways]

    def _way(self, child: str, parent: str) -> list["_Stop"]:
        """Return what an arrow touches: its child, a stop in each column between, its parent."""
        low, high = self.depth[parent], self.depth[child]
        between = [(f"{child} {parent}", d) for d in range(high - 1, low, -1)]
        return [(child, high), *between, (parent, low)]


_Stop = tuple[str, int]  # a concept, or an arrow that passes, and its column


def _spread(column: list[_Stop]) -> dict[_Stop, float]:
    """Give the members of a column rows 1 apart around 0."""
    return {stop: i - (len(column) - 1) / 2 for i, stop in enumerate(column)}


def load_hierarchy() -> Hierarchy:
    """Read the table of arrows with the columns child_snomed_ct and parent_snomed_ct."""
    ends = ("child_snomed_ct", "parent_snomed_ct")
    table = read_table(TABLE, ends)
    return Hierarchy(tuple((row[ends[0]], row[ends[1]]) for _, row in table.records()))
