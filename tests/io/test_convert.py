"""Recordings of any format to a challenge folder, read back with wfdb; kills, names, failures."""

import csv
import hashlib
import hmac
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import wfdb

from ecg12.cli.main import main
from ecg12.inference.model import load_model
from ecg12.io.convert import convert
from ecg12.io.formats import read_any, scan
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import read_record, write_record
from ecg12.labelling import Columns
from ecg12.labelling.sources import table_statements
from ecg12.runtime.errors import InputError, RecordError
from ecg12.synthetic.muse_xml import Visit, write_muse

PATIENT = Visit("PID-4711", "DOE", "JANE", date(1950, 2, 3), datetime(2020, 5, 6, 7, 8))
SECRETS = ("4711", "DOE", "JANE", "1950", "2020-05", "05-06")
TWINS = (
    "dicom/ecgtoolkit_Example.dcm",
    "scp/ecgtoolkit_Example.scp",
    "aecg/ecgtoolkit_Example.xml",
)
MODEL = "tests/fixtures/model_format_1"
ARRAY = {"rate": 400.0, "unit": "mV", "leads": ",".join(LEADS)}


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {row.get("recording") or row["source"]: row for row in csv.DictReader(file)}


def named_in(text):
    """Return the secrets in a text, whose hashes and file times may hold the same digits."""
    return [secret for secret in SECRETS if secret in re.sub("[0-9a-f]{16,}", "", text)]


@pytest.fixture
def archive(tmp_path, make_record, make_ecg):
    """Write a labelled WFDB recording, MUSE files, arrays, and what cannot be read."""
    place = tmp_path / "archive"
    (place / "deep er").mkdir(parents=True)
    write_record(place, make_record("A1", codes=("164889003", "1234"), age=70, sex="Female"))
    said = ["Atrial fibrillation", "Confirmed by SMITH, JOHN (12)", "Left axis deviation"]
    write_muse(place / "deep er", make_record("m 1", seconds=4), said, PATIENT)
    write_muse(place, make_record("A1", seconds=4), ["Sinus rhythm"], PATIENT)
    with h5py.File(place / "exams.hdf5", "w") as file:
        file["tracings"] = np.array([make_ecg(400, 2, seed).T for seed in range(3)], "f4")
    (place / "bad.dcm").write_bytes(bytes(128) + b"DICM")
    (place / "drawing.pdf").write_bytes(b"%PDF-1.7")
    return place


def test_labels_statements_keys_and_failures(archive, tmp_path, make_ecg, capsys, caplog):
    """What each recording must become is what was written above."""
    caplog.set_level("INFO")
    salt = tmp_path / "salt"
    salt.write_text("pepper\n")
    out = tmp_path / "out"
    said = ["--rate", "400", "--unit", "mV", "--leads", ARRAY["leads"]]
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(archive), "-o", str(out), "--salt-file", str(salt), *said])
    assert ended.value.code == 1
    shown, failed = capsys.readouterr()
    assert f"\necg12: 1 of 7 recordings failed:\n  {archive}/bad.dcm: " in failed
    shown = shown.splitlines()
    assert shown[:4] == [
        f"6 recordings in {out}", "  2 GE MUSE XML", "  1 WFDB", "  3 array of numbers",
    ]  # fmt: skip
    names = {str(path.relative_to(out)) for path in out.rglob("*.hea")}
    assert names == {
        "A1.hea", "A1-2.hea", "deep_er/m_1.hea", *(f"exams_{i}.hea" for i in range(3)),
    }  # fmt: skip
    labelled = wfdb.rdheader(str(out / "A1"))
    assert labelled.comments[:3] == ["Age: 70", "Sex: Female", "Dx: 164889003,1234"]
    key = hmac.new(b"pepper", b"PID-4711", hashlib.sha256).hexdigest()[:32]
    recordings = table(out / "recordings.csv")
    assert {name: row["patient"] for name, row in recordings.items() if row["patient"]} == {
        "A1-2": key, "deep_er/m_1": key,
    }  # fmt: skip
    assert recordings["exams_2"]["source"] == f"{archive}/exams.hdf5[2]"
    statements = table(out / "statements.csv")
    assert list(statements["deep_er/m_1"].values())[1:] == [
        key, "Atrial fibrillation", "Left axis deviation",
    ]  # fmt: skip
    assert list(statements["A1-2"].values())[2:] == ["Sinus rhythm", ""]
    for seed in range(3):
        read = wfdb.rdrecord(str(out / f"exams_{seed}"))
        assert (read.fs, read.sig_name) == (400, list(LEADS))
        np.testing.assert_allclose(read.p_signal.T, make_ecg(400, 2, seed), atol=0.501e-3)
    for path in out.rglob("*"):
        if path.is_file() and path.suffix != ".mat":
            assert not named_in(path.read_text().replace(str(tmp_path), "")), path
    assert "1 not read (drawing.pdf): PDF" in caplog.text


