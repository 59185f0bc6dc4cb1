"""The studies of transfer: noise as announced, intervals as SciPy's, inputs where they belong."""

import argparse
import json

import numpy as np
import pytest
from scipy import stats

from ecg12.data.dataset import Dataset
from ecg12.data.splits import split
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.models import ResNet
from ecg12.models.heads import penultimate
from experiments import age_and_sex, label_noise
from experiments.small import NETWORK, PREPROCESSING, Results, Study, interval, measured, table
from experiments.transfer_vs_scratch import run_seed

CLASSES = load_weights(WEIGHTS)


@pytest.fixture
def study(tmp_path):
    """40 recordings of noise as source and as target, of two classes that amplitude tells apart."""
    rng = np.random.default_rng(0)
    targets = np.zeros((40, len(CLASSES)), bool)
    targets[np.arange(40), np.where(np.arange(40) % 2, 1, CLASSES.normal)] = True
    shape = (40, 12, PREPROCESSING.n_samples)
    signals = (rng.normal(0, 300, shape) * (1 + 2 * targets[:, 1, None, None])).astype(np.int16)
    names = tuple(f"R{i}" for i in range(40))
    data = Dataset(
        signals,
        np.arange(40),
        targets,
        names=names,
        failures=(),
        fingerprint="noise",
        preprocessing=PREPROCESSING,
    )
    options = argparse.Namespace(work=tmp_path, epochs=1, pretraining_epochs=1)
    return Study(options, data, data)


def test_labels_are_corrupted_to_precision_and_recall():
    rng = np.random.default_rng(0)
    truth = rng.random((20_000, 3)) < [0.5, 0.1, 0.0]
    np.testing.assert_array_equal(label_noise.corrupted(truth, 1.0, 1.0, rng), truth)
    found = label_noise.corrupted(truth, 0.9, 0.6, rng)
    for k in (0, 1):
        hits = (found & truth)[:, k].sum()
        assert hits / truth[:, k].sum() == pytest.approx(0.6, abs=0.05)
        assert hits / found[:, k].sum() == pytest.approx(0.9, abs=0.03)
    assert not found[:, 2].any()


def test_shuffled_labels_keep_the_sets_of_classes_and_lose_the_recordings():
    truth = np.random.default_rng(0).random((500, 4)) < 0.3
    found = label_noise.labels_of(label_noise.SHUFFLED, truth, seed=1)
    assert sorted(map(tuple, found)) == sorted(map(tuple, truth))
    assert not np.array_equal(found, truth)


def test_intervals_are_those_of_the_paired_t_test():
    one, other = np.random.default_rng(0).normal(size=(2, 10))
    low, high = stats.ttest_rel(one, other).confidence_interval()
    assert interval(one - other) == f"{(one - other).mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def test_perfect_scores_measure_one_above_the_constant(study):
    task = study.target_task(0)
    parts = (task.dataset.targets[task.parts[name]] * 1.0 for name in ("validation", "test"))
    row = measured(task, *parts)
    assert row["AUROC"] == row["metric"] == 1
    assert 0 < row["margin"] < 1


def test_a_share_of_the_target_keeps_the_test_part(study):
    whole, few = split(40, 3), study.target_task(3, 0.25).parts
    assert {name: len(part) for name, part in few.items()} == {
        "training": 6, "validation": 2, "test": 8
    }  # fmt: skip
    np.testing.assert_array_equal(few["test"], whole["test"])
    assert set(few["training"]) <= set(whole["training"])


@pytest.mark.slow
def test_a_seed_of_the_main_study_is_run_once_and_printed(study, monkeypatch, capsys):
    monkeypatch.setattr("experiments.small.STEPS", 8)
    monkeypatch.setattr("experiments.small.NETWORK", ResNet(2, 3, 1, 4))
    results = Results("study", study)
    run_seed(study, results, [50], 0)
    names = ["50 % from scratch", "50 % pretrained"]
    monkeypatch.setattr(Study, "fit", None)  # nothing may be trained again
    again = Results("study", study)
    run_seed(study, again, [50], 0)
    assert again.rows == results.rows
    capsys.readouterr()
    table(again, names, names[0], 1)
    printed = capsys.readouterr().out
    assert f"{results.rows[names[1] + ', seed 0']['AUROC']:.3f}" in printed
    study.options.epochs = 2
    assert not Results("study", study).rows  # another schedule is another study


def test_age_and_sex_reach_the_head_alone(tmp_path, study):
    for i in range(40):
        age, sex = (50.0, "Male") if i else (None, "Female")
        signals = np.zeros((12, 500))
        leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
        record = Record.from_millivolts(f"R{i}", signals, leads, 500.0, age=age, sex=sex)
        write_record(tmp_path, record)
    known = age_and_sex.with_person(study.target, tmp_path, known=True)
    column = known.inputs(np.arange(2))[:, :, -1, 0]
    expected = np.zeros((2, 12))
    expected[0, 3], expected[1, :4] = 1, [0.5, 1, 1, 0]
    np.testing.assert_allclose(column, expected, atol=PREPROCESSING.step)
    unknown = age_and_sex.with_person(study.target, tmp_path, known=False)
    assert not unknown.signals[:, :, -1].any()

    model = age_and_sex.network(0)
    plain = NETWORK.build(1, PREPROCESSING.n_samples)
    plain.set_weights([*model.get_layer("body").get_weights(), *plain.get_weights()[-2:]])
    features = type(model)(plain.input, penultimate(plain))
    joined = type(model)(model.input, model.get_layer("all").output)
    inputs = known.inputs(np.arange(2))
    outputs = np.asarray(joined(inputs))
    np.testing.assert_allclose(outputs[:, :-4], features(inputs[:, :, :-1]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs[:, -4:], expected[:, :4], atol=PREPROCESSING.step)


def test_boosters_find_a_class_by_its_feature_and_answer_0_without_examples():
    pytest.importorskip("xgboost", reason="pip install -e .[experiments]")
    from experiments.boosting import boosted

    features = np.random.default_rng(0).normal(size=(200, 3))
    targets = np.stack([features[:, 1] > 0, np.zeros(200, bool)], axis=1)
    scores = boosted(features[:100], targets[:100], features[100:])
    above, below = features[100:, 1] > 0.3, features[100:, 1] < -0.3
    assert scores[above, 0].min() > 0.9
    assert scores[below, 0].max() < 0.1
    assert not scores[:, 1].any()

    # Where half of the labels are wrong and said to be unknown, the others alone are learned.
    known = np.ones_like(targets)
    known[:50] = False
    wrong = np.where(known, targets, ~targets)
    learned = boosted(features[:100], wrong[:100], features[100:], known[:100])
    alone = boosted(features[50:100], targets[50:100], features[100:])
    np.testing.assert_array_equal(learned[:, 0], alone[:, 0])


def test_runs_are_kept_in_a_readable_file(study):
    results = Results("kept", study)
    results.run_all(["a", "b"], 0, lambda: {"a": {"AUROC": 0.5}, "b": {"AUROC": 0.75}})
    assert json.loads(results.path.read_text())["rows"]["b, seed 0"] == {"AUROC": 0.75}
    np.testing.assert_array_equal(results.column("b", "AUROC", 1), [0.75])
