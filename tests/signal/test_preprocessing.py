"""Signals: the chain against brute force and SciPy, at every rate, length and set of leads."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, medfilt, resample_poly, sosfilt, sosfiltfilt

from ecg12.io.leads import LEADS
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb import find_records, read_record
from ecg12.runtime.errors import RecordError
from ecg12.signal.preprocessing import (
    STEP,
    Preprocessing,
    amplitude,
    prepare,
    prepare_parts,
    standardize_leads,
)

MILLIVOLTS = Preprocessing(amplitude="millivolts")
RECORDING = Preprocessing()
HALF_STEP = STEP / 2
RATES = [250, 257, 300, 360.1, 400, 500, 976.5625, 1000]


def running_median(row, width):
    """Take the median of explicit windows; beyond the ends the edge sample is repeated."""
    padded = np.pad(row, width // 2, mode="edge")
    return np.array([np.sort(padded[i : i + width])[width // 2] for i in range(len(row))])


def reference(signals):
    """Paper B's chain at 250 Hz, by brute force and SciPy: (leads, n) mV to (leads, 2500) mV."""
    cleaned = [row - running_median(running_median(row, 51), 151) for row in signals]
    sections = butter(5, 40, fs=250, output="sos")
    filtered = sosfiltfilt(sections, cleaned, axis=1)[:, :2500]
    return np.pad(filtered, [(0, 0), (0, 2500 - filtered.shape[1])])


def record_of(signals, rate, leads=LEADS):
    """Return a recording of floats in mV, which carry no quantisation of their own."""
    n = len(leads)
    signals = np.atleast_2d(np.asarray(signals, np.float64))
    return Record("A1", signals, np.ones(n), np.zeros(n), ("mV",) * n, tuple(leads), rate)


def sine(frequency, rate, seconds=20.0, size=1.0):
    return size * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def fitted(row, frequency, rate=250):
    """Fit a sine of known frequency to the middle of a row: amplitude and phase (rad)."""
    times = np.arange(len(row))[500:-500] / rate
    basis = np.exp(-2j * np.pi * frequency * times)
    wave = 2 * np.mean(row[500:-500] * basis) * 1j  # whole periods: 6 s of a multiple of 0.5 Hz
    return abs(wave), np.angle(wave)


# The chain


@pytest.mark.parametrize("seconds", [5, 10, 11.0, 12.5])
def test_the_chain_against_brute_force(make_ecg, seconds):
    signals = make_ecg(250, seconds)
    result = prepare(record_of(signals, 250), MILLIVOLTS)
    expected = reference(signals[:, : 11 * 250])
    assert (result.shape, result.dtype) == ((12, 2500), np.int16)
    np.testing.assert_allclose(result * STEP, expected, rtol=0, atol=HALF_STEP + 1e-9)


def test_the_medians_against_zero_padded_ones_away_from_the_edges(make_ecg):
    signals = make_ecg(250, 11)
    baseline = np.array([medfilt(medfilt(row, 51), 151) for row in signals])
    expected = sosfiltfilt(butter(5, 40, fs=250, output="sos"), signals - baseline, axis=1)
    result = prepare(record_of(signals, 250), MILLIVOLTS) * STEP
    inner = slice(250, 2500)
    np.testing.assert_allclose(
        result[:, inner], expected[:, inner.start : inner.stop], rtol=0, atol=HALF_STEP + 1e-3
    )


def test_an_edge_is_not_bent_by_an_offset(make_ecg):
    """Zero padding, in the median or while resampling, bends the first 100 samples."""
    signals = make_ecg(500, 11)
    plain = prepare(record_of(signals, 500), MILLIVOLTS)
    for offset in (1.0, -30.0):
        moved = prepare(record_of(signals + offset, 500), MILLIVOLTS)
        assert np.abs(moved - plain).max() <= 1
    assert abs(resample_poly(np.ones(5500), 1, 2)[0] - 1) > 0.2  # SciPy's default


