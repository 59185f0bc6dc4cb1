"""Block-shuffled order and reads: every recording once, near neighbours apart, memory bounded."""

import numpy as np
import pytest

from ecg12.data import dataset as module
from ecg12.data.dataset import Dataset
from ecg12.data.memmap_reading import gather, shuffled, windows


@pytest.fixture
def stored(tmp_path):
    """Return a memory map of 40 recordings, each filled with its own number, on the disk."""
    path = tmp_path / "signals.npy"
    np.save(path, np.arange(40, dtype=np.int16)[:, None, None] + np.zeros((1, 12, 6), np.int16))
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("n", [1, 7, 64, 65, 1000])
def test_every_index_comes_exactly_once(n):
    indices = np.random.default_rng(1).choice(5000, n, replace=False)
    order = shuffled(indices, np.random.default_rng(0), block=4, buffer=64)
    assert sorted(order) == sorted(indices)


def test_order_depends_on_the_generator_alone():
    first, again, other = (
        shuffled(np.arange(500), np.random.default_rng([seed, 3]), 4, 64) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_set_that_one_buffer_holds_is_permuted_as_numpy_does():
    indices = np.arange(100, 150)
    order = shuffled(indices, np.random.default_rng(5), block=4, buffer=50)
    np.testing.assert_array_equal(order, np.random.default_rng(5).permutation(indices))


def test_a_buffer_holds_whole_runs_from_everywhere():
    """Each buffer of 64 is read in 16 runs of 4, which come from all of the 4000 recordings."""
    order = shuffled(np.arange(4000), np.random.default_rng(0), block=4, buffer=64)
    for start in range(0, 3968, 64):
        rows = np.sort(order[start : start + 64])
        assert (rows.reshape(16, 4) == rows[::4, None] + np.arange(4)).all()
        assert np.ptp(rows) > 2000
        assert not (np.diff(order[start : start + 64]) == 1).mean() > 0.2


def test_windows_are_whole_batches():
    parts = [len(part) for part in windows(np.arange(100), size=6, buffer=20)]
    assert parts == [18] * 5 + [10]
    assert [len(part) for part in windows(np.arange(20), size=6, buffer=20)] == [6, 6, 6, 2]
    assert [len(part) for part in windows(np.arange(50), size=30, buffer=20)] == [30, 20]


def test_gather_copies_rows_in_the_order_asked(stored):
    rows = np.array([5, 39, 6, 0, 7, 30])
    np.testing.assert_array_equal(gather(stored, rows), np.asarray(stored)[rows])
    np.testing.assert_array_equal(gather(np.array(stored), rows), np.asarray(stored)[rows])
    part = stored[10:]  # no whole map: its rows do not begin where the file's do
    np.testing.assert_array_equal(gather(part, rows[:1]), np.asarray(part)[rows[:1]])


def test_a_shortened_file_is_an_error(stored):
    with open(stored.filename, "r+b") as file:  # noqa: PTH123
        file.truncate(stored.offset + 20 * stored[0].nbytes)
    assert gather(stored, np.array([19]))[0, 0, 0] == 19
    with pytest.raises(OSError, match=r"signals\.npy: ends before row 20"):
        gather(stored, np.array([18, 19, 20]))


def test_batches_are_the_same_whatever_the_buffer(stored, monkeypatch):
    names = tuple(map(str, range(40)))
    data = Dataset(
        stored,
        np.arange(40)[::-1].copy(),
        np.zeros((40, 1), bool),
        names=names,
        failures=(),
        fingerprint="",
    )
    order = shuffled(np.arange(40), np.random.default_rng(0), block=2, buffer=8)

    def read():
        return list(data.batches(order, 6))

    whole = read()
    monkeypatch.setattr(module, "windows", lambda order, size: windows(order, size, buffer=13))
    pieces = read()
    for (one, x), (other, y), start in zip(whole, pieces, range(0, 40, 6), strict=True):
        np.testing.assert_array_equal(one, order[start : start + 6])
        np.testing.assert_array_equal(other, one)
        np.testing.assert_array_equal(x, data.signals[data.rows[one]])
        np.testing.assert_array_equal(y, x)
