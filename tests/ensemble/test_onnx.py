"""An ensemble as one ONNX graph: Keras' scores and labels, and predictions without Keras."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import ecg12
from ecg12.cli.main import main
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_folder import INDEX, load_classifier, save_classifier
from ecg12.ensemble.runtime_choice import FEW, choose_runtime
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.models import CRNN, ResNet, SEResNet
from ecg12.models.heads import penultimate
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.files import sha256
from ecg12.signal.preprocessing import Preprocessing, dequantize
from ecg12.synthetic import recording
from ecg12.training.estimator import ECGClassifier

ROOT = Path(__file__).parents[2]
FORMAT_1 = ROOT / "tests" / "fixtures" / "model_format_1"
CLASSES = load_weights(WEIGHTS)
AT_100 = Preprocessing(rate=100.0)
STORED = Preprocessing(
    rate=500.0, seconds=20.0, medians=(), cutoff=None, amplitude="stored", parts=2
)
LEAD_SETS = (LEADS, LEADS[:6], ("I", "II", "III", "V2"), ("I", "II", "V2"), ("I", "II"))
CLOSE = 1e-5


def spread(model, seed):
    """Give a network weights whose scores differ between recordings, batch moments included."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([w * rng.uniform(0.8, 1.2, w.shape) for w in layer.get_weights()])
    return model


def member(name, network, chain, seed):
    keras.utils.set_random_seed(seed)
    model = spread(network.build(len(CLASSES.columns), chain.n_samples), seed)
    thresholds = np.random.default_rng(seed).uniform(0.4, 0.6, len(CLASSES))
    return Member(name, model, chain, thresholds=thresholds, validation_score=0.5, network=network)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return two model folders of the same five networks: `.keras` files, and their export."""
    place = tmp_path_factory.mktemp("onnx")
    (place / "keras").mkdir()
    members = [
        member("a", SEResNet(k=8), AT_100, 1),
        member("b", CRNN(8, 8), STORED, 2),
        member("c", SEResNet(k=8), AT_100, 3),
        member("d", ResNet(4, 7, 2, 4, z=1, f=8), Preprocessing(), 4),
        member("e", CRNN(8, 8, "reshape", "average"), STORED, 5),
    ]
    save_classifier(place / "keras", Classifier(CLASSES, members))
    main(["export", str(place / "keras"), "-o", str(place / "onnx")])
    return place / "keras", place / "onnx"


@pytest.fixture(scope="module")
def records():
    """Return 25 synthetic recordings, five of each set of leads; some at 257 Hz, some long."""
    found = []
    for i in range(25):
        one = recording(7, i)
        rows = [one.leads.index(lead) for lead in LEAD_SETS[i % 5]]
        stored = np.tile(one.stored[rows], (1, 1 + 2 * (i % 3 == 0)))
        found.append(
            Record.from_millivolts(
                f"R{i}", stored * one.resolution[rows, None], LEAD_SETS[i % 5], 257 + i % 2 * 243
            )
        )
    return found


@pytest.mark.slow
def test_scores_and_labels_are_those_of_keras(folders, records):
    by_keras, by_onnx = (load_classifier(folder) for folder in folders)
    prepared = [by_keras.prepare(record) for record in records]
    assert {len(parts[1]) for parts in prepared} == {1, 2}
    expected, found = (one.member_scores(prepared) for one in (by_keras, by_onnx))
    assert np.ptp(expected, axis=1).max(axis=1).min() > 100 * CLOSE  # recordings differ
    np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE)
    thresholds = np.array([m.thresholds for m in by_keras.members])[:, None]
    near = (np.abs(expected - thresholds) < CLOSE).any(axis=0)
    same = by_onnx.decide(found).labels == by_keras.decide(expected).labels
    assert (same | near).all()


@pytest.mark.slow
def test_features_are_the_penultimate_layer(folders, records):
    import onnxruntime

    by_keras = load_classifier(folders[0])
    session = onnxruntime.InferenceSession(next(folders[1].glob("*.onnx")))
    prepared = by_keras.prepare(records[0])
    inputs = [
        dequantize(parts, chain.step)
        for parts, chain in zip(prepared, by_keras.preprocessings, strict=True)
    ]
    feeds = {f"signals_{i}": x for i, x in enumerate(inputs)}
    for place, group in enumerate((0, 1, 0, 2, 1)):
        model = by_keras.members[place].model
        expected = np.asarray(keras.Model(model.input, penultimate(model))(inputs[group]))
        [found] = session.run([f"features_{place}"], feeds)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_features_at_depth_are_those_of_keras(folders, records):
    by_keras, by_onnx = (load_classifier(folder, kind) for folder, kind in zip(
        folders, ("keras", "onnx"), strict=True))  # fmt: skip
    assert by_onnx.widths() == by_keras.widths()
    prepared = by_keras.prepare(records[0])
    for group, (parts, chain) in enumerate(zip(prepared, by_keras.preprocessings, strict=True)):
        inputs = dequantize(parts, chain.step)
        expected, found = (
            one.runtime.scores_and_features(group, inputs) for one in (by_keras, by_onnx)
        )
        np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=CLOSE)
        for own, other in zip(found[1], expected[1], strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())


@pytest.mark.slow
def test_the_graph_is_a_valid_model_of_a_stated_opset(folders):
    index = json.loads((folders[1] / INDEX).read_text())
    path = folders[1] / index["graph"]["file"]
    assert index["graph"]["sha256"] == sha256(path)
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    opsets = {one.domain: one.version for one in graph.opset_import}
    assert opsets[""] == index["graph"]["opset"] == 18


@pytest.mark.slow
def test_the_index_keeps_all_but_the_files_of_the_members(folders):
    before, after = (json.loads((folder / INDEX).read_text()) for folder in folders)
    del after["graph"]
    for entry in before["members"]:
        del entry["file"], entry["sha256"]
    assert after == before
    assert {path.suffix for path in folders[1].iterdir()} == {".json", ".onnx"}


BLOCKED = """
import sys

