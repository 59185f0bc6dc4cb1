"""Preparing a folder: the same signals as `prepare`, failures named, resume, splits."""

import errno
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from ecg12.data.dataset import dequantize, prepare_folder, summary
from ecg12.data.signal_map import CHUNK, signals_key
from ecg12.data.splits import folds, split, split_off_databases
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.formats import read_any
from ecg12.io.label_table import LabelTable
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import read_record, write_record
from ecg12.runtime.errors import InputError, RecordError
from ecg12.runtime.prefetch import prefetch
from ecg12.signal.preprocessing import (
    CHAIN_VERSION,
    STEP,
    Preprocessing,
    prepare,
    prepare_parts,
)

CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=1.0, margin=0.5)


def write(folder, name, seed=0, codes=("426783006",), n=600):
    folder.mkdir(parents=True, exist_ok=True)
    signals = np.random.default_rng(seed).normal(size=(12, n))
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


def test_stored_integers_have_a_version_of_their_own(monkeypatch):
    """So that a change for them alone prepares nothing else again."""
    stored = replace(SHORT, cutoff=None, medians=(), amplitude="stored")
    before = [signals_key("recordings", chain) for chain in (SHORT, stored)]
    monkeypatch.setattr("ecg12.data.signal_map.STORED_VERSION", "another")
    after = [signals_key("recordings", chain) for chain in (SHORT, stored)]
    assert after[0] == before[0]
    assert after[1] != before[1]


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
        "ecg12.data.signal_map.prepare_parts", lambda r, p: prepared.append(r.name) or prepare(r, p)
    )
    resumed = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    assert len(prepared) == 6
    np.testing.assert_array_equal(resumed.signals, whole.signals)
    assert resumed.fingerprint == whole.fingerprint


def test_a_kill_while_preparing_anew_leaves_no_state_of_the_old_signals(
    data, tmp_path, monkeypatch
):
    """Else the next run on the first data would take the second run's empty rows for its own."""
    work = tmp_path / "work"
    first = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    expected = np.array(first.signals)
    other = Preprocessing(seconds=1.0, margin=0.5, cutoff=30.0)

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ecg12.data.signal_map.prepare_chunk", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_folder(data, work, other, CLASSES, n_jobs=1)
    again = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    np.testing.assert_array_equal(again.signals, expected)


def test_a_full_disk_is_an_error_and_no_signal(data, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left on device; 0.00042 GB are needed"):
        prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    assert not list((tmp_path / "work").iterdir())


def change_label(data):
    header = data / "g0" / "R000.hea"
    header.write_text(header.read_text().replace("426783006", "164889003"))


def change_samples(data):
    """Change neither the header nor the size."""
    path = data / "g0" / "R000.mat"
    content = path.read_bytes()
    path.write_bytes(content[:24] + content[:23:-1])


def change_gain(data):
    header = data / "g0" / "R000.hea"
    header.write_text(header.read_text().replace("1000/mV", "500/mV"))


def count_prepared(monkeypatch):
    """Return a list that gets the name of each recording that is filtered."""
    prepared = []
    monkeypatch.setattr(
        "ecg12.data.signal_map.prepare_parts",
        lambda record, p: prepared.append(record.name) or prepare_parts(record, p),
    )
    return prepared


@pytest.mark.parametrize("change", ["label", "weights", "classes", "patients"])
def test_a_changed_task_filters_nothing_again(data, tmp_path, change, caplog, monkeypatch):
    work = tmp_path / "work"
    names = [f"g{i % 2}/R{i:03d}" for i in range(CHUNK + 6)]
    table = LabelTable(tuple(names), ("",) * len(names), ((),) * len(names))
    labels = table if change == "patients" else None
    before = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1, labels=labels)
    prepared = count_prepared(monkeypatch)
    classes = CLASSES
    if change == "label":
        change_label(data)
    elif change == "weights":
        classes = replace(CLASSES, weights=np.eye(len(CLASSES)))
    elif change == "classes":
        classes = replace(CLASSES, groups=CLASSES.groups[::-1])
    else:
        labels = replace(table, patients=tuple(names))
    after = prepare_folder(data, work, SHORT, classes, n_jobs=1, labels=labels)
    assert prepared == []
    assert "prepared again" not in caplog.text
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.signals, before.signals)
    if change == "label":
        assert np.flatnonzero(after.targets[0]).tolist() == [CLASSES.names.index("AF")]


