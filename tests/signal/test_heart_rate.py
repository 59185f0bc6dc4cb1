"""The heart rate: beats every 0.8 s by construction; units, gaps and rates must not matter."""

from dataclasses import replace

import numpy as np
import pytest

from ecg12.inference.window_rates import heart_rates
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.signal.heart_rate import find_beats, record_heart_rate


@pytest.mark.parametrize("rate", [100, 257, 500, 1000])
def test_beats_every_800_ms_are_75_per_minute(make_record, rate):
    assert record_heart_rate(make_record(rate=rate)) == pytest.approx(75, rel=0.01)


@pytest.mark.parametrize("rate", [125, 128, 250, 500])
@pytest.mark.parametrize("per_minute", [120, 200, 240, 250, 270, 300, 350])
def test_fast_regular_rhythms_are_counted_beat_by_beat(rate, per_minute):
    """As flutter conducted one to one, or an infant's tachycardia."""
    times = np.arange(10 * rate) / rate
    phase = (times + 0.05) % (60 / per_minute) - 0.05
    signals = np.outer(np.linspace(0.5, 1.5, 12), np.exp(-0.5 * (phase / 0.012) ** 2))
    record = Record.from_millivolts("r", signals, LEADS, rate)
    assert record_heart_rate(record) == pytest.approx(per_minute, rel=0.02)


def test_beats_are_found_where_they_were_put(make_ecg):
    """The first lies at 0 s, where half a complex is left; the others at 0.8 s, and so on."""
    beats = find_beats(make_ecg(500, 10), 500)
    np.testing.assert_allclose(beats[-12:] / 500, 0.8 * np.arange(1, 13), atol=0.02)


def test_neither_unknown_gains_nor_gaps_change_it(make_record):
    record = make_record()
    stored = record.stored.copy()
    stored[:, 2080:2320] = record.missing  # between two beats
    stored[3, :4000] = record.missing
    gains = np.array([np.nan, 1e-3, *record.gains[2:]])
    spoiled = replace(record, stored=stored, gains=gains)
    assert record_heart_rate(spoiled) == pytest.approx(75, rel=0.01)


OTHERS = {"PLETH": 0.9, "ABP": 1.7, "RESP": 0.25}  # Hz


def with_others(make_ecg, leads):
    """Return lead II of 75 beats per minute, or no lead, beside a pulse, pressure, breath, EEG."""
    rng = np.random.default_rng(0)
    times = np.arange(5000) / 500
    waves = [np.sin(2 * np.pi * hertz * times) for hertz in OTHERS.values()]
    noise = rng.normal(size=(3, 5000)) * 0.05
    signals = np.vstack([make_ecg(500, 10)[[LEADS.index(lead) for lead in leads]], *waves, noise])
    names = [*leads, *OTHERS, "EEG C3", "EEG C4", "EMG"]
    return Record.from_millivolts("r", signals, names, 500)


@pytest.mark.parametrize("leads", [("II",), ("V2", "II", "V6")])
def test_channels_that_are_no_leads_do_not_count(make_ecg, leads):
    record = with_others(make_ecg, leads)
    assert record_heart_rate(record) == pytest.approx(75, rel=0.01)
    assert heart_rates([record, record]) == pytest.approx([75, 75], rel=0.01)


def test_without_any_of_the_leads_there_is_no_rate(make_ecg):
    record = with_others(make_ecg, ())
    assert record_heart_rate(record) is None
    assert heart_rates([record, with_others(make_ecg, ("II",))]) == [None, pytest.approx(75, 0.01)]


def spoil(record, begin, end, value):
    """Return a recording with one value in all leads from one time to another, s."""
    stored = record.stored.copy()
    stored[:, round(begin * record.rate) : round(end * record.rate)] = value
    return replace(record, stored=stored)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.0, 4.0, 6.0])
@pytest.mark.parametrize("begin", [1.3, 1.9, 2.4])
def test_beats_that_are_missing_do_not_slow_the_rate(make_record, begin, seconds):
    record = make_record()
    gap = spoil(record, begin, begin + seconds, record.missing)
    assert record_heart_rate(gap) == pytest.approx(75, rel=0.02)


@pytest.mark.parametrize("seconds", [2.1, 4.0, 6.0])
@pytest.mark.parametrize("value", [0, 2000])
def test_nor_do_those_of_a_stretch_without_change_in_any_lead(make_record, seconds, value):
    """At 2000 the recording steps by 2 mV where the electrodes come off, as high as QRS."""
    off = spoil(make_record(), 1.9, 1.9 + seconds, value)
    assert record_heart_rate(off) == pytest.approx(75, rel=0.02)


def test_a_rate_needs_two_intervals_without_a_gap(make_record):
    """Beats lie at 0.3, 1.1, 1.9 ... 9.1 s; the gap leaves two of them on either side."""
    record = make_record()
    record = replace(record, stored=record.stored[:, 250:])
    gap = spoil(record, 1.5, 7.9, record.missing)
    assert record_heart_rate(gap) == pytest.approx(75, rel=0.02)
    for begin, end in ((0.0, 0.7), (8.7, 9.5)):
        assert record_heart_rate(spoil(gap, begin, end, record.missing)) is None


def test_a_slow_rhythm_may_be_flat_between_its_beats():
    """30 per minute without any noise: of 2 s between beats 1.4 s are constant in all leads."""
    times = np.arange(0, 12, 1 / 500)
    after = (times + 1) % 2  # s since the last beat, which lie at 1, 3, 5 ... s
    waves = np.exp(-0.5 * ((after - 0.1) / 0.012) ** 2)
    waves += 0.3 * np.exp(-0.5 * ((after - 0.4) / 0.05) ** 2)
    signals = np.outer(np.linspace(0.5, 1.5, 12), waves)
    record = Record.from_millivolts("R", signals, LEADS, 500)
    flat = (np.diff(record.stored) == 0).all(axis=0)
    assert flat[round(3.7 * 500) : round(5.0 * 500)].all()
    assert record_heart_rate(record) == pytest.approx(30, rel=0.01)


def test_nothing_to_count_has_no_rate(make_record):
    record = make_record()
    flat = replace(record, stored=np.zeros_like(record.stored))
    absent = replace(record, stored=np.full_like(record.stored, record.missing))
    short = replace(record, stored=record.stored[:, :500])  # one beat
    slow = make_record(rate=40)
    one_sample = replace(record, stored=record.stored[:, :1])
    step = spoil(flat, 5, 10, 1000)
    for other in (flat, absent, short, slow, one_sample, step):
        assert record_heart_rate(other) is None
