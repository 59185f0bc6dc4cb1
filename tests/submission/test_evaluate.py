"""The evaluation command against the official programs' frozen answers, of both years."""

import logging
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import evaluate_model
from ecg12.io.classes import load_weights
from ecg12.metrics import read_folders, summarise

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/fixtures"
WEIGHTS = {2020: ROOT / "weights.csv", 2021: FIXTURES / "eval_cases_weights_2021.csv"}
NAMES = """all_negative all_positive always_normal bad_probabilities class_absent crlf_and_spaces
    empty_file failed_records label_spellings missing_columns no_scored_label oracle pipe_column
    random reordered_columns short_row single_record ties unscored_columns""".split()
EVERY_CASE = pytest.mark.parametrize("name", NAMES)
BOTH_YEARS = pytest.mark.parametrize("year", [2020, 2021])


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    with tarfile.open(FIXTURES / "eval_cases.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "eval_cases"


def expected(case, year):
    return [(case / f"expected_{year}_{kind}.csv").read_text() for kind in ("scores", "classes")]


def evaluated(labels, outputs, year, folder):
    files = [folder / "scores.csv", folder / "class_scores.csv"]
    evaluate_model.main([str(path) for path in (labels, outputs, *files)], WEIGHTS[year])
    return [file.read_bytes().decode() for file in files]


def rewrite_in_dialect_b(labels, folder):
    """Write the labels as the PhysioNet release does: nested, with `# Dx:` after the signals."""
    for number, path in enumerate(sorted(labels.iterdir())):
        record, *comments = path.read_text().splitlines()
        signal = f"{path.stem}.mat 16x1+24 1000.0(0)/mv 16 0 -5 25645 0 I"
        lines = [record, *[signal] * 12, *(comment.replace("#", "# ", 1) for comment in comments)]
        group = folder / f"g{1 + number // 50}"
        group.mkdir(parents=True, exist_ok=True)
        (group / path.name).write_text("\n".join(lines) + "\n")


def test_all_twenty_cases_are_there(cases):
    assert sorted(path.name for path in cases.iterdir()) == sorted([*NAMES, "missing_file"])


@BOTH_YEARS
@EVERY_CASE
def test_scores_are_the_official_ones(cases, name, year, tmp_path, capsys):
    case = cases / name
    assert evaluated(case / "labels", case / "outputs", year, tmp_path) == expected(case, year)
    assert capsys.readouterr().out == ""


@BOTH_YEARS
@EVERY_CASE
def test_the_same_labels_in_dialect_b_score_the_same(cases, name, year, tmp_path):
    case = cases / name
    rewrite_in_dialect_b(case / "labels", tmp_path / "labels")
    found = evaluated(tmp_path / "labels", case / "outputs", year, tmp_path)
    assert found == expected(case, year)


@pytest.mark.parametrize(
    ("name", "file", "why"),
    [("empty_file", "T00008.csv", "0 of the 3 lines"), ("short_row", "T00004.csv", "27, 27, 25")],
)
@BOTH_YEARS
def test_a_malformed_output_is_named(cases, name, file, why, year, tmp_path, caplog):
    evaluated(cases / name / "labels", cases / name / "outputs", year, tmp_path)
    (message,) = [message for message in caplog.messages if message.startswith(file)]
    assert why in message
    assert "all negative" in message


def test_columns_that_2020_drops_are_named(cases, tmp_path, caplog):
    case = cases / "pipe_column"
    evaluated(case / "labels", case / "outputs", 2020, tmp_path)
    assert any("713427006|59118001" in message for message in caplog.messages)


def test_the_table_of_2021_is_never_read_by_the_rules_of_2020(cases, tmp_path):
    """The official program of 2020 given that table answers .598 here without a word."""
    case = cases / "random"
    scores, classes = evaluated(case / "labels", case / "outputs", 2021, tmp_path)
    assert "beta" not in scores
    assert not scores.endswith("0.598")
    assert "59118001|713427006" in classes


@BOTH_YEARS
def test_a_decision_written_as_a_float_counts_by_the_year(cases, year, tmp_path, caplog):
    case = shutil.copytree(cases / "oracle", tmp_path / "oracle")
    for path in (case / "outputs").iterdir():
        stem, codes, labels, scores = path.read_text().splitlines()
        path.write_text("\n".join([stem, codes, labels.replace("1", "1.0"), scores]) + "\n")
    same_as = {2020: "all_negative", 2021: "oracle"}[year]
    scores = evaluated(case / "labels", case / "outputs", year, tmp_path)[0]
    f_measure = scores.splitlines()[1].split(",")[3]
    assert f_measure == expected(cases / same_as, year)[0].splitlines()[1].split(",")[3]
    assert any("'1.0' counts as 0" in message for message in caplog.messages) == (year == 2020)


@BOTH_YEARS
def test_a_missing_output_is_an_error_that_names_the_file(cases, year, tmp_path, capsys):
    case = cases / "missing_file"
    with pytest.raises(SystemExit) as error:
        evaluated(case / "labels", case / "outputs", year, tmp_path)
    assert str(case / "outputs/T00002.csv") in str(error.value)
    assert str(case / "labels/T00002.hea") in str(error.value)
    assert not (tmp_path / "scores.csv").exists()


def command(*arguments, script=ROOT / "evaluate_model.py"):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    line = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)