@pytest.mark.parametrize("change", ["samples", "gain", "preprocessing", "chain", "name"])
def test_changed_signals_are_prepared_again(data, tmp_path, change, caplog, monkeypatch):
    work = tmp_path / "work"
    before = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    prepared = count_prepared(monkeypatch)
    preprocessing = SHORT
    if change == "samples":
        change_samples(data)
    elif change == "gain":
        change_gain(data)
    elif change == "preprocessing":
        preprocessing = Preprocessing(seconds=1.0, margin=0.5, cutoff=30.0)
    elif change == "chain":
        monkeypatch.setattr("ecg12.data.signal_map.CHAIN_VERSION", "another")
    else:
        write(data / "g0", "R0005")  # what follows it moves by one row
    after = prepare_folder(data, work, preprocessing, CLASSES, n_jobs=1)
    assert after.fingerprint != before.fingerprint
    assert len(prepared) == len(after)
    assert "all recordings are prepared again" in caplog.text
    expected = prepare(read_record(data / after.names[0]), preprocessing)
    np.testing.assert_array_equal(after.signals[0], expected)


def test_a_work_folder_of_an_earlier_version_is_prepared_again(data, tmp_path, caplog, monkeypatch):
    work = tmp_path / "work"
    expected = np.array(prepare_folder(data, work, SHORT, CLASSES, n_jobs=1).signals)
    np.save(work / "signals.npy", np.zeros_like(expected))
    old = {"fingerprint": "0" * 64, "done": len(expected), "errors": {}}
    (work / "signals.json").write_text(json.dumps(old))
    again = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1)
    np.testing.assert_array_equal(again.signals, expected)
    assert "all recordings are prepared again" in caplog.text


def test_what_could_not_be_read_is_tried_again(data, tmp_path, monkeypatch):
    """Its library may be installed since, or the disk be back."""
    expected = prepare_folder(data, tmp_path / "other", SHORT, CLASSES, n_jobs=1)
    lost = {expected.names[place] for place in (3, CHUNK - 1, CHUNK + 2)}

    def read(path, seconds):
        if str(path.relative_to(data).with_suffix("")) in lost:
            raise RecordError(f"{path}: no library")
        return read_any(path, seconds)

    with monkeypatch.context() as patched:
        patched.setattr("ecg12.data.signal_map.read_any", read)
        before = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    prepared = count_prepared(monkeypatch)
    after = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    assert (len(before.failures), len(after.failures), len(prepared)) == (3, 0, 3)
    assert before.fingerprint != after.fingerprint == expected.fingerprint
    assert after.names == expected.names
    np.testing.assert_array_equal(after.signals, expected.signals)


def test_signals_that_another_process_has_open_are_not_overwritten(data, tmp_path):
    """The search shares its signals with the training by a link."""
    work, other = tmp_path / "work", tmp_path / "other"
    signals = prepare_folder(data, work, SHORT, CLASSES, n_jobs=1).signals
    before = np.array(signals)
    other.mkdir()
    for name in ("signals.npy", "signals.json"):
        os.link(work / name, other / name)
    prepare_folder(data, other, replace(SHORT, cutoff=30.0), CLASSES, n_jobs=1)
    np.testing.assert_array_equal(signals, before)


