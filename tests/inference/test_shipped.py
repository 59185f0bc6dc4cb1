"""The model that is part of the package: its files, licence, classes, and real recordings."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import ecg12
from ecg12.ensemble.model_index import INDEX, SHIPPED
from ecg12.io.classes import WEIGHTS, load_weights

MOST = 25e6  # bytes


@pytest.fixture(scope="module")
def model():
    return ecg12.load_model()


def test_its_files_are_few_licensed_and_those_that_its_index_names():
    index = json.loads((SHIPPED / INDEX).read_text())
    files = {path.name for path in SHIPPED.iterdir()}
    others = index["graph"], index["novelty"]
    named = {entry["file"] for entry in (*index["members"], *others)}
    assert files == named | {INDEX, "LICENSE.txt"}
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < MOST
    licence = (SHIPPED / "LICENSE.txt").read_text()
    assert "Attribution 4.0" in licence
    assert "Wagner" in licence
    assert len(index["members"]) % 2 == 1


def test_its_weights_are_values_that_half_precision_holds():
    networks = ecg12.load_model(runtime="keras").classifier.members
    for member in networks:
        for weights in member.model.get_weights():
            np.testing.assert_array_equal(weights, weights.astype(np.float16))


def test_it_answers_the_challenge_s_classes_with_probabilities(model, make_record):
    assert model.classes.groups == load_weights(WEIGHTS).groups
    prediction = model.predict_record(make_record())
    named = {entry.abbreviation: entry for entry in prediction.classes}
    assert 0 <= named["NSR"].probability <= 1
    assert named["Brady"].probability is None  # PTB-XL labels none, so nothing calibrates it


def test_both_sets_of_thresholds_decide(make_record):
    record = make_record()
    by = {
        decide: ecg12.load_model(decide=decide).predict_record(record)
        for decide in ("challenge", "balanced")
    }
    thresholds = {decide: [e.thresholds for e in p.classes] for decide, p in by.items()}
    scores = {decide: [e.score for e in p.classes] for decide, p in by.items()}
    assert thresholds["challenge"] != thresholds["balanced"]
    np.testing.assert_allclose(scores["challenge"], scores["balanced"], atol=1e-6)


@pytest.mark.slow
def test_rhythms_of_hospitals_that_it_never_saw_are_ranked(model, shared):
    """Atrial fibrillation, and bradycardia and tachycardia, of CPSC 2018, Georgia, Chapman."""
    folders = [shared / "data/real" / name for name in ("cpsc2018", "georgia", "chapman_ningbo")]
    outcomes = list(model.predict_files(folders))
    assert not [o for o in outcomes if isinstance(o, ecg12.Failure)]
    codes = [ecg12.read_record(outcome.source).codes for outcome in outcomes]
    for name, code in (("AF", "164889003"), ("SB", "426177001"), ("STach", "427084000")):
        truth = [code in own for own in codes]
        scores = [
            entry.score
            for outcome in outcomes
            for entry in outcome.classes
            if entry.abbreviation == name
        ]
        assert roc_auc_score(truth, scores) > 0.9
