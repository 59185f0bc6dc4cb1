"""Scores of subgroups, such as one sex or one hospital, each beside all other recordings.

A group's difference is its score minus that of the rest, over the same classes. Both sides are
resampled together by patient; see `intervals.difference`.

A class counts in AUROC if on both sides its positives are of `MIN_CASES` patients and its negatives
of as many; of folds that different networks scored, those of folds with both. A side of fewer than
`MIN_GROUP` patients is not compared, and no number is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.bootstrap import REPLICATES, Draws, resample, units_per_class
from ecg12.metrics.challenge import best_constant
from ecg12.metrics.classwise import as_set_pair
from ecg12.metrics.intervals import Estimate, correlation, difference
from ecg12.subgroups.groupings import Grouping
from ecg12.subgroups.measures import Cells, Side

MIN_GROUP = 20  # patients, or recordings where those are unknown
MIN_CASES = 10  # patients, or recordings, with a positive of a class, and with a negative


@dataclass(frozen=True)
class Comparison:
    """A measure of a group and of the rest, and their difference."""

    group: Estimate
    rest: Estimate
    difference: Estimate

    @property
    def certain(self) -> float:
        """The difference that is left at the end of its interval nearer to zero; < 0: none."""
        return max(self.difference.low, -self.difference.high)

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference excludes zero."""
        return self.certain > 0


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupScores:
    """The scores of one group.

    Attributes
    ----------
    kind, group
        Names of the grouping and of the group.
    n, n_patients
        How many recordings and patients it has; None: patients are unknown.
    reason
        Why it is not compared, or ``""``.
    constant
        The challenge metric of its best constant prediction; NaN if it is not compared.
    measures
        ``"challenge metric"`` and ``"macro AUROC"``; empty if it is not compared.
    classes
        Name → AUROC of each class with enough cases.
    positives
        Name of each of these classes → its recordings in the group.
    """

    kind: str
    group: str
    n: int
    n_patients: int | None
    reason: str = ""
    constant: float = float("nan")
    measures: Mapping[str, Comparison] = field(default_factory=dict)
    classes: Mapping[str, Comparison] = field(default_factory=dict)
    positives: Mapping[str, int] = field(default_factory=dict)

    @property
    def differing(self) -> list[str]:
        """The measures whose difference excludes zero."""
        return [name for name, found in self.measures.items() if found.differs]


def compare_groups(
    groupings: Sequence[Grouping],
    y_true: np.ndarray,
    y_pred: np.ndarray,
    y_score: np.ndarray,
    *,
    classes: ScoredClasses,
    units: np.ndarray | None = None,
    known: np.ndarray | None = None,
    folds: np.ndarray | None = None,
    n_replicates: int = REPLICATES,
    seed: int = 0,
) -> list[GroupScores]:
    """Score each group beside the rest.

    Parameters
    ----------
    groupings
        Ways to divide the recordings.
    y_true, y_pred
        (n, n_classes) bool.
    y_score
        (n, n_classes), higher where likelier, never NaN.
    classes
        The scored classes, sinus rhythm among them.
    units
        (n,) number of each recording's patient, 0 to n_patients - 1. None: patients are unknown,
        and recordings take their place.
    known
        (n, n_classes) bool: which cells of y_true are known; the others do not count. None: all.
    folds
        (n,) number of each recording's fold, where the folds were scored by different networks:
        AUROC is then over the pairs of one fold. None: one network scored all.
    n_replicates, seed
        Of the bootstrap.

    Returns
    -------
    list
        One for each group that has recordings, in the order of the groupings.
    """
    y_true, y_pred = as_set_pair(y_true, y_pred)
    with_patients, units = units is not None, np.arange(len(y_true)) if units is None else units
    known = np.ones(y_true.shape, bool) if known is None else known
    cells = Cells(
        y_true=y_true & known, y_pred=y_pred, y_score=y_score, known=known, units=units,
        folds=np.zeros(len(y_true), int) if folds is None else folds, classes=classes,
    )  # fmt: skip
    found: list[GroupScores] = []
    masks: dict[int, np.ndarray] = {}  # place in `found` → recordings of a group to be compared
    sides: list[Side] = []
    for grouping in groupings:
        for number, name in enumerate(grouping.groups):
            mask = grouping.members == number
            if not mask.any():
                continue
            n_units = [len(np.unique(units[own])) for own in (mask, ~mask)]
            if not (reason := _reason(*n_units)):
                masks[len(found)], enough = mask, _enough(cells, mask)
                pairs = zip((mask, ~mask), n_units, strict=True)
                sides += [Side(cells, own, enough, n) for own, n in pairs]
            found.append(
                GroupScores(
                    kind=grouping.name, group=name, n=int(mask.sum()),
                    n_patients=n_units[0] if with_patients else None, reason=reason,
                )
            )  # fmt: skip
    draws = resample(sides, units, n_replicates, seed) if sides else []
    for number, (place, mask) in enumerate(masks.items()):
        pair = slice(2 * number, 2 * number + 2)
        found[place] = _scored(found[place], cells, mask, sides[pair], draws[pair])
    return found


def _reason(n_units: int, n_rest: int) -> str:
    """Say why a group is not compared; nothing if it is."""
    if not n_rest:
        return "all recordings"
    if n_units < MIN_GROUP:
        return f"too few: fewer than {MIN_GROUP}"
    return f"too few others: fewer than {MIN_GROUP}" if n_rest < MIN_GROUP else ""


def _enough(cells: Cells, mask: np.ndarray) -> np.ndarray:
    """Return the classes of which enough units have positives, and negatives, on both sides."""
    counts = []
    for own in (mask, ~mask):
        positive, counted = cells.y_true[own], cells.paired(np.flatnonzero(own))
        sides = (counted & positive, counted & ~positive)
        counts += [units_per_class(side, cells.units[own]) for side in sides]
    return np.flatnonzero(np.min(counts, axis=0) >= MIN_CASES)


def _scored(
    empty: GroupScores,
    cells: Cells,
    mask: np.ndarray,
    sides: Sequence[Side],
    draws: Sequence[Draws],
) -> GroupScores:
    """Return a group's counts with its scores, from the two sides and their replicates."""
    first, second = (side.estimates(own, len(mask)) for side, own in zip(sides, draws, strict=True))
    compared = {
        name: Comparison(
            first[name],
            second[name],
            difference(first[name], second[name], correlation(*(own[name] for own in draws))),
        )
        for name in first
    }
    names = sides[0].names
    return replace(
        empty,
        constant=best_constant(cells.y_true[mask], cells.classes, cells.known[mask])[1],
        measures={name: compared[name] for name in compared if name not in names},
        classes={name: compared[name] for name in names},
        positives=dict(zip(names, sides[0].positives.tolist(), strict=True)),
    )


def sorted_groups(found: Iterable[GroupScores]) -> list[GroupScores]:
    """Sort groups: those that differ first, the clearest ahead; those not compared last."""

    def key(scores: GroupScores) -> tuple[bool, float]:
        return bool(scores.reason), -max([0.0, *(p.certain for p in scores.measures.values())])

    return sorted(found, key=key)
