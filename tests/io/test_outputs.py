"""Output files: written for both evaluators, read by either year's rules."""

import logging

import numpy as np
import pytest

from ecg12.io.classes import SINUS_RHYTHM, ScoredClasses
from ecg12.io.outputs import parse_output, read_outputs, write_output

AF, SB = "164889003", "426177001"
CRBBB, RBBB = "713427006", "59118001"
GROUPS = ((AF,), (CRBBB, RBBB), (SINUS_RHYTHM,))
CLASSES = {year: ScoredClasses(GROUPS, np.eye(3), year) for year in (2020, 2021)}
YEARS = pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)


def of_year(expected, year):
    return expected[year] if isinstance(expected, dict) else expected


def output(columns, labels, probabilities):
    return "\n".join(["#A1", columns, labels, probabilities]) + "\n"


def test_four_lines_with_plain_integers(tmp_path):
    labels = np.array([True, False, True])
    path = write_output(tmp_path, "A1", (AF, CRBBB, SB), labels, np.array([0.5, 1e-05, 1]))
    assert path == tmp_path / "A1.csv"
    expected = f"#A1\n{AF},{CRBBB},{SB}\n1,0,1\n0.5,1e-05,1.0\n"
    assert path.read_bytes() == expected.encode()
    assert [file.name for file in tmp_path.iterdir()] == ["A1.csv"]


@YEARS
def test_what_is_written_is_read_back(tmp_path, classes, caplog):
    probabilities = np.array([1 / 3, 0.25, 0.75, np.float32(0.1)])
    path = write_output(tmp_path, "A1", classes.columns, [1, 0, 1, 0], probabilities)
    labels, scores = read_outputs([path], classes)
    assert labels.tolist() == [[True, True, False]]
    assert scores.tolist() == [[1 / 3, 0.5, float(np.float32(0.1))]]
    assert not caplog.records


def test_one_s_own_classes_may_have_any_text_as_key(tmp_path):
    groups = (("NORM",), ("AFIB", "Vorhofflimmern (ä)"), ("1° AVB; nos",))
    classes = ScoredClasses(groups, np.eye(3), 2021)
    path = write_output(tmp_path, "A1", classes.columns, [1, 0, 1, 0], [0.5, 0.25, 0.75, 0.125])
    expected = "#A1\nNORM,AFIB,Vorhofflimmern (ä),1° AVB; nos\n1,0,1,0\n0.5,0.25,0.75,0.125\n"
    assert path.read_text(encoding="utf-8") == expected
    read = parse_output(path.read_text(encoding="utf-8"), classes)
    assert read.labels.tolist() == [True, True, False]
    assert read.scores.tolist() == [0.5, 0.5, 0.125]
    assert not read.remarks


@pytest.mark.parametrize(
    ("columns", "labels", "probabilities", "words"),
    [
        ((AF, SB), [1, 0], [0.5, np.nan], ["A1", SB, "nan", "finite"]),
        ((AF, SB), [1, 0], [np.inf, 0.5], ["A1", AF, "inf", "finite"]),
        ((AF, SB), [0.7, 0], [0.7, 0.5], ["A1", AF, "0.7", "neither 0 nor 1"]),
        ((AF, f"{CRBBB}|{RBBB}"), [1, 0], [0.7, 0.5], ["A1", f"{CRBBB}|{RBBB}", "plain"]),
        (("NORM", "AF,IB"), [1, 0], [0.7, 0.5], ["A1", "AF,IB", "plain"]),
        (("NORM", "#AF"), [1, 0], [0.7, 0.5], ["A1", "#AF", "begins with '#'"]),
        (("NORM", ""), [1, 0], [0.7, 0.5], ["A1", "is empty"]),
        ((AF, AF), [1, 0], [0.7, 0.5], ["A1", AF, "twice"]),
        ((AF, SB), [1], [0.7, 0.5], ["A1", "2 columns", "1 labels", "2 probabilities"]),
    ],
)
def test_what_an_evaluator_would_misread_is_refused(
    tmp_path, columns, labels, probabilities, words
):
    with pytest.raises(ValueError, match="A1") as error:
        write_output(tmp_path, "A1", columns, labels, probabilities)
    assert all(word in str(error.value) for word in words)
    assert not list(tmp_path.iterdir())