SAMPLES = [0, 197, 200, 204, 262, 1200, 1203, 2461]
FROZEN = {  # version of the chain → these samples of the leads I, aVR, V2 and V6
    2: [
        [0, 611, 995, 411, 229, 974, 581, 196],
        [0, -785, -1283, -531, -299, -1245, -747, -253],
        [0, 340, 563, 239, 124, 558, 330, 107],
        [0, 702, 1141, 483, 269, 1109, 670, 232],
    ],
}


def test_the_chain_gives_what_its_version_gave(make_ecg):
    """Fails when prepared samples change: then raise CHAIN_VERSION, and freeze them anew here."""
    record = Record.from_millivolts("A", make_ecg(500, 10), LEADS, 500.0)
    prepared = prepare(record, Preprocessing())
    found = prepared[[0, 3, 7, 11]][:, SAMPLES]
    np.testing.assert_allclose(found, FROZEN[CHAIN_VERSION], atol=1)


def test_batches_come_with_their_indices(data, tmp_path):
    dataset = prepare_folder(data, tmp_path / "work", SHORT, CLASSES, n_jobs=1)
    order = np.random.default_rng(0).permutation(len(dataset))
    seen = []
    for part, stored in dataset.batches(order, 16):
        np.testing.assert_array_equal(stored, dataset.signals[part])
        seen += part.tolist()
    assert seen == order.tolist()


def test_prefetch_keeps_order_and_stays_within_its_depth():
    started = []
    for number, result in enumerate(
        prefetch(lambda x: started.append(x) or x * x, range(20), 2, 3)
    ):
        assert result == number**2
        assert len(started) <= number + 1 + 4
    assert number == 19


def test_prefetch_passes_errors_on():
    with pytest.raises(ZeroDivisionError):
        list(prefetch(lambda x: 1 / x, [1, 0], workers=1, depth=1))


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


def test_whole_databases_validate():
    databases = ["a"] * 30 + ["b"] * 8 + ["c"] * 12
    drawn = set()
    for seed in range(20):
        parts = split_off_databases(databases, seed)
        assert sorted(np.concatenate(list(parts.values()))) == list(range(50))
        apart = {databases[i] for i in parts["validation"]}
        assert len(parts["validation"]) == sum(databases.count(name) for name in apart)
        assert len(parts["validation"]) >= 10  # a fifth
        assert len(parts["test"]) == round(0.2 * (50 - len(parts["validation"])))
        drawn.add(tuple(sorted(apart)))
    assert drawn == {("c",), ("b", "c")}  # b alone holds less than a fifth, a more than two


def test_databases_that_validate_leave_enough_to_train():
    """The sizes of the challenge's sources: one to two fifths validate, whatever the seed."""
    databases = np.repeat(list("abcdef"), [10330, 74, 22353, 10344, 10247, 34905])
    drawn = [len(split_off_databases(databases, seed)["validation"]) for seed in range(30)]
    assert len(set(drawn)) > 3
    assert max(drawn) <= 0.4 * len(databases)
    assert min(drawn) >= 0.2 * len(databases)


@pytest.mark.parametrize(
    ("sizes", "validate"),
    [
        ([103, 102, 1], {103}),  # one recording would choose nothing; it and the smaller do
        ([45, 45, 10], {10}),  # a tenth, since a further one would leave less than half
        ([5, 95], {5}),
    ],
)
def test_where_no_set_fits_the_nearest_validates(sizes, validate):
    databases = np.repeat([chr(97 + i) for i in range(len(sizes))], sizes)
    found = {len(split_off_databases(databases, seed)["validation"]) for seed in range(20)}
    assert found == validate


def test_the_smaller_of_two_databases_validates_if_none_fits():
    for seed in range(10):
        parts = split_off_databases(["a"] * 45 + ["b"] * 55, seed)
        assert parts["validation"].tolist() == list(range(45))


def test_databases_that_cannot_validate_apart_are_refused():
    with pytest.raises(InputError, match="all recordings belong to one database, ptb"):
        split_off_databases(["ptb"] * 9, 0)
    with pytest.raises(InputError, match="a patient has recordings in both a and b"):
        split_off_databases(["a", "a", "b"], 0, ["", "p", "p"])