def test_windows_are_odd():
    assert Preprocessing().windows == (51, 151)
    assert Preprocessing(rate=500).windows == (101, 301)


@pytest.mark.parametrize(("zero_phase", "decibels"), [(False, -3.01), (True, -6.02)])
def test_the_cutoff_at_40_hz(zero_phase, decibels):
    """Butterworth: half the power at the cutoff in one pass, a quarter in two."""
    options = replace(MILLIVOLTS, zero_phase=zero_phase, medians=())
    size, phase = fitted(
        prepare(record_of(sine(40, 250), 250, ["I"]), options)[0] * STEP, frequency=40
    )
    assert 20 * np.log10(size) == pytest.approx(decibels, abs=0.02)
    assert (abs(phase) < 1e-3) == zero_phase


@pytest.mark.parametrize("frequency", [5, 20, 35, 45, 60, 100])
def test_the_low_pass_elsewhere(frequency):
    """An ideal order 5 Butterworth falls by 10 log10(1 + w^10), w from the bilinear transform."""
    options = replace(MILLIVOLTS, medians=(), seconds=12.0)
    signal = sine(frequency, 250, size=10)
    size, _ = fitted(prepare(record_of(signal, 250, ["I"]), options)[0] * STEP / 10, frequency)
    ratio = np.tan(np.pi * frequency / 250) / np.tan(np.pi * 40 / 250)
    assert size == pytest.approx(1 / (1 + ratio**10), abs=1e-4)


def test_one_pass_is_scipy_s_sosfilt(make_ecg):
    signals = make_ecg(250, 11)
    options = replace(MILLIVOLTS, zero_phase=False, medians=())
    expected = sosfilt(butter(5, 40, fs=250, output="sos"), signals, axis=1)[:, :2500]
    result = prepare(record_of(signals, 250), options) * STEP
    np.testing.assert_allclose(result, expected, rtol=0, atol=HALF_STEP + 1e-9)


# Rates and lengths


@pytest.mark.parametrize("rate", RATES)
def test_a_5_hz_sine_keeps_frequency_amplitude_and_phase(rate):
    options = replace(MILLIVOLTS, medians=())
    row = prepare(record_of(sine(5, rate), rate, ["II"]), options)[1] * STEP
    size, phase = fitted(row, 5)
    assert size == pytest.approx(1, abs=1e-3)
    assert phase == pytest.approx(0, abs=2e-3)
    expected = sine(5, 250, 10)
    np.testing.assert_allclose(row[50:], expected[50:], rtol=0, atol=HALF_STEP + 4e-3)


@pytest.mark.parametrize("rate", [257, 500, 1000])
def test_resampling_is_scipy_s_resample_poly(make_ecg, rate):
    signals = make_ecg(rate, 11)
    up, down = {257: (250, 257), 500: (1, 2), 1000: (1, 4)}[rate]
    expected = reference(resample_poly(signals, up, down, axis=1, padtype="line"))
    result = prepare(record_of(signals, rate), MILLIVOLTS) * STEP
    np.testing.assert_allclose(result, expected, rtol=0, atol=HALF_STEP + 1e-9)


@pytest.mark.parametrize(
    ("rate", "seconds"), [(1.0, 60), (1.001, 60), (90.0, 12), (66_700.3, 2), (100_000.0, 1)]
)
def test_odd_rates_keep_their_duration_and_need_no_giant_filter(rate, seconds):
    ramp = np.arange(round(rate * seconds)) / rate
    options = replace(MILLIVOLTS, medians=(), seconds=8.0)
    row = prepare(record_of(ramp, rate, ["I"]), options)[0] * STEP
    last = min(round(250 * min(seconds, 8)) - 125, len(row) - 125)
    assert row[last] == pytest.approx(last / 250, abs=0.004)  # one sample at 250 Hz


