"""The audit: every defect, put into a sound recording by hand, is found there and nowhere else."""

import csv
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ecg12.audit import Tally, audit_folder
from ecg12.audit.checks import reported
from ecg12.cli.main import main
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.known_labels import read_labelled_classes
from ecg12.io.label_table import read_label_table
from ecg12.io.leads import LEADS
from ecg12.io.record import MISSING
from ecg12.io.wfdb import write_record
from ecg12.signal.lead_checks import step
from ecg12.signal.quality import assess

CLASSES = load_weights(WEIGHTS)


@pytest.fixture
def sound(make_record):
    return make_record("A0001", codes=("426783006",))


def kinds(record):
    return {(finding.kind, finding.where) for finding in reported(assess(record))}


def changed(record, lead, change):
    stored = record.stored.copy()
    row = record.leads.index(lead)
    stored[row] = change(stored[row])
    return replace(record, stored=stored)


def test_a_sound_recording_has_no_finding(sound):
    assert kinds(sound) == set()


def held(row):
    row[1000:1030] = row.max() + 1  # 60 ms at 500 Hz
    return row


def gap(row):
    row[7:9] = MISSING
    return row


def begins_late(row):
    row[:4250] = MISSING  # of 5000; 1.5 s are left
    return row


AVF = "aVF - II + I/2"


@pytest.mark.parametrize(
    ("lead", "change", "found"),
    [
        ("V2", lambda row: row * 0 + 9, {("flat lead", "V2")}),
        ("V2", lambda row: row * 0 + MISSING, {("flat lead", "V2")}),
        ("V2", gap, {("missing samples", "V2")}),
        ("V3", held, {("saturated lead", "V3")}),
        ("V5", lambda row: -row, {("lead of wrong sign", "V5")}),
        ("aVR", lambda row: -row, {("lead of wrong sign", "aVR")}),
        ("I", lambda row: -row, {("lead of wrong sign", "I")}),
        ("III", lambda row: row + 1, set()),  # Σ |c| q is 3 steps, of which rounding takes 1.5
        ("III", lambda row: row + 5, {("limb lead law broken", "I - II + III")}),
        (
            "aVF",
            lambda row: np.roll(row, 20),
            {("limb lead law broken", AVF), ("limb leads contradict", AVF)},
        ),
        ("V4", begins_late, {("short lead", "V4"), ("missing samples", "V4")}),
    ],
    ids="flat empty gap held V5 aVR I within beyond shifted short".split(),
)
def test_a_defect_in_one_lead_is_found_there(sound, lead, change, found):
    assert kinds(changed(sound, lead, change)) == found


def test_the_gain_s_sign_is_part_of_the_lead_s(sound):
    gains = sound.gains.copy()
    gains[3] = -gains[3]
    assert kinds(replace(sound, gains=gains)) == {("lead of wrong sign", "aVR")}
    assert kinds(changed(replace(sound, gains=gains), "aVR", np.negative)) == set()


@pytest.mark.parametrize(("factor", "found"), [(0.001, True), (1, False), (5, False), (1000, True)])
def test_an_implausible_gain_is_told_in_millivolts(sound, factor, found):
    """Of a signal whose 99th percentile is about 1 mV; usual are 0.05 to 10."""
    own = reported(assess(replace(sound, gains=sound.gains / factor)))
    assert [finding.kind for finding in own] == ["implausible amplitude"] * found


def test_a_lead_of_next_to_no_signal_is_found(sound):
    """Numbers as usual that are 1/200 of the other leads' voltage."""
    gains = sound.gains * np.where(np.arange(12) == 9, 200, 1)
    assert kinds(replace(sound, gains=gains)) == {("nearly flat lead", "V4")}


def reordered(record, order, signs=(1,) * 12):
    """Return a recording whose leads hold the samples of others, each with a sign."""
    rows = [
        sign * record.stored[LEADS.index(lead)] for lead, sign in zip(order, signs, strict=True)
    ]
    return replace(record, stored=np.array(rows))


def test_swapped_arm_electrodes_are_found(sound):
    """I is inverted, II and III, aVR and aVL are exchanged; no law is broken."""
    order = ("I", "III", "II", "aVL", "aVR", *LEADS[5:])
    swapped = reordered(sound, order, (-1, *[1] * 11))
    assert kinds(swapped) == {("swapped leads", "right and left arm")}


def test_exchanged_leads_are_found(sound):
    order = ("II", "I", *LEADS[2:])
    found = kinds(reordered(sound, order))
    assert ("swapped leads", "I and II") in found
    assert {kind for kind, _ in found} == {
        "swapped leads", "limb lead law broken", "limb leads contradict",
    }  # fmt: skip