@YEARS
@pytest.mark.parametrize(
    ("columns", "labels", "probabilities", "expected_labels", "expected_scores"),
    [
        (f"{AF},{SINUS_RHYTHM}", "1,0", ".9,.2", [1, 0, 0], [0.9, 0, 0.2]),
        (f"{SINUS_RHYTHM}, {AF} ", " 0, 1", " .2, .9 ", [1, 0, 0], [0.9, 0, 0.2]),  # reordered
        (f"{CRBBB},{RBBB}", "0,1", ".2,.6", [0, 1, 0], [0, 0.4, 0]),  # OR-ed and averaged
        (f"{RBBB},{RBBB}", "0,0", ".2,.6", [0, 0, 0], [0, 0.4, 0]),
        (f"{SB},{AF}", "1,1", ".8,.9", [1, 0, 0], [0.9, 0, 0]),  # an unscored column
        (f"{AF},{RBBB},{SINUS_RHYTHM}", "True,t,T", "1,1,1", [1, 1, 1], [1, 1, 1]),
        (f"{AF},{RBBB},{SINUS_RHYTHM}", "true,2,yes", "1,x,", [1, 0, 0], [1, 0, 0]),
        (f"{AF},{RBBB}", "1,1", "nan,NaN", [1, 1, 0], [0, 0, 0]),
    ],
)
def test_rules_common_to_both_years(
    classes, columns, labels, probabilities, expected_labels, expected_scores
):
    read = parse_output(output(columns, labels, probabilities), classes)
    assert read.labels.tolist() == [bool(label) for label in expected_labels]
    assert read.scores.tolist() == pytest.approx(expected_scores, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "labels", "scores"),
    [
        (output(AF, "1.0", ".9"), {2020: [0, 0, 0], 2021: [1, 0, 0]}, [0.9, 0, 0]),
        (
            output(f"{CRBBB}|{RBBB}", "1", ".9"),
            {2020: [0, 0, 0], 2021: [0, 1, 0]},
            {2020: [0, 0, 0], 2021: [0, 0.9, 0]},
        ),
        (
            output(f"{RBBB},{CRBBB}", "0,0", "nan,.6"),
            [0, 0, 0],
            {2020: [0, 0.6, 0], 2021: [0, 0.3, 0]},
        ),
        (output(AF, "1", "inf"), [1, 0, 0], {2020: [np.inf, 0, 0], 2021: [0, 0, 0]}),
        (output(f"{RBBB},{CRBBB}", "0,0", "inf,-inf"), [0, 0, 0], [0, 0, 0]),
        (f"{AF}\n1\n.9\n", {2020: [1, 0, 0], 2021: [0, 0, 0]}, {2020: [0.9, 0, 0], 2021: [0] * 3}),
        (
            f"\n#A1\n\n{AF}\n1\n\n.9",  # blank lines count in 2021 only
            {2020: [1, 0, 0], 2021: [0, 0, 0]},
            {2020: [0.9, 0, 0], 2021: [0, 0, 0]},
        ),
        (
            output(f"{AF},{SB}", "1,0,1", ".9,.1"),  # 2021 reads entries by their column's place
            {2020: [0, 0, 0], 2021: [1, 0, 0]},
            {2020: [0, 0, 0], 2021: [0.9, 0, 0]},
        ),
    ],
)
@pytest.mark.parametrize("year", [2020, 2021])
def test_rules_that_differ_between_the_years(year, text, labels, scores):
    read = parse_output(text, CLASSES[year])
    assert read.labels.tolist() == [bool(label) for label in of_year(labels, year)]
    assert read.scores.tolist() == pytest.approx(of_year(scores, year), abs=1e-15)


@YEARS
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 of the 3 lines"),
        ("#A1\n", "0 of the 3 lines"),
        (f"#A1\n{AF}\n1\n", "2 of the 3 lines"),
        (output(f"{AF},{SINUS_RHYTHM}", "1", ".5,.5"), "lines of 2, 1, 2 entries"),
        (output(f"{AF},{SINUS_RHYTHM}", "1,1", ".5"), "lines of 2, 2, 1 entries"),
    ],
)
def test_a_broken_file_is_all_negative_and_says_so(tmp_path, classes, text, why, caplog):
    path = tmp_path / "A1.csv"
    path.write_text(text)
    labels, scores = read_outputs([path], classes)
    assert not labels.any()
    assert not scores.any()
    (message,) = caplog.messages
    assert message.startswith("A1.csv: ")
    assert why in message
    assert "all negative" in message


@pytest.mark.parametrize(
    ("year", "text", "words"),
    [
        (2020, output(f"{CRBBB}|{RBBB},{AF}", "1,0", ".9,.1"), ["no class", f"{CRBBB}|{RBBB}"]),
        (2020, output(AF, "1.0", ".9"), ["'1.0'", "counts as 0"]),
        (2021, output(AF, "yes", ".9"), ["'yes'", "counts as 0"]),
        (2021, output(AF, "1", "nan"), ["'nan'", "finite"]),
        (2020, output(AF, "1", "?"), ["'?'", "finite"]),
        (2020, output(AF, "1", "1"), ["no column", f"{CRBBB}|{RBBB}, {SINUS_RHYTHM}"]),
    ],
)
def test_what_counts_for_less_than_it_looks_is_reported(year, text, words):
    remarks = parse_output(text, CLASSES[year]).remarks
    assert any(all(word in remark for word in words) for remark in remarks)


def test_a_remark_on_many_files_is_one_message(tmp_path, caplog):
    stems = [f"A{i}" for i in range(5)]
    for stem in stems:
        (tmp_path / f"{stem}.csv").write_text(
            output(f"{AF},{RBBB},{SINUS_RHYTHM}", "1.0,0,0", "1,0,0")
        )
    paths = [tmp_path / f"{stem}.csv" for stem in stems]
    labels, scores = read_outputs(paths, CLASSES[2020])
    assert labels.shape == scores.shape == (5, 3)
    assert caplog.record_tuples == [
        (
            "ecg12.io.outputs",
            logging.WARNING,
            "A0.csv, A1.csv, A2.csv and 2 more: label '1.0' counts as 0 by the rules of the year",
        )
    ]


def test_windows_line_ends_and_a_missing_file(tmp_path):
    path = tmp_path / "A1.csv"
    path.write_bytes(
        output(f"{AF},{RBBB},{SINUS_RHYTHM}", "0,0,1", "0,0,1").replace("\n", "\r\n").encode()
    )
    for classes in CLASSES.values():
        assert read_outputs([path], classes)[0].tolist() == [[False, False, True]]
    with pytest.raises(FileNotFoundError, match="B2.csv"):
        read_outputs([path, tmp_path / "B2.csv"], CLASSES[2020])