@pytest.mark.parametrize("rate", [250, 257, 500, 1000])
def test_a_short_recording_is_padded_with_zeros_at_the_end(make_ecg, rate):
    result = prepare(record_of(make_ecg(rate, 5), rate), MILLIVOLTS)
    assert result.shape == (12, 2500)
    assert not result[:, 1251:].any()
    assert result[:, :1250].any(axis=1).all()


@pytest.mark.parametrize("n", [1, 2, 3, 17, 18, 19, 100])
@pytest.mark.parametrize("rate", [250, 500])
def test_the_shortest_recordings(n, rate):
    signals = np.random.default_rng(0).normal(size=(12, n))
    result = prepare(record_of(signals, rate), RECORDING)
    assert result.shape == (12, 2500)
    assert not result[:, n:].any()


@pytest.mark.parametrize("rate", [250, 257, 500, 1000])
def test_eleven_seconds_give_the_same_as_the_whole_recording(make_ecg, rate):
    """Within 0.05 µV: the signal is magnified 20-fold, which makes a step 0.049 µV."""
    record = replace(record_of(make_ecg(rate, 30) + 2.0, rate), gains=np.full(12, 1 / 20))
    whole = prepare(record, replace(MILLIVOLTS, margin=60.0)).astype(int)
    assert 20_000 < np.abs(whole).max() < 32_767
    difference = np.abs(prepare(record, MILLIVOLTS) - whole)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01  # now and then a rounding falls the other way
    cut_at_ten = prepare(record, replace(MILLIVOLTS, margin=0.0))
    assert np.abs(cut_at_ten - whole).max() > 100  # the margin is needed: more than 5 µV


def test_thirty_minutes_are_cut_to_ten_seconds(make_ecg):
    begin = make_ecg(257, 12)[:2]
    signals = np.tile(begin, 150)
    result = prepare(record_of(signals, 257, ["I", "II"]), MILLIVOLTS)
    np.testing.assert_array_equal(result, prepare(record_of(begin, 257, ["I", "II"]), MILLIVOLTS))


# Leads


@pytest.mark.parametrize(
    "pair",
    [("I", "II"), ("aVF", "aVL"), ("III", "aVR"), ("II", "III"), ("aVR", "aVL"), ("aVF", "I")],
)
def test_einthoven_gives_all_limb_leads_from_any_two(make_ecg, pair):
    signals = make_ecg(500, 10)
    rows = [LEADS.index(lead) for lead in pair]
    twelve = prepare(record_of(signals, 500), MILLIVOLTS)
    two = prepare(record_of(signals[rows], 500, pair), MILLIVOLTS)
    assert np.abs(two[:6].astype(int) - twelve[:6]).max() <= 1
    assert not two[6:].any()


def test_derived_leads_equal_recorded_ones_within_the_quantisation(make_record):
    """Derived from leads with steps of 5 µV, a lead is off by at most two half steps or so."""
    full, part = (make_record(gain=200, leads=leads) for leads in (LEADS, ("I", "II")))
    expected, derived = (standardize_leads(record, MILLIVOLTS)[:6] for record in (full, part))
    assert np.abs(expected - derived).max() <= 1.5 * 0.005


@pytest.mark.parametrize(
    "leads",
    [LEADS[::-1], ("V2", "II", "I"), LEADS[:6], ("I", "II", "III", "V2"), ("I", "II", "V2"),
     ("aVF", "V6", "V1"), ("V4",)],
)  # fmt: skip
def test_order_and_subset_of_leads(make_ecg, leads):
    signals = make_ecg(500, 10)
    twelve = prepare(record_of(signals, 500), MILLIVOLTS)
    rows = [LEADS.index(lead) for lead in leads]
    part = prepare(record_of(signals[rows], 500, leads), MILLIVOLTS)
    limb = sum(lead in LEADS[:6] for lead in leads) > 1
    for i, lead in enumerate(LEADS):
        if lead in leads or (limb and i < 6):
            assert np.abs(part[i].astype(int) - twelve[i]).max() <= 1
        else:
            assert not part[i].any()


