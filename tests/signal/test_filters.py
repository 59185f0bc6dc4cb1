"""The chain's own filters against SciPy's, within 1e-9 of the signals' size."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import butter, firwin, resample_poly, sosfilt, sosfiltfilt

from ecg12.signal.filters import low_pass, resample

LENGTHS = (1, 2, 3, 17, 100, 2750)


def wandering(n, seed=0):
    """Return (12, n) sums of noise: large, and not zero at the ends."""
    return np.random.default_rng(seed).normal(size=(12, n)).cumsum(axis=1)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(
    ("rate", "target"),
    [(500, 250), (500, 100), (1000, 250), (257, 250), (100, 250), (360, 250), (256.37, 250)],
)
def test_resampling_is_scipy_s_resample_poly(rate, target, n):
    up, down = Fraction(target / rate).limit_denominator(10_000).as_integer_ratio()
    signals = wandering(n)
    kernel = firwin(20 * max(up, down) + 1, 1 / max(up, down), window=("kaiser", 5.0))
    beyond = "line" if n > 1 else "edge"
    expected = resample_poly(signals, up, down, axis=1, window=kernel, padtype=beyond)
    found = resample(signals, up, down)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


FILTERS = [(5, 40.0, 250.0), (1, 30.0, 250.0), (2, 47.0, 100.0), (4, 0.5, 500.0), (3, 249.0, 500.0)]


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("order", "cutoff", "rate"), FILTERS)
def test_zero_phase_low_pass_is_scipy_s_sosfiltfilt(order, cutoff, rate, n):
    signals, sections = wandering(n), butter(order, cutoff, fs=rate, output="sos")
    padding = {} if n > 3 * (order + 1) else {"padlen": n - 1}  # SciPy refuses its own if too long
    expected = sosfiltfilt(sections, signals, axis=1, **padding)
    found = low_pass(signals, cutoff, rate, order=order, zero_phase=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(signals).max())


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("order", "cutoff", "rate"), FILTERS)
def test_one_pass_is_scipy_s_sosfilt(order, cutoff, rate, n):
    signals, sections = wandering(n), butter(order, cutoff, fs=rate, output="sos")
    expected = sosfilt(sections, signals, axis=1)
    found = low_pass(signals, cutoff, rate, order=order, zero_phase=False)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(signals).max())


@pytest.mark.parametrize("zero_phase", [True, False])
def test_a_lead_of_zeros_stays_exactly_zero(zero_phase):
    signals = wandering(500)
    signals[3] = 0
    found = low_pass(resample(signals, 1, 2), 40.0, 250.0, order=5, zero_phase=zero_phase)
    assert (found[3] == 0).all()
    assert found[2].any()


@pytest.mark.parametrize("cutoff", [0.0, 50.0, 60.0])
def test_a_cutoff_beyond_half_the_rate_is_refused(cutoff):
    with pytest.raises(ValueError, match="half the rate, 50.0 Hz"):
        low_pass(wandering(100), cutoff, 100.0, order=5, zero_phase=True)
