"""Files: whole or absent, whatever happens while they are written."""

import errno
import fcntl
import json
import math
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from ecg12.runtime.errors import InputError
from ecg12.runtime.files import (
    atomic_write,
    is_whole_archive,
    read_json,
    sha256,
    write_json,
    write_named_by_checksum,
    write_text,
)
from ecg12.runtime.locks import locked, work_folder

ROOT = Path(__file__).parents[2]

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


def test_two_writers_of_one_file_never_publish_half_of_one(tmp_path):
    path = tmp_path / "answers.csv"
    one, two = ExitStack(), ExitStack()
    first = one.enter_context(atomic_write(path))
    first.write_text("first, whole")
    second = two.enter_context(atomic_write(path))
    second.write_text("second, ha")
    one.close()
    assert path.read_text() == "first, whole"
    second.write_text("second, whole")
    two.close()
    assert path.read_text() == "second, whole"
    assert list(tmp_path.iterdir()) == [path]


def test_many_processes_that_write_one_file_leave_a_whole_one(tmp_path):
    path = tmp_path / "state.json"
    code = (
        "import sys; from ecg12.runtime.files import write_text\n"
        "for _ in range(200): write_text(sys.argv[1], sys.argv[2] * 10_000)"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), letter], cwd=ROOT)
        for letter in "abc"
    ]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            text = path.read_text()
            assert text == text[0] * 10_000
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_left_is_cleaned_by_the_next(tmp_path):
    path = tmp_path / "model.keras"
    code = f"""
import os, signal
from ecg12.runtime.files import atomic_write
with atomic_write({str(path)!r}) as one, atomic_write({str(path)!r}) as two:
    one.write_text("half")
    two.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    write_text(path, "whole")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "whole"


def test_files_are_written_where_the_file_system_has_no_locks(tmp_path, monkeypatch):
    def flock(*arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    write_text(tmp_path / "a.csv", "whole")
    assert (tmp_path / "a.csv").read_text() == "whole"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.csv"]


@pytest.mark.parametrize(("name", "error"), [("missing/x.json", FileNotFoundError),
                                             (".", IsADirectoryError)])  # fmt: skip
def test_a_path_that_cannot_be_written_is_named_as_given(tmp_path, name, error):
    path = tmp_path / name
    with pytest.raises(error) as raised:
        write_text(path, "x")
    assert raised.value.filename == str(path)


# Locks


def test_a_lock_file_that_is_held_refuses_others_and_stays(tmp_path):
    path = tmp_path / "lock"
    for _ in range(2):
        with locked(path):
            with pytest.raises(InputError, match="lock: in use by another process"), locked(path):
                pass
            assert path.exists()


def test_a_lock_on_a_removed_file_is_none(tmp_path):
    """Who waits for a lock whose file is removed meanwhile must not share what it guards."""
    path = tmp_path / "lock"
    with locked(path):
        path.unlink()
        with locked(path):
            pass


def test_a_work_folder_is_removed_on_success_and_kept_on_failure(tmp_path):
    work = tmp_path / "model" / "work"

    def fail():
        with work_folder(work):
            (work / "state").write_text("kept")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (work / "state").read_text() == "kept"
    with work_folder(work):
        (work / "nested").mkdir()
        (work / "nested" / "a").touch()
        with pytest.raises(InputError, match="in use by another process"), work_folder(work):
            pass
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]
    assert not list((tmp_path / "model").iterdir())


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


def test_an_archive_with_one_wrong_bit_is_whole_or_not_but_no_error(tmp_path):
    """Bits that name another compression, encrypted entries, or places before the file."""
    path = tmp_path / "state.npz"
    np.savez(path, state=np.arange(3))
    assert is_whole_archive(path)
    data = path.read_bytes()
    for place in range(len(data)):
        for bit in (1, 8, 128):
            path.write_bytes(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
            if is_whole_archive(path):
                np.testing.assert_array_equal(np.load(path)["state"], np.arange(3))
    path.write_bytes(data[:-10])
    assert not is_whole_archive(path)
    with pytest.raises(FileNotFoundError):
        is_whole_archive(tmp_path / "absent.npz")
