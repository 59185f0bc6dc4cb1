"""Prediction on one's own recordings: decisions by hand, layouts, files that cannot be read."""

import csv
import json
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.decision.calibration import Calibration
from ecg12.ensemble.classifier import Classifier, Decisions, Member
from ecg12.ensemble.model_folder import save_classifier
from ecg12.explanation import explain
from ecg12.inference.challenge import drive
from ecg12.inference.layouts import NOTICE, render
from ecg12.inference.model import Model
from ecg12.inference.results import Failure
from ecg12.io.classes import CPSC_2018, WEIGHTS, load_weights
from ecg12.io.given import expand
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import write_record
from ecg12.models import ResNet
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import InputError, RecordError
from ecg12.signal.preprocessing import Preprocessing, prepare
from ecg12.synthetic.muse_xml import Visit, write_muse

CLASSES = load_weights(WEIGHTS)
# Members' scores and thresholds of AF, IAVB and the other seven classes of CPSC 2018.
SCORES = np.array([[0.9, 0.2] + [0.1] * 7, [0.6, 0.7] + [0.1] * 7, [0.4, 0.3] + [0.1] * 7])
CUTS = np.array([[0.5] * 9, [0.65] * 9, [0.25] * 9])
EDF = b"0       " + b"X".ljust(248)
PATIENT = Visit("PID-4711", "DOE", "JANE", date(1950, 2, 3), datetime(2020, 5, 6, 7, 8))


@dataclass
class Fixed:
    """Stands for an ensemble of three members that says the same of every recording."""

    calibration: Calibration | None = None
    classes = CPSC_2018
    preprocessings = (Preprocessing(),)
    members = tuple(
        Member(str(i), None, Preprocessing(), thresholds=cuts, validation_score=0.5)
        for i, cuts in enumerate(CUTS)
    )

    def prepare(self, record):
        return (prepare(record, self.preprocessings[0]),)

    def predict(self, prepared):
        votes = (SCORES > CUTS).sum(axis=0)
        rows = (votes >= 2, np.sort(SCORES, axis=0)[1], votes)
        return Decisions(*(np.tile(row, (len(prepared), 1)) for row in rows))


@pytest.fixture
def folder(tmp_path, make_record):
    """Write a WFDB recording, a MUSE file, and four files that cannot be read."""
    place = tmp_path / "mine"
    place.mkdir()
    write_record(place, make_record("A1"))
    write_muse(place, make_record("B2", seconds=4), ["Normal sinus rhythm"], PATIENT)
    (place / "c.edf").write_bytes(EDF)
    (place / "d.dcm").write_bytes(bytes(128) + b"DICM")
    (place / "e.xml").write_text('<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3"/>')
    (place / "f.hea").write_text("f 12 500 5000\n")
    return place


def test_decisions_by_hand(make_record):
    """AF: scores .9 .6 .4 exceed .5 .65 .25 twice, median .6; IAVB: .2 .7 .3 twice, median .3."""
    [result] = Model(Fixed()).predict_records([make_record("R", seconds=4)])
    first, second, third = result.classes[:3]
    assert (first.codes, first.abbreviation) == (("164889003",), "AF")
    assert first.name == "atrial fibrillation"
    assert (first.positive, first.score, first.votes) == (True, 0.6, 2)
    assert (second.positive, second.score, second.votes) == (True, 0.3, 2)
    assert (third.positive, third.score, third.votes) == (False, 0.1, 0)
    assert first.thresholds == (0.5, 0.65, 0.25)
    assert [entry.abbreviation for entry in result.diagnoses] == ["AF", "IAVB"]
    assert (result.source, result.leads, result.rate, result.seconds) == ("R", LEADS, 500, 4)


