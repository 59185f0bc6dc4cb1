import pytest

from ecg12.io.databases import database_of, databases_of, sources_of


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


def test_databases_of_one_institution_are_one_source():
    """CPSC 2018 with its extra set, PTB with PTB-XL, under the names that they are released by."""
    released = {
        "training/cpsc_2018": "training/cpsc_2018+training/cpsc_2018_extra",
        "training/cpsc_2018_extra": "training/cpsc_2018+training/cpsc_2018_extra",
        "training/ptb": "training/ptb+training/ptb-xl",
        "training/ptb-xl": "training/ptb+training/ptb-xl",
        "training/georgia": "training/georgia",
        "training/ningbo": "training/ningbo",
        "training/chapman_shaoxing": "training/chapman_shaoxing",
        "training/st_petersburg_incart": "training/st_petersburg_incart",
    }
    assert dict(zip(released, sources_of(released), strict=True)) == released
    assert set(sources_of(["WFDB_CPSC2018", "WFDB_CPSC2018_2"])) == {
        "WFDB_CPSC2018+WFDB_CPSC2018_2"
    }
    assert set(sources_of(["WFDB_PTBXL", "WFDB_PTB"])) == {"WFDB_PTB+WFDB_PTBXL"}
    parts = ["ptb/patient001", "ptb-xl/records500/00000", "ptb-xl/records500/01000"]
    assert set(sources_of(parts)) == {"+".join(sorted(parts))}
    assert sources_of(["cpsc2018", "ptbxl", "ptb", "ptb"]) == ["cpsc2018", *["ptb+ptbxl"] * 3]