@pytest.mark.parametrize("of_folder", [False, True], ids=["file", "folder"])
def test_all_recordings_of_an_array_of_eight_leads_are_converted(tmp_path, make_ecg, of_folder):
    leads = ("I", "II", *LEADS[6:])
    rows = [LEADS.index(lead) for lead in leads]
    (tmp_path / "data").mkdir()
    signals = np.array([make_ecg(400, 2, seed)[rows] for seed in range(3)], "f4")
    np.save(tmp_path / "data" / "eight.npy", signals)
    given = tmp_path / "data" / ("" if of_folder else "eight.npy")
    found = convert([given], tmp_path / "out", workers=1, **ARRAY | {"leads": ",".join(leads)})
    assert (found.total, found.failures) == (3, {})
    for number in range(3):
        read = wfdb.rdrecord(str(tmp_path / "out" / f"eight_{number}"))
        assert tuple(read.sig_name) == leads
        np.testing.assert_allclose(read.p_signal.T, signals[number], atol=0.501e-3)


def test_the_statements_are_a_table_for_label(archive, tmp_path):
    convert([archive], tmp_path / "out", workers=1)
    columns = Columns("recording", ("text_*",), "patient")
    found = list(table_statements(tmp_path / "out" / "statements.csv", columns))
    assert [(one.recording, one.segments) for one in found] == [
        ("A1-2", ("Sinus rhythm",)),
        ("deep_er/m_1", ("Atrial fibrillation", "Left axis deviation")),
    ]


def test_without_a_salt_there_is_no_key(archive, tmp_path, monkeypatch):
    monkeypatch.delenv("ECG12_SALT", raising=False)
    found = convert([archive], tmp_path / "out", workers=1)
    assert {row["patient"] for row in table(tmp_path / "out" / "recordings.csv").values()} == {""}
    assert found.with_statements == 2


def test_arrays_need_their_options_and_say_so(archive, tmp_path):
    found = convert([archive / "exams.hdf5"], tmp_path / "out", workers=1)
    assert found.total == len(found.failures) == 3
    assert all("missing: --rate, --unit" in line for line in found.failures.values())
    failures = table(tmp_path / "out" / "failures.csv")
    assert list(failures) == [f"{archive}/exams.hdf5[{i}]" for i in range(3)]
    found = convert([archive / "exams.hdf5[1]"], tmp_path / "out", workers=1, **ARRAY)
    assert (found.total, found.failures) == (1, {})
    assert not (tmp_path / "out" / "failures.csv").exists()


def test_what_is_finished_is_skipped_and_what_changed_is_not(archive, tmp_path, make_record):
    out = tmp_path / "out"
    first = convert([archive], out, workers=1)
    assert (first.total, first.earlier) == (4, 0)
    written = {path: path.stat().st_mtime_ns for path in out.rglob("*.hea")}
    assert convert([archive], out, workers=1).earlier == 3
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.hea")} == written
    write_muse(archive, make_record("A1", seconds=6), ["Sinus rhythm"], PATIENT)
    (out / "deep_er" / "m_1.mat").unlink()
    assert convert([archive], out, workers=1).earlier == 1
    assert read_record(out / "A1-2").stored.shape == (12, 3000)
    assert (out / "deep_er" / "m_1.mat").exists()
    assert convert([archive], out, workers=1, salt="other").earlier == 0


