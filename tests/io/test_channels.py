"""Channels of a clinical file joined to a recording; ages and sexes as such files write them."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ecg12.io.channels import Channel, rate_of, recording
from ecg12.io.demographics import known_patient, parse_date, patient_age, patient_sex
from ecg12.io.lead_names import LEADS
from ecg12.runtime.errors import RecordError

FILE = Path("folder/ecg.dcm")


def channels(leads, n_samples=10, **fields):
    """Return one ramp a lead, its first value the lead's number."""
    fields = {"gain": 200.0} | fields
    ramps = (np.arange(i, i + n_samples, dtype=np.int16) for i in range(len(leads)))
    return [Channel(lead=lead, samples=ramp, **fields) for lead, ramp in zip(leads, ramps)]  # noqa: B905


def test_the_twelve_come_in_their_order_and_others_behind():
    given = ("PLETH", "V2", "Lead II", "C1", "MDC_ECG_LEAD_AVF", "DI")
    record = recording(FILE, channels(given), 500.0, age=61.0, sex="Female")
    assert record.leads == ("I", "II", "aVF", "V1", "V2", "PLETH")
    np.testing.assert_array_equal(record.stored[:, 0], [5, 2, 4, 3, 1, 0])
    assert (record.name, record.rate, record.age, record.sex) == ("ecg", 500.0, 61.0, "Female")


def test_gain_offset_and_unit():
    given = channels(("I", "II"), gain=0.4, offset=5.0, unit="uV")
    np.testing.assert_allclose(
        recording(FILE, given, 500.0).millivolts[0], (np.arange(10) - 5) * 2.5e-3
    )


def test_a_lead_stored_upside_down_is_turned():
    record = recording(FILE, channels(("I", "-aVR")), 500.0)
    assert record.leads == ("I", "aVR")
    np.testing.assert_allclose(record.millivolts[1], -np.arange(1, 11) / 200)


@pytest.mark.parametrize(("seconds", "n_samples"), [(None, 10), (0.1, 5), (1, 10), (0, 1)])
def test_the_first_seconds(seconds, n_samples):
    record = recording(FILE, channels(("I", "II")), 50.0, seconds=seconds)
    np.testing.assert_array_equal(record.stored[0], np.arange(n_samples))


def test_unknown_channels_of_one_name_are_told_apart():
    record = recording(FILE, channels(("I", "II", "Resp", "Resp", "")), 500.0)
    assert record.leads == ("I", "II", "Resp", "Resp 4", "channel 5")


@pytest.mark.parametrize(
    ("given", "rate", "reason"),
    [
        (channels(("I", "II", "Lead I")), 500, "lead I stands twice"),
        (channels(("aVR", "-aVR")), 500, "lead aVR stands twice"),
        (channels(("I", "II")) + channels(("V1",), 9), 500, r"3 leads of \[9, 10\] samples"),
        (channels(("I", "II"), 0), 500, r"2 leads of \[0\] samples"),
        ([], 500, r"0 leads of \[\] samples"),
        (channels(("I",)), 500, "1 of the twelve leads among 1; 2 are needed"),
        (channels(("PLETH", "ABP")), 500, "0 of the twelve leads among 2"),
        (
            channels(("I", "II", "V3R", "V1", "V2", "V4", "V6", "V7")),
            500,
            "no V3, V5, but V3R, V7: a right-sided or posterior recording",
        ),
        (channels(("I", "II")), 0.5, "a sampling rate of 0.5 Hz; 1 to 100000 Hz are read"),
        (channels(("I", "II")), np.nan, "a sampling rate of nan Hz"),
        (channels(("I", "II"), gain=0.0), 500, "lead I has no amplitude per bit"),
        (channels(("II", "Smithers"), gain=np.nan), 500, "lead II has no"),
        (channels(("I", "II"), gain=np.inf), 500, "lead I has no"),
        (channels(("I", "II"), offset=np.nan), 500, "lead I has no"),
        (channels(("Smithers", "I"), gain=0.0), 500, "lead number 1 has no"),
    ],
    ids=range(15),
)
def test_what_is_no_recording_of_the_twelve_leads(given, rate, reason):
    with pytest.raises(RecordError, match=rf"folder/ecg\.dcm: {reason}") as caught:
        recording(FILE, given, rate)
    assert "Smithers" not in str(caught.value)


def test_posterior_leads_beside_the_twelve_are_kept():
    record = recording(FILE, channels((*LEADS, "V7", "V4R")), 500.0)
    assert record.leads == (*LEADS, "V7", "V4R")


@pytest.mark.parametrize(
    ("value", "unit", "years"),
    [
        (61, "YEARS", 61),
        (61, "", 61),
        (61, "a", 61),
        (61, "Y", 61),
        (18, "Month", 1.5),
        (18, "mo", 1.5),
        (6, "M", 0.5),
        (2, "W", 14 / 365.25),
        (2, "wk", 14 / 365.25),
        (14, "days", 14 / 365.25),
        (12, "h", 0.5 / 365.25),
        (61, "moons", None),
        (131, "Y", None),
        (-1, "Y", None),
        (np.nan, "Y", None),
    ],
)
def test_age(value, unit, years):
    assert patient_age(value, unit) == pytest.approx(years)


@pytest.mark.parametrize(
    ("born", "day", "years"),
    [
        (date(1948, 2, 29), date(2009, 2, 28), 60),
        (date(1948, 2, 29), date(2009, 3, 1), 61),
        (date(2009, 3, 1), date(1948, 2, 29), None),
        (None, date(2009, 3, 1), None),
        (date(1948, 2, 29), None, None),
    ],
)
def test_age_from_days(born, day, years):
    assert patient_age(np.nan, "", born, day) == years


@pytest.mark.parametrize("written", ["05-30-2021", "05/30/2021", "2021-05-30", "20210530"])
def test_days(written):
    assert parse_date(written) == date(2021, 5, 30)


@pytest.mark.parametrize("written", ["", "195312", "31-31-2021", "2021", "20211", "x" * 10**5])
def test_what_is_no_day(written):
    assert parse_date(written) is None


@pytest.mark.parametrize(
    ("written", "sex"),
    [("M", "Male"), (" male ", "Male"), ("F", "Female"), ("Female", "Female"), ("O", None)],
)
def test_sex(written, sex):
    assert patient_sex(written) == sex


@pytest.mark.parametrize(
    ("interval", "digit", "rate"),
    [
        (2e-3, 1e-6, 500),
        (1667e-6, 1e-6, 600),
        (3906e-6, 1e-6, 256),
        (1667e-6, 1e-9, 1 / 1667e-6),
        (1111e-6, 1e-6, 900),
        (0.002, 1e-3, 500),
        (0.4, 0, 2.5),
    ],
)
def test_rate_of_an_interval(interval, digit, rate):
    assert rate_of(FILE, interval, digit) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize("interval", [0, -0.002, np.nan, np.inf, 1e-9, 5e-324])
def test_what_is_no_interval(interval):
    with pytest.raises(RecordError, match=r"ecg\.dcm: a sampling rate of"):
        rate_of(FILE, interval, 1e-6)


@pytest.mark.parametrize("written", ["", " ", "nan", "Unknown", "N/A", "-", "ANON", "0", "0000"])
def test_what_stands_for_no_patient(written):
    assert known_patient(written) == ""


@pytest.mark.parametrize("written", ["1", "000001", "Nana", "p-0"])
def test_what_is_the_key_of_a_patient(written):
    assert known_patient(f" {written} ") == written