def test_a_network_may_expect_other_leads(make_ecg):
    signals = make_ecg(250, 10)
    options = replace(MILLIVOLTS, leads=("V2", "I"))
    result = prepare(record_of(signals, 250), options)
    np.testing.assert_array_equal(result, prepare(record_of(signals, 250), MILLIVOLTS)[[7, 0]])


def test_a_flat_limb_lead_is_derived_from_the_others(make_ecg):
    signals = make_ecg(250, 10)
    expected = prepare(record_of(signals, 250), MILLIVOLTS)
    for flat in (0.0, 3.0, np.nan):
        damaged = signals.copy()
        damaged[4] = flat
        result = prepare(record_of(damaged, 250), MILLIVOLTS)
        assert np.abs(result.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("value", [0, 5, MISSING])
def test_a_recording_without_signal_is_zero(value):
    record = Record(
        "A1", np.full((12, 5000), value, np.int16), np.full(12, 1e3), np.zeros(12), ("mV",) * 12,
        LEADS, 500.0,
    )  # fmt: skip
    assert not prepare(record, RECORDING).any()
    assert not prepare(record, MILLIVOLTS).any()


def test_a_drift_alone_is_not_blown_up():
    ramp = np.tile(np.linspace(-3e4, 3e4, 5000), (12, 1))
    assert not prepare(record_of(ramp, 500), RECORDING).any()


def test_leads_that_are_none_of_the_twelve(make_ecg):
    record = record_of(make_ecg(250, 10)[:2], 250, ["MLII", "X"])
    with pytest.raises(RecordError, match=r"A1: none of the leads \('MLII', 'X'\)"):
        prepare(record, RECORDING)


# Gaps and spikes


def test_missing_samples_are_interpolated(make_ecg):
    signals = make_ecg(250, 10)
    signals[7, 300:303] = np.linspace(signals[7, 299], signals[7, 303], 5)[1:-1]
    signals[7, :5], signals[7, -5:] = signals[7, 5], signals[7, -6]
    expected = prepare(record_of(signals, 250), MILLIVOLTS)
    for gap in (np.nan, MISSING, np.inf, -np.inf, 1e300):
        damaged = signals.copy()
        damaged[7, 300:303] = damaged[7, :5] = damaged[7, -5:] = gap
        np.testing.assert_array_equal(prepare(record_of(damaged, 250), MILLIVOLTS), expected)


@pytest.mark.parametrize("amplitude_of", ["recording", "millivolts"])
def test_huge_spikes_are_clipped_and_leave_the_rest_alone(make_ecg, amplitude_of):
    options = replace(RECORDING, amplitude=amplitude_of)
    signals = make_ecg(250, 10)
    spiked = signals.copy()
    spiked[6, [400, 1000]] = 3e9, -3e8
    clean, result = (prepare(record_of(s, 250), options) for s in (signals, spiked))
    assert np.abs(result.astype(int)).max() <= 32767
    change = np.abs(result.astype(int) - clean)
    others = np.delete(change, 6, axis=0)
    assert others.max() <= {"recording": 0.1 * np.abs(clean).max(), "millivolts": 0}[amplitude_of]


# Amplitude


@pytest.mark.parametrize("factor", [0.2, 5, 1000])
@pytest.mark.parametrize("rate", [500, 257])
def test_the_header_s_gain_changes_nothing(make_record, factor, rate):
    record = make_record(rate=rate)
    changed = replace(record, gains=record.gains * factor)
    np.testing.assert_array_equal(prepare(changed, RECORDING), prepare(record, RECORDING))
    assert (prepare(changed, MILLIVOLTS) != prepare(record, MILLIVOLTS)).any()


def test_the_header_s_gain_changes_nothing_on_real_recordings(shared):
    for stem in find_records(shared / "data/real")[::20]:
        record = read_record(stem, RECORDING.needed_seconds)
        expected = prepare(record, RECORDING)
        for factor in (0.2, 5, 1000):
            changed = replace(record, gains=record.gains * factor)
            np.testing.assert_array_equal(prepare(changed, RECORDING), expected)


@pytest.mark.parametrize("unit", ["uV", "V", "nV", "mmHg"])
def test_the_header_s_unit_changes_nothing(make_record, unit):
    record = make_record()
    changed = replace(record, units=(unit,) * 12)
    np.testing.assert_array_equal(prepare(changed, RECORDING), prepare(record, RECORDING))


def test_one_lead_with_another_gain(make_record):
    record = make_record()
    stored, gains = record.stored.astype(np.int32), record.gains.copy()
    stored[7], gains[7] = stored[7] * 4, gains[7] * 4
    mixed = replace(record, stored=stored, gains=gains)
    for options in (RECORDING, MILLIVOLTS):
        np.testing.assert_array_equal(prepare(mixed, options), prepare(record, options))


def test_without_gains_leads_are_taken_as_stored(make_record):
    record = make_record()
    none = replace(record, gains=np.full(12, np.nan))
    np.testing.assert_array_equal(prepare(none, RECORDING), prepare(record, RECORDING))
    one = replace(record, gains=np.where(np.arange(12) == 3, np.nan, record.gains))
    np.testing.assert_array_equal(prepare(one, RECORDING), prepare(record, RECORDING))
    with pytest.raises(RecordError, match="A0001: lead aVR has no gain"):
        prepare(one, MILLIVOLTS)


def test_an_inverted_lead_is_turned_by_its_gain(make_record):
    record = make_record()
    signs = np.where(np.arange(12) == 6, -1, 1)
    inverted = replace(record, stored=record.stored * signs[:, None], gains=record.gains * signs)
    np.testing.assert_array_equal(prepare(inverted, RECORDING), prepare(record, RECORDING))


def test_negative_gains_turn_the_whole_recording(make_record):
    record = make_record()
    turned = replace(record, gains=-record.gains)
    np.testing.assert_array_equal(prepare(turned, RECORDING), -prepare(record, RECORDING))


def test_a_recording_s_amplitude_is_one(make_ecg):
    result = prepare(record_of(make_ecg(500, 10) * 0.37, 500), RECORDING) * STEP
    peaks = np.sort(np.abs(result), axis=1)
    median = np.median([np.percentile(row, 99) for row in peaks])
    assert median == pytest.approx(1, abs=2 * STEP)


def test_amplitude_by_hand():
    ramp = np.arange(101.0)  # the 99th percentile of 0 … 100 is 99
    assert amplitude(np.array([ramp, -2 * ramp, 3 * ramp, 0 * ramp])) == 2 * 99
    assert amplitude(np.zeros((3, 10))) == 0
    assert amplitude(np.full((3, 10), 1e-12)) == 0


def test_values_beyond_the_range_are_clipped():
    square = 100 * np.sign(sine(2, 250))
    result = prepare(record_of(square, 250, ["I"]), replace(MILLIVOLTS, medians=()))
    assert (result.max(), result.min()) == (32767, -32767)


def test_an_unknown_amplitude_lists_the_choices():
    with pytest.raises(
        ValueError, match=r"'volts'; choices: \('recording', 'millivolts', 'stored'\)"
    ):
        Preprocessing(amplitude="volts")


# Stored integers


STORED = Preprocessing(rate=500, seconds=20, medians=(), cutoff=None, amplitude="stored")


def test_stored_integers_pass_unchanged_padded_or_cut_at_the_end():
    rng = np.random.default_rng(0)
    for n in (7_500, 10_000, 15_000):
        stored = rng.integers(-3000, 3000, (12, n)).astype(np.int16)
        gains = rng.uniform(200, 5000, 12)
        record = Record("A1", stored, gains, np.zeros(12), ("mV",) * 12, LEADS, 500)
        expected = np.pad(stored, [(0, 0), (0, max(0, 10_000 - n))])[:, :10_000]
        np.testing.assert_array_equal(prepare(record, STORED), expected)


def test_stored_integers_have_a_step_of_one_and_saturate_at_int16():
    assert (STORED.step, RECORDING.step, MILLIVOLTS.step) == (1, STEP, STEP)
    stored = np.tile([100_000, -100_000, 5], (12, 1))
    record = replace(record_of(stored, 500), stored=stored)
    np.testing.assert_array_equal(prepare(record, STORED)[:, :4], [[32767, -32767, 5, 0]] * 12)


@pytest.mark.parametrize(("unit", "per_mv"), [("nV", 1e6), ("uV", 1e3), ("mV", 1), ("V", 1e-3)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_physical_values_become_steps_of_1_microvolt(make_ecg, unit, per_mv, kind):
    """A network of stored integers was trained on the challenge's 1000 per mV."""
    signals = make_ecg(500, 10)
    record = Record.from_array((signals * per_mv).astype(kind), fs=500, leads=LEADS, unit=unit)
    prepared = prepare(record, STORED)[:, :5000]
    np.testing.assert_allclose(prepared, 1000 * signals, atol=0.501)
    known = prepare(record, MILLIVOLTS)  # which networks of other amplitudes take, as before
    np.testing.assert_allclose(known, prepare(record_of(signals, 500), MILLIVOLTS), atol=1)


def test_stored_values_as_floats_and_floats_of_unknown_unit_stay_as_they_are(make_ecg):
    """A gain of 200 makes stored units of them, in which integers are taken, too."""
    stored = np.rint(200 * make_ecg(500, 10))
    record = record_of(stored, 500)
    for units, gain in (("mV", 200.0), ("", 1.0), ("mV", np.nan)):
        given = replace(record, units=(units,) * 12, gains=np.full(12, gain))
        np.testing.assert_array_equal(prepare(given, STORED)[:, :5000], stored)


def test_stored_integers_lose_their_offset():
    stored = np.random.default_rng(0).integers(-300, 300, (12, 500)).astype(np.int16)
    record = Record("A1", stored, np.ones(12), np.full(12, 40.0), ("mV",) * 12, LEADS, 500)
    np.testing.assert_array_equal(prepare(record, STORED)[:, :500], stored - 40)


def test_without_a_filter_only_the_baseline_is_removed(make_ecg):
    signals = make_ecg(250, 11)
    options = replace(MILLIVOLTS, cutoff=None, medians=(0.2,))
    result = prepare(record_of(signals, 250), options) * STEP
    expected = [row - running_median(row, 51) for row in signals]
    np.testing.assert_allclose(result, np.array(expected)[:, :2500], rtol=0, atol=HALF_STEP + 1e-9)


# Parts of long recordings


@pytest.mark.parametrize(
    ("seconds", "parts", "starts"),
    [
        (4, 3, [0]),
        (10, 3, [0]),
        (10.9, 3, [0]),
        (11.2, 3, [0, 1.2]),
        (25, 3, [0, 7.5, 15]),
        (25, 2, [0, 10]),
        (61, 3, [0, 10, 20]),
    ],
)
def test_parts_are_evenly_spaced_over_what_is_used(seconds, parts, starts):
    """Without filters and scaling they are slices of the stored samples."""
    plain = Preprocessing(medians=(), cutoff=None, amplitude="stored", parts=parts)
    stored = np.random.default_rng(0).integers(-900, 900, (12, round(seconds * 250)))
    found = prepare_parts(replace(record_of(stored, 250), stored=stored), plain)
    expected = [stored[:, round(at * 250) : round(at * 250) + 2500] for at in starts]
    padded = [np.pad(part, [(0, 0), (0, 2500 - part.shape[1])]) for part in expected]
    np.testing.assert_array_equal(found, padded)


def test_each_part_has_an_amplitude_of_its_own(make_ecg):
    signals = make_ecg(250, 20.0) * np.where(np.arange(5000) < 2500, 1, 5)
    parts = prepare_parts(record_of(signals, 250), replace(RECORDING, parts=2)) * STEP
    assert [amplitude(part) for part in parts] == pytest.approx([1, 1], abs=0.01)


def test_the_first_part_is_what_training_sees(make_ecg):
    """But for the filters' edges, which lie beyond what is kept."""
    record = record_of(make_ecg(250, 30.0), 250)
    first = prepare_parts(record, replace(RECORDING, parts=3))[0]
    assert np.abs(first - prepare(record, RECORDING)).max() <= 1


def test_no_parts_are_refused():
    with pytest.raises(ValueError, match="parts=0 is not between 1 and"):
        Preprocessing(parts=0)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rate": 1e9}, "rate"), ({"rate": np.nan}, "rate"), ({"rate": 0}, "rate"),
        ({"seconds": 1e9}, "seconds"), ({"seconds": -1.0}, "seconds"), ({"margin": 1e9}, "margin"),
        ({"margin": -1.0}, "margin"), ({"medians": (1e9,)}, "medians"),
        ({"medians": (0.2,) * 10**6}, "number of medians"), ({"cutoff": 1e-9}, "cutoff"),
        ({"cutoff": 124.9999}, "cutoff"), ({"order": 10**6}, "order"), ({"order": 2.5}, "order"),
        ({"parts": 10**7}, "parts"), ({"leads": ("I",) * 10**6}, "number of leads"),
        ({"leads": ()}, "number of leads"), ({"rate": 1e4, "seconds": 100.0}, "rate . seconds"),
        ({"rate": 10.0, "seconds": 0.01, "cutoff": None}, "rate . seconds"),
        ({"rate": 1e3, "parts": 300}, "rate . seconds . parts"),
        ({"parts": 3600, "rate": 20.0, "cutoff": None}, "seconds . parts . margin"),
    ],
)  # fmt: skip
def test_settings_that_would_fill_the_memory_are_refused(changes, named):
    with pytest.raises(ValueError, match=f"^{named}="):
        Preprocessing(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": 1000.0, "seconds": 60.0}, {"rate": 2000.0}, {"rate": 500.0, "parts": 360},
        {"order": 8, "cutoff": 0.5}, {"rate": 81.0}, {"medians": (0.2, 0.6, 1.0)},
        {"rate": 20.0, "seconds": 1.0, "cutoff": None},
    ],
)  # fmt: skip
def test_settings_with_room_for_other_recordings(changes):
    assert Preprocessing(**changes).n_samples > 0


def test_gaps_do_not_count_in_the_amplitude(make_ecg):
    """A page with 2.5 s of each lead is as large as the whole recording, where it is there."""
    signals = make_ecg(500, 10)
    gaps = signals.copy()
    for lead in range(12):
        first = 1250 * (lead // 3)
        gaps[lead, :first] = gaps[lead, first + 1250 :] = np.nan
    whole, page = (
        prepare(Record.from_millivolts("A", x, LEADS, 500), Preprocessing())
        for x in (signals, gaps)
    )
    for lead in range(12):
        middle = slice(625 * (lead // 3) + 100, 625 * (lead // 3) + 525)
        largest = np.abs(whole[lead, middle]).max()
        assert np.abs(page[lead, middle]).max() == pytest.approx(largest, rel=0.08)


def test_amplitude_of_what_is_present_by_hand():
    ramp = np.arange(101.0)
    present = np.array([ramp <= 50, ramp >= 0, ramp < 0])
    assert amplitude(np.array([ramp, 3 * ramp, 9 * ramp]), present) == (0.99 * 50 + 3 * 99) / 2
