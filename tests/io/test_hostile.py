"""Hostile input: nothing hangs, fills the memory, leaves the folder or costs other recordings."""

import os
import signal
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ecg12.io import aecg, dicom, scp
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.formats import elements, read_any
from ecg12.io.leads import LEADS
from ecg12.io.matlab import read_mat
from ecg12.io.muse import read_muse
from ecg12.io.outputs import read_outputs, write_output
from ecg12.io.wfdb import find_records, open_record, read_header, read_record, write_record
from ecg12.metrics.folders import read_codes
from ecg12.runtime.errors import InputError, RecordError

CLASSES = load_weights(WEIGHTS)
NAMES = [b"Mu\xf1oz", b"new\nline", b"tab\tx", b"\x1b[31mred", b"a,b", b"#hash", b"-rf", b"x" * 251]


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """Load what a first call loads: far slower while memory is traced."""
    dicom.read(Path(__file__).parents[1] / "corpus" / "dicom" / "explicit.dcm")


@contextmanager
def limits(seconds=10, peak=50e6):
    """End what hangs; the block may not take more than `peak` bytes."""

    def hang(number, frame):
        raise AssertionError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < peak
    finally:
        tracemalloc.stop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def sparse(path, size=2**30, head=b""):
    """Make a file of `size` bytes of which only `head` takes disk space: one endless line."""
    path.write_bytes(head)
    os.truncate(path, size)
    return path


HEADER = "A1 12 500 5000\n" + "".join(f"A1.mat 16+24 1000/mV 16 0 0 0 0 {x}\n" for x in LEADS)
READERS = {
    ".hea": [read_header, read_record, read_codes],
    ".xml": [read_muse, read_any, aecg.read],
    ".dcm": [dicom.read],
    ".scp": [scp.read],
    ".csv": [lambda path: read_outputs([path], CLASSES)],
}


@pytest.mark.parametrize("suffix", READERS)
def test_a_line_of_a_gigabyte_is_refused_unread(tmp_path, suffix):
    path = sparse(tmp_path / f"A1{suffix}", head=HEADER.encode())
    for read in READERS[suffix]:
        with limits(), pytest.raises(InputError, match=rf"A1\{suffix}: larger than \d+ bytes"):
            read(path)


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device"])
def test_what_never_ends_is_refused(tmp_path, suffix, kind):
    path = tmp_path / f"A1{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device" and os.geteuid() == 0:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
    else:
        path.symlink_to("/dev/zero")
    for read in READERS[suffix]:
        with limits(), pytest.raises((InputError, OSError), match=rf"A1\{suffix}"):
            read(path)


def test_signals_in_a_pipe_are_no_signal_file(tmp_path):
    (tmp_path / "A1.hea").write_text(HEADER)
    os.mkfifo(tmp_path / "A1.mat")
    with limits(), pytest.raises(RecordError, match="no signal file"):
        read_record(tmp_path / "A1")


def test_a_header_that_claims_a_billion_samples(tmp_path):
    (tmp_path / "A1.hea").write_text(HEADER.replace(" 5000\n", " 1000000000\n"))
    (tmp_path / "A1.mat").write_bytes(
        struct.pack("<5i", 30, 12, 10**9, 0, 4) + b"val\0" + b"\1" * 99
    )
    with limits(), pytest.raises(RecordError, match=r"A1\.mat: truncated: 12 x 1000000000 samples"):
        read_record(tmp_path / "A1")