def test_probabilities_only_where_the_model_is_calibrated(make_record):
    """Slope 1 and intercept 0 leave scores as they are, 2 and 1 make p = 1/(1 + e^-1 (.7/.3)²)."""
    nothing = [np.nan] * 7
    calibration = Calibration(np.array([1, 2, *nothing]), np.array([0, 1, *nothing]))
    record = make_record("R")
    [result], [without] = (Model(Fixed(c)).predict_records([record]) for c in (calibration, None))
    expected = 1 / (1 + np.exp(-1) * (0.7 / 0.3) ** 2)
    assert [e.probability for e in result.classes[:2]] == pytest.approx([0.6, expected])
    assert {entry.probability for entry in result.classes[2:]} == {None}
    assert {entry.probability for entry in without.classes} == {None}
    assert [e.score for e in result.classes] == [e.score for e in without.classes]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Three untrained networks with thresholds amid their scores, calibrated; and their folder."""
    preprocessing = Preprocessing(seconds=2.0)
    members = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        network = ResNet(2, 3, 1, 2).build(len(CLASSES.columns), preprocessing.n_samples)
        members.append(
            Member(
                f"m{seed}",
                network,
                preprocessing,
                thresholds=np.full(24, 0.5),
                validation_score=0.5,
            )
        )
    slopes = np.where(np.arange(24) < 20, 1.5, np.nan)
    classifier = Classifier(CLASSES, members, Calibration(slopes, slopes - 2))
    place = tmp_path_factory.mktemp("model")
    save_classifier(place, classifier)
    return classifier, place


@pytest.mark.slow
def test_files_get_the_driver_s_answers(model, tmp_path, make_record):
    classifier, place = model
    paths = []
    (tmp_path / "data").mkdir()
    for i in range(40):  # more than one batch
        record = make_record(f"R{i:02}", seed=i, seconds=3, leads=LEADS[i % 3 :])
        paths.append(write_record(tmp_path / "data", record))
    drive(place, tmp_path / "data", tmp_path / "out")
    results = list(Model(classifier).predict_files(paths))
    assert [result.source for result in results] == [str(path) for path in paths]
    for result in results:
        lines = (tmp_path / "out" / f"{Path(result.source).stem}.csv").read_text().splitlines()
        codes, labels, scores = (line.split(",") for line in lines[1:])
        said = {code: entry for entry in result.classes for code in entry.codes}
        assert [str(int(said[code].positive)) for code in codes] == labels
        expected = np.array(scores, float)
        np.testing.assert_allclose([said[code].score for code in codes], expected, atol=1e-6)


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1), ("uV", 1e3), ("V", 1e-3), ("nV", 1e6)])
def test_arrays_are_judged_as_the_same_recording_on_disk(model, make_ecg, tmp_path, unit, factor):
    classifier, _ = model
    signals = make_ecg(500, 3)[[1, 0, 7]]
    result = Model(classifier).predict(signals * factor, fs=500, leads=["II", "I", "V2"], unit=unit)
    from ecg12.io.record import Record

    path = write_record(tmp_path, Record.from_millivolts("R", signals, ["II", "I", "V2"], 500))
    [read] = Model(classifier).predict_files([path])
    assert [entry.positive for entry in read.classes] == [e.positive for e in result.classes]
    # The file is in steps of 1 µV, the array is not.
    expected = [entry.score for entry in read.classes]
    np.testing.assert_allclose([entry.score for entry in result.classes], expected, atol=1e-3)
    assert (read.leads, read.rate, read.seconds) == (result.leads, result.rate, result.seconds)


def test_offset_and_infinity_in_an_array_change_nothing(model, make_ecg):
    """An offset of 100 mV is a converter's, and an infinite sample is a missing one."""
    classifier, _ = model
    signals = make_ecg(500, 3)
    plain = Model(classifier).predict(signals, fs=500, leads=LEADS)
    offset = Model(classifier).predict(signals + 100, fs=500, leads=LEADS)
    expected = [entry.score for entry in plain.classes]
    np.testing.assert_allclose([entry.score for entry in offset.classes], expected, atol=1e-3)
    holes, infinite = signals.copy(), signals.copy()
    holes[3, 700:720], infinite[3, 700:720] = np.nan, np.inf
    results = [Model(classifier).predict(x, fs=500, leads=LEADS) for x in (holes, infinite)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "mm"}, "unknown unit 'mm'; choices: nv, uv"),
        ({"fs": 0}, "fs=0: a sampling rate is a number, 1 to 100000 Hz"),
        ({"fs": "500"}, "fs='500'"),
        ({"fs": None}, "fs=None"),
        ({"unit": None}, "unknown unit None"),
        ({"leads": [1, 2]}, r"leads=.1, 2.: a list of names"),
        ({"leads": "II"}, "leads='II'"),
        ({"signals": [["a"], ["b"]]}, "not an array of numbers"),
        ({"signals": np.zeros((100, 2))}, r"shape \(100, 2\) for 2 leads; rows must be leads"),
        ({"leads": ["X", "Y"]}, "none of the leads .'X', 'Y'. is one of"),
        ({"leads": ["aVR", "AVR"]}, "lead aVR twice"),
    ],
)
def test_arrays_that_cannot_be_are_refused(change, message):
    given = {"signals": np.zeros((2, 100)), "fs": 100, "leads": ["I", "II"]} | change
    with pytest.raises(InputError, match=message):
        Model(Fixed()).predict(**given)