def test_patients_stay_together_beside_a_database_that_validates():
    databases, patients = ["a"] * 20 + ["b"] * 80, [str(i // 2) for i in range(100)]
    parts = split_off_databases(databases, 0, patients)
    known = {name: {patients[i] for i in part} for name, part in parts.items()}
    assert not known["training"] & (known["test"] | known["validation"])


def test_folds_partition():
    parts = folds(22, 5, seed=0)
    assert sorted(np.concatenate(parts)) == list(range(22))
    assert {len(part) for part in parts} == {4, 5}


IN_PARTS = replace(SHORT, parts=3)


@pytest.fixture
def lengths(tmp_path):
    """Write recordings of 1, 2, 3 and 4 s again and again; the sixth lacks its samples."""
    for i in range(CHUNK + 6):
        write(tmp_path / "data", f"R{i:03d}", seed=i, n=500 * (1 + i % 4))
    (tmp_path / "data" / "R005.mat").unlink()
    return tmp_path / "data"


def test_long_recordings_are_prepared_in_parts(lengths, tmp_path):
    dataset = prepare_folder(lengths, tmp_path / "work", IN_PARTS, CLASSES, n_jobs=1)
    assert dataset.parts[:6] == (1, 2, 3, 3, 1, 3)
    assert len(dataset) == CHUNK + 5
    for place in (0, 2, 4, 5, CHUNK + 4):
        expected = prepare_parts(read_record(lengths / dataset.names[place]), IN_PARTS)
        first = dataset.rows[place]
        np.testing.assert_array_equal(dataset.signals[first : first + len(expected)], expected)
        assert dataset.parts[place] == len(expected)


def test_parts_are_read_one_or_all(lengths, tmp_path):
    dataset = prepare_folder(lengths, tmp_path / "work", IN_PARTS, CLASSES, n_jobs=1)
    some = np.array([5, 0, 2])
    read = list(dataset.all_parts(some, 4))
    assert np.concatenate([own for own, _ in read]).tolist() == [5, 5, 5, 0, 2, 2, 2]
    rows = [*range(dataset.rows[5], dataset.rows[5] + 3), 0, *range(3, 6)]
    inputs = np.concatenate([x for _, x in read])
    np.testing.assert_array_equal(inputs, dequantize(dataset.signals[rows], STEP))
    drawn = set()
    for seed in range(20):
        ((own, x),) = dataset.batches(some, 4, np.random.default_rng(seed))
        assert own.tolist() == [5, 0, 2]
        np.testing.assert_array_equal(x[1], dataset.signals[dataset.rows[0]])
        matches = [np.array_equal(x[2], dataset.signals[row]) for row in rows]
        assert sum(matches[4:]) == 1
        drawn.add(matches.index(True))
    assert drawn == {4, 5, 6}


def test_a_recording_shorter_than_its_header_says_repeats_its_parts(tmp_path):
    stem = write(tmp_path / "data", "R0", n=1500).with_suffix("")
    whole = prepare_parts(read_record(stem), IN_PARTS)
    write(tmp_path / "data", "R0", n=500)
    header = stem.with_suffix(".hea")
    header.write_text(header.read_text().replace(" 500 500", " 500 1500", 1))
    dataset = prepare_folder(tmp_path / "data", tmp_path / "work", IN_PARTS, CLASSES, n_jobs=1)
    assert dataset.signals.shape == whole.shape
    np.testing.assert_array_equal(dataset.signals[1], dataset.signals[0])


def test_a_patient_of_many_recordings_is_told(caplog):
    split(10, 0, ["a"] * 2 + [""] * 8)
    assert not caplog.text
    split(10, 0, ["a"] * 3 + [""] * 7)
    assert "3 of 10 recordings are of one patient" in caplog.text
