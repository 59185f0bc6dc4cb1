"""Inference: harness forms of both years, leads, gains, folders; the same answers everywhere."""

import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from joblib import cpu_count

from ecg12.ensemble.classifier import Classifier, Decisions, Member
from ecg12.ensemble.model_folder import save_classifier
from ecg12.inference.challenge import drive, predict_challenge
from ecg12.inference.model import Model
from ecg12.inference.results import Failure
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.metrics import evaluate_folders
from ecg12.models import ResNet
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import STEP, Preprocessing, dequantize
from ecg12.synthetic.muse_xml import Visit, write_muse

CLASSES = load_weights(WEIGHTS)


@pytest.fixture(scope="module")
def model():
    """Make three untrained members with every threshold at .5."""
    members = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        model = ResNet(4, 3, 1, 6).build(len(CLASSES.columns), 2500)
        thresholds = np.full(len(CLASSES), 0.5)
        members.append(
            Member(f"m{seed}", model, Preprocessing(), thresholds=thresholds, validation_score=0.5)
        )
    return Model(Classifier(CLASSES, members))


def beats(name, seed=0, rate=500.0, seconds=10.0):
    """Make a spike train with noise, another shape in every lead."""
    rng = np.random.default_rng(seed)
    n = round(rate * seconds)
    spikes = np.convolve(np.arange(n) % round(0.8 * rate) == 50, np.hanning(rate // 10), "same")
    signals = np.outer(rng.uniform(-2, 2, 12), spikes) + rng.normal(0, 0.02, (12, n))
    return Record.from_millivolts(name, signals, LEADS, rate, codes=("426783006",))


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for i in range(5):
        write_record(data, beats(f"R{i}", seed=i), "AB"[i % 2])
    return data


def read(path):
    _, *rows = path.read_text().splitlines()
    return [row.split(",") for row in rows]


def test_both_years_forms_give_one_answer(model, folder):
    record = beats("R0")
    text = (folder / "R0.hea").read_text()
    by_text = predict_challenge(model, text, record.stored)
    by_lines = predict_challenge(
        model, text.splitlines(keepends=True), record.stored.astype(np.float64)
    )
    assert by_text == by_lines
    codes, labels, probabilities = by_text
    assert codes == list(CLASSES.columns)
    assert set(labels) <= {0, 1}
    assert all(type(label) is int for label in labels)
    assert all(0 <= p <= 1 for p in probabilities)


class Seeing:
    """Stands for an ensemble that takes stored integers, and keeps what it was given."""

    preprocessings = (Preprocessing(medians=(), cutoff=None, margin=0.0, amplitude="stored"),)
    classes = CLASSES
    calibration = None
    members = (Member("m", None, preprocessings[0], thresholds=np.ones(24), validation_score=0.0),)

    def predict(self, prepared):
        self.seen = prepared[0][0][0]
        nothing = np.zeros((len(prepared), len(CLASSES)))
        return Decisions(nothing > 1, nothing, nothing.astype(int))


@pytest.mark.parametrize("gain", ["1000/mV", "1/mV", "0.5/mV"])
def test_floats_of_stored_integers_are_the_integers(folder, gain):
    """Whatever the header's gain says; a missing sample is NaN or WFDB's mark."""
    header = (folder / "R0.hea").read_text().replace("1000/mV", gain)
    stored = beats("R0", rate=250.0).stored
    floats = stored.astype(float)
    stored[3, 500:600], floats[3, 500:600] = -32768, np.nan
    seen = []
    for samples in (stored, floats):
        model = Model(Seeing())
        predict_challenge(model, header.replace(" 500 ", " 250 "), samples)
        seen.append(model.classifier.seen)
    np.testing.assert_array_equal(seen[0][4], stored[4])
    np.testing.assert_array_equal(*seen)


def test_equivalent_codes_share_label_and_probability(model, folder):
    codes, labels, probabilities = predict_challenge(
        model, (folder / "R1.hea").read_text(), beats("R1", 1).stored
    )
    for first, second in (("713427006", "59118001"), ("284470004", "63593006")):
        i, j = codes.index(first), codes.index(second)
        assert (labels[i], probabilities[i]) == (labels[j], probabilities[j])


@pytest.mark.parametrize("factor", [0.2, 5, 1000])
def test_gain_changes_no_label(model, folder, factor):
    text = (folder / "R0.hea").read_text()
    changed = text.replace("1000/mV", f"{1000 * factor:g}/mV")
    assert changed != text
    stored = beats("R0").stored
    assert predict_challenge(model, changed, stored) == predict_challenge(model, text, stored)


@pytest.mark.parametrize("factor", [0.2, 5, 1000])
def test_gain_changes_no_verdict(model, factor):
    noisy = beats("R1")
    noisy.stored[8:] = np.random.default_rng(0).normal(0, 900, (4, 5000))
    records = [beats("R0"), noisy]
    changed = [replace(record, gains=record.gains * factor) for record in records]
    found = [
        [(outcome.quality.verdict, outcome.quality.reasons) for outcome in outcomes]
        for outcomes in (model.predict_records(records), model.predict_records(changed))
    ]
    assert found[0] == found[1]
    assert [verdict for verdict, _ in found[0]] == [
        "usable",
        "unusable",
    ]  # the limb leads obey no law


SILENT = {
    "flat": np.zeros((12, 5000), np.int16),
    "missing": np.full((12, 5000), -32768, np.int16),
    "constant": np.full((12, 5000), 250, np.int16),
    "one": np.ones((12, 1), np.int16),
}


def test_a_folder_s_recordings_without_signal_are_negative_named_and_counted(
    model, folder, tmp_path, caplog
):
    (tmp_path / "model").mkdir()
    save_classifier(tmp_path / "model", model.classifier)
    for name, stored in SILENT.items():
        write_record(folder, replace(beats(name), stored=stored))
    caplog.set_level("INFO")
    failures = drive(tmp_path / "model", folder, tmp_path / "out")
    assert sorted(Path(failure.source).name for failure in failures) == sorted(SILENT)
    for name in SILENT:
        assert set(read(tmp_path / "out" / f"{name}.csv")[1]) == {"0"}
        assert f"{name}: no signal: " in caplog.text
    assert "9 recordings, 4 of them without a prediction" in caplog.text
    [counts] = re.findall(r"signal quality: (\d) good, (\d) usable, (\d) unusable", caplog.text)
    assert sum(map(int, counts)) == 5


@pytest.mark.parametrize("stored", SILENT.values(), ids=SILENT)
def test_run_model_answers_no_recording_without_signal(model, folder, stored, caplog):
    header = (folder / "R0.hea").read_text()
    _, labels, scores = predict_challenge(model, header, stored)
    assert (set(labels), set(scores)) == ({0}, {0.0})
    assert "R0: no prediction, all-negative: no signal: " in caplog.text


def test_unreadable_recording_is_answered_negative_and_named(model, caplog):
    codes, labels, probabilities = predict_challenge(model, "R9 12 500", np.zeros((12, 10)))
    assert (set(labels), set(probabilities), len(codes)) == ({0}, {0.0}, 27)
    assert "R9" in caplog.text


def test_run_model_refuses_a_lead_that_stands_twice_as_files_are(model, folder, caplog):
    text = (folder / "R0.hea").read_text()
    lines = text.splitlines()
    assert lines[8].endswith(" V2")
    lines[8] = f"{lines[8][:-2]}I"
    twice = "\n".join(lines)
    _, labels, scores = predict_challenge(model, twice, beats("R0").stored)
    assert (set(labels), set(scores)) == ({0}, {0.0})
    assert "R0: no prediction, all-negative: R0: lead I stands twice" in caplog.text
    (folder / "R0.hea").write_text(twice)
    [outcome] = model.predict_files(folder / "R0.hea")
    assert outcome.reason.endswith("R0: lead I stands twice")


def test_run_model_names_leads_that_are_stored_upside_down(model, folder, caplog):
    text = (folder / "R0.hea").read_text().replace("1000/mV", "-1000/mV", 1)
    _, _, scores = predict_challenge(model, text, beats("R0").stored)
    assert min(scores) > 0
    assert "R0: negative gain: I stored upside down" in caplog.text


@pytest.mark.slow
def test_folder_gets_the_answers_of_single_recordings(model, folder, tmp_path):
    (tmp_path / "model").mkdir()
    save_classifier(tmp_path / "model", model.classifier)
    assert drive(tmp_path / "model", folder, tmp_path / "out") == []
    for i in range(5):
        codes, labels, probabilities = predict_challenge(
            model, (folder / f"R{i}.hea").read_text(), beats(f"R{i}", seed=i).stored
        )
        found = read(tmp_path / "out" / f"R{i}.csv")
        assert found[:2] == [codes, [str(label) for label in labels]]
        np.testing.assert_allclose(np.array(found[2], float), probabilities, atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(cpu_count() < 2, reason="on one processor nothing is gained by processes")
def test_processes_prepare_many_recordings_and_the_answers_are_the_same(
    model, folder, tmp_path, monkeypatch
):
    """In order, the unreadable one named, over several blocks of batches."""
    (tmp_path / "model").mkdir()
    save_classifier(tmp_path / "model", model.classifier)
    for i in range(5, 40):
        write_record(folder, beats(f"R{i}", seed=i))
    (folder / "R7.mat").write_bytes(b"not a recording")
    [expected] = drive(tmp_path / "model", folder, tmp_path / "threads")
    monkeypatch.setattr("ecg12.inference.challenge.MANY", 40)
    monkeypatch.setattr("ecg12.inference.stream.BATCH", 4)
    monkeypatch.setattr("ecg12.inference.stream.BLOCK", 1)
    monkeypatch.setattr("ecg12.inference.stream.prepare_parts", None)  # is not called here
    [failure] = drive(tmp_path / "model", folder, tmp_path / "processes")
    assert failure == expected
    assert "R7.mat" in failure.reason
    for i in range(40):
        one, other = (read(tmp_path / out / f"R{i}.csv") for out in ("threads", "processes"))
        assert one[:2] == other[:2]
        np.testing.assert_allclose(np.array(one[2], float), np.array(other[2], float), atol=1e-6)


@pytest.mark.slow
def test_nested_folders_are_flattened_and_clashes_named(model, folder, tmp_path, caplog):
    (tmp_path / "model").mkdir()
    save_classifier(tmp_path / "model", model.classifier)
    (folder / "g1").mkdir()
    write_record(folder / "g1", beats("N1"))
    write_record(folder / "g1", beats("R0", seed=7))
    assert drive(tmp_path / "model", folder, tmp_path / "out") == []
    assert "no prediction: " in caplog.text
    assert "R0.csv belongs to" in caplog.text
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {
        "R0",
        "R1",
        "R2",
        "R3",
        "R4",
        "N1",
    }


def test_outputs_are_named_by_headers_whose_names_end_like_another_format(
    model, folder, tmp_path, caplog
):
    """So that the official scoring, which looks for the header's name, finds them."""
    (tmp_path / "model").mkdir()
    save_classifier(tmp_path / "model", model.classifier)
    stems = ["p1.ecg", "p1", "c.xml", "e.csv", "f.mat", "b.dat", "d.v1"]
    for seed, stem in enumerate(stems):
        write_record(folder, beats("tmp", seed))
        for suffix in (".hea", ".mat"):
            file = folder / f"tmp{suffix}"
            file.write_bytes(file.read_bytes().replace(b"tmp", stem.encode()))
            file.rename(folder / f"{stem}{suffix}")
    visit = Visit("P1", "Doe", "Jane", date(1950, 2, 3), datetime(2020, 5, 6, 7, 8))
    write_muse(folder, beats("m"), ["Sinus rhythm"], visit)
    assert drive(tmp_path / "model", folder, tmp_path / "out") == []
    assert "belongs to" not in caplog.text
    expected = {path.name.removesuffix(".hea") for path in folder.rglob("*.hea")} | {"m"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{s}.csv" for s in expected}
    evaluate_folders(folder, tmp_path / "out", CLASSES)  # refuses outputs that are missing


@pytest.mark.parametrize("leads", [LEADS[::-1], LEADS[:6], ("I", "II", "V2"), ("II",), ("V5", "X")])
def test_any_subset_and_order_of_leads_is_answered(model, leads):
    record = beats("R0")
    rows = [LEADS.index(lead) if lead in LEADS else 0 for lead in leads]
    header = f"R0 {len(rows)} 500 5000\n" + "\n".join(
        f"R0.mat 16+24 1000/mV 16 0 0 0 0 {lead}" for lead in leads
    )
    codes, labels, probabilities = predict_challenge(model, header, record.stored[rows])
    assert np.isfinite(probabilities).all()
    if leads == LEADS[::-1]:
        full = predict_challenge(model, header.replace(" aVR", " AVR"), record.stored[rows])
        assert full == (codes, labels, probabilities)


@pytest.mark.parametrize(
    "stored",
    [
        np.zeros((12, 5000), np.int16),
        np.full((12, 5000), -32768, np.int16),
        np.full((12, 5000), np.nan),
        np.ones((12, 1), np.int16),
        np.full((12, 5000), 32767, np.int32) * np.arange(5000) % 65536,
    ],
    ids=["zero", "missing", "nan", "one sample", "wrapping ramps"],
)
def test_degenerate_signals_are_answered_with_finite_numbers(model, stored):
    header = "R0 12 500 5000\n" + "\n".join(
        f"R0.mat 16+24 1000/mV 16 0 0 0 0 {lead}" for lead in LEADS
    )
    _, labels, probabilities = predict_challenge(model, header, stored)
    assert np.isfinite(probabilities).all()
    assert len(labels) == 27


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_never_leave(model, folder, monkeypatch, caplog, bad):
    records = [beats(f"R{i}", i) for i in range(3)]
    scores = model.classifier.member_scores([model.classifier.prepare(r) for r in records])
    column = int(np.flatnonzero(model.classes.class_of_column == 5)[0])
    runtime, whole = model.classifier.runtime, model.classifier.runtime.scores

    def altered(group, inputs):
        outputs = np.array(whole(group, inputs))
        outputs[:, 1, column] = bad
        return outputs

    monkeypatch.setattr(runtime, "scores", altered)
    good, failure, other = model.predict_records(records)
    assert failure == Failure("R1", "the model's scores are not finite numbers")
    for outcome, n in ((good, 0), (other, 2)):
        expected = np.median(scores[:, n], axis=0)
        np.testing.assert_allclose([entry.score for entry in outcome.classes], expected)
    n_columns = len(model.classes.columns)
    n_models = len(model.classifier.members)
    monkeypatch.setattr(
        runtime, "scores", lambda group, inputs: np.full((n_models, len(inputs), n_columns), bad)
    )
    header = (folder / "R1.hea").read_text()
    _, labels, probabilities = predict_challenge(model, header, records[1].stored)
    assert (set(labels), set(probabilities)) == ({0}, {0.0})
    assert "R1: no prediction, all-negative" in caplog.text


def test_prepared_input_is_the_same_whatever_else_is_in_the_batch(model):
    one, other = (model.classifier.prepare(beats("R", seed)) for seed in (0, 1))
    alone = model.classifier.member_scores([one])
    together = model.classifier.member_scores([other, one, other])
    np.testing.assert_allclose(together[:, 1], alone[:, 0], atol=1e-6)


def test_members_with_equal_preprocessing_run_in_one_call(model):
    [one] = model.classifier.prepare(beats("R", 0))
    assert model.classifier.runtime.scores(0, dequantize(one, STEP)).shape == (3, 1, 27)
    mixed = [replace(m, preprocessing=Preprocessing(cutoff=20 + i)) for i, m in
             enumerate(model.classifier.members)]  # fmt: skip
    apart = Classifier(CLASSES, mixed)
    for group in range(3):
        assert apart.runtime.scores(group, dequantize(one, STEP)).shape == (1, 1, 27)