blocked = ("tensorflow", "keras", "jax", "onnx", "tf2onnx", "h5py")
sys.modules.update(dict.fromkeys(blocked))
import numpy as np
import ecg12, team_code
from ecg12.cli.main import main
from ecg12.io.wfdb import read_record

model, data, out = sys.argv[1:]
signals = np.random.default_rng(0).normal(0, 0.2, (3, 5000))
print(len(ecg12.load_model(model).predict(signals, fs=500, leads=["I", "II", "V2"]).classes))
loaded = team_code.load_model(model)
text = open(f"{data}/R0.hea").read()
codes, labels, scores = team_code.run_model(loaded, text, read_record(f"{data}/R0").stored)
print(len(codes), len(labels), len(scores))
team_code.drive(model, data, out)
main(["predict", data, "--model", model, "--format", "csv", "-o", f"{out}/all.csv"])
slow = ("scipy.signal", "scipy.optimize", "wfdb", "pandas")
print(*[name for name in slow if name in sys.modules])
"""


@pytest.mark.slow
def test_prediction_without_keras_and_tensorflow(folders, records, tmp_path):
    (tmp_path / "data").mkdir()
    for record in records[:3]:
        write_record(tmp_path / "data", record)
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, folders[1], tmp_path / "data", tmp_path / "out"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "onnxruntime" in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "24" in lines
    assert "27 27 27" in lines
    assert lines[-1] == ""  # nothing slow was loaded
    model = ecg12.load_model(folders[0])
    rows = (tmp_path / "out" / "R1.csv").read_text().splitlines()
    [expected] = model.predict_files(tmp_path / "data" / "R1.hea")
    scores = [entry.score for entry in expected.classes for _ in entry.codes]
    np.testing.assert_allclose(np.array(rows[3].split(","), float), scores, rtol=0, atol=2 * CLOSE)


@pytest.mark.slow
def test_a_model_of_version_0_1_0_gives_its_answers_from_the_graph(make_record, tmp_path):
    main(["export", str(FORMAT_1), "-o", str(tmp_path)])
    classifier = load_classifier(tmp_path)
    records = [make_record("A", seed=3), make_record("B", rate=257, leads=("I", "II", "V2"))]
    found = classifier.predict([classifier.prepare(record) for record in records])
    expected = json.loads((FORMAT_1 / "expected.json").read_text())
    np.testing.assert_allclose(found.scores, expected["scores"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found.labels.astype(int), expected["labels"])


@pytest.fixture
def both(tmp_path):
    """Return a folder that holds a small ensemble in both forms."""
    small = member("a", ResNet(2, 3, 1, 2), replace(AT_100, seconds=0.4), 1)
    save_classifier(tmp_path, Classifier(CLASSES, [small]))
    main(["export", str(tmp_path), "-o", str(tmp_path)])
    return tmp_path


def test_a_folder_may_hold_both_forms(both, caplog, make_record):
    """Few recordings are for the graph, many for Keras; the log says which."""
    assert {path.suffix for path in both.iterdir()} == {".json", ".onnx", ".keras"}
    with caplog.at_level(logging.INFO):
        few, many = load_classifier(both, n_recordings=FEW), load_classifier(both, "auto", FEW + 1)
    assert [("onnxruntime" in text, "Keras" in text) for text in caplog.messages] == [
        (True, False),
        (False, True),
    ]
    one = [few.prepare(make_record())]
    np.testing.assert_allclose(few.member_scores(one), many.member_scores(one), atol=CLOSE)
    assert "Keras" in str(load_classifier(both, "keras").runtime)
    assert "onnxruntime" in str(load_classifier(both, "onnx", FEW + 1).runtime)


def test_the_setting_chooses_for_what_names_no_runtime(both, monkeypatch):
    monkeypatch.setenv("ECG12_RUNTIME", "keras")
    assert "Keras" in str(ecg12.load_model(both).classifier.runtime)
    assert "onnx" in str(ecg12.load_model(both, runtime="onnx").classifier.runtime)
    monkeypatch.setenv("ECG12_RUNTIME", "torch")
    with pytest.raises(InputError, match="ECG12_RUNTIME='torch'; choices: auto, keras, onnx"):
        ecg12.load_model(both)


def test_exporting_again_replaces_the_graph_and_saving_removes_it(both):
    main(["export", str(both), "-o", str(both)])
    assert len(list(both.glob("*.onnx"))) == 1
    save_classifier(both, load_classifier(both, "keras"))
    assert list(both.glob("*.onnx")) == []
    assert "Keras" in str(load_classifier(both).runtime)


def test_another_model_is_not_replaced_by_an_export(both, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    save_classifier(other, load_classifier(both, "keras"))
    with pytest.raises(SystemExit, match="holds another model"):
        main(["export", str(both), "-o", str(other)])
    assert load_classifier(other).members


@pytest.mark.slow
def test_an_export_has_no_networks_to_train_or_save(folders, tmp_path):
    with pytest.raises(ModelError, match="runs from a graph and cannot be saved anew"):
        save_classifier(tmp_path, load_classifier(folders[1]))
    with pytest.raises(SystemExit, match=r"names no \.keras files"):
        main(["export", str(folders[1]), "-o", str(tmp_path)])
    with pytest.raises(ModelError, match="names no .keras files"):
        load_classifier(folders[1], "keras")
    with pytest.raises(ModelError, match=r"names no \.keras files, at which training begins"):
        ECGClassifier(fs=100, pretrained=folders[1], epochs=1).fit(
            np.zeros((10, 12, 1000)), np.eye(10)[:, :2]
        )


MEMBERS = {"members": [{"file": "a.keras"}]}
GRAPH = {"graph": {"file": "e.onnx"}}


@pytest.mark.parametrize(
    ("index", "asked", "n", "absent", "chosen"),
    [
        (MEMBERS, "auto", 1, (), "keras"),
        (MEMBERS | GRAPH, "auto", None, (), "onnx"),
        (MEMBERS | GRAPH, "auto", FEW + 1, (), "keras"),
        (MEMBERS | GRAPH, "auto", FEW + 1, ("tensorflow",), "onnx"),
        (MEMBERS | GRAPH, "auto", 1, ("onnxruntime",), "keras"),
        ({"members": [{}]} | GRAPH, "auto", FEW + 1, (), "onnx"),
        (MEMBERS | GRAPH, "onnx", FEW + 1, (), "onnx"),
        (MEMBERS | GRAPH, "keras", 1, (), "keras"),
    ],
)
def test_the_choice_of_a_runtime(index, asked, n, absent, chosen, monkeypatch):
    for module in absent:
        monkeypatch.setitem(sys.modules, module, None)
    assert choose_runtime(Path(INDEX), index, asked, n) == chosen


@pytest.mark.parametrize(
    ("index", "asked", "absent", "message"),
    [
        (MEMBERS, "onnx", (), "names no graph for onnxruntime; ecg12 export makes one"),
        (MEMBERS, "torch", (), "'torch'; choices: auto, keras, onnx"),
        ({"members": [{}]}, "auto", (), r"names no \.keras files"),
        ({"members": [{}]} | GRAPH, "auto", ("onnxruntime",), r"pip install 'ecg12\[onnx\]'"),
    ],
)
def test_a_runtime_that_cannot_be_had(index, asked, absent, message, monkeypatch):
    for module in absent:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=message):
        choose_runtime(Path(INDEX), index, asked)


def test_an_empty_backend_variable_is_the_default_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert choose_runtime(Path(INDEX), MEMBERS | GRAPH, "auto", None) == "onnx"


def test_onnxruntime_reports_nothing_to_its_makers(tmp_path):
    """Its telemetry would keep a data base in the user's cache and ask a host outside."""
    code = "import ecg12; ecg12.load_model(runtime='onnx')"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, cwd=ROOT)
    assert list(tmp_path.rglob("*onnxruntime*")) == []