def test_of_a_recording_of_a_gigabyte_only_what_is_asked_for_is_read(tmp_path):
    (tmp_path / "A1.hea").write_text(HEADER)
    head = struct.pack("<5i", 30, 12, 2**30 // 24, 0, 4) + b"val\0"
    sparse(tmp_path / "A1.mat", size=2**30 + 24, head=head)
    with limits():
        assert read_record(tmp_path / "A1", seconds=11).stored.shape == (12, 5500)


def version_4(rows, columns, name=b"fs\0", kind=30, data=b"\0" * 200):
    return struct.pack("<5i", kind, rows, columns, 0, len(name)) + name + data


@pytest.mark.parametrize("rows", range(-30, 0))
def test_matrices_of_negative_size_lead_nowhere_back(tmp_path, rows):
    """SciPy seeks backwards there and reads the same header for ever."""
    (tmp_path / "a.mat").write_bytes(version_4(rows, 1))
    with limits(), pytest.raises(RecordError, match="shape"):
        read_mat(tmp_path / "a.mat")


def compressed(n_bytes, copies=1):
    """Return a version 5 file whose variables decompress to `n_bytes` each, none of them `val`."""
    inner = struct.pack("<2I", 14, n_bytes) + b"\0" * n_bytes
    packed = zlib.compress(inner, 9)
    element = struct.pack("<2I", 15, len(packed)) + packed
    return b"MATLAB 5.0".ljust(124) + b"\0\1IM" + element * copies


def test_bombs_are_unpacked_to_a_limit_that_counts_for_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr("ecg12.io.matlab.LARGEST_FILE", 2**22)
    (tmp_path / "a.mat").write_bytes(compressed(2**20, copies=1000))
    with limits(seconds=3), pytest.raises(RecordError, match=r"a\.mat: "):
        read_mat(tmp_path / "a.mat")


def test_one_bomb_takes_no_more_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("ecg12.io.matlab.LARGEST_FILE", 2**22)
    (tmp_path / "a.mat").write_bytes(compressed(2**26))
    with limits(peak=30e6), pytest.raises(RecordError, match=r"damaged MATLAB file"):
        read_mat(tmp_path / "a.mat")


def test_a_flood_of_empty_elements_ends_soon(tmp_path):
    head = b"MATLAB 5.0".ljust(124) + b"\0\1IM"
    flood = struct.pack("<2I", 14, 2**25 - 8) + b"\0" * (2**25 - 8)
    for data in (head + b"\0" * 2**25, head + flood):
        (tmp_path / "a.mat").write_bytes(data)
        with limits(seconds=2), pytest.raises(RecordError, match=r"a\.mat: "):
            read_mat(tmp_path / "a.mat")


@pytest.mark.parametrize("name", [".", "..", "/", "//", "../..", "a\0b", "x" * 300, "~", "*"])
def test_a_signal_file_of_an_impossible_name(tmp_path, name):
    (tmp_path / "A1.hea").write_text(HEADER.replace("A1.mat", name))
    with pytest.raises(RecordError, match=r"A1\.hea: no signal file A1\.mat"):
        read_record(tmp_path / "A1")


@pytest.fixture
def secret(tmp_path):
    """Write a recording outside the data folder, and a harmless one of the same name inside."""
    (tmp_path / "data").mkdir()
    samples = np.arange(600, dtype="<i2")
    (tmp_path / "s.dat").write_bytes((samples + 1000).tobytes())
    (tmp_path / "data" / "s.dat").write_bytes(samples.tobytes())
    return tmp_path / "s.dat"


@pytest.mark.parametrize(
    "named", ["../s.dat", "{}", "./../s.dat", "sub/../../s.dat", "s.dat::file://{}"]
)
def test_no_header_makes_wfdb_leave_the_folder(secret, named):
    file = named.format(secret)
    data = secret.parent / "data"
    (data / "s.hea").write_text(f"s 1 500 600\n{file} 16 1000/mV 16 0 0 0 0 I\n")
    if "::" in file:
        (data / Path(file).name).touch()
    with pytest.raises(RecordError, match=r"s\.hea: .*(beside the header|no signal file)"):
        read_record(data / "s")


@pytest.mark.parametrize("named", ["../s", "/etc/passwd", "sub/s", "s::t", "a\0b"])
def test_no_header_of_segments_leaves_the_folder(secret, named):
    data = secret.parent / "data"
    header = "s 1 500 600\ns.dat 16 1000/mV 16 0 0 0 0 I\n"
    (secret.parent / "s.hea").write_text(header)
    (data / "m.hea").write_text(f"m/1 1 500 600\n{named} 600\n")
    with pytest.raises(RecordError, match=r"m\.hea: .* beside the header"):
        read_record(data / "m")


def test_a_recording_of_no_segments_is_refused(tmp_path):
    (tmp_path / "m.hea").write_text("m/0 1 500 600\ns 600\n")
    with pytest.raises(RecordError, match=r"m\.hea: a recording of 0 segments"):
        read_record(tmp_path / "m")


@pytest.mark.parametrize("offset", ["1201", "9" * 18, "9" * 400, "9" * 5000])
def test_an_offset_beyond_the_file_is_refused(tmp_path, offset):
    """Beyond 308 digits it is no float, beyond 4300 no integer that Python parses."""
    (tmp_path / "m.hea").write_text(f"m 1 500\nm.dat 16+{offset} 200/mV 16 0 0 0 0 II\n")
    (tmp_path / "m.dat").write_bytes(bytes(1200))
    for read in (read_record, open_record):
        reason = rf"m\.hea: format '16\+{offset[:30]}.* skips more than the 1200 bytes of m\.dat"
        with pytest.raises(RecordError, match=reason) as raised:
            read(tmp_path / "m")
        assert len(str(raised.value)) < len(str(tmp_path)) + 200


def test_an_offset_that_is_the_whole_file_leaves_no_samples(tmp_path):
    (tmp_path / "m.hea").write_text("m 1 500\nm.dat 16+1200 200/mV 16 0 0 0 0 II\n")
    (tmp_path / "m.dat").write_bytes(bytes(1200))
    with pytest.raises(RecordError, match=r"m\.hea: no samples in m\.dat"):
        read_record(tmp_path / "m")


def test_an_offset_that_is_no_number_is_refused(tmp_path):
    (tmp_path / "m.hea").write_text("m 1 500\nm.dat 61+² 200/mV 16 0 0 0 0 II\n", encoding="utf-8")
    (tmp_path / "m.dat").write_bytes(bytes(1200))
    with pytest.raises(RecordError, match=r"m\.hea: format '61\+²' has no number of bytes"):
        read_record(tmp_path / "m")


def test_a_segment_in_segments_is_refused(secret):
    data = secret.parent / "data"
    (data / "m.hea").write_text("m/1 1 500 600\nm 600\n")
    with pytest.raises(RecordError, match="a segment that is in segments itself"):
        read_record(data / "m")


def test_links_to_files_are_followed_links_to_folders_are_not(tmp_path, make_record):
    for name in ("data", "elsewhere"):
        (tmp_path / name).mkdir()
    write_record(tmp_path / "elsewhere", make_record("A1"))
    for suffix in (".hea", ".mat"):
        (tmp_path / "data" / f"A1{suffix}").symlink_to(tmp_path / "elsewhere" / f"A1{suffix}")
    (tmp_path / "data" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "A2.hea").symlink_to(tmp_path / "data" / "A2.hea")
    found = find_records(tmp_path / "data")
    assert [path.name for path in found] == ["A1", "A2"]
    assert read_record(found[0]).stored.shape == (12, 5000)
    with pytest.raises(RecordError, match=r"A2\.hea: "):
        read_record(found[1])


def test_of_another_file_s_text_no_more_than_a_piece_is_quoted(tmp_path):
    (tmp_path / "secrets").write_text("password " * 1000)
    (tmp_path / "A1.hea").symlink_to(tmp_path / "secrets")
    with pytest.raises(RecordError) as caught:
        read_record(tmp_path / "A1")
    assert str(caught.value).count("password") < 10


def test_a_file_that_claims_a_billion_recordings(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("tracings", (10**9, 500, 12), "f4", chunks=(1, 500, 12))
    assert path.stat().st_size < 10_000
    with limits(seconds=10):
        assert elements(path) == [path]
        with pytest.raises(RecordError, match=r"bomb\.h5: 1000000000 recordings"):
            read_any(path, rate=400, unit="mV")


def npz(path, members):
    """Write an archive of arrays: name → (shape as its header says, bytes after the header)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (shape, size) in members.items():
            with archive.open(f"{name}.npy", "w") as file:
                head = {"descr": "<f8", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, head)
                for _ in range(0, size, 2**20):
                    file.write(bytes(2**20))
    return path


@pytest.mark.parametrize("name", ["ecg", "rate"])
def test_an_array_of_a_negative_length_is_refused_unread(tmp_path, name):
    path = npz(tmp_path / "a.npz", {name: ((-2, 12), 100 * 2**20)})
    assert path.stat().st_size < 200_000
    with limits(), pytest.raises(RecordError, match=rf"a\.npz: '{name}.npy' has shape \(-2, 12\)"):
        read_any(path, 11.0, rate=500, unit="mV", leads=LEADS)


def test_a_head_of_an_array_without_end_is_refused_unread(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("ecg.npy", "w") as file:
            file.write(b"\x93NUMPY\x02\x00" + struct.pack("<I", 100 * 2**20))
            for _ in range(100):
                file.write(b" " * 2**20)
    with limits(), pytest.raises(RecordError, match=r"a\.npz: damaged"):
        read_any(path, 11.0, rate=500, unit="mV", leads=LEADS)


def test_of_an_archive_of_many_arrays_none_is_kept(tmp_path):
    shape, size = (12, 2**18), 12 * 2**18 * 8
    path = npz(tmp_path / "a.npz", {f"m{i}": (shape, size) for i in range(8)})
    with limits(), pytest.raises(RecordError, match=r"found: m0 \(12, 262144\), m1 "):
        read_any(path, 11.0, rate=500, unit="mV", leads=LEADS)


def test_signals_are_found_beside_other_arrays(tmp_path, make_ecg):
    signals = make_ecg(500, 3)
    np.savez_compressed(
        tmp_path / "a.npz", times=np.arange(2**23) / 500, names=np.array(["A"] * 2**18),
        ecg=signals, rate=500, unit="mV", leads=LEADS,
    )  # fmt: skip
    with limits():
        record = read_any(tmp_path / "a.npz", 1.0)
    assert (record.rate, record.leads) == (500, LEADS)
    np.testing.assert_array_equal(record.millivolts, signals[:, :500])


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_gets_an_output_of_four_lines(tmp_path, make_record, name):
    stem = os.fsdecode(name)
    write_record(tmp_path, make_record("A1"))
    for suffix in (".hea", ".mat"):
        (tmp_path / f"A1{suffix}").rename(tmp_path / f"{stem}{suffix}")
    (found,) = find_records(tmp_path)
    record = read_record(found)
    assert record.name == stem
    path = write_output(tmp_path, record.name, ["426783006"], [1], [0.5])
    assert path.name == f"{stem}.csv"
    head, *rows = path.read_text().split("\n")
    assert rows == ["426783006", "1", "0.5", ""]
    assert head.startswith("#")
    assert head.isprintable()


def test_file_names_in_the_log_command_no_terminal():
    script = "import sys, logging; from ecg12.runtime.progress import log_to; log_to(sys.stdout)\n"
    script += r"logging.info('%s: bad', '\x1b[31mA\udcf1\nµ')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().endswith(" \\x1b[31mA\\udcf1\nµ: bad\n")
    assert done.stderr == b""
