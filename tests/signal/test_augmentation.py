"""Variation of training recordings: each part against a formula, SciPy, or the preprocessing."""

import numpy as np
import pytest
from scipy.signal import welch

from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.signal.augmentation import (
    KNOT,
    LIMB,
    Augmentation,
    drop_leads,
    kept_leads,
    random_crop,
)
from ecg12.signal.preprocessing import STEP, Preprocessing, prepare

RATE = 250.0


@pytest.fixture
def signals():
    return np.random.default_rng(0).normal(size=(5, 12, 400)).astype(np.float32)


def test_without_any_part_nothing_is_touched(signals):
    found = Augmentation().apply(np.random.default_rng(0), signals, RATE, True)
    assert found is signals


def test_the_same_generator_gives_the_same_and_the_input_stays(signals):
    part = Augmentation(gain=0.2, noise=0.1, wander=0.1, lead_dropout=0.5)
    before = signals.copy()
    one, two = (part.apply(np.random.default_rng(1), signals, RATE, True) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(signals, before)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()


def test_noise_has_its_size_and_ends_below_the_filters_cutoff():
    ones = np.ones((200, 12, 1500), np.float32)
    part = Augmentation(noise=0.3)
    found = part.apply(np.random.default_rng(0), ones, RATE, False)
    frequencies, power = welch(found[found.std(axis=(1, 2)).argmax()], RATE)
    mean = power.mean(axis=0)
    assert mean[frequencies < 42].sum() > 0.9 * mean.sum()
    assert 0.2 < found.std(axis=(1, 2)).max() < 0.3


@pytest.mark.parametrize("n_samples", [398, 399, 400])
def test_noise_is_linear_between_its_knots(n_samples):
    ones = np.ones((4, 12, n_samples), np.float32)
    noise = Augmentation(noise=0.3).apply(np.random.default_rng(0), ones, RATE, False) - 1
    knots = np.arange(0, n_samples, KNOT)
    for row in noise.reshape(-1, n_samples):
        within = np.arange(knots[-1] + 1)
        expected = np.interp(within, knots, row[knots])
        np.testing.assert_allclose(row[within], expected, atol=1e-6)


def test_wander_is_a_slow_sine_per_lead():
    ones = np.ones((3, 12, 5000), np.float32)
    part = Augmentation(wander=0.4)
    found = part.apply(np.random.default_rng(0), ones, RATE, False)
    found -= 1
    spectrum = np.abs(np.fft.rfft(found, axis=2))
    peak = np.fft.rfftfreq(5000, 1 / RATE)[spectrum.argmax(axis=2)]
    assert ((peak >= 0.1) & (peak <= 0.5)).all()
    assert 0.2 < np.abs(found).max() <= 0.4
    assert np.ptp(peak, axis=1).max() == 0  # one breathing per recording


@pytest.mark.parametrize("part", [Augmentation(noise=0.3), Augmentation(wander=0.3)])
def test_absent_leads_and_padding_stay_exactly_zero(signals, part):
    """At inference they are zero, so a network must never learn noise there."""
    signals[1, 6:] = 0  # a recording of the limb leads
    signals[2, :, 250:] = 0  # a short one
    signals[3] = 0  # none at all
    found = part.apply(np.random.default_rng(0), signals, RATE, True)
    assert not found[1, 6:].any()
    assert not found[2, :, 250:].any()
    assert not found[3].any()
    assert (found[0] != signals[0]).mean() > 0.99
    assert (found[1, :6] != signals[1, :6]).mean() > 0.99
    assert (found[2, :, :250] != signals[2, :, :250]).mean() > 0.99


def test_gain_is_one_factor_per_lead(signals):
    found = Augmentation(gain=0.2).apply(np.random.default_rng(0), signals, RATE, False)
    factors = found / signals
    assert np.ptp(factors, axis=2).max() < 1e-5
    assert 0.8 <= factors.min() < 0.9 < 1.1 < factors.max() <= 1.2


def test_kept_leads_are_sets_that_two_limb_leads_allow():
    kept = kept_leads(np.random.default_rng(0), 6000, 0.5)
    assert kept.any(axis=1).all()
    assert set(kept[:, LIMB].sum(axis=1)) == {0, 1, 6}
    whole = kept.all(axis=1).mean()
    assert whole == pytest.approx(0.5, abs=0.03)  # few of the others are drawn whole
    limb_only = (kept == LIMB).all(axis=1).mean()
    assert limb_only == pytest.approx(1 / 6, abs=0.03)


@pytest.mark.parametrize("n_samples", [3000, 1250])
@pytest.mark.parametrize("leads", [("I", "II"), ("I", "II", "V2"), ("V1", "V5"), ("II",)])
def test_lost_leads_look_as_if_they_had_never_been_recorded(leads, n_samples):
    """What the network sees equals what `prepare` makes of a recording without those leads.

    Also of 5 s, which are filled up to 10 s with zeros that count in no amplitude.
    """
    rng = np.random.default_rng(0)
    independent = rng.normal(size=(8, n_samples))
    one, two = independent[:2]
    limb = np.array([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2])
    whole = np.concatenate([limb, independent[2:] * 2])
    record = Record.from_millivolts("whole", whole, LEADS, RATE)
    rows = [LEADS.index(lead) for lead in leads]
    part = Record.from_millivolts("part", whole[rows], leads, RATE)
    kept = np.isin(LEADS, leads)
    if kept[LIMB].sum() > 1:
        kept = kept | LIMB
    prepared = prepare(record, Preprocessing())[None] * np.float32(STEP)
    found = drop_leads(prepared, kept[None], rescale=True)[0]
    expected = prepare(part, Preprocessing()) * STEP
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert np.abs(expected).max() > 1


def test_crops_begin_anywhere_within_what_was_recorded():
    """A ramp tells where its pieces begin; of 12 samples, 5 of them begin at 0 to 7."""
    ramp = np.tile(np.arange(1, 21, dtype=np.float32), (4000, 2, 1))
    ramp[:, :, 12:] = 0
    pieces = random_crop(np.random.default_rng(0), ramp, 5)
    assert pieces.shape == (4000, 2, 5)
    np.testing.assert_array_equal(np.diff(pieces, axis=2), 1)
    begins, counts = np.unique(pieces[:, 0, 0], return_counts=True)
    assert begins.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert counts.min() > 400
    whole = random_crop(np.random.default_rng(0), ramp[:3], 15)
    np.testing.assert_array_equal(whole, ramp[:3, :, :15])


@pytest.mark.parametrize("rescale", [True, False])
def test_a_recording_without_signal_passes_through(rescale):
    """As one with the electrodes off in the stretch that is cut out."""
    part = Augmentation(gain=0.1, noise=0.05, wander=0.05, lead_dropout=1.0)
    silent = np.zeros((8, 12, 400), np.float32)
    for seed in range(20):
        assert not part.apply(np.random.default_rng(seed), silent, RATE, rescale).any()
    assert not drop_leads(silent, np.tile(LIMB, (8, 1)), rescale).any()


@pytest.mark.parametrize("recorded", [[10], [6, 7, 8, 9, 10, 11], [1, 7]])
def test_of_few_leads_one_that_was_recorded_is_always_left(signals, recorded):
    few = np.zeros_like(signals)
    few[:, recorded] = signals[:, recorded]
    part = Augmentation(lead_dropout=1.0)
    for seed in range(50):
        found = part.apply(np.random.default_rng(seed), few, RATE, False)
        assert found.any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("name", "value"), [("lead_dropout", -0.1), ("gain", 1.5), ("noise", -1.0), ("wander", np.nan)]
)
def test_senseless_amounts_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Augmentation(**{name: value})
