"""What divides recordings: read from files of known content; bands by hand."""

from dataclasses import replace

import numpy as np
import pytest

from ecg12.io.wfdb import write_record
from ecg12.subgroups import Attributes, groupings, read_attributes


@pytest.fixture
def files(tmp_path, make_record):
    """Return headers: a good recording, one without signals, a flat one, and one of nobody."""
    good = make_record("A0001", sex="Female", age=81)
    flat = replace(good, name="A0003", stored=np.zeros_like(good.stored), sex="Male", age=17.5)
    records = good, make_record("A0002", sex="Male", age=40), flat, make_record("A0004")
    headers = [write_record(tmp_path, record) for record in records]
    headers[1].with_suffix(".mat").unlink()
    return headers


def test_sex_age_quality_and_rate_of_files(files):
    first, second, third, fourth = read_attributes(files)
    assert (first.sex, first.age, first.quality) == ("Female", 81, "good")
    assert first.heart_rate == pytest.approx(75, rel=0.01)  # a beat every 0.8 s
    assert second == Attributes("Male", 40, "not readable")
    assert third == Attributes("Male", 17.5, "unusable")
    assert (fourth.sex, fourth.age, fourth.quality) == (None, None, "good")


def test_headers_alone_tell_sex_and_age(files):
    for path in files:
        path.with_suffix(".mat").unlink(missing_ok=True)
    found = read_attributes(files, with_signals=False)
    assert found == [
        Attributes("Female", 81), Attributes("Male", 40), Attributes("Male", 17.5), Attributes()
    ]  # fmt: skip


@pytest.mark.parametrize("with_signals", [False, True])
def test_a_header_that_cannot_be_read_costs_no_other(files, with_signals, caplog):
    files[0].write_bytes(b"#" * (2**20 + 1))  # larger than headers are read
    found = read_attributes(files, with_signals=with_signals)
    assert found[0] == Attributes(quality="not readable" if with_signals else "")
    assert [one.sex for one in found[1:]] == ["Male", "Male", None]
    assert f"{files[0]}: larger than 1048576 bytes" in caplog.text


def test_more_recordings_than_are_read_at_a_time_stay_in_order(files):
    found = read_attributes([files[k] for k in (0, 2, 3) * 30])
    assert [one.sex for one in found] == ["Female", "Male", None] * 30


def test_bands_begin_at_their_first_number():
    ages = [0.1, 17.9, 18, 39.9, 40, 59, 60, 79, 80, 130, None]
    rates = [20, 59.9, 60, 79.9, 80, 99.9, 100, 250, None, 75, 75]
    attributes = [
        Attributes("Male", age, "good", rate) for age, rate in zip(ages, rates, strict=True)
    ]
    found = {g.name: [g.groups[k] for k in g.members] for g in groupings(attributes, ["a"] * 11)}
    assert found["age"] == [
        "under 18", "under 18", "18 to 39", "18 to 39", "40 to 59", "40 to 59", "60 to 79",
        "60 to 79", "80 and over", "80 and over", "unknown",
    ]  # fmt: skip
    assert found["heart rate"] == [
        "below 60", "below 60", "60 to 79", "60 to 79", "80 to 99", "80 to 99", "100 and above",
        "100 and above", "not measured", "60 to 79", "60 to 79",
    ]  # fmt: skip
    assert found["sex"] == ["male"] * 11


def test_without_signals_there_are_no_groups_by_them():
    names = [g.name for g in groupings([Attributes("Male", 5), Attributes()], ["b", "a"])]
    assert names == ["sex", "age", "database"]
