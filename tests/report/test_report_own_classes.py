"""A report of one's own classes: their abbreviations and names, whatever characters these hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg12.io.class_table import read_classes
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics.intervals import Estimate
from ecg12.report import Results, figures
from ecg12.report.hierarchy import load_hierarchy
from ecg12.report.misses import worst_misses
from ecg12.report.page import picture
from ecg12.report.panels import roc_panels
from ecg12.report.tables import Table

OWN = """426783006,NSR,sinus rhythm
713427006|164909002|270492004,CD,conduction disturbance
MYKEY,MYKEY
"""


@pytest.fixture
def own(tmp_path):
    """Return classes of which one has three codes of the challenge, and one its key as name."""
    (tmp_path / "own.csv").write_text(OWN, encoding="utf-8")
    return read_classes(tmp_path / "own.csv")


def texts(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def results(classes, y_true, y_pred, y_score):
    return Results(
        title="run", headers=(Path("data/A.hea"),), y_true=np.array([y_true], bool),
        y_pred=np.array([y_pred], bool), y_score=np.array([y_score], float), classes=classes,
        databases=("a",),
    )  # fmt: skip


def test_a_miss_names_classes_as_their_table_does(own):
    [miss] = worst_misses(results(own, [1, 0, 0], [0, 1, 1], [0.2, 0.9, 0.8]), 1)
    assert miss.true == "sinus rhythm (NSR)"
    assert miss.predicted == "conduction disturbance (CD) 0.90; MYKEY 0.80"


def test_a_miss_names_all_codes_of_a_class_of_the_challenge():
    classes = load_weights(WEIGHTS)
    on = np.arange(len(classes)) == classes.names.index("CRBBB")
    [miss] = worst_misses(results(classes, on, ~on, np.where(on, 0.1, 0.9)), 1)
    assert miss.true == "complete right bundle branch block / right bundle branch block (CRBBB)"


def test_the_hierarchy_has_the_abbreviations_of_one_s_own_classes(own):
    drawn = texts(figures.hierarchy(load_hierarchy(), own, [0.9, 0.75, 0.6]))
    assert {"NSR 0.90", "CD 0.75", "MYKEY 0.60"} <= drawn
    assert not [text for text in drawn if text.startswith(("CRBBB 0", "LBBB 0", "IAVB 0"))]
    classes = load_weights(WEIGHTS)
    drawn = texts(figures.hierarchy(load_hierarchy(), classes, [0.75] * len(classes)))
    assert {"RBBB 0.75", "LBBB 0.75", "IAVB 0.75"} <= drawn


DOLLARS = ("a $x^$ b", "$ \\frac $", "NSR")  # no formulas: matplotlib cannot parse them


@pytest.mark.parametrize("kind", ["areas", "confusion", "hierarchy", "differences", "panels"])
def test_names_with_dollars_are_drawn_as_they_are(kind, own, tmp_path):
    """The svg file, whose texts stay texts, holds the names; they may be of database folders."""
    estimates = [Estimate(0.5, 0.4, 0.6)] * 3
    rows = [(name, *estimates[:2], 0.3) for name in DOLLARS]
    table = Table("t", "T", ("class", "AUROC", "AUPRC", "prevalence"), rows)
    named = replace(own, named=tuple((name, name) for name in DOLLARS))
    figure = {
        "areas": lambda: figures.areas(DOLLARS, table),
        "confusion": lambda: figures.confusion(DOLLARS, np.eye(3)),
        "hierarchy": lambda: figures.hierarchy(load_hierarchy(), named, [0.9, 0.75, 0.6]),
        "differences": lambda: figures.differences(
            DOLLARS, {"$ \\first $": estimates, "second": estimates}
        ),
        "panels": lambda: roc_panels(DOLLARS, [None] * 3, table),
    }[kind]()
    drawn = picture(figure, tmp_path, kind, "title", "caption")
    assert all(name in drawn.svg for name in DOLLARS)