def test_files_that_a_header_names_are_looked_at_for_changes(tmp_path, make_ecg):
    stored = np.rint(make_ecg(500, 10)[:2] * 1000).astype("<i2")
    data, signals = tmp_path / "data", "{0} 16 1000/mV 16 0 0 0 0 I\n{0} 16 1000/mV 16 0 0 0 0 II\n"
    data.mkdir()
    (data / "m.hea").write_text("m/1 2 500 5000\ns0 5000\n")
    (data / "s0.hea").write_text("s0 2 500 5000\n" + signals.format("s0.dat"))
    (data / "n.hea").write_text("n 2 500 5000\n" + signals.format("other.d0"))
    (data / "CAP.HEA").write_text("CAP 2 500 5000\n" + signals.format("CAP.DAT"))
    for sign in (1, -1):
        for name in ("s0.dat", "other.d0", "CAP.DAT"):
            (data / name).write_bytes((sign * stored).T.tobytes())
            os.utime(data / name, (sign + 1, sign + 1))
        assert convert([data], tmp_path / "out", workers=1).earlier == 0
        for name in ("m", "n", "CAP"):
            written = read_record(tmp_path / "out" / name).millivolts
            np.testing.assert_allclose(written, sign * stored / 1000, atol=0.001)
    assert convert([data], tmp_path / "out", workers=1).earlier == 3


def test_another_spelling_of_a_path_is_the_same_recording(archive, tmp_path, monkeypatch):
    out = tmp_path / "out"
    convert([archive], out, workers=1)
    written = sorted(out.rglob("*.hea"))
    (tmp_path / "below").mkdir()
    (tmp_path / "link").symlink_to(archive)
    monkeypatch.chdir(tmp_path / "below")
    for paths in ([f"../{archive.name}"], [tmp_path / "link"], [archive / "A1.hea"],
                  [archive, tmp_path / "link"]):  # fmt: skip
        found = convert(paths, "../out", workers=1)
        assert found.earlier == found.total - len(found.failures)
    assert sorted(out.rglob("*.hea")) == written
    with pytest.raises(InputError, match="which is to be written"):
        convert(["../out"], out, workers=1)


def test_a_table_that_only_options_explain_is_noted_as_such(tmp_path, make_ecg):
    names = ",".join(f"Channel {n}" for n in range(12))
    np.savetxt(tmp_path / "a.csv", make_ecg(500, 10).T, delimiter=",", header=names, comments="")
    options = {"rate": 500, "unit": "mV", "leads": ",".join(LEADS)}
    convert([tmp_path / "a.csv"], tmp_path / "out", workers=1, **options)
    assert table(tmp_path / "out" / "recordings.csv")["a"]["format"] == "array of numbers"


def test_a_name_stays_whatever_comes_later(archive, tmp_path):
    out = tmp_path / "out"
    convert([archive / "A1.xml"], out, workers=1)
    convert([archive], out, workers=1)
    sources = {name: row["source"] for name, row in table(out / "recordings.csv").items()}
    assert sources["A1"] == f"{archive}/A1.xml"
    assert sources["A1-2"] == f"{archive}/A1"


def test_what_was_converted_and_is_damaged_now_is_removed(archive, tmp_path):
    out = tmp_path / "out"
    convert([archive], out, workers=1)
    (archive / "A1.xml").write_text("<RestingECG>")
    found = convert([archive], out, workers=1)
    assert len(found.failures) == 2
    assert not (out / "A1-2.hea").exists()
    assert "A1-2" not in table(out / "recordings.csv")


def test_only_folders_of_conversions_are_written(archive, tmp_path):
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="in .*archive, which is to be written"):
        convert([archive], archive)
    with pytest.raises(InputError, match="not empty, and no folder of an earlier conversion"):
        convert([archive / "A1"], archive / "deep er")
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before
    convert([archive], archive / "out", workers=1)
    assert convert([archive], archive / "out", workers=1).total == 4


def test_five_failures_are_shown_and_how_many_more(tmp_path, capsys):
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(folder), "-o", str(tmp_path / "out"), "--workers", "1"])
    assert ended.value.code == 1
    lines = capsys.readouterr().err.splitlines()[-7:]
    assert lines[0] == "ecg12: 8 of 8 recordings failed:"
    assert [line.partition(": ")[0] for line in lines[1:6]] == [
        f"  {folder}/{number}.dcm" for number in range(5)
    ]
    assert lines[-1] == f"  and 3 more, all in {tmp_path}/out/failures.csv"
    assert len(table(tmp_path / "out" / "failures.csv")) == 8