def test_the_weights_beside_the_script_decide_and_scores_are_printed(cases, tmp_path):
    script = shutil.copy(ROOT / "evaluate_model.py", tmp_path)
    shutil.copy(WEIGHTS[2021], tmp_path / "weights.csv")
    case = cases / "random"
    run = command(case / "labels", case / "outputs", script=script)
    assert (run.returncode, run.stdout) == (0, expected(case, 2021)[0] + "\n")


def test_an_error_is_one_line_and_status_1(cases):
    case = cases / "missing_file"
    run = command(case / "labels", case / "outputs")
    assert (run.returncode, run.stdout) == (1, "")
    (line,) = run.stderr.splitlines()
    assert line.startswith("evaluate_model.py: output file")
    assert "T00002.csv" in line


def test_scores_alone_can_be_written(cases, tmp_path, capsys):
    case = cases / "ties"
    file = tmp_path / "scores.csv"
    paths = [case / "labels", case / "outputs", file]
    evaluate_model.main([str(path) for path in paths], WEIGHTS[2020])
    assert file.read_text() == expected(case, 2020)[0]
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


@pytest.mark.parametrize("second", ["s.csv", "../scores/s.csv", "link.csv"])
def test_one_file_for_both_tables_is_refused_before_anything_is_read(
    cases, tmp_path, second, capsys, monkeypatch
):
    """The class table took the place of the scores."""
    monkeypatch.setattr("evaluate_model.evaluate_folders", None)  # is not called
    folder = tmp_path / "scores"
    folder.mkdir()
    first = folder / "s.csv"
    first.write_text("kept")
    (folder / "link.csv").symlink_to(first)
    paths = [cases / "random/labels", cases / "random/outputs", first, folder / second]
    with pytest.raises(SystemExit) as end:
        evaluate_model.main([str(path) for path in paths], WEIGHTS[2020])
    assert end.value.code == 2
    assert "both tables of scores; name another file" in capsys.readouterr().err
    assert first.read_text() == "kept"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "no label files"),
        ({"a/A1.hea": "#Dx: 164889003", "b/A1.hea": "#Dx: 164889003"}, "share A1.csv"),
        ({"A1.mat": ""}, "no label files"),
    ],
)
def test_labels_that_cannot_be_scored(headers, message, tmp_path):
    labels = tmp_path / "labels"
    labels.mkdir()
    for name, text in headers.items():
        (labels / name).parent.mkdir(exist_ok=True)
        (labels / name).write_text(text)
    with pytest.raises(SystemExit, match=message):
        evaluated(labels, tmp_path, 2020, tmp_path)


def test_headers_without_diagnosis_are_reported(cases, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    case = shutil.copytree(cases / "ties", tmp_path / "ties")
    for path in sorted((case / "labels").iterdir())[:3]:
        path.write_text(path.read_text().split("#Dx")[0])
    evaluated(case / "labels", case / "outputs", 2020, tmp_path)
    assert "3 of 120 label files name no diagnosis (Dx)" in caplog.messages


def test_the_summary_sets_the_score_beside_the_best_constant_answer(cases):
    case = cases / "always_normal"
    classes = load_weights(WEIGHTS[2020])
    arrays = read_folders(case / "labels", case / "outputs", classes)
    lines = summarise(*arrays, classes).splitlines()
    assert lines[0] == "120 recordings, 24 classes by the rules of 2020"
    values = dict(line.rsplit(maxsplit=1) for line in lines[1:8])
    names, numbers = (row.split(",") for row in expected(case, 2020)[0].splitlines())
    assert values == dict(zip(names, numbers, strict=True))
    assert lines[8].startswith("Best constant")
    assert float(lines[8].split()[2]) > 0  # what always normal scores
    normal = next(line.split() for line in lines if line.startswith("NSR"))
    assert normal == ["NSR", "57", "120", "0.500", "0.475", "0.644"]  # 57 of 120 is .475