@pytest.mark.parametrize(
    "change",
    [
        {"leads": LEADS[:11]},
        {"stored": np.zeros((3, 5000))},
        {"stored": np.zeros((12, 0))},
        {"stored": np.zeros(5000)},
        {"stored": np.full((12, 5000), "a")},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"rate": "500"},
        {"gains": np.ones(3)},
        {"units": (1,) * 12},
    ],
    ids=str,
)
def test_a_malformed_record_costs_no_other(make_record, change):
    """Whatever NumPy says of it; what a program holds in memory is checked nowhere before."""
    whole = make_record("R")
    malformed = replace(whole, name="M", **change)
    first, failure, last = Model(Fixed()).predict_records([whole, malformed, whole])
    assert first == last
    assert first.source == "R"
    assert (failure.source, failure.about_signal) == ("M", False)
    assert re.match(r"M: \w+Error: .", failure.reason)
    with pytest.raises(RecordError, match=r"^M: \w+Error: ."):
        Model(Fixed()).predict_record(malformed)
    with pytest.raises(RecordError, match=r"^M: \w+Error: ."):
        explain(Model(Fixed()), malformed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0.0}, "5000 samples at 0 Hz"),
        ({"rate": float("nan")}, "5000 samples at nan Hz"),
        ({"rate": "500"}, "TypeError: "),
        ({"stored": np.zeros((12, 0))}, "0 samples at 500 Hz"),
        ({"stored": np.zeros(5000)}, "IndexError: "),
    ],
    ids=str,
)
def test_a_malformed_record_has_no_windows(make_record, change, message):
    with pytest.raises(RecordError, match=f"^M: {message}"):
        Model(Fixed()).predict_windows(replace(make_record("M"), **change))


@pytest.mark.parametrize(
    ("stored", "leads", "reason"),
    [
        (np.zeros((12, 5000)), LEADS, "no signal: all leads are flat"),
        (np.full((12, 5000), np.nan), LEADS, "no signal: every sample is missing"),
        (np.zeros((1, 5000)), ("PLETH",), r"none of the leads \('PLETH',\) is one of"),
    ],
)
def test_an_error_of_one_recording_begins_with_its_name_once(stored, leads, reason):
    """A name may be part of the reason, as `no` is."""
    for name in ("patient 7", "no"):
        with pytest.raises(RecordError, match=f"^{name}: {reason}"):
            Model(Fixed()).predict(stored, fs=500, leads=leads, name=name)


def test_bad_files_cost_no_other(folder):
    results = list(Model(Fixed()).predict_files(expand([folder, folder / "missing.hea"])))
    reasons = {Path(r.source).name: r.reason for r in results if isinstance(r, Failure)}
    read = {Path(r.source).name for r in results if not isinstance(r, Failure)}
    assert read == {"A1", "B2.xml"}
    for name in ("c.edf", "d.dcm", "e.xml", "f"):
        assert reasons[name].startswith(f"{folder / name}")
    assert "of no known format; read are WFDB" in reasons["c.edf"]
    assert "No such file" in reasons["missing.hea"]
    assert set(reasons) == {"c.edf", "d.dcm", "e.xml", "f", "missing.hea"}


