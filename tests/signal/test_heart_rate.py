"""The heart rate: beats every 0.8 s by construction; units, gaps and rates must not matter."""

from dataclasses import replace

import numpy as np
import pytest

from ecg12.signal.heart_rate import find_beats, record_heart_rate


@pytest.mark.parametrize("rate", [100, 257, 500, 1000])
def test_beats_every_800_ms_are_75_per_minute(make_record, rate):
    assert record_heart_rate(make_record(rate=rate)) == pytest.approx(75, rel=0.01)


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


def test_nothing_to_count_has_no_rate(make_record):
    record = make_record()
    flat = replace(record, stored=np.zeros_like(record.stored))
    absent = replace(record, stored=np.full_like(record.stored, record.missing))
    short = replace(record, stored=record.stored[:, :500])  # one beat
    slow = make_record(rate=40)
    one_sample = replace(record, stored=record.stored[:, :1])
    for other in (flat, absent, short, slow, one_sample):
        assert record_heart_rate(other) is None
