"""Running medians against SciPy's, at every window and length."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.ndimage import median_filter

from ecg12.signal.running_median import cascaded_median


def scipy_medians(signals, windows):
    for window in windows:
        signals = median_filter(signals, (1, window), mode="nearest")
    return signals


# Every number of bits set in window + 1, and windows that are a power of two less one.
@pytest.mark.parametrize("window", [1, 3, 5, 7, 9, 13, 21, 31, 33, 51, 61, 63, 101, 151, 255])
@pytest.mark.parametrize("n", [1, 2, 5, 50, 333])
def test_medians_are_scipy_s(window, n):
    rng = np.random.default_rng(n)
    for signals in (rng.normal(size=(3, n)), rng.integers(-3, 4, (3, n)).astype(float)):
        np.testing.assert_array_equal(
            cascaded_median(signals, [window]), scipy_medians(signals, [window])
        )


def test_a_cascade_of_medians():
    signals = np.random.default_rng(0).normal(size=(12, 800)).cumsum(axis=1)
    np.testing.assert_array_equal(
        cascaded_median(signals, (51, 151)), scipy_medians(signals, (51, 151))
    )


@pytest.mark.parametrize("n", [2**15 - 2, 2**15 - 1, 2**15, 40_000])
def test_signals_longer_than_16_bits_count(n):
    signals = np.arange(n, 0, -1.0)[None]
    signals[0, ::3] = 1e9
    np.testing.assert_array_equal(cascaded_median(signals, [5]), scipy_medians(signals, [5]))


def test_one_window_after_another_and_in_threads():
    """Networks are used again, and several threads at once do not write to the same one."""
    rng = np.random.default_rng(1)
    cases = [(rng.normal(size=(2, n)), w) for n in (40, 41, 70) for w in (3, 11, 15, 21)] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: cascaded_median(case[0], [case[1]]), cases))
    for (signals, window), medians in zip(cases, found, strict=True):
        np.testing.assert_array_equal(medians, scipy_medians(signals, [window]))
