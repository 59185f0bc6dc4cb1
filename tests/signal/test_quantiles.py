"""Quantiles and medians beside NumPy's."""

import numpy as np
import pytest

from ecg12.signal.quantiles import median, quantiles


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("n", [1, 2, 7, 500])
def test_quantiles_are_numpys(share, n):
    values = np.random.default_rng(n).standard_normal((3, n))
    np.testing.assert_allclose(quantiles(values, share), np.quantile(values, share, axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 6, 11, 12])
def test_a_median_is_numpys_to_the_last_bit(n, dtype):
    for values in np.random.default_rng(n).standard_normal((200, n)).astype(dtype):
        assert median(values) == np.median(values)
