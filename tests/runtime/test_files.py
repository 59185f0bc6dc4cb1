"""Files: whole or absent, whatever happens while they are written."""

import json
import math
from pathlib import Path

import pytest

from ecg12.runtime.files import (
    atomic_write,
    read_json,
    sha256,
    write_json,
    write_named_by_checksum,
    write_text,
)

# SHA-256 of "abc", FIPS 180-4 example.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_replacing_shows_the_old_file_until_the_block_ends(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".keras"
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_keeps_the_old_file_when_the_block_fails(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("old")

    def fail_half_way():
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_named_by_its_checksum_and_never_overwritten(tmp_path):
    first, checksum = write_named_by_checksum(tmp_path / "m.bin", lambda p: p.write_text("abc"))
    second, _ = write_named_by_checksum(tmp_path / "m.bin", lambda p: p.write_text("other"))
    assert (first.name, checksum) == (f"m-{ABC[:8]}.bin", ABC)
    assert first.read_text() == "abc"
    assert sorted(tmp_path.iterdir()) == sorted([first, second])


def test_a_full_disk_is_told_with_the_file_s_name(tmp_path):
    def full(path=None):
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    for write in (lambda path: write_named_by_checksum(path, full), write_into(full)):
        with pytest.raises(OSError, match=r"No space left on device: '.*/m\.bin'"):
            write(tmp_path / "m.bin")
    assert not list(tmp_path.iterdir())


def write_into(function):
    def write(path):
        with atomic_write(path):
            function()

    return write


def test_a_failed_writer_leaves_nothing(tmp_path):
    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_named_by_checksum(tmp_path / "m.bin", fail)
    assert not list(tmp_path.iterdir())


def test_text_keeps_its_line_ends(tmp_path):
    write_text(tmp_path / "a.csv", "µ\r\nb\n")
    assert (tmp_path / "a.csv").read_bytes() == b"\xc2\xb5\r\nb\n"


def test_json_round_trip(tmp_path):
    value = {"rates": [0.1, 1e-300], "lead": "aVR", "none": None}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    assert json.loads((tmp_path / "a.json").read_text()) == value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_refuses_what_is_not_finite_and_keeps_the_old_file(tmp_path, value):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"score": value})
    assert read_json(tmp_path / "a.json") == 1


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_json_file_is_named(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.json: not a JSON file"):
        read_json(tmp_path / "a.json")


def test_sha256_of_the_published_example(tmp_path):
    (tmp_path / "abc").write_text("abc")
    assert sha256(tmp_path / "abc") == ABC
