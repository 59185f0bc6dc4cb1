"""Tables of patients: matched by path, by a unique file name, or said to be unmatched."""

import logging

import numpy as np
import pytest

from ecg12.io.label_table import write_label_rows
from ecg12.io.patients import patient_numbers, read_patients
from ecg12.runtime.errors import InputError

HEADER = "recording,patient\n"


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the patients of some recordings from a table's text."""

    def read(text, recordings, folder=()):
        (tmp_path / "patients.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_patients(tmp_path / "patients.csv", recordings, folder)

    return read


@pytest.mark.parametrize(
    "spelling", ["g1/A1", "g1/A1.hea", "./g1/A1.mat", "g1\\A1.xml", "A1", "A1.hea", "/data/g1/A1"]
)
@pytest.mark.parametrize("recording", ["g1/A1", "g1/A1.hea"])
def test_every_spelling_of_a_path_and_a_unique_name_match(read, caplog, spelling, recording):
    text = f"{HEADER}{spelling},p\ng1/A2,p\n"
    assert read(text, [recording, "g1/A2"]) == ["p", "p"]
    assert "no patient" not in caplog.text


def test_a_match_by_name_alone_is_said(read, caplog):
    with caplog.at_level(logging.INFO):
        read(f"{HEADER}A1,p\ng1/A2,p\n", ["g1/A1", "g1/A2"])
    assert "1 of 2 recordings found by the name of their file alone, such as 'g1/A1'" in caplog.text


@pytest.mark.parametrize(
    ("rows", "recordings", "expected"),
    [
        ("A1,p\nA2,q\n", ["a/A1", "b/A1", "a/A2"], ["", "", "q"]),  # two recordings of a name
        ("a/A1,p\nb/A1,q\nA2,q\n", ["c/A1", "c/A2"], ["", "q"]),  # two rows of a name
        ("a/A1,p\n", ["a/A1", "b/A1"], ["p", ""]),  # by path, and then not by name
        ("A1,p\n", ["A1", "b/A1"], ["p", ""]),
    ],
)
def test_an_ambiguous_name_matches_nothing_and_is_counted(read, caplog, rows, recordings, expected):
    assert read(HEADER + rows, recordings) == expected
    n = expected.count("")
    assert f"no patient for {n} of {len(expected)} recordings" in caplog.text
    assert f"{n} share the name of their file with others" in caplog.text


def test_names_are_ambiguous_in_the_whole_folder(read):
    """Where only the first of two recordings of a name is scored, its row may be the other's."""
    text = f"{HEADER}A1,p\nA2,q\n"
    assert read(text, ["a/A1", "a/A2"], ["a/A1", "b/A1", "a/A2"]) == ["", "q"]


def test_a_partial_match_is_said_with_counts_and_reasons(read, caplog):
    text = f"{HEADER}a/R1.hea,x\na/R2,x\nb/R1.xml,y\na/R3,\nz/R9,x\n"
    recordings = ["a/R1", "a/R2", "a/R3", "b/R1", "b/R2", "b/R7"]
    assert read(text, recordings) == ["x", "x", "", "y", "", ""]
    assert "patients.csv: no patient for 3 of 6 recordings, each of which counts" in caplog.text
    assert "1 are not in the table, such as 'b/R7'" in caplog.text
    assert "1 share the name of their file with others" in caplog.text
    assert "1 have no patient there, such as 'a/R3'" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "recording,person\nA1,p\n",
            r"patients.csv: no column 'patient'; columns: recording",
        ),
        (HEADER + "A1,p\nx/A2,p\nA1.hea,q\n", r"patients.csv, line 4: recording 'A1' has two"),
        (
            HEADER + "B1,p\n",
            r"none of the 1 recordings, .* is 'A1'; the first .* is 'B1'",
        ),
        (HEADER + "A1,\n", r"names the patient of none of the 1 recordings"),
        (HEADER, r"the first in the table is 'none'"),
        (HEADER + "A1,p,q\n", r"patients.csv, line 2: 3 cells, but 2 columns"),
        (HEADER + " ,p\n", r"patients.csv, line 2: no name of a recording"),
    ],
)
def test_errors_name_the_file_and_what_is_wrong(read, text, message):
    with pytest.raises(InputError, match=message):
        read(text, ["A1"])


def test_rows_that_agree_may_be_repeated(read):
    assert read(f"{HEADER}A1,p\nA1,\nA1.hea,p\n", ["A1"]) == ["p"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_columns_in_any_order_beside_others_in_any_encoding(read, encoding):
    text = "patient;größe;recording\r\np;170;A1\r\np;180;A2\r\n"
    assert read(text.encode(encoding), ["A1", "A2"]) == ["p", "p"]


def test_a_label_table_is_a_table_of_patients(tmp_path):
    rows = [("g1/A1", "p", ("164889003",)), ("g1/A2", "", ())]
    write_label_rows(tmp_path / "labels.csv", rows)
    assert read_patients(tmp_path / "labels.csv", ["g1/A1", "g1/A2"]) == ["p", ""]


def test_patients_are_numbered_in_order_and_the_unknown_each_anew():
    numbers = patient_numbers(["b", "", "a", "b", "", "a"])
    assert numbers.dtype == np.intp
    assert numbers.tolist() == [0, 1, 2, 0, 3, 2]
    assert patient_numbers([]).shape == (0,)
