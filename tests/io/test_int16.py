"""Any recording as int16: kept where it fits, else moved or quantised again; read by wfdb."""

from dataclasses import replace

import numpy as np
import pytest
import wfdb

from ecg12.io.int16 import as_int16
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.io.wfdb import read_record, write_record
from ecg12.runtime.errors import RecordError


def record(stored, gains=1000.0, offsets=0.0, units="uV", leads=LEADS[:2], missing=-32768):
    """Return two leads."""
    full = (np.full(2, float(gains)), np.full(2, float(offsets)))
    return Record("r", np.asarray(stored), *full, (units,) * 2, leads, 500.0, missing=missing)


def physical(folder, given):
    """Write a recording as int16 and return what wfdb reads of it, (n_leads, n_samples)."""
    kept, note = as_int16(given, "A1")
    write_record(folder, kept)
    read = wfdb.rdrecord(str(folder / "A1"))
    return read.p_signal.T, read, note


def test_integers_that_fit_are_kept(tmp_path):
    stored = np.array([[-32767, 0, 32767, 5], [1, 2, 3, 4]], np.int32)
    got, read, note = physical(tmp_path, record(stored, 0.4, -7, "uV"))
    np.testing.assert_allclose(got, (stored + 7) / 0.4, rtol=1e-12)
    assert (read.adc_gain, read.baseline, read.units) == ([0.4] * 2, [-7] * 2, ["uV"] * 2)
    assert note == ""
    np.testing.assert_array_equal(read_record(tmp_path / "A1").stored, stored)


@pytest.mark.parametrize("mark", [-32768, -(2**31), -2048])
def test_the_mark_of_a_missing_sample_becomes_that_of_16_bits(tmp_path, mark):
    stored = np.array([[mark, 0, 5], [1, mark, 3]], np.int64)
    got, _, note = physical(tmp_path, record(stored, 2, missing=mark))
    np.testing.assert_array_equal(got, [[np.nan, 0, 2.5], [0.5, np.nan, 1.5]])
    assert note == ""


def test_a_lead_upside_down_is_turned(tmp_path):
    given = record(np.array([[1, 2, -32768], [3, 4, 5]], np.int16), 10)
    given = replace(given, gains=np.array([-10.0, 10.0]), offsets=np.array([3.0, 0.0]))
    got, read, _ = physical(tmp_path, given)
    np.testing.assert_allclose(got, [[0.2, 0.1, np.nan], [0.3, 0.4, 0.5]])
    assert read.adc_gain == [10, 10]


def test_an_offset_of_electrodes_moves_and_no_step_changes(tmp_path):
    """A 24-bit amplifier with 1/32 uV per step and 100 mV of offset, as BDF files have it."""
    wave = np.array([[0, 1, -30000, 30000], [5, 6, 7, 8]])
    got, read, note = physical(tmp_path, record(wave + 3_200_000, 32, 0, "uV"))
    np.testing.assert_allclose(got, wave / 32 + 100_000, rtol=1e-12)
    assert read.adc_gain == [32, 32]
    assert note == "moved by an offset, steps of 0.03125 uV kept"


def test_what_is_wider_gets_coarser_steps_alike_in_all_twelve_leads(tmp_path):
    rng = np.random.default_rng(0)
    stored = rng.integers(-(2**20), 2**20, (2, 400))
    stored[1] //= 2**10
    got, read, note = physical(tmp_path, record(stored, 32, 0, "uV"))
    step = 1 / read.adc_gain[0]
    assert read.adc_gain[0] == read.adc_gain[1]
    assert np.abs(got - stored / 32).max() <= 0.5001 * step
    span = float(np.ptp(stored[0])) / 32
    assert span / 65535 <= step <= span / 65500
    assert note == f"quantised in steps of {step:.4g} uV"


def test_other_channels_keep_their_own_steps(tmp_path):
    stored = np.array([[2**23 - 1, -(2**23), 0], [100, -100, 1]])
    got, read, _ = physical(tmp_path, record(stored, 200, leads=("ABP", "PLETH"), units="mmHg"))
    np.testing.assert_allclose(got[1], stored[1] / 200)
    assert read.adc_gain[0] < 1 < read.adc_gain[1]


@pytest.mark.parametrize(("unit", "per_millivolt"), [("mV", 1), ("uV", 1e3), ("V", 1e-3)])
def test_numbers_that_are_no_integers_get_steps_of_a_microvolt(tmp_path, unit, per_millivolt):
    millivolts = np.random.default_rng(1).normal(0, 1, (2, 300))
    millivolts[0, 5] = np.nan
    got, _, note = physical(tmp_path, record(millivolts * per_millivolt, 1, 0, unit))
    np.testing.assert_allclose(got / per_millivolt, millivolts, atol=0.50001e-3)
    assert note == "quantised in steps of 1 uV"


def test_an_offset_between_integers_is_rounded_and_said(tmp_path):
    """As in EDF, whose range of -32768 to 32767 is often that of equal voltages up and down."""
    stored = np.array([[1, -32767], [5, 6]], np.int16)
    got, _, note = physical(tmp_path, record(stored, 10, -0.5))
    assert np.abs(got - (stored + 0.5) / 10).max() <= 0.0500001
    assert note == "offset rounded by 0.5 steps"


def test_unknown_gain_stays_unknown():
    kept, note = as_int16(record([[1.5, 2e6], [0.0, 1.0]], np.nan), "A1")
    assert np.isnan(kept.gains).all()
    assert kept.stored.dtype == np.int16
    assert note == "quantised in steps of unknown uV"


def test_an_offset_beyond_32_bits_is_refused():
    with pytest.raises(RecordError, match=r"A1: an offset of 1e\+12 steps cannot be stored"):
        as_int16(record(np.zeros((2, 3), np.int16), 1, 1e12), "A1")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("aVR", "aVR"), ("V3R", "V3R"), ("PLETH", "PLETH"), ("MCL 1", "MCL 1"),
        ("x\n#Dx: 1", "x Dx 1"), ("\n", "signal 1"), ("V*1", "V 1 none"), ("Ärger", "rger"),
    ],
)  # fmt: skip
def test_names_of_leads_cannot_change_a_header(tmp_path, name, written):
    """A name that would become one of the twelve, or another line, does not."""
    given = record(np.zeros((2, 3), np.int16), leads=(name, "II"))
    kept, _ = as_int16(given, "A1")
    write_record(tmp_path, kept)
    found = read_record(tmp_path / "A1")
    assert found.codes == ()
    assert found.leads == ("signal 1" if written == "V 1 none" else written, "II")


def test_a_unit_is_one_word(tmp_path):
    for unit, written in [("mm Hg", "mm_Hg"), ("", "NU"), ("mV", "mV")]:
        write_record(tmp_path, as_int16(record(np.zeros((2, 3), np.int16), units=unit), "A1")[0])
        assert read_record(tmp_path / "A1").units == (written, written)
