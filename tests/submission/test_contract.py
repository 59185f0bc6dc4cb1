"""The challenge's contract: official programs over the root, both years, all lead sets.

With `ECG12_OFFICIAL` naming a folder that holds `2020/` and `2021/` with the organizers' own train,
driver, test and helper files, those are used; otherwise stand-ins written from their documentation.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg12.ensemble.model_folder import load_classifier
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import write_record
from ecg12.synthetic import recording

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
OFFICIAL = Path(os.environ.get("ECG12_OFFICIAL", ROOT / "tests" / "standins"))
LEAD_SETS = {
    12: LEADS,
    6: LEADS[:6],
    4: ("I", "II", "III", "V2"),
    3: ("I", "II", "V2"),
    2: LEADS[:2],
}
OWN_FILES = ("team_code.py", "run_12ECG_classifier.py", "train_12ECG_classifier.py", "weights.csv")


def with_leads(record, leads):
    rows = [record.leads.index(lead) for lead in leads]
    return replace(
        record,
        stored=np.ascontiguousarray(record.stored[rows]),
        gains=record.gains[rows],
        offsets=record.offsets[rows],
        units=tuple(record.units[row] for row in rows),
        leads=tuple(leads),
    )


def run(root, *arguments, fails=False):
    environment = {**os.environ, "ECG12_RECIPE": "smoke", "PYTHONPATH": ""}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Make a submission's root, data of all lead sets, and a trained model."""
    place = tmp_path_factory.mktemp("contract")
    for folder in ("data", "test"):
        (place / folder).mkdir()
    for i in range(12):
        write_record(place / "data", recording(1, i), "AB"[i % 2])
    for i in range(10):
        leads = list(LEAD_SETS.values())[i % 5]
        write_record(place / "test", with_leads(recording(2, i), leads), "AB"[i % 2])
    own = place / "own"
    own.mkdir()
    for name in (*OWN_FILES, "train_model.py", "driver.py", "evaluate_model.py"):
        shutil.copy(ROOT / name, own)
    (own / "ecg12").symlink_to(ROOT / "ecg12")
    (own / "weights.csv").chmod(0o444)
    run(own, "train_model.py", "../data/", "../model/")
    run(own, "driver.py", "../model/", "../test/", "../out/")
    return place


def outputs(folder):
    """Return stem → (codes, labels, probabilities) of a folder of output files."""
    found = {}
    for path in sorted(folder.glob("*.csv")):
        _, *rows = path.read_text().splitlines()
        found[path.stem] = [row.split(",") for row in rows]
    return found


def assert_same_model(folder, other):
    """Fail unless two model folders hold the same weights and thresholds, bit for bit."""
    pairs = zip(load_classifier(folder).members, load_classifier(other).members, strict=True)
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine.thresholds, theirs.thresholds)
        weights = mine.model.get_weights(), theirs.model.get_weights()
        for a, b in zip(*weights, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("year", "program"), [("2020", "driver.py"), ("2021", "test_model.py")])
def test_official_programs_over_the_root_give_our_driver_s_answers(place, year, program):
    root = place / year
    root.mkdir()
    for name in OWN_FILES:
        shutil.copy(ROOT / name, root)
    (root / "ecg12").symlink_to(ROOT / "ecg12")
    for file in (OFFICIAL / year).glob("*.py"):
        shutil.copy(file, root)
    model, out = place / f"{year}_model", place / f"{year}_out"
    run(root, "train_model.py", f"{place / 'data'}/", f"{model}/")
    assert_same_model(model, place / "model")
    log = run(root, program, f"{model}/", f"{place / 'test'}/", f"{out}/")
    assert "failed" not in log
    ours, theirs = outputs(place / "out"), outputs(out)
    assert list(theirs) == list(ours)
    assert len({tuple(rows[2]) for rows in theirs.values()}) == len(theirs)  # not one for all
    for stem in ours:
        assert theirs[stem][0] == ours[stem][0]
        difference = np.array(theirs[stem][2], float) - np.array(ours[stem][2], float)
        assert np.abs(difference).max() <= 1e-6
        assert theirs[stem][1] == ours[stem][1]


def test_output_files_are_the_contract_s(place):
    files = sorted((place / "out").glob("*.csv"))
    assert len(files) == 10
    lines = [file.read_text().split("\n") for file in files]
    for file, (name, codes, labels, probabilities, end) in zip(files, lines, strict=True):
        assert (name, end) == (f"#{file.stem}", "")
        assert codes == lines[0][1]
        assert set(labels.split(",")) <= {"0", "1"}
        assert len(codes.split(",")) == len(labels.split(",")) == 27
        values = [float(value) for value in probabilities.split(",")]
        assert all(0 <= value <= 1 for value in values)
    assert all(code.isdecimal() for code in lines[0][1].split(","))


def test_training_writes_only_its_model(place):
    assert {path.suffix for path in (place / "model").iterdir()} == {".keras", ".json"}
    assert {p.name for p in (place / "own").iterdir()} - {"__pycache__"} == {
        *OWN_FILES, "train_model.py", "driver.py", "evaluate_model.py", "ecg12"
    }  # fmt: skip


def test_evaluator_reads_what_the_driver_wrote(place):
    printed = run(place / "own", "evaluate_model.py", "../test", "../out").splitlines()
    assert printed[-2].startswith("AUROC,AUPRC,Accuracy,F-measure,Fbeta-measure,Gbeta-measure")
    assert len(printed[-1].split(",")) == 7


def test_unreadable_recordings_get_the_negative_row(place, tmp_path):
    data = tmp_path / "test"
    shutil.copytree(place / "test", data)
    (data / "S00003.mat").write_bytes(b"not a recording")
    (data / "S00004.mat").unlink()
    (data / "S00005.hea").unlink()
    log = run(place / "own", "driver.py", "../model", data, tmp_path / "out")
    for name in ("S00003.mat", "S00004.hea", "S00005.hea"):
        assert name in log
    assert "10 recordings, 3 of them without a prediction" in log
    found = outputs(tmp_path / "out")
    assert len(found) == 10
    for stem in ("S00003", "S00004", "S00005"):
        assert set(found[stem][1]) == {"0"}
        assert {float(p) for p in found[stem][2]} == {0.0}
    assert found["S00006"] == outputs(place / "out")["S00006"]


def test_training_killed_after_its_first_member_ends_with_the_same_model(place):
    model = place / "killed"
    command = [sys.executable, "train_model.py", "../data", str(model)]
    environment = {**os.environ, "ECG12_RECIPE": "smoke"}
    process = subprocess.Popen(command, cwd=place / "own", env=environment, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not (model / "ecg12-work" / "member1.npz").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert (model / "ecg12-work").is_dir()
    log = run(place / "own", "train_model.py", "../data", model)
    assert "going on after epoch" in log
    assert_same_model(model, place / "model")
    assert {path.suffix for path in model.iterdir()} == {".keras", ".json"}


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        ("driver.py", ("../nowhere", "../test", "../x"), "MODEL: ../nowhere: no such folder"),
        ("driver.py", ("../model", "../nowhere", "../x"), "no such folder"),
        ("driver.py", ("../model",), "required: TEST, OUT"),
        ("train_model.py", ("../nowhere", "../x"), "no such folder"),
        ("train_model.py", (), "required: DATA, MODEL"),
    ],
)
def test_bad_arguments_end_with_one_clear_line(place, program, arguments, message):
    log = run(place / "own", program, *arguments, fails=True)
    assert message in log
    assert "Traceback" not in log
