"""Worst misses with what the score of their wrong class rests on."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from ecg12.explanation import ClassMap
from ecg12.io.classes import CPSC_2018
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import write_record
from ecg12.report import Results
from ecg12.report.misses import Miss, draw_miss, worst_misses


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ([1, 2], "IAVB"),  # both are not true; IAVB has the higher score
        ([2], "LBBB"),
        ([], "AF"),  # nothing is said: of AF and NSR, which are true, AF has the lower score
    ],
)
def test_the_wrong_class_is_the_surest_that_is_not_true_or_the_least_seen_that_is(said, wrong):
    """The classes are AF, IAVB, LBBB, NSR and others; true are AF and NSR."""
    names = list(CPSC_2018.names)
    assert names[:3] == ["AF", "IAVB", "LBBB"]
    y_true = np.zeros((1, 9), bool)
    y_true[0, [0, names.index("NSR")]] = True
    y_pred = np.zeros((1, 9), bool)
    y_pred[0, said] = True
    y_score = np.full((1, 9), 0.3)
    y_score[0, :3] = 0.2, 0.9, 0.8
    run = Results(
        title="run",
        headers=(Path("data/A.hea"),),
        y_true=y_true,
        y_pred=y_pred,
        y_score=y_score,
        classes=CPSC_2018,
        databases=("a",),
    )
    [miss] = worst_misses(run, 1)
    assert miss.wrong == wrong


def test_a_miss_is_drawn_with_the_tint_of_its_wrong_class(tmp_path, make_record):
    asked = []

    def explain(record, name):
        asked.append((record.name, name))
        return ClassMap(
            abbreviation=name,
            name=name,
            score=0.9,
            leads=LEADS,
            edges=np.array([0.0, 10.0]),
            weights=np.ones((12, 1)),
        )

    header = write_record(tmp_path, make_record("A"))
    miss = Miss("A", header, 1.0, "AF", "IAVB", "IAVB")
    (tmp_path / "out").mkdir()
    blue = []
    for chosen in (None, explain):
        assert isinstance(draw_miss(miss, tmp_path / "out", chosen), bytes)
        pixels = imread(tmp_path / "out" / "A.png")
        blue.append((pixels[..., 2] > pixels[..., 0] + 0.3).mean())
    assert asked == [("A", "IAVB")]
    assert blue[0] == 0
    assert blue[1] > 0.3