def test_the_command_shows_swapped_arm_electrodes(sound, tmp_path, capsys):
    order = ("I", "III", "II", "aVL", "aVR", *LEADS[5:])
    write_record(tmp_path, reordered(sound, order, (-1, *[1] * 11)))
    main(["check", str(tmp_path), "--workers", "1"])
    assert "  swapped leads: 1 (A0001)\n" in capsys.readouterr().out


def test_unknown_gains_are_told_and_laws_still_checked(sound):
    unknown = replace(sound, gains=np.full(12, np.nan))
    assert kinds(unknown) == {("unknown gain", " ".join(LEADS))}
    assert ("lead of wrong sign", "aVL") in kinds(changed(unknown, "aVL", np.negative))


def test_missing_unknown_and_repeated_leads(make_record):
    record = make_record(leads=("I", "II", "V2"))
    record = replace(record, leads=("I", "I", "X"))
    expected = {("missing lead", lead) for lead in LEADS if lead != "I"}
    assert kinds(record) == expected | {("unknown lead", "X"), ("repeated lead", "I")}


@pytest.mark.parametrize(("width", "expected"), [(1, 1), (4, 4.5), (4.88, 5.38)])
def test_the_step_is_read_from_the_samples(width, expected):
    """A sine in steps of `width`, rounded to whole units as Chapman-Ningbo's are."""
    wave = 300 * np.sin(np.linspace(0, 50, 5000))
    assert step(np.rint(np.rint(wave / width) * width)) == pytest.approx(expected, abs=0.06)


@pytest.fixture
def folder(tmp_path, make_record):
    """Two databases; one copy under another name and diagnosis, one broken file, odd codes."""
    data = tmp_path / "data"
    for name in ("ptb", "georgia"):
        (data / name).mkdir(parents=True)
    write_record(
        data / "ptb", make_record("S1", seed=1, rate=1000, codes=("426783006", "10370003"))
    )
    write_record(data / "ptb", make_record("S2", seed=2, codes=()))
    write_record(data / "georgia", make_record("E1", seed=2, codes=("164889003",)), "B")
    write_record(data / "georgia", make_record("E2", seed=3, codes=("12345", "429622005")))
    (data / "georgia" / "E3.hea").write_text("E3 12 500\n")
    return data


def test_counts_by_database(folder):
    total, found = audit_folder(folder, n_jobs=2)
    tally = Tally(CLASSES)
    for audited in found:
        tally.add(audited)
    assert total == 5
    assert tally.recordings == {"ptb": 2, "georgia": 3}
    assert tally.values["ptb"]["rate, Hz"] == {"1000": 1, "500": 1}
    assert tally.values["georgia"]["gains"] == {"1000/mV": 2}
    assert tally.positives["AF"] == {"georgia": 1}
    assert tally.positives["PR"] == tally.positives["NSR"] == {"ptb": 1}
    assert [len(group) for group in tally.duplicates()] == [2]
    assert {code: tally.status(code) for code in tally.codes} == {
        "426783006": "scored", "10370003": "scored", "164889003": "scored",
        "12345": "unknown", "429622005": "unscored",
    }  # fmt: skip
    text = tally.text()
    assert "5 recordings, 1 unreadable" in text
    assert "E3.hea: 12 signals announced, 0 described" in tally.errors["georgia/E3"]
    assert "in no recording: IAVB, AFL, Brady" in text
    assert not [line for line in text.splitlines() if line.split()[1:] == ["0", "0", "0"]]
    assert "same samples, different diagnoses: georgia/E1, ptb/S2" in text
    assert "no diagnosis code: 1 (ptb/S2)" in text
    assert "unknown codes: 1 (12345 1)" in text
    assert "unscored codes: 1 (STD 1)" in text


def test_unknown_labels_are_counted_by_database(folder, tmp_path):
    """Georgia labels AF alone: E2 does not show it, and of other classes nothing is known."""
    labels, labelled = tmp_path / "labels.csv", tmp_path / "labelled.csv"
    labelled.write_text("database,codes\ngeorgia,164889003\n")
    columns = ",".join(CLASSES.columns)
    n = len(CLASSES.columns)
    rows = [
        "ptb/S1,," + ",".join([""] * n),
        "ptb/S9,," + ",".join(["0"] * n),
        "georgia/E1,," + ",".join(["0"] * n),
        "georgia/E2,," + ",".join(["1" if c == "10370003" else "0" for c in CLASSES.columns]),
    ]
    labels.write_text("\n".join([f"recording,patient,{columns}", *rows]) + "\n")
    tally = Tally(CLASSES, read_label_table(labels), read_labelled_classes(labelled))
    for audited in audit_folder(folder, n_jobs=1)[1]:
        codes = tally.add(audited)
        assert codes == (("10370003",) if audited.name == "georgia/E2" else ())
    assert tally.unknown["AF"] == {"ptb": 1}
    assert tally.unknown["NSR"] == {"ptb": 1, "georgia": 2}
    assert tally.unknown["PR"] == {"ptb": 1, "georgia": 1}
    assert tally.positives == {"PR": {"georgia": 1}}
    assert "not in the label table: 1 (ptb/S2)" in tally.text()
    assert "in the label table, not in the folder: 1 (ptb/S9)" in tally.text()
    assert "no diagnosis code: 2 (" in tally.text()  # S1 and E1, but not S2
    assert "unknown labels: recordings as above" in tally.text()
    assert ("AF", 0, 1, 1) in tally.tables()["unknown_labels.csv"]


