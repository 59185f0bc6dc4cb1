"""Pages that show what a score rests on; and what text and JSON say of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from ecg12.explanation import ClassMap
from ecg12.inference.layouts import render
from ecg12.inference.results import ClassPrediction, Prediction
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import write_record
from ecg12.plotting.explained import DARKEST, draw_explained
from ecg12.plotting.predictions import draw_result
from ecg12.signal.quality import assess


@pytest.fixture
def found():
    """V2 from 3 to 4 s by 2, aVF from 7 to 8 s by 1; nothing else."""
    weights = np.zeros((12, 10))
    weights[LEADS.index("V2"), 3] = 2
    weights[LEADS.index("aVF"), 7] = 1
    return ClassMap(
        abbreviation="PVC",
        name="premature ventricular contractions",
        score=0.9,
        leads=LEADS,
        edges=np.arange(11.0),
        weights=weights,
    )


@pytest.fixture
def predicted(found, make_record, tmp_path):
    """Return a file's prediction of one diagnosis, with its reasons."""
    record = make_record("R")
    entry = ClassPrediction(
        codes=("427172004",),
        abbreviation="PVC",
        name=found.name,
        positive=True,
        score=0.9,
        probability=None,
        votes=1,
        thresholds=(0.5,),
        explanation=found,
    )
    return Prediction(
        source=str(write_record(tmp_path, record)),
        leads=LEADS,
        rate=500,
        seconds=10,
        classes=(entry,),
        quality=assess(record),
    )


def boxes(figure):
    """Return corners (left, low, right, high) and opacities of the tinted boxes, in mm."""
    found = []
    for one in figure.axes[0].collections:
        if isinstance(one, PolyCollection):
            for path, colour in zip(one.get_paths(), one.get_facecolors(), strict=True):
                found.append(([*path.vertices.min(axis=0), *path.vertices.max(axis=0)], colour[3]))
    return found


def trace(figure, lead):
    [line] = [line for line in figure.axes[0].lines if line.get_label() == lead]
    return line.get_xydata()


def test_the_tint_lies_behind_the_time_and_lead_as_dark_as_its_weight(found, make_record):
    figure = draw_explained(make_record(), found)
    shown = sorted(boxes(figure), key=lambda box: -box[1])
    assert [alpha for _, alpha in shown] == pytest.approx([DARKEST, DARKEST / 2])
    for (corners, _), (lead, second) in zip(shown, (("V2", 3), ("aVF", 7)), strict=True):
        left, low, right, high = corners
        points = trace(figure, lead)
        assert left == pytest.approx(points[500 * second, 0])
        assert right - left == pytest.approx(25)
        assert low < np.median(points[:, 1]) < high


def test_all_leads_are_drawn_over_the_whole_time_at_25_by_5_millimetres(found, make_record):
    record = make_record()
    figure = draw_explained(record, found)
    levels = []
    for row, lead in enumerate(LEADS):
        points = trace(figure, lead)
        assert np.ptp(points[:, 0]) == pytest.approx(249.95)
        levels.append(np.median(points[:, 1]))
        # The filter takes out the slow wave, which is a fifth of the beat's height.
        height = np.ptp(points[:, 1]) / 5
        assert height == pytest.approx(np.ptp(record.millivolts[row]), rel=0.3)
    assert (np.diff(levels) < -10).all()


def test_shares_are_named_and_the_two_leads_that_matter_most_are_bold(found, make_record):
    texts = {
        t.get_text(): t.get_fontweight() for t in draw_explained(make_record(), found).axes[0].texts
    }
    assert {name for name in texts if texts[name] == "bold"} >= {"V2", "aVF", "67 %", "33 %"}
    assert texts["V1"] == "normal"
    assert any("rests on V2 (67 %), aVF (33 %); most at 3.00-4.00, 7.00-8.00 s" in t for t in texts)


def test_text_says_what_a_diagnosis_rests_on(predicted):
    text = "".join(render("text", [predicted]))
    assert "      rests on V2 (67 %), aVF (33 %); most at 3.00-4.00, 7.00-8.00 s\n" in text


def test_json_has_an_explanation_only_where_one_was_asked_for(predicted):
    [entry] = json.loads("".join(render("json", [predicted])))["recordings"][0]["classes"]
    assert entry["explanation"]["top_leads"] == ["V2", "aVF"]
    assert entry["explanation"]["map"]["aVF"] == [0, 0, 0, 0, 0, 0, 0, 50, 0, 0]
    without = replace(predicted, classes=(replace(predicted.classes[0], explanation=None),))
    [entry] = json.loads("".join(render("json", [without])))["recordings"][0]["classes"]
    assert "explanation" not in entry


def test_each_explained_diagnosis_has_a_page_of_its_own(predicted, tmp_path):
    odd = replace(predicted.classes[0], abbreviation="a/b")
    result = replace(predicted, classes=(*predicted.classes, odd))
    draw_result(result, tmp_path / "out", set())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"R.png", "R_PVC.png", "R_a_b.png"}
