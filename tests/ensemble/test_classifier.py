"""The ensemble: votes and medians, saving and loading, damaged model folders."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ecg12.decision.calibration import Calibration
from ecg12.ensemble.classifier import Classifier, Member, vote
from ecg12.ensemble.model_folder import INDEX, load_classifier, save_classifier
from ecg12.inference.challenge import drive
from ecg12.io.classes import CPSC_2018, WEIGHTS, load_weights
from ecg12.io.wfdb import write_record
from ecg12.models import CRNN, ResNet
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError
from ecg12.signal.preprocessing import STEP, Preprocessing
from ecg12.training.recipes.crnn import PREPROCESSING as CRNN_PREPROCESSING

CLASSES = load_weights(WEIGHTS)
LONG, SHORT = Preprocessing(seconds=0.4), Preprocessing(seconds=0.2, cutoff=30.0)


def member(name, seed, preprocessing=LONG, score=0.5, classes=CLASSES):
    keras.utils.set_random_seed(seed)
    model = ResNet(2, 3, 1, 2).build(len(classes.columns), preprocessing.n_samples)
    thresholds = np.random.default_rng(seed).uniform(0.4, 0.6, len(classes))
    return Member(name, model, preprocessing, thresholds=thresholds, validation_score=score)


@pytest.fixture(scope="module")
def ensemble():
    """Three members; the second has another preprocessing than its neighbours."""
    return Classifier(CLASSES, [member("a", 1), member("b", 2, SHORT), member("c", 3)])


@pytest.fixture(scope="module")
def prepared():
    rng = np.random.default_rng(0)
    return [
        tuple(rng.integers(-2000, 2000, (1, 12, n)).astype(np.int16) for n in (100, 50))
        for _ in range(4)
    ]


def test_mode_of_labels_against_scipy():
    labels = np.random.default_rng(0).integers(0, 2, (5, 30, 24))
    np.testing.assert_array_equal(vote(labels), stats.mode(labels, axis=0).mode)


def test_a_tie_is_negative():
    assert vote(np.array([[True], [False]])).tolist() == [False]


def test_members_scores_are_the_models_outputs_merged_over_equivalents(ensemble, prepared):
    scores = ensemble.member_scores(prepared)
    assert scores.shape == (3, 4, 24)
    for m, place in ((0, 0), (1, 1), (2, 0)):
        x = np.concatenate([signals[place] for signals in prepared])[..., None] * np.float32(STEP)
        columns = np.asarray(ensemble.members[m].model(x))
        for c, group in enumerate(CLASSES.groups):
            own = [CLASSES.columns.index(code) for code in group]
            np.testing.assert_allclose(scores[m, :, c], columns[:, own].mean(axis=1), rtol=1e-4)


def test_decision_is_median_and_mode(ensemble):
    scores = np.random.default_rng(1).random((3, 6, 24))
    prediction = ensemble.decide(scores)
    positive = np.array([s > m.thresholds for s, m in zip(scores, ensemble.members, strict=True)])
    np.testing.assert_array_equal(prediction.scores, np.median(scores, axis=0))
    np.testing.assert_array_equal(prediction.votes, positive.sum(axis=0))
    np.testing.assert_array_equal(prediction.labels, positive.sum(axis=0) >= 2)


def test_loaded_ensemble_predicts_the_same(ensemble, prepared, tmp_path):
    save_classifier(tmp_path, ensemble)
    loaded = load_classifier(tmp_path)
    np.testing.assert_array_equal(loaded.member_scores(prepared), ensemble.member_scores(prepared))
    assert loaded.preprocessings == ensemble.preprocessings
    assert loaded.classes.groups == CLASSES.groups
    np.testing.assert_array_equal(loaded.members[1].thresholds, ensemble.members[1].thresholds)
    assert {path.suffix for path in tmp_path.iterdir()} == {".keras", ".json"}


def test_scores_of_a_long_recording_are_means_over_its_parts(make_record):
    """A recording of three times the input, stored as it is: the mean of three answers."""
    plain = Preprocessing(seconds=0.4, medians=(), cutoff=None, amplitude="stored")
    single = Classifier(CLASSES, [member("a", 1, plain), member("b", 2, plain)])
    in_parts = replace(plain, parts=3)
    averaging = Classifier(CLASSES, [replace(m, preprocessing=in_parts) for m in single.members])
    short, long = (make_record(f"R{n}", seed=n, rate=250, seconds=n / 250) for n in (80, 300))
    found = averaging.member_scores([averaging.prepare(record) for record in (short, long)])
    thirds = [replace(long, stored=long.stored[:, i : i + 100]) for i in (0, 100, 200)]
    expected = single.member_scores([single.prepare(record) for record in (short, *thirds)])
    np.testing.assert_allclose(found[:, 0], expected[:, 0], rtol=1e-4)
    np.testing.assert_allclose(found[:, 1], expected[:, 1:].mean(axis=1), rtol=1e-4)


@pytest.fixture(scope="module", params=[CLASSES, CPSC_2018], ids=["challenge", "CPSC 2018"])
def mixed(request):
    """Two residual networks with a convolutional recurrent one between them."""
    classes = request.param
    keras.utils.set_random_seed(4)
    model = CRNN(2, 2).build(len(classes.columns))
    recurrent = Member(
        "crnn",
        model,
        CRNN_PREPROCESSING,
        thresholds=np.full(len(classes), 0.5),
        validation_score=0.5,
    )
    around = [member(name, seed, classes=classes) for name, seed in (("a", 1), ("b", 2))]
    return Classifier(classes, [around[0], recurrent, around[1]])


@pytest.mark.slow
def test_networks_of_both_papers_form_one_ensemble(mixed, make_record, tmp_path):
    """Each gets its own input: 250 Hz, filtered and scaled; or stored integers at 500 Hz."""
    merge = mixed.classes.merge
    records = [make_record(f"R{i}", seed=i, seconds=12 + 10 * i) for i in range(2)]
    prepared = [mixed.prepare(record) for record in records]
    scores = mixed.member_scores(prepared)
    stored = np.zeros((2, 12, 10_000, 1), np.float32)
    for x, record in zip(stored, records, strict=True):
        n = min(10_000, record.stored.shape[1])
        x[:, :n, 0] = record.stored[:, :n]
    alone = merge(np.asarray(mixed.members[1].model(stored)))
    np.testing.assert_allclose(scores[1], alone, rtol=1e-4)
    filtered = np.concatenate([signals[0] for signals in prepared])[..., None] * np.float32(STEP)
    for place in (0, 2):
        alone = merge(np.asarray(mixed.members[place].model(filtered)))
        np.testing.assert_allclose(scores[place], alone, rtol=1e-4)

    for folder in ("model", "data"):
        (tmp_path / folder).mkdir()
    save_classifier(tmp_path / "model", mixed)
    loaded = load_classifier(tmp_path / "model")
    assert loaded.preprocessings == (LONG, CRNN_PREPROCESSING)
    np.testing.assert_array_equal(loaded.member_scores(prepared), scores)

    for record in records:
        write_record(tmp_path / "data", record)
    assert drive(tmp_path / "model", tmp_path / "data", tmp_path / "out") == []
    for i, expected in enumerate(mixed.classes.expand(np.median(scores, axis=0))):
        lines = (tmp_path / "out" / f"R{i}.csv").read_text().splitlines()
        assert lines[1].split(",") == list(mixed.classes.columns)
        np.testing.assert_allclose(np.array(lines[3].split(","), float), expected, atol=1e-6)


def test_calibration_travels_with_the_model_and_changes_no_answer(ensemble, prepared, tmp_path):
    """A folder without one, as earlier versions wrote it, loads as not calibrated."""
    slopes = np.where(np.arange(24) == 3, np.nan, 2.0)
    calibrated = Classifier(CLASSES, ensemble.members, Calibration(slopes, slopes - 1))
    save_classifier(tmp_path, calibrated)
    loaded = load_classifier(tmp_path)
    np.testing.assert_array_equal(loaded.calibration.slopes, slopes)
    np.testing.assert_array_equal(loaded.calibration.intercepts, slopes - 1)
    one, two = (c.predict(prepared) for c in (loaded, ensemble))
    np.testing.assert_array_equal(one.scores, two.scores)
    np.testing.assert_array_equal(one.labels, two.labels)
    save_classifier(tmp_path, ensemble)
    assert load_classifier(tmp_path).calibration is None


def test_saving_again_removes_what_is_no_longer_named(ensemble, tmp_path):
    save_classifier(tmp_path, ensemble)
    save_classifier(tmp_path, Classifier(CLASSES, ensemble.members[:1]))
    assert len(list(tmp_path.glob("*.keras"))) == 1
    assert len(load_classifier(tmp_path).members) == 1


def test_a_kill_while_saving_leaves_the_old_ensemble(ensemble, prepared, tmp_path, monkeypatch):
    old = Classifier(CLASSES, [member("a", 9)])
    save_classifier(tmp_path, old)

    def killed(path, value):
        raise KeyboardInterrupt

    monkeypatch.setattr("ecg12.ensemble.model_folder.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        save_classifier(tmp_path, ensemble)
    one = [signals[:1] for signals in prepared]
    expected = old.member_scores(one)
    np.testing.assert_array_equal(load_classifier(tmp_path).member_scores(one), expected)


def test_files_that_a_kill_left_are_removed_by_the_next_save(ensemble, tmp_path):
    (tmp_path / "a-0123abcd.keras").write_text("of a save that never came to its index")
    (tmp_path / "a-mine.keras").write_text("a user's own file")
    save_classifier(tmp_path, ensemble)
    named = {entry["file"] for entry in json.loads((tmp_path / INDEX).read_text())["members"]}
    assert {path.name for path in tmp_path.glob("*.keras")} == named | {"a-mine.keras"}


def test_a_model_of_version_0_1_0_still_gives_its_answers(make_record):
    """Saved in format 1 by that version, with the answers that it gave."""
    folder = Path(__file__).parents[1] / "fixtures" / "model_format_1"
    classifier = load_classifier(folder)
    records = [make_record("A", seed=3), make_record("B", rate=257, leads=("I", "II", "V2"))]
    found = classifier.predict([classifier.prepare(record) for record in records])
    expected = json.loads((folder / "expected.json").read_text())
    np.testing.assert_allclose(found.scores, expected["scores"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found.labels.astype(int), expected["labels"])


def damage(folder, kind):
    index = json.loads((folder / INDEX).read_text())
    file = folder / index["members"][0]["file"]
    if kind == "corrupt":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif kind == "truncated":
        file.write_bytes(file.read_bytes()[:100])
    elif kind == "swapped":
        file.write_bytes((folder / index["members"][1]["file"]).read_bytes())
    elif kind == "missing member":
        file.unlink()
    elif kind == "missing index":
        (folder / INDEX).unlink()
    elif kind == "half an index":
        (folder / INDEX).write_text((folder / INDEX).read_text()[:300])
    elif kind == "no members":
        (folder / INDEX).write_text(json.dumps(index | {"members": []}))
    elif kind == "other format":
        (folder / INDEX).write_text(json.dumps(index | {"format": 99}))
    elif kind == "other calibration":
        changed = {"calibration": {"method": "isotonic"}}
        (folder / INDEX).write_text(json.dumps(index | changed))
    elif kind == "no classes":
        del index["classes"]
        (folder / INDEX).write_text(json.dumps(index))
    elif kind == "not an index":
        (folder / INDEX).write_text("[]")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("corrupt", "checksum"),
        ("truncated", "checksum"),
        ("swapped", "checksum"),
        ("missing member", "missing, though classifier.json names it"),
        ("missing index", "train a model first"),
        ("half an index", "not a JSON file"),
        ("no members", "names no member"),
        ("no classes", "not a classifier's index: KeyError.'classes'"),
        ("other format", "format 99, this version reads 1"),
        ("other calibration", "calibration 'isotonic', this version knows 'platt'"),
        ("not an index", "not a classifier's index"),
    ],
)
def test_damaged_model_folder_is_an_error_at_once(ensemble, tmp_path, kind, message):
    save_classifier(tmp_path, ensemble)
    damage(tmp_path, kind)
    with pytest.raises(InputError, match=message) as caught:
        load_classifier(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_member_file_outside_the_folder_is_not_read(ensemble, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    save_classifier(folder, ensemble)
    index = json.loads((folder / INDEX).read_text())
    name = index["members"][0]["file"]
    (folder / name).rename(tmp_path / name)
    index["members"][0]["file"] = f"../{name}"
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(InputError, match="missing"):
        load_classifier(folder)


def test_operating_points_are_kept_and_decide(ensemble, prepared, tmp_path):
    """With every threshold of the point at 2 nothing is positive, whatever the scores."""
    points = {"balanced": np.full(len(CLASSES), 2.0)}
    save_classifier(tmp_path, Classifier(CLASSES, ensemble.members, operating_points=points))
    own = load_classifier(tmp_path).predict(prepared)
    never = load_classifier(tmp_path, decide="balanced").predict(prepared)
    assert own.labels.any()
    assert not never.labels.any()
    np.testing.assert_array_equal(own.scores, never.scores)
    with pytest.raises(InputError, match=r"no thresholds 'best'; choices: challenge, balanced"):
        load_classifier(tmp_path, decide="best")
    index = json.loads((tmp_path / INDEX).read_text())
    index["operating_points"]["balanced"].pop()
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(InputError, match="operating point 'balanced' needs 24 thresholds"):
        load_classifier(tmp_path)
