"""Preparing a folder: the same signals as `prepare`, failures named, resume, splits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ecg12.dataset import CHUNK, ahead, folds, prepare_folder, split, summary, to_inputs
from ecg12.errors import RecordError
from ecg12.headers import LEADS
from ecg12.labels import WEIGHTS, load_weights
from ecg12.records import Record, read_record, write_record
from ecg12.signals import STEP, Preprocessing, prepare

CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=1.0, margin=0.5)


def write(folder, name, seed=0, codes=("426783006",)):
    folder.mkdir(parents=True, exist_ok=True)
    signals = np.random.default_rng(seed).normal(size=(12, 600))
    return write_record(folder, Record.from_millivolts(name, signals, LEADS, 500.0, codes=codes))


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    for i in range(CHUNK + 6):
        code = ("426783006", "164889003", "999")[i % 3]
        write(folder / f"g{i % 2}", f"R{i:03d}", seed=i, codes=(code,))
    return folder


def test_rows_are_what_prepare_returns(data, tmp_path):
    dataset = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    assert len(dataset) == CHUNK + 6
    for row in (0, 3, CHUNK + 5):
        expected = prepare(read_record(data / dataset.names[row]), SHORT)
        np.testing.assert_array_equal(dataset.signals[dataset.rows[row]], expected)
        assert dataset.inputs(np.array([row])).shape == (1, 12, 250, 1)
        np.testing.assert_allclose(dataset.inputs(np.array([row]))[0, ..., 0], expected * STEP)


def test_inputs_of_stored_integers_are_the_integers(data, tmp_path):
    stored = replace(SHORT, cutoff=None, medians=(), amplitude="stored")
    dataset = prepare_folder(data, tmp_path / "work", stored, CLASSES, n_jobs=1)
    inputs = dataset.inputs(np.array([3]))
    np.testing.assert_array_equal(inputs[0, ..., 0], dataset.signals[dataset.rows[3]])
    assert dataset.step == 1


def test_labels_follow_their_recordings(data, tmp_path):
    dataset = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=2)
    for name, target in zip(dataset.names, dataset.targets, strict=True):
        number = int(name[-3:])
        positives = [[CLASSES.normal], [CLASSES.names.index("AF")], []][number % 3]
        assert np.flatnonzero(target).tolist() == positives
    counts = summary(dataset, CLASSES)
    assert counts["positives"]["AF"] == 23  # of 70 recordings, every third from the second on
    assert counts["without_scored_class"] == 23


def test_bad_recordings_are_named_and_cost_no_other(data, tmp_path, caplog):
    (data / "g1" / "R001.mat").write_bytes(b"")
    (data / "g0" / "R002.hea").unlink()
    dataset = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    assert len(dataset) == CHUNK + 4
    assert [name[-4:] for name in dataset.names[:3]] == ["R000", "R004", "R006"]
    assert len(dataset.failures) == 2
    for file in ("R001.mat", "R002.hea"):
        assert file in caplog.text
    good = prepare(read_record(data / dataset.names[-1]), SHORT)
    np.testing.assert_array_equal(dataset.signals[dataset.rows[-1]], good)


def test_no_readable_recording_is_an_error(tmp_path):
    write(tmp_path / "data", "A").with_suffix(".mat").write_bytes(b"")
    with pytest.raises(RecordError, match=r"none of 1 recordings is readable.*A\.mat"):
        prepare_folder(tmp_path / "data", tmp_path / "work", SHORT, CLASSES)


def test_resumes_after_the_chunks_that_are_done(data, tmp_path, monkeypatch):
    whole = prepare_folder(data, tmp_path / "whole", SHORT, CLASSES, n_jobs=1)
    work = tmp_path / "work"
    prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    state = json.loads((work / "signals.json").read_text())
    (work / "signals.json").write_text(json.dumps(state | {"done": CHUNK}))
    prepared = []
    monkeypatch.setattr(
        "ecg12.dataset.prepare", lambda r, p: prepared.append(r.name) or prepare(r, p)
    )
    resumed = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    assert len(prepared) == 6
    np.testing.assert_array_equal(resumed.signals, whole.signals)
    assert resumed.fingerprint == whole.fingerprint


@pytest.mark.parametrize("change", ["label", "samples", "weights", "preprocessing"])
def test_changed_data_are_prepared_anew(data, tmp_path, change, caplog):
    work = tmp_path / "work"
    before = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    preprocessing, classes = SHORT, CLASSES
    if change == "label":
        write(data / "g0", "R000", seed=0, codes=("164889003",))
    elif change == "samples":  # and neither the header nor the size
        path = data / "g0" / "R000.mat"
        content = path.read_bytes()
        path.write_bytes(content[:24] + content[:23:-1])
    elif change == "weights":
        classes = replace(CLASSES, weights=np.eye(len(CLASSES)))
    else:
        preprocessing = Preprocessing(seconds=1.0, margin=0.5, cutoff=30.0)
    after = prepare_folder(data, work, preprocessing, classes, n_jobs=1)
    assert after.fingerprint != before.fingerprint
    assert "preparing anew" in caplog.text
    expected = prepare(read_record(data / after.names[0]), preprocessing)
    np.testing.assert_array_equal(after.signals[0], expected)


def test_batches_come_with_their_indices(data, tmp_path):
    dataset = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    order = np.random.default_rng(0).permutation(len(dataset))
    seen = []
    for part, inputs in dataset.batches(order, 16):
        np.testing.assert_array_equal(inputs, to_inputs(dataset.signals[part], STEP))
        seen += part.tolist()
    assert seen == order.tolist()


def test_ahead_keeps_order_and_stays_within_its_depth():
    started = []
    for number, result in enumerate(ahead(lambda x: started.append(x) or x * x, range(20), 2, 3)):
        assert result == number**2
        assert len(started) <= number + 1 + 4
    assert number == 19


def test_ahead_passes_errors_on():
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda x: 1 / x, [1, 0], workers=1, depth=1))


@pytest.mark.parametrize(
    ("n", "sizes"), [(220, (132, 44, 44)), (10, (6, 2, 2)), (3, (1, 1, 1)), (2, (1, 1, 0))]
)
def test_split_is_60_20_20_and_covers_all(n, sizes):
    parts = split(n, seed=1)
    assert tuple(len(parts[name]) for name in ("training", "validation", "test")) == sizes
    assert sorted(np.concatenate(list(parts.values()))) == list(range(n))


def test_split_depends_on_the_seed_alone():
    assert all(np.array_equal(split(50, 3)[k], split(50, 3)[k]) for k in split(50, 3))
    assert not np.array_equal(split(50, 3)["test"], split(50, 4)["test"])


def test_one_recording_trains_and_validates():
    assert {name: part.tolist() for name, part in split(1, 0).items()} == {
        "training": [0],
        "validation": [0],
        "test": [],
    }


def test_folds_partition():
    parts = folds(22, 5, seed=0)
    assert sorted(np.concatenate(parts)) == list(range(22))
    assert {len(part) for part in parts} == {4, 5}
