import pytest

from ecg12.databases import database_of, databases_of


@pytest.mark.parametrize(
    ("path", "database"),
    [
        ("data/georgia/E00001", "georgia"),
        ("data/training/cpsc_2018/g1/A0001.hea", "training/cpsc_2018"),
        ("data/g1/A0001", "cpsc2018"),
        ("data/A6877.mat", "cpsc2018"),
        ("data/Q3581", "cpsc2018_extra"),
        ("data/I0074", "incart"),
        ("data/S0549", "ptb"),
        ("data/HR21837", "ptbxl"),
        ("data/E10344", "georgia"),
        ("data/JS45551", "chapman_ningbo"),
        ("data/S00000", "other"),
        ("data/A0001x", "other"),
        ("data/ward 7/A0001", "ward 7"),
    ],
)
def test_a_database_is_told_by_folder_and_then_by_name(path, database):
    assert database_of(path, "data") == database


def test_a_recording_outside_the_folder_is_an_error():
    with pytest.raises(ValueError, match="elsewhere"):
        databases_of(["elsewhere/A0001"], "data")
