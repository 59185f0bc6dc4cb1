"""Memory and files of `stress/long.py`, on two hours instead of a day."""

import numpy as np
import pytest

from ecg12.io.formats import open_any
from ecg12.io.leads import LEADS
from stress.long import GAIN, SHORT, WRITERS, beyond_array, measure, minutes, write

RATE, HOURS = 500, 2.0
MOST = 60  # MB more than for 10 s; 2 h are 86 MB in 16 bits, 346 MB in 64


@pytest.mark.parametrize("form", WRITERS)
def test_what_is_written_is_read(tmp_path, form):
    steps = np.concatenate(list(minutes(61 / 3600, 250)), axis=1)
    record = open_any(write(tmp_path, form, 61 / 3600, 250))
    assert (record.rate, record.n_samples) == (250, 61 * 250)
    part = record.read(59 * 250, 500)  # across the first minute's end
    assert part.leads == LEADS
    np.testing.assert_allclose(part.millivolts, steps[:, 59 * 250 : 61 * 250] / GAIN, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("form", WRITERS)
def test_memory_does_not_grow_with_the_length(tmp_path, form):
    names = ["plot", "check", "predict"]
    long = measure(write(tmp_path, form, HOURS, RATE), names)
    short = measure(write(tmp_path, form, SHORT, RATE), names)
    for name in names:
        # An audit holds ten minutes at a time, of which it makes a few copies in 64 bits.
        more = MOST if name != "check" else 4 * MOST
        assert long[name].megabytes < short[name].megabytes + more, name


@pytest.mark.slow
def test_the_api_takes_little_beyond_the_array(tmp_path):
    path = write(tmp_path, "wfdb", HOURS, RATE)
    assert beyond_array(path, RATE, "predict") < MOST
    assert beyond_array(path, RATE, "run_model") < MOST