def test_each_given_path_has_an_outcome_and_what_folders_hold_has_one(folder, tmp_path):
    """So that paths and outcomes can be paired, also where a header and its signals are given."""
    a, b, broken = folder / "A1.hea", folder / "B2.xml", folder / "f.hea"
    paths = [a, b, a, folder / "A1.mat", broken, broken]
    outcomes = list(Model(Fixed()).predict_files(paths))
    assert [outcome.source for outcome in outcomes] == [str(path) for path in paths]
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False] * 4 + [True] * 2
    held = [outcome.source for outcome in Model(Fixed()).predict_files([a, folder, folder, a])]
    names = ["B2.xml", "c.edf", "d.dcm", "e.xml", "f"]
    assert held == [str(a), *(str(folder / name) for name in names), str(a)]


def test_arrays_are_predicted_as_the_same_signals_in_a_recording(tmp_path, make_ecg, make_record):
    many = np.array([make_ecg(500, 10, seed) for seed in range(2)])
    np.save(tmp_path / "many.npy", many)
    said = {"rate": 500, "unit": "mV", "leads": LEADS}
    outcomes = list(Model(Fixed()).predict_files(tmp_path, **said))
    assert [Path(outcome.source).name for outcome in outcomes] == ["many.npy[0]", "many.npy[1]"]
    assert all(outcome.leads == LEADS and outcome.rate == 500 for outcome in outcomes)
    [one] = Model(Fixed()).predict_files(tmp_path / "many.npy[1]", **said)
    assert one == outcomes[1]
    [refused] = Model(Fixed()).predict_files(tmp_path / "many.npy[1]")
    assert "missing: --rate, --unit, --leads" in refused.reason


