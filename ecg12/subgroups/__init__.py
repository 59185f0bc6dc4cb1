"""Scores by subgroup: sex, age band, database, signal quality, heart-rate band.

    attributes ─ groupings ─ measures ─ scores

`attributes` reads what is known of recordings and measures their signals, `groupings` divides them,
`scores` compares each group with all other recordings. Reports and cross-validation use the same.
"""

from ecg12.subgroups.attributes import Attributes, read_attributes
from ecg12.subgroups.groupings import Grouping, divide, groupings
from ecg12.subgroups.measures import MACRO, METRIC
from ecg12.subgroups.scores import (
    MIN_CASES,
    MIN_GROUP,
    Comparison,
    GroupScores,
    compare_groups,
    sorted_groups,
)

__all__ = [
    "MACRO",
    "METRIC",
    "MIN_CASES",
    "MIN_GROUP",
    "Attributes",
    "Comparison",
    "GroupScores",
    "Grouping",
    "compare_groups",
    "divide",
    "groupings",
    "read_attributes",
    "sorted_groups",
]
