"""Statistics of a model folder: read as written, refused when damaged, absent in old folders."""

import hashlib

import numpy as np
import pytest

from ecg12.decision.novelty import LEVELS, Moments, Novelty
from ecg12.ensemble.novelty_file import load_novelty, save_novelty
from ecg12.runtime.errors import ModelError


@pytest.fixture
def novelty():
    rng = np.random.default_rng(0)

    def moments(size):
        covariance = np.cov(rng.random((50, size)), rowvar=False).astype(np.float32)
        return Moments(rng.random(size).astype(np.float32), (covariance + covariance.T) / 2)

    members = ((moments(3), moments(5)), (moments(4),))
    return Novelty(members, np.sort(rng.random(len(LEVELS))))


def test_read_as_written(novelty, tmp_path):
    entry = save_novelty(tmp_path, novelty)
    assert entry["channels"] == [[3, 5], [4]]
    assert (tmp_path / entry["file"]).stat().st_size == 4 * (3 + 6 + 5 + 15 + 4 + 10)
    found = load_novelty(tmp_path, entry, 2)
    np.testing.assert_array_equal(found.quantiles, novelty.quantiles)
    for own, other in zip(found.members, novelty.members, strict=True):
        for one, two in zip(own, other, strict=True):
            np.testing.assert_array_equal(one.mean, two.mean)
            np.testing.assert_array_equal(one.covariance, two.covariance)


def changed(tmp_path, entry, data):
    (tmp_path / entry["file"]).write_bytes(data)
    return entry | {"sha256": hashlib.sha256(data).hexdigest()}


def test_damaged_files_are_refused(novelty, tmp_path):
    entry = save_novelty(tmp_path, novelty)
    file = tmp_path / entry["file"]
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"\x01")
    with pytest.raises(ModelError, match=r"novelty-.*checksum"):
        load_novelty(tmp_path, entry, 2)
    with pytest.raises(ModelError, match="do not fit channels"):
        load_novelty(tmp_path, changed(tmp_path, entry, data[:-4]), 2)
    nan = np.float32("nan").tobytes()
    with pytest.raises(ModelError, match="not finite"):
        load_novelty(tmp_path, changed(tmp_path, entry, nan + data[4:]), 2)
    file.unlink()
    with pytest.raises(ModelError, match="missing"):
        load_novelty(tmp_path, entry, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "other"}, "method"),
        ({"levels": [50]}, "method"),
        ({"quantiles": [1.0]}, "quantiles"),
        ({"quantiles": list(range(len(LEVELS), 0, -1))}, "rising"),
        ({"channels": [[3, 5]]}, "2 members"),
        ({"channels": [[3, 5], [10**9]]}, "members"),
        ({"channels": [[3, 5], [5]]}, "bytes do not fit"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(novelty, tmp_path, change, message):
    entry = save_novelty(tmp_path, novelty)
    with pytest.raises(ModelError, match=message):
        load_novelty(tmp_path, entry | change, 2)
