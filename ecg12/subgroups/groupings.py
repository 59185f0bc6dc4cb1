"""Ways to divide recordings: by sex, age, database, signal quality and heart rate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecg12.signal.quality import VERDICTS
from ecg12.subgroups.attributes import UNREADABLE, Attributes

SEXES = {"Female": "female", "Male": "male"}
AGES = {"under 18": 18, "18 to 39": 40, "40 to 59": 60, "60 to 79": 80}  # name → years it ends at
RATES = {"below 60": 60, "60 to 79": 80, "80 to 99": 100}  # name → beats per minute it ends at
OLDEST, FASTEST = "80 and over", "100 and above"
UNKNOWN, NOT_MEASURED = "unknown", "not measured"


@dataclass(frozen=True, eq=False)
class Grouping:
    """One way to divide recordings.

    Attributes
    ----------
    name
        Such as ``"sex"``.
    groups
        Names of the groups, in the order in which they are shown.
    members
        (n,) int: the place of each recording's group in `groups`.
    """

    name: str
    groups: tuple[str, ...]
    members: np.ndarray


def groupings(attributes: Sequence[Attributes], databases: Sequence[str]) -> list[Grouping]:
    """Divide recordings by sex, age, database and, where signals were read, quality and heart rate.

    Parameters
    ----------
    attributes, databases
        Of each recording.
    """
    sexes = [SEXES.get(one.sex or "", UNKNOWN) for one in attributes]
    ages = [_band(one.age, AGES, OLDEST, UNKNOWN) for one in attributes]
    found = [
        divide("sex", sexes, [*SEXES.values(), UNKNOWN]),
        divide("age", ages, [*AGES, OLDEST, UNKNOWN]),
        divide("database", databases, sorted(set(databases))),
    ]
    if any(one.quality for one in attributes):
        rates = [_band(one.heart_rate, RATES, FASTEST, NOT_MEASURED) for one in attributes]
        verdicts = [one.quality for one in attributes]
        found.append(divide("signal quality", verdicts, [*VERDICTS, UNREADABLE]))
        found.append(divide("heart rate", rates, [*RATES, FASTEST, NOT_MEASURED]))
    return found


def divide(name: str, group_of: Sequence[str], groups: Iterable[str]) -> Grouping:
    """Return the grouping in which recording i is of ``group_of[i]``, one of `groups`."""
    place = {group: number for number, group in enumerate(groups)}
    return Grouping(name, tuple(place), np.array([place[group] for group in group_of]))


def _band(value: float | None, ends: Mapping[str, float], last: str, unknown: str) -> str:
    """Name the first band that ends above a value."""
    if value is None:
        return unknown
    return next((name for name, end in ends.items() if value < end), last)