def test_unknown_labels_of_classes_of_one_s_own_are_counted_by_the_command(
    folder, tmp_path, capsys
):
    classes, labels = tmp_path / "classes.csv", tmp_path / "labels.csv"
    classes.write_text("NORM,NORM,normal\natrial fib,AFIB,fibrillation\n")
    labels.write_text("recording,patient,NORM,atrial fib\nptb/S1,,1,0\ngeorgia/E1,,0,\n")
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("database,codes\nptb,atrial fib|\n")
    words = ["--classes", classes, "--labels", labels, "--labelled-classes", labelled]
    output = tmp_path / "tables"
    with pytest.raises(SystemExit):  # E3 cannot be read
        main(["check", str(folder), *map(str, words), "-o", str(output), "--workers", "1"])
    rows = (output / "unknown_labels.csv").read_text().splitlines()
    assert rows[1:] == [
        "NORM,0,0,0",
        "AFIB,1,0,1",
    ]  # georgia, ptb, all; S1 shows NORM; E1's cell of AFIB is empty
    assert "unknown labels: recordings as above" in capsys.readouterr().out


def test_a_file_that_gives_a_read_error_costs_only_itself(folder):
    """Reading the start of a process's memory is an input/output error (EIO)."""
    (folder / "ptb" / "S3.xml").symlink_to("/proc/self/mem")
    count, audited = audit_folder(folder, 1)
    errors = {one.name: one.error for one in audited if one.error}
    assert count == 6
    assert errors.keys() == {"georgia/E3", "ptb/S3.xml"}
    assert str(folder / "ptb" / "S3.xml") in errors["ptb/S3.xml"]
    assert "Input/output error" in errors["ptb/S3.xml"]


def test_the_command_prints_and_writes_tables(folder, tmp_path):
    out = tmp_path / "audit"
    arguments = [sys.executable, "-m", "ecg12", "check", str(folder), "-o", str(out)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2] == "ecg12: 1 of 5 recordings failed:"
    assert done.stderr.splitlines()[-1].startswith(f"  {folder}/georgia/E3.hea: ")
    assert done.stdout.startswith("5 recordings, 1 unreadable\n")
    tables = {path.name: list(csv.reader(path.read_text().splitlines())) for path in out.iterdir()}
    assert set(tables) == {
        "recordings.csv", "findings.csv", "databases.csv", "codes.csv", "classes.csv",
        "duplicates.csv",
    }  # fmt: skip
    assert [row[0] for row in tables["recordings.csv"][1:]] == [
        "georgia/E1", "georgia/E2", "georgia/E3", "ptb/S1", "ptb/S2"
    ]  # fmt: skip
    assert tables["recordings.csv"][4][3:6] == ["1000", "10", "1000/mV"]
    assert ["1", "georgia/E1", "164889003"] in tables["duplicates.csv"]
    assert ["AF", "1", "0", "1"] in tables["classes.csv"]
    assert ["12345", "12345", "unknown", "1", "0", "1"] in tables["codes.csv"]


def test_real_recordings_obey_the_laws_and_four_have_flat_leads(shared):
    """The flat leads of these four Chapman-Ningbo recordings are all-zero in the archive.

    JS45544 has values in V1 for 1.7 s, zeros after.
    """
    _, found = audit_folder(shared / "data/real/chapman_ningbo")
    odd = {one.name: {finding.kind for finding in one.findings} for one in found if one.findings}
    flat = {"JS11438", "JS20004", "JS45542", "JS45544"}
    assert odd.pop("JS45544") == {"flat lead", "nearly flat lead"}
    assert odd == dict.fromkeys(flat - {"JS45544"}, {"flat lead"})


def test_a_library_that_is_not_installed_costs_its_recordings_only(tmp_path, sound, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    write_record(tmp_path, sound)
    (tmp_path / "b.dcm").write_bytes(bytes(128) + b"DICM")
    total, found = audit_folder(tmp_path, 1)
    good, other = found
    assert (total, good.error) == (2, "")
    assert "pip install 'ecg12[dicom]'" in other.error
