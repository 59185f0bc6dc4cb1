"""Results of comparisons, and the bars that their ratios have to reach."""

from dataclasses import dataclass

from benchmarks.timing import Times, quartiles

UNITS = {"ms": 1e3, "s": 1.0}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What is compared, and what is asked of it.

    Attributes
    ----------
    what, other
        The stage as ecg12 does it, and what stands beside it.
    unit
        Of the times in tables: ``"ms"`` of a recording (or file, or step), or ``"s"`` of the whole.
    clock
        Which times the ratio is of: ``"processor"``, or ``"wall"`` where cores share the work.
    least
        The other's time is so many times ours, at least.
    most
        Our time is so many times the other's, at most. Without either the ratio, other by ours, is
        reported and judged by nobody.
    """

    what: str
    other: str
    unit: str = "ms"
    clock: str = "processor"
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        """Refuse two bars at once, and names that are not known."""
        if self.least is not None and self.most is not None:
            raise ValueError(f"{self.what}: both a least and a most ratio")
        if self.unit not in UNITS or self.clock not in ("processor", "wall"):
            raise ValueError(f"{self.what}: unit {self.unit!r}, clock {self.clock!r}")

    @property
    def text(self) -> str:
        """The bar in words."""
        if self.least is not None:
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if self.most is not None else ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One comparison: times of both sides, or why it was left out, or how it failed."""

    key: str
    ours: Times | None = None
    other: Times | None = None
    note: str = ""
    skipped: str = ""
    failed: str = ""


def ratio(bar: Bar, result: Result) -> tuple[float, float, float] | None:
    """Return the median of a result's ratios, round by round, and their quartiles.

    Ours by the other where the bar is a `most`, else the other by ours; None without times.
    """
    if result.ours is None or result.other is None:
        return None
    ours, other = result.ours.of(bar.clock), result.other.of(bar.clock)
    return quartiles(ours / other if bar.most is not None else other / ours)


def verdict(bar: Bar, result: Result) -> str:
    """Return ``"met"``, ``"missed"``, ``"failed"``, ``"skipped"``, or nothing without a bar."""
    if result.failed or result.skipped:
        return "failed" if result.failed else "skipped"
    found = ratio(bar, result)
    if found is None or (bar.least is None and bar.most is None):
        return ""
    met = found[0] <= bar.most if bar.most is not None else found[0] >= (bar.least or 0.0)
    return "met" if met else "missed"