def test_names_that_meet(tmp_path, make_record):
    """Names differ, in any case of letters, whatever the files are called."""
    write_record(tmp_path, make_record("x", seconds=1))
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("é", "ü", "a b", "a_b", "A_B", ".a"):
        for suffix in (".hea", ".mat"):
            shutil.copyfile(tmp_path / f"x{suffix}", folder / f"{name}{suffix}")
    given = [folder / f"{name}.hea" for name in ("é", "ü", "a b", "a_b", "A_B", ".a")]
    found = convert(given, tmp_path / "out", workers=1)
    assert found.failures == {}
    names = [path.stem for path in (tmp_path / "out").glob("*.hea")]
    assert sorted(names) == ["A_B-3", "a", "a_b", "a_b-2", "recording", "recording-2"]
    for name in names:
        assert wfdb.rdrecord(str(tmp_path / "out" / name)).sig_len == 500


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path, make_record):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(400):
        write_record(folder, make_record(f"r{number}", seconds=10, seed=number))
    command = [sys.executable, "-m", "ecg12", "convert", str(folder), "-o", str(out)]
    command += ["--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    log, end = out / ".convert.jsonl", time.monotonic() + 60
    while time.monotonic() < end and not (log.exists() and log.read_bytes().count(b"\n") >= 32):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with log.open("ab") as file:
        file.write(b'{"source": "half a li')
    found = convert([folder], out, workers=2)
    assert 32 <= found.earlier < 400
    assert found.formats == {"WFDB": 400}
    for number in range(0, 400, 40):
        want = make_record(f"r{number}", seconds=10, seed=number).stored
        np.testing.assert_array_equal(read_record(out / f"r{number}").stored, want)
    assert [path for path in out.iterdir() if ".part" in path.name] == []


@pytest.mark.slow
def test_the_samples_of_all_formats(shared, tmp_path):
    """A mixed folder: counts of each format, nothing silent, and wfdb reads the same voltages."""
    junk = tmp_path / "junk"
    junk.mkdir()
    (junk / "a.scp").write_bytes(b"\7\7")
    (junk / "b.mwf").write_bytes(b"@ MFR ")
    (junk / "c.txt").write_text("hello")
    out = tmp_path / "out"
    given = [shared / "data/formats", shared / "data/real/cpsc2018", junk]
    found = convert(given, out, workers=1)
    n_real = len(list((shared / "data/real/cpsc2018").glob("*.hea")))
    assert found.formats == {
        "DICOM": 4, "GE MUSE XML": 2, "SCP-ECG": 2, "HL7 aECG": 3, "Philips XML": 2, "ISHNE": 1,
        "WFDB": 2 + n_real,
    }  # fmt: skip
    failed = sorted(path.name for path in found.failures)
    assert failed == [
        "a.scp", "b.mwf", "fda_minimum_nowaveform.xml", "healforce_62.SCP",
        "scptools_ECG_20060620_112352_ANON000002.SCP",
    ]  # fmt: skip
    n_given = sum(len(scan(one).recordings) for one in given) + 2  # ECGs of no known format
    assert found.total == n_given == sum(found.formats.values()) + len(failed)
    rows = table(out / "recordings.csv")
    assert len(rows) == sum(found.formats.values())
    for name, row in rows.items():
        read, want = wfdb.rdrecord(str(out / name)), read_any(row["source"])
        step = 1 / np.array(read.adc_gain)[:, None]
        physical = want.centred / want.gains[:, None]
        assert read.p_signal.shape == physical.T.shape
        np.testing.assert_array_equal(np.isnan(read.p_signal.T), np.isnan(physical))
        assert np.nanmax(np.abs(read.p_signal.T - physical) / step) <= 0.501, name
        assert read.fs == pytest.approx(want.rate, rel=1e-11)
        assert set(LEADS) & set(read.sig_name) == set(LEADS) & set(want.leads)
        codes = [line for line in read.comments if line.startswith("Dx:")]
        if row["format"] == "WFDB" and "cpsc2018" in row["source"]:
            header = Path(row["source"]).with_suffix(".hea").read_text().splitlines()
            (written,) = [line.partition(":")[2].strip() for line in header if "Dx" in line]
            assert codes == [f"Dx: {written}"]


@pytest.mark.slow
def test_the_same_ecg_in_three_formats_has_the_same_scores(shared, tmp_path):
    """As DICOM, as SCP-ECG and as aECG, and after each is converted."""
    given = [shared / "data/formats" / name for name in TWINS]
    found = convert(given, tmp_path / "out", workers=1)
    assert (found.changed, found.failures) == (0, {})
    converted = sorted((tmp_path / "out").glob("*.hea"))
    assert len(converted) == 3
    results = list(load_model(MODEL).predict_files([*given, *converted]))
    scores = np.array([[entry.score for entry in result.classes] for result in results])
    assert scores.shape[0] == 6
    assert np.abs(scores - scores[0]).max() < 1e-3
    assert scores[0].std() > 0


def test_the_patient_of_each_format_has_a_key(shared, tmp_path):
    """Identifiers as pydicom reads them, and as they stand in the files in plain text."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")
    given = [shared / "data/formats" / name for name in TWINS]
    convert(given, tmp_path / "out", workers=1, salt="pepper")
    rows = table(tmp_path / "out" / "recordings.csv").values()
    keys = {Path(row["source"]).suffix: row["patient"] for row in rows}
    said = {
        ".dcm": str(pydicom.dcmread(given[0]).PatientID), ".xml": "SBJ-123",
    }  # fmt: skip
    assert b"\2\x08\0ANON\0" in given[1].read_bytes()  # tag 2 of EN 1064, 8 bytes
    assert '<id root="2.16.840.1.113883.3.400" extension="SBJ-123"/>' in given[2].read_text()
    assert keys == {
        suffix: hmac.new(b"pepper", who.encode(), hashlib.sha256).hexdigest()[:32]
        for suffix, who in said.items()
    } | {".scp": ""}  # ANON is no one
    written = "".join(path.read_text() for path in (tmp_path / "out").glob("*.[ch]*"))
    assert not [who for who in said.values() if who in written.replace(str(shared), "")]


def test_a_reading_error_names_no_patient(tmp_path, archive):
    (archive / "A1.xml").write_bytes((archive / "A1.xml").read_bytes()[:2000])
    with pytest.raises(RecordError):
        read_any(archive / "A1.xml")
    found = convert([archive / "A1.xml"], tmp_path / "out", workers=1)
    assert not named_in(str(found.failures).replace(str(tmp_path), ""))


def test_a_recording_longer_than_is_held_in_memory_is_converted_whole(tmp_path, make_ecg):
    """21 minutes of floats, in stretches; the highest sample of all decides the steps."""
    rate, n = 100, 21 * 60 * 100
    signals = np.tile(make_ecg(rate, 60), 21)[:, :n].astype(np.float32)
    signals[3, -5] = 40.0
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "long.npy", signals)
    array = {"rate": rate, "unit": "mV", "leads": LEADS}
    found = convert([tmp_path / "in" / "long.npy"], tmp_path / "out", workers=1, **array)
    assert found.failures == {}
    read = wfdb.rdrecord(str(tmp_path / "out" / "long"))
    assert read.sig_len == n
    step = 1 / read.adc_gain[0]
    np.testing.assert_allclose(read.p_signal.T, signals, atol=0.51 * step)
    stored = wfdb.rdrecord(str(tmp_path / "out" / "long"), physical=False).d_signal
    sums = stored.sum(axis=0).astype(np.int16).tolist()
    assert [int(value) for value in read.checksum] == sums


def test_segments_whose_leads_change_are_converted(tmp_path, make_ecg):
    """12 minutes of leads I and II, then of II alone, whose gain is another."""
    rate, n = 50, 720 * 50
    rows = np.rint(np.tile(make_ecg(rate, 60), 12)[:2] * 1000).astype(np.int16)
    folder = tmp_path / "in"
    folder.mkdir()
    for name, leads, gain in (("s1", ("I", "II"), 1000), ("s2", ("II",), 500)):
        (folder / f"{name}.dat").write_bytes(rows[-len(leads) :].T.tobytes())
        lines = [f"{name} {len(leads)} {rate} {n}"]
        lines += [f"{name}.dat 16 {gain}/mV 16 0 0 0 0 {lead}" for lead in leads]
        (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    (folder / "m.hea").write_text(f"m/2 2 {rate} {2 * n}\ns1 {n}\ns2 {n}\n")
    assert convert([folder], tmp_path / "out", workers=1).failures == {}
    read = wfdb.rdrecord(str(tmp_path / "out" / "m")).p_signal.T
    np.testing.assert_allclose(read[:, :n], rows / 1000, atol=1e-3)
    assert np.isnan(read[0, n:]).all()
    np.testing.assert_allclose(read[1, n:], rows[1] / 500, atol=1e-3)
