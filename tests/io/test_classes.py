"""Classes: the challenges' tables, equivalents, encoding."""

import csv
from pathlib import Path

import numpy as np
import pytest

from ecg12.io.classes import (
    DIAGNOSES,
    SINUS_RHYTHM,
    ScoredClasses,
    abbreviation,
    code_of,
    load_weights,
)

ROOT = Path(__file__).parents[2]
WEIGHTS_2021 = ROOT / "tests/fixtures/eval_cases_weights_2021.csv"
TABLE = ",1,2,3\n1,1,.5,0\n2,.5,1,0\n3,0,0,1\n"


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "weights.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_table_of_2020_has_27_codes_and_24_classes():
    classes = load_weights(ROOT / "weights.csv")
    assert (classes.year, len(classes), len(classes.columns)) == (2020, 24, 27)
    assert classes.weights.shape == (24, 24)
    np.testing.assert_array_equal(np.diag(classes.weights), 1)
    pairs = [group for group in classes.groups if len(group) == 2]
    assert sorted(map(sorted, pairs)) == [
        ["17338001", "427172004"],
        ["284470004", "63593006"],
        ["59118001", "713427006"],
    ]


def test_the_table_of_2021_has_26_classes():
    classes = load_weights(WEIGHTS_2021)
    assert (classes.year, len(classes)) == (2021, 26)
    assert ("733534002", "164909002") in classes.groups
    assert not any("|" in column for column in classes.columns)


@pytest.mark.parametrize("year", [2020, 2021])
def test_abbreviations_are_the_challenge_s(shared, year):
    with (shared / f"reference/dx_mapping_scored_{year}.csv").open() as file:
        rows = list(csv.DictReader(file))
    code = next(key for key in rows[0] if key.startswith("SNOMED"))
    assert {row[code]: row["Abbreviation"] for row in rows}.items() <= {
        key: short for key, (short, _) in DIAGNOSES.items()
    }.items()


def test_abbreviation_and_code_are_inverse():
    assert all(code_of(abbreviation(code)) == code for code in DIAGNOSES)
    assert abbreviation("12345") == "12345"
    with pytest.raises(KeyError, match="unknown diagnosis 'XYZ'; choices: AF, AFL"):
        code_of("XYZ")


def test_a_row_is_the_true_and_a_column_the_predicted_class(table):
    classes = load_weights(table(",1,2\n1,1,.25\n2,.75,1\n"))
    np.testing.assert_array_equal(classes.weights, [[1, 0.25], [0.75, 1]])


def test_encoding_joins_equivalents_and_ignores_unknown_and_repeated_codes():
    classes = load_weights(ROOT / "weights.csv")
    targets = classes.encode([["713427006"], ["59118001", "59118001"], ["999", ""], []])
    assert targets.dtype == bool
    assert targets.sum(axis=1).tolist() == [1, 1, 0, 0]
    np.testing.assert_array_equal(targets[0], targets[1])
    assert classes.names[int(targets[0].argmax())] == "CRBBB"
    assert classes.encode([]).shape == (0, 24)


def test_expand_repeats_and_merge_averages():
    classes = ScoredClasses((("a", "b"), ("c",)), np.eye(2), 2020)
    np.testing.assert_array_equal(classes.expand(np.array([[0.2, 0.7]])), [[0.2, 0.2, 0.7]])
    np.testing.assert_allclose(classes.merge(np.array([[0.2, 0.4, 0.7]])), [[0.3, 0.7]])
    np.testing.assert_array_equal(classes.merge(np.array([1, 0, 1])), [0.5, 1])


def test_sinus_rhythm_is_found_or_missed_aloud(table):
    classes = load_weights(ROOT / "weights.csv")
    assert classes.groups[classes.normal] == (SINUS_RHYTHM,)
    with pytest.raises(ValueError, match="426783006"):
        _ = load_weights(table(TABLE)).normal


@pytest.mark.parametrize("text", [TABLE, "\ufeff" + TABLE, TABLE.replace("\n", "\r\n") + "\r\n"])
def test_byte_order_mark_and_line_ends_do_not_matter(table, text):
    assert load_weights(table(text)).columns == ("1", "2", "3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "same codes"),
        (b"\xff\xfe\x00\x00", "same codes"),
        (",1,2\n1,1,0\n", "2 columns and 1 rows"),
        (",1,2\n2,1,0\n1,0,1\n", "same codes"),
        (",1,2\n1,1\n2,0,1\n", "same codes"),
        (",1,1\n1,1,0\n1,0,1\n", "more than once"),
        (",1|2,2\n1|2,1,0\n2,0,1\n", "more than once"),
        (",1,2\n1,1,x\n2,0,1\n", "not a number"),
        (",1,2\n1,1,nan\n2,0,1\n", "not finite"),
        (",713427006,59118001\n713427006,1,0\n59118001,0,1\n", "differ in weight"),
    ],
)
def test_a_wrong_table_is_named(table, text, message):
    with pytest.raises(ValueError, match=rf"weights\.csv: .*{message}"):
        load_weights(table(text))