def test_a_header_and_its_signals_are_one_recording(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    given = [folder / "A1.mat", folder / "A1.hea", folder / "A1", tmp_path / "empty", folder]
    paths = list(expand(given))
    assert paths[:2] == [folder / "A1.mat", tmp_path / "empty"]
    assert [path.name for path in paths[2:]] == ["B2.xml", "c.edf", "d.dcm", "e.xml", "f"]
    reason = next(iter(Model(Fixed()).predict_files(paths[1:2]))).reason
    assert "a folder without recordings; read are WFDB" in reason


def test_text_shows_diagnoses_and_what_comes_next(folder):
    text = "".join(render("text", Model(Fixed()).predict_files(expand([folder]))))
    assert text.startswith(NOTICE)
    assert "not a medical device" in NOTICE
    assert (
        f"{folder / 'A1'}: AF, IAVB\n  12 of 12 leads; 500 Hz, 10 s used\n  signal quality: good\n"
        in text
    )
    rows = [line.split() for line in text.splitlines() if line.startswith("  + ")]
    assert rows[0] == ["+", "AF", "atrial", "fibrillation", "0.600", "unknown", "2/3", "0.500",
                       "0.650", "0.250"]  # fmt: skip
    assert f"{folder / 'c.edf'}: NO PREDICTION" in text
    one = list(Model(Fixed()).predict_files([folder / "A1"]))
    assert len("".join(render("text", one)).splitlines()) == 3 + 1 + 1 + 1 + 1 + 2 + 1 + 3
    assert len("".join(render("text", one, True)).splitlines()) == 3 + 1 + 1 + 1 + 1 + 9 + 1


def test_json_and_csv_hold_every_class_and_failure(folder):
    items = list(Model(Fixed()).predict_files(expand([folder])))
    parsed = json.loads("".join(render("json", items)))
    assert parsed["notice"] == NOTICE
    assert [Path(r["source"]).name for r in parsed["recordings"]] == ["A1", "B2.xml"]
    assert [r["diagnoses"] for r in parsed["recordings"]] == [["AF", "IAVB"]] * 2
    assert parsed["recordings"][0]["classes"][1] == {
        "codes": ["270492004"], "abbreviation": "IAVB", "name": "first degree AV block",
        "positive": True, "score": 0.3, "probability": None, "votes": 2,
        "thresholds": [0.5, 0.65, 0.25],
    }  # fmt: skip
    assert [Path(f["source"]).name for f in parsed["failures"]] == ["c.edf", "d.dcm", "e.xml", "f"]
    rows = list(csv.DictReader("".join(render("csv", items)).splitlines()))
    assert len(rows) == 2 * 9 + 4
    assert rows[0] == {
        "recording": str(folder / "A1"), "codes": "164889003", "abbreviation": "AF",
        "name": "atrial fibrillation", "positive": "1", "score": "0.6", "probability": "",
        "votes": "2", "members": "3", "thresholds": "0.5 0.65 0.25", "error": "",
        "quality": "good", "reasons": "", "leads": "12 of 12 leads", "ood_percentile": "",
        "coverage": "", "answer": "", "warnings": "",
    }  # fmt: skip
    assert [row["error"] != "" for row in rows].count(True) == 4
    assert json.loads("".join(render("json", [])))["recordings"] == []


@pytest.mark.parametrize("layout", ["text", "json", "csv"])
def test_nothing_of_the_patient_is_written(folder, layout):
    written = "".join(render(layout, Model(Fixed()).predict_files([folder / "B2.xml"]), True))
    assert "B2.xml" in written
    file = (folder / "B2.xml").read_text(encoding="latin-1")
    for secret in ("DOE", "JANE", "4711", "1950", "05-06-2020"):
        assert secret in file
        assert secret not in written


@pytest.mark.slow
def test_command_writes_draws_and_ends_with_an_error(model, folder, tmp_path, capsys):
    _, place = model
    output, plots = tmp_path / "out.json", tmp_path / "plots"
    (folder / "again").mkdir()
    for suffix in (".hea", ".mat"):
        (folder / "again" / f"A1{suffix}").write_bytes((folder / f"A1{suffix}").read_bytes())
    arguments = [str(folder), "--model", str(place), "--format", "json", "-o", str(output)]
    table = tmp_path / "failed.csv"
    with pytest.raises(SystemExit) as end:
        main(["predict", *arguments, "--plot", str(plots), "--failures", str(table)])
    assert end.value.code == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert f"\necg12: 4 of 7 recordings failed:\n  {folder}/c.edf: " in written.err
    with table.open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["file", "reason"]
    assert [Path(row[0]).name for row in rows] == ["c.edf", "d.dcm", "e.xml", "f.hea"]
    assert len(json.loads(output.read_text())["recordings"]) == 3
    assert sorted(path.name for path in plots.iterdir()) == ["A1.png", "A1_2.png", "B2.png"]


@pytest.fixture
def noisy(tmp_path, make_record):
    """Write a recording of eight leads, of which V5 and V6 are noise."""
    record = make_record("N1", leads=(*LEADS[:2], *LEADS[6:]))
    record.stored[6:] = np.random.default_rng(0).normal(0, 900, (2, 5000))
    return write_record(tmp_path, record)


def test_strict_refuses_what_is_unusable(model, noisy, capsys):
    _, place = model
    main(["predict", str(noisy), "--model", str(place), "--format", "json"])
    [answered] = json.loads(capsys.readouterr().out)["recordings"]
    assert answered["quality"]["verdict"] == "unusable"
    with pytest.raises(SystemExit, match="1"):
        main(["predict", str(noisy), "--model", str(place), "--format", "json", "--strict"])
    refused = json.loads(capsys.readouterr().out)
    assert refused["recordings"] == []
    assert refused["failures"][0]["reason"].startswith("unusable signal: beats unlike those of")


def test_quality_is_in_every_layout(noisy):
    items = list(Model(Fixed()).predict_files([noisy]))
    reason = "beats unlike those of the other leads in V5, V6"
    [parsed] = json.loads("".join(render("json", items)))["recordings"]
    assert parsed["quality"]["verdict"] == "unusable"
    assert parsed["quality"]["reasons"][0] == reason
    assert parsed["quality"]["used"] == [*LEADS[:2], *LEADS[6:]]
    assert parsed["quality"]["derived"] == list(LEADS[2:6])
    assert (parsed["quality"]["absent"], parsed["quality"]["ignored"]) == ([], [])
    assert parsed["quality"]["missing"] == 0
    rows = list(csv.DictReader("".join(render("csv", items)).splitlines()))
    assert {row["quality"] for row in rows} == {"unusable"}
    assert all(row["reasons"].startswith(reason) for row in rows)
    text = "".join(render("text", items))
    assert f"  signal quality: unusable; {reason}" in text
    assert "\n  8 of 12 leads, 4 derived; 500 Hz, " in text
    assert {row["leads"] for row in rows} == {"8 of 12 leads, 4 derived"}


@pytest.mark.parametrize(("n", "is_refused"), [(1, True), (2, True), (4, True), (5, False)])
def test_less_than_one_sample_at_the_network_s_rate_is_no_signal(make_record, n, is_refused):
    """The network takes 100 Hz: 5 samples of 500 Hz are one of its own."""
    record = make_record()
    standin = Fixed()
    standin.preprocessings = (Preprocessing(rate=100.0, margin=0.0, medians=(), cutoff=None),)
    [outcome] = Model(standin).predict_records([replace(record, stored=record.stored[:, :n])])
    assert isinstance(outcome, Failure) == is_refused
    if 1 < n < 5:
        expected = f"no signal: {n} samples at 500 Hz, less than one at the 100 Hz of a network"
        assert outcome.reason == expected
        assert outcome.about_signal


@pytest.mark.parametrize("muse", [True, False])
def test_every_answer_says_what_was_used_derived_absent_and_ignored(
    tmp_path, make_record, make_ecg, muse
):
    """Eight leads of a monitor with two other channels, and a MUSE file, which stores eight."""
    names = [*LEADS[:2], *LEADS[6:]]
    if muse:
        write_muse(tmp_path, make_record("a"), ["Sinus rhythm"], PATIENT)
        path, ignored, said = tmp_path / "a.xml", [], "8 of 12 leads, 4 derived"
    else:
        signals = make_ecg(500, 10)[[*range(2), *range(6, 12), 0, 1]]
        all_names = [*names[:-1], "PLETH", "ABP"]
        signals = np.delete(signals, 7, axis=0)  # V6 is off
        write_record(tmp_path, Record.from_millivolts("a", signals, all_names, 500))
        path, ignored = tmp_path / "a", ["PLETH", "ABP"]
        said = "7 of 12 leads, 4 derived; absent: V6; ignored: PLETH, ABP"
        names = names[:-1]
    items = list(Model(Fixed()).predict_files([path]))
    assert f"\n  {said}; 500 Hz, 10 s used\n" in "".join(render("text", items))
    [parsed] = json.loads("".join(render("json", items)))["recordings"]
    quality = parsed["quality"]
    assert (quality["used"], quality["derived"]) == (names, list(LEADS[2:6]))
    assert (quality["absent"], quality["ignored"]) == ([] if muse else ["V6"], ignored)
    rows = list(csv.DictReader("".join(render("csv", items)).splitlines()))
    assert {row["leads"] for row in rows} == {said}


def test_other_signals_are_ignored_and_said_to_be(make_ecg):
    signals = np.vstack([make_ecg(500, 10), 40 * make_ecg(500, 10, 1)[:2]])
    result = Model(Fixed()).predict(signals, fs=500, leads=[*LEADS, "PLETH", "ABP"])
    text = "".join(render("text", [result]))
    assert "  12 of 12 leads; ignored: PLETH, ABP; 500 Hz, 10 s used\n" in text
    assert result.leads == (*LEADS, "PLETH", "ABP")  # all channels, as JSON always had them
    assert (result.quality.used, result.quality.ignored) == (LEADS, ("PLETH", "ABP"))
    assert result.quality.verdict == "good"


def test_a_wrong_unit_is_warned_of_and_changes_no_label(model, make_ecg):
    classifier, _ = model
    signals = make_ecg(500, 3)
    right, wrong = (
        Model(classifier).predict(signals * factor, fs=500, leads=LEADS) for factor in (1, 1000)
    )
    assert [e.positive for e in wrong.classes] == [e.positive for e in right.classes]
    assert wrong.quality.verdict == right.quality.verdict
    assert "warning: implausible amplitude: " in "".join(render("text", [wrong]))
    assert "warning" not in "".join(render("text", [right]))


def test_command_prints_results_alone(model, folder, capsys):
    _, place = model
    main(["predict", str(folder / "A1.hea"), "--model", str(place), "--format", "json"])
    assert len(json.loads(capsys.readouterr().out)["recordings"]) == 1


def test_command_without_a_model_says_how_to_make_one(folder, tmp_path):
    with pytest.raises(SystemExit, match="/no: no such folder"):
        main(["predict", str(folder), "--model", str(tmp_path / "no")])
