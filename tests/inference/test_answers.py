"""Answers with a promised coverage and the distance from the training, in every layout."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg12.decision.conformal import PredictionSets
from ecg12.ensemble.classifier import Decisions, Member
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.inference.layouts import FAR, render
from ecg12.inference.model import Model, load_model
from ecg12.io.class_table import read_classes
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import InputError, ModelError
from ecg12.signal.preprocessing import Preprocessing, prepare
from ecg12.synthetic import recording

SCORES = np.array([[0.9, 0.5, 0.2, 0.7]])
CUTS = np.full(4, 0.6)
SETS = PredictionSets(0.9, np.array([0.8, 0.4, 0.4, np.nan]), np.array([0.1, 0.6, 0.1, np.nan]))
ANSWERS = ["yes", "uncertain", "no", ""]  # of C the set is empty, and the label stands
HELD = [["yes"], ["no", "yes"], [], None]


@pytest.fixture
def model(tmp_path):
    """Return a model that says the same of every recording; a percentile of 99.5."""
    table = tmp_path / "classes.csv"
    table.write_text("code,abbreviation\n1,A\n2,B\n3,C\n4,D\n")

    class Fixed:
        classes = read_classes(table)
        calibration = None
        preprocessings = (Preprocessing(),)
        members = (Member("a", None, Preprocessing(), thresholds=CUTS, validation_score=0.5),)
        percentile = 99.5

        def prepare(self, record):
            return (prepare(record, self.preprocessings[0]),)

        def predict(self, prepared):
            labels = SCORES > CUTS
            return Decisions(
                labels, SCORES, labels.astype(int), answers=SETS.answers(SCORES, labels),
                holds=SETS.holds(SCORES), coverage=0.9, percentiles=np.array([self.percentile]),
            )  # fmt: skip

    return Model(Fixed())


def predicted(model):
    return model.predict_record(recording(0, 0))


def test_answers_are_in_the_prediction_and_in_every_layout(model):
    result = predicted(model)
    assert [entry.answer for entry in result.classes] == ANSWERS
    [parsed] = json.loads("".join(render("json", [result])))["recordings"]
    assert parsed["coverage"] == 0.9
    assert [entry["answer"] for entry in parsed["classes"]] == ANSWERS
    assert [entry["prediction_set"] for entry in parsed["classes"]] == HELD
    assert parsed["ood_percentile"] == 99.5
    rows = list(csv.DictReader("".join(render("csv", [result])).splitlines()))
    assert [row["answer"] for row in rows] == ANSWERS
    assert {(row["coverage"], row["ood_percentile"]) for row in rows} == {("0.9", "99.5")}
    text = "".join(render("text", [result], every_class=True))
    shown = {line.split()[0 if line[2] == " " else 1]: line for line in text.splitlines()[5:]}
    assert "at 90 %" in text
    for name, answer in zip("ABCD", ANSWERS, strict=True):
        assert (answer or "no promise") in shown[name]


@pytest.mark.parametrize(
    ("percentile", "said"),
    [(99.5, "99.5 %"), (100.0, "more than 99.9 %"), (FAR, None), (np.nan, None)],
)
def test_the_text_names_only_what_is_far(model, percentile, said):
    model.classifier.percentile = percentile
    text = "".join(render("text", [predicted(model)]))
    assert ("unlike the training recordings" in text) == (said is not None)
    assert said is None or said in text


@pytest.mark.parametrize("layout", ["text", "json", "csv"])
def test_microvolts_given_as_millivolts_are_a_warning_in_every_layout(model, make_record, layout):
    record = make_record()
    said = "".join(render(layout, [model.predict_record(record)]))
    assert "implausible amplitude" not in said
    thousandfold = replace(record, gains=tuple(gain / 1000 for gain in record.gains))
    said = "".join(render(layout, [model.predict_record(thousandfold)]))
    assert "implausible amplitude" in said
    assert "if the samples were in uV" in said


def test_text_has_a_threshold_once_and_says_where_there_is_none(model):
    result = predicted(model)
    entries = [
        replace(result.classes[0], thresholds=(0.25, 0.25), positive=False),
        replace(result.classes[1], thresholds=(0.25, 0.5), positive=False),
        replace(result.classes[2], thresholds=(1.0, 1.0), positive=False),
    ]
    text = "".join(render("text", [replace(result, classes=tuple(entries))], every_class=True))
    shown = {line.split()[0]: line.split()[-2:] for line in text.splitlines()[7:]}
    assert shown["A"] == ["yes", "0.250"]
    assert shown["B"] == ["0.250", "0.500"]
    assert shown["C"] == ["no", "never"]


def test_columns_of_the_text_stand_below_their_heads_however_short_the_names(model):
    text = "".join(render("text", [predicted(model)], every_class=True))
    lines = text.splitlines()
    [place] = [k for k, line in enumerate(lines) if line.startswith("    class ")]
    rows = [line for line in lines[place + 1 :] if not line.endswith(":")]
    begin = lines[place].index("score")
    assert [row[begin - 1 : begin + 2] for row in rows] == [" 0."] * 4


def test_without_them_nothing_is_said(model):
    plain = model.classifier.predict
    model.classifier.predict = lambda prepared: replace(
        plain(prepared), answers=None, holds=None, coverage=None, percentiles=None
    )
    result = predicted(model)
    [parsed] = json.loads("".join(render("json", [result])))["recordings"]
    assert parsed["ood_percentile"] is None
    assert "coverage" not in parsed
    assert "answer" not in parsed["classes"][0]
    assert "at 90 %" not in "".join(render("text", [result]))


def test_the_package_s_model_has_both():
    model = load_model(coverage=0.9, runtime="onnx")
    real = recording(0, 0)
    result = model.predict_record(real)
    assert 0 <= result.ood_percentile <= 100
    answers = {entry.abbreviation: entry.answer for entry in result.classes}
    assert answers["AF"] in ("yes", "no", "uncertain")
    assert answers["Brady"] == ""  # no recording of PTB-XL has it
    noise = np.random.default_rng(0).normal(size=(12, 5000))
    assert model.predict(noise, fs=500, leads=LEADS).ood_percentile > FAR


def test_coverages_and_models_without_sets_are_refused():
    with pytest.raises(InputError, match=r"coverage 0\.995"):
        load_classifier(SHIPPED, "onnx", coverage=0.995)
    old = Path(__file__).parents[1] / "fixtures" / "model_format_1"
    with pytest.raises(ModelError, match=r"coverage 0\.9: the model has no prediction sets"):
        load_classifier(old, coverage=0.9)
