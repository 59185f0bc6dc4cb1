"""Recordings: every kind of file the challenge contract lists, read, written and damaged."""

import io
import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import wfdb
from scipy.io import loadmat, savemat

from ecg12.io.headers import parse_header
from ecg12.io.leads import LEADS
from ecg12.io.matlab import read_mat
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb import find_records, read_header, read_record, write_record
from ecg12.runtime.errors import InputError, RecordError

# wfdb 4.3 calls pandas in a way that pandas 3.1 warns about, when it writes.
pandas_warns = pytest.mark.filterwarnings("ignore:The inplace keyword")
VAL = np.arange(-300, 300, dtype=np.int16).reshape(12, 50)


def header_text(name="A0001", *, n_leads=12, n_samples=50, file=None, gain="1000/mV", tail=""):
    lines = [f"{name} {n_leads} 500 {n_samples}"]
    file = file or f"{name}.mat"
    lines += [f"{file} 16+24 {gain} 16 0 0 0 0 {lead}" for lead in LEADS[:n_leads]]
    return "\n".join(lines) + "\n" + tail


@pytest.fixture
def make_files(tmp_path):
    """Write one recording's two files: any header, any matrix or bytes; return its stem."""

    def make(header=None, signals=VAL, stem="A0001", **mat_options):
        path = tmp_path / f"{stem}.mat"
        if isinstance(signals, bytes):
            path.write_bytes(signals)
        elif signals is not None:
            savemat(path, {"val": signals}, **{"format": "4", **mat_options})
        header = header_text() if header is None else header
        data = header if isinstance(header, bytes) else header.encode()
        (tmp_path / f"{stem}.hea").write_bytes(data)
        return tmp_path / stem

    return make


# What SciPy writes, in all its versions and number types


@pytest.mark.parametrize(
    ("version", "compression", "kind"),
    [("4", False, kind) for kind in ("i2", "u1", "u2", "i4", "f4", "f8")]
    + [
        ("5", compression, kind)
        for compression in (False, True)
        for kind in ("i2", "u1", "u2", "i4", "f4", "f8", "i1", "u4", "i8", "u8")
    ],
)
def test_mat_versions_and_types(make_files, version, compression, kind):
    options = {"format": version, "do_compression": compression}
    values = np.abs(VAL[:, :40] % 100).astype(kind)
    stored = read_record(make_files(signals=values, **options)).stored
    assert stored.dtype.newbyteorder("=") == np.dtype(kind)
    np.testing.assert_array_equal(stored, values)


@pytest.mark.parametrize("version", ["4", "5"])
def test_other_variables_before_val(tmp_path, version):
    path = tmp_path / "a.mat"
    savemat(path, {"note": "text", "fs": 500.0, "val": VAL}, format=version)
    np.testing.assert_array_equal(read_mat(path), VAL)


def test_version_5_with_structs_and_empty_cells_beside_val(tmp_path):
    cells = np.empty((0, 0), object)
    savemat(tmp_path / "a.mat", {"info": {"fs": 500, "lead": "I"}, "none": cells, "val": VAL})
    np.testing.assert_array_equal(read_mat(tmp_path / "a.mat"), VAL)


def test_big_endian_files(tmp_path):
    big = struct.pack(">5i", 1030, 12, 50, 0, 4) + b"val\0" + VAL.T.astype(">i2").tobytes()
    (tmp_path / "a.mat").write_bytes(big)
    np.testing.assert_array_equal(read_mat(tmp_path / "a.mat"), VAL)
    flags, size = struct.pack(">4I", 6, 8, 10, 0), struct.pack(">2I2i", 5, 8, 12, 50)
    name = struct.pack(">HH", 3, 1) + b"val\0"
    data = struct.pack(">2I", 3, VAL.nbytes) + VAL.T.astype(">i2").tobytes()
    body = flags + size + name + data
    head = b"MATLAB 5.0".ljust(124) + b"\1\0MI" + struct.pack(">2I", 14, len(body))
    (tmp_path / "b.mat").write_bytes(head + body)
    np.testing.assert_array_equal(read_mat(tmp_path / "b.mat"), VAL)
    np.testing.assert_array_equal(loadmat(tmp_path / "b.mat")["val"], VAL)


@pytest.mark.parametrize("options", [{"format": "4"}, {"format": "5", "do_compression": True}])
def test_the_first_seconds_only(make_files, options):
    stem = make_files(**options)
    np.testing.assert_array_equal(read_record(stem, seconds=0.021).stored, VAL[:, :11])
    np.testing.assert_array_equal(read_record(stem, seconds=9).stored, VAL)
    assert read_record(stem, seconds=0).stored.shape == (12, 1)


@pytest.mark.parametrize(
    ("version", "values"),
    [(version, values) for version in "45" for values in (VAL[0], np.array(["text"]), VAL + 1j)]
    + [("5", np.zeros((2, 3, 4)))],
)
def test_val_that_is_no_matrix_of_twelve_real_rows(tmp_path, version, values):
    path = tmp_path / "A0001.mat"
    savemat(path, {"val": values}, format=version)
    (tmp_path / "A0001.hea").write_text(header_text(n_leads=12))
    with pytest.raises(RecordError, match="A0001"):
        read_record(path)


@pytest.mark.parametrize("version", ["4", "5"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 50), (12, 0)])
def test_an_empty_val(tmp_path, version, shape):
    savemat(tmp_path / "a.mat", {"val": np.zeros(shape, np.int16)}, format=version)
    with pytest.raises(RecordError, match=r"a\.mat: .*'val' has shape"):
        read_mat(tmp_path / "a.mat")


@pytest.mark.parametrize("version", ["4", "5"])
def test_a_mat_file_without_val(tmp_path, version):
    savemat(tmp_path / "a.mat", {"signal": VAL}, format=version)
    with pytest.raises(RecordError, match=r"a\.mat: .*'val'"):
        read_mat(tmp_path / "a.mat")


@pytest.mark.parametrize("version", ["4", "5"])
@pytest.mark.parametrize("size", [0, 1, 23, 24, 127, 140, 180, 600, -1])
def test_a_truncated_or_empty_file(make_files, version, size):
    stem = make_files(format=version)
    mat = stem.with_suffix(".mat")
    mat.write_bytes(mat.read_bytes()[:size])
    with pytest.raises(RecordError, match=r"A0001\.mat: "):
        read_record(stem, seconds=0.01)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(12, 2**31 - 1), (2**31 - 1, 2**31 - 1), (12, 0), (0, 50), (-12, 50), (-12, -50)],
)
@pytest.mark.parametrize("kind", [0, 10, 20, 30, 40, 50])
def test_absurd_dimensions_take_no_memory(make_files, kind, rows, columns):
    data = struct.pack("<5i", kind, rows, columns, 0, 4) + b"val\0" + bytes(100)
    stem = make_files(signals=data)
    tracemalloc.start()
    with pytest.raises(RecordError, match=r"A0001\.mat: (truncated|'val' has shape)"):
        read_record(stem)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.parametrize(
    "count", [1, 49, 51, 0, -7, 10**12, 10**400], ids=lambda count: f"{min(count, 10**12)}"
)
def test_the_matrix_decides_the_number_of_samples(make_files, count):
    np.testing.assert_array_equal(read_record(make_files(header_text(n_samples=count))).stored, VAL)


@pytest.mark.parametrize("n_rows", [11, 13, 1])
def test_fewer_or_more_rows_than_leads(make_files, n_rows):
    stem = make_files(signals=np.resize(VAL, (n_rows, 50)))
    with pytest.raises(RecordError, match=f"A0001: .* 12 leads, .* {n_rows} rows"):
        read_record(stem)


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        i = rng.integers(len(data))
        if rng.random() < 0.7:
            data[i] = rng.integers(256)
        else:
            del data[i : i + rng.integers(1, 9)]
    return bytes(data)


@pytest.mark.parametrize(
    "options",
    [{"format": "4"}, {"format": "5"}, {"format": "5", "do_compression": True}],
    ids=["v4", "v5", "compressed"],
)
def test_damaged_mat_files_raise_record_errors_and_nothing_else(tmp_path, options):
    """SciPy's reader of version 5 ends the process on some of these."""
    file = io.BytesIO()
    savemat(file, {"val": VAL}, **options)
    good, rng, refusals = file.getvalue(), np.random.default_rng(0), []
    path = tmp_path / "a.mat"
    for _ in range(500):
        path.write_bytes(mutated(good[:200], rng) + good[200:])
        try:
            assert read_mat(path, 10).ndim == 2
        except RecordError as error:
            refusals.append(str(error))
    assert 50 < len(refusals) < 500
    assert all("a.mat: " in message for message in refusals)


# Other WFDB signal files


@pandas_warns
@pytest.mark.parametrize(
    ("formats", "limit"),
    [(["16"], 32767), (["212"], 2047), (["24"], 2**23 - 1), (["32"], 2**31 - 1), (["80"], 127)],
)
@pytest.mark.parametrize("n_leads", [1, 2, 12])
def test_dat_files(tmp_path, formats, limit, n_leads):
    rng = np.random.default_rng(0)
    samples = rng.integers(-limit, limit, (700, n_leads))
    wfdb.wrsamp(
        "p1", fs=250, units=["mV"] * n_leads, sig_name=list(LEADS[:n_leads]), d_signal=samples,
        fmt=formats * n_leads, adc_gain=[200.0] * n_leads, baseline=[5] * n_leads,
        write_dir=str(tmp_path), comments=["Age: 61", "Sex: F", "Dx: 426783006"],
    )  # fmt: skip
    record = read_record(tmp_path / "p1.hea")
    np.testing.assert_array_equal(record.stored, samples.T)
    np.testing.assert_allclose(record.millivolts, (samples.T - 5) / 200)
    assert (record.age, record.sex, record.codes) == (61, "Female", ("426783006",))
    np.testing.assert_array_equal(read_record(tmp_path / "p1", 1).stored, samples[:250].T)
    gap = -limit - 1
    np.testing.assert_array_equal(np.isnan(replaced(record, gap).centred[0, :3]), [1, 0, 0])


FULL = {"508": 2**7, "516": 2**15, "524": 2**23, "212": 2**11, "16": 2**15, "32": 2**31}


@pandas_warns
@pytest.mark.parametrize(
    "formats",
    [("508", "508"), ("516", "516"), ("524", "524"), ("524", "508"), ("16", "212"), ("212", "32"),
     ("516", "16")],
)  # fmt: skip
def test_missing_samples_of_every_format_are_those_of_wfdb(tmp_path, formats):
    """Also where the signals of one recording are stored in different formats."""
    highest = [FULL[kind] - 1 for kind in formats]
    samples = np.array([[-limit - 1, -limit, 0, limit, -limit - 1] for limit in highest]).T
    written = wfdb.Record(
        record_name="p1", n_sig=2, fs=250, units=["mV"] * 2, sig_name=["I", "II"], sig_len=5,
        d_signal=samples, fmt=list(formats), file_name=[f"{kind}.dat" for kind in formats],
        adc_gain=[200.0] * 2, baseline=[5] * 2,
    )  # fmt: skip
    written.set_d_features()
    written.set_defaults()
    written.wrsamp(write_dir=str(tmp_path))
    expected = wfdb.rdrecord(str(tmp_path / "p1")).p_signal.T
    assert np.isnan(expected).tolist() == [[True, False, False, False, True]] * 2
    np.testing.assert_allclose(read_record(tmp_path / "p1").millivolts, expected)
    start = read_record(tmp_path / "p1", 2 / 250)
    np.testing.assert_allclose(start.millivolts, expected[:, :2])


def replaced(record, value):
    stored = record.stored.copy()
    stored[0, 0] = value
    stored[0, 1:3] = value + 1
    return Record(**{**vars(record), "stored": stored})


def write_dat(folder, count):
    wfdb.wrsamp(
        "p1", fs=500, units=["mV"] * 3, sig_name=["I", "II", "V2"],
        d_signal=VAL.T[:, :3].astype(int), fmt=["16"] * 3, adc_gain=[1000.0] * 3,
        baseline=[0] * 3, write_dir=str(folder),
    )  # fmt: skip
    path = folder / "p1.hea"
    path.write_text(path.read_text().replace("p1 3 500 50", f"p1 3 500 {count}"))
    return path


@pandas_warns
@pytest.mark.parametrize("seconds", [None, 0.01])
def test_a_dat_file_without_a_number_of_samples(tmp_path, seconds):
    path = write_dat(tmp_path, "")
    assert read_record(path, seconds).stored.shape == (3, 50 if seconds is None else 5)


@pandas_warns
@pytest.mark.parametrize("count", [51, 10**12, 10**400], ids=["51", "1e12", "1e400"])
@pytest.mark.parametrize("seconds", [None, 0.01])
def test_a_dat_file_shorter_than_its_header_says(tmp_path, count, seconds):
    path = write_dat(tmp_path, count)
    tracemalloc.start()
    with pytest.raises(RecordError, match=r"p1\.dat: truncated: .* the file has 300"):
        read_record(path, seconds)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pandas_warns
def test_a_dat_file_that_wfdb_cannot_read_is_named(tmp_path):
    path = write_dat(tmp_path, 50)
    path.write_text(path.read_text().replace(" 16 1000", " 999 1000"))
    with pytest.raises(RecordError, match=r"p1\.hea: not readable as WFDB: "):
        read_record(path)


# Names and folders


def test_the_header_may_name_another_record_and_file(make_files):  # Georgia, 2020
    record = read_record(make_files(header_text("E00271.mat", file="E09999.mat"), stem="E00001"))
    assert record.name == "E00001"
    np.testing.assert_array_equal(record.stored, VAL)


def test_a_signal_file_of_another_name_beside_the_header(make_files):
    stem = make_files(header_text(file="../data/other.mat"))
    stem.with_suffix(".mat").rename(stem.with_name("other.mat"))
    np.testing.assert_array_equal(read_record(stem).stored, VAL)


@pytest.mark.parametrize("stem", ["A0001", "A.B.1", "patient 7", "I25.mat.copy", "é"])
@pytest.mark.parametrize("suffix", ["", ".hea", ".mat"])
def test_stems_with_dots_blanks_and_accents(make_files, stem, suffix):
    path = make_files(stem=stem)
    assert read_record(path.with_name(stem + suffix)).name == stem
    assert find_records(path.parent) == [path]


def test_nested_and_flat_folders_and_hidden_files(tmp_path):
    names = [
        "A2.hea", "A2.mat", "A1.hea", "training/georgia/g1/E1.hea", "training/georgia/g1/E1.mat",
        "training/ptb/s1.dat", ".git/A9.hea", "._A2.hea", "training/.cache/x.mat", "RECORDS",
        "A2.csv", "notes.txt",
    ]  # fmt: skip
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.mat").mkdir()
    found = [str(path.relative_to(tmp_path)) for path in find_records(tmp_path)]
    assert found == ["A1", "A2", "training/georgia/g1/E1", "training/ptb/s1"]


def test_a_folder_below_a_hidden_one_is_searched(tmp_path):
    folder = tmp_path / ".cache" / "data"
    folder.mkdir(parents=True)
    (folder / "A1.hea").touch()
    assert find_records(folder) == [folder / "A1"]


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        find_records(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=f"{tmp_path.name}: no recordings"):
        find_records(tmp_path)


def test_a_header_without_signals(make_files):
    stem = make_files(signals=None)
    assert find_records(stem.parent) == [stem]
    with pytest.raises(RecordError, match=r"A0001\.hea: no signal file A0001\.mat"):
        read_record(stem)


def test_signals_without_a_header(make_files):
    stem = make_files()
    stem.with_suffix(".hea").unlink()
    assert find_records(stem.parent) == [stem]
    with pytest.raises(RecordError, match=r"A0001\.hea: No such file"):
        read_record(stem)


def test_an_empty_header_is_named(make_files):
    with pytest.raises(RecordError, match=r"A0001\.hea: the header is empty"):
        read_record(make_files(""))


def test_a_folder_in_place_of_the_signals(make_files):
    stem = make_files(signals=None)
    stem.with_suffix(".mat").mkdir()
    with pytest.raises(RecordError, match="no signal file"):
        read_record(stem)
    with pytest.raises(RecordError, match=r"A0001\.mat: Is a directory"):
        read_mat(stem.with_suffix(".mat"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings(make_files, encoding):
    text = header_text(gain="1/µV", tail="#Hx: Muñoz\n#Dx: 426783006\n")
    record = read_record(make_files(text.encode(encoding)))
    assert record.codes == ("426783006",)
    np.testing.assert_allclose(record.millivolts, VAL / 1000)


# Millivolts


@pytest.mark.parametrize(
    ("gain", "microvolts_per_step"),
    [
        ("1000/mV", 1),
        ("1000.0(0)/mv", 1),
        ("4880/mV", 1000 / 4880),
        ("0.2048/uV", 1 / 0.2048),
        ("2/µV", 0.5),
        ("1/nV", 0.001),
        ("1e6/V", 1),
        ("200", 5),
    ],
)
def test_units(make_files, gain, microvolts_per_step):
    record = read_record(make_files(header_text(gain=gain)))
    np.testing.assert_allclose(record.millivolts, VAL * microvolts_per_step / 1000)


@pytest.mark.parametrize("gain", ["0/mV", "0(0)/mV", "nan/mV", "/mV", "1000/mmHg"])
def test_without_gain_or_voltage_unit_there_are_no_millivolts(make_files, gain):
    record = read_record(make_files(header_text(gain=gain)))
    assert np.isnan(record.millivolts).all()
    np.testing.assert_array_equal(record.centred, VAL)


def test_offset_and_missing_samples(make_files):
    values = VAL.astype(np.float64)
    values[0, :4] = [MISSING, np.nan, np.inf, 1e300]
    millivolts = read_record(make_files(header_text(gain="500(100)/mV"), values)).millivolts
    assert np.isnan(millivolts[0, :4]).all()
    np.testing.assert_allclose(millivolts[0, 4:], (VAL[0, 4:] - 100) / 500)
    np.testing.assert_allclose(millivolts[1:], (VAL[1:] - 100) / 500)


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64, np.uint16, np.float32, np.float64])
def test_a_harness_may_hand_over_any_number_type(kind):
    header = parse_header(header_text())
    record = Record.from_header(header, np.abs(VAL).astype(kind), "A0001")
    np.testing.assert_array_equal(record.centred, np.abs(VAL))
    assert record.centred.dtype == np.float64


@pytest.mark.parametrize(
    "samples",
    [VAL[0], VAL[None], np.zeros((12, 0)), VAL.astype(str), VAL > 0, VAL + 0j, None],
    ids=["1-D", "3-D", "no samples", "text", "bool", "complex", "none"],
)
def test_what_is_no_matrix_of_numbers(samples):
    with pytest.raises(RecordError, match="A0001: samples of shape"):
        Record.from_header(parse_header(header_text()), samples, "A0001")


def test_from_millivolts_saturates_and_marks_gaps():
    record = Record.from_millivolts("a", [[0.0014, 40, -40, np.nan]], ["avr"], 500)
    assert record.stored.tolist() == [[1, 32767, -32767, MISSING]]
    assert record.leads == ("aVR",)


# Written recordings


@pytest.mark.parametrize("dialect", ["A", "B"])
@pytest.mark.parametrize(
    ("gain", "unit"), [(1000.0, "mV"), (4880.0, "mV"), (0.2048, "uV"), (0.2048, "µV"), (1e6, "V")]
)
def test_wfdb_reads_what_is_written(tmp_path, make_ecg, make_record, dialect, gain, unit):
    record = make_record(rate=257, gain=gain, unit=unit, age=61, sex="Male", codes=["1", "2"])
    record.stored[3, 5] = MISSING
    path = write_record(tmp_path, record, dialect)
    physical = wfdb.rdrecord(str(path.with_suffix("")))
    digital = wfdb.rdrecord(str(path.with_suffix("")), physical=False)
    expected = make_ecg(257, 10)
    expected[3, 5] = np.nan
    millivolts = physical.p_signal.T * {"mV": 1, "uV": 1e-3, "V": 1e3}[physical.units[0]]
    half_step = 0.5 * float(record.resolution[0])
    np.testing.assert_allclose(millivolts, expected, rtol=0, atol=half_step * 1.0001)
    np.testing.assert_array_equal(digital.d_signal.T, record.stored)
    assert digital.calc_checksum() == [c % 65536 for c in digital.checksum]
    assert all(-(2**15) <= c < 2**15 for c in digital.checksum)  # signed, as WFDB writes it
    assert digital.init_value == record.stored[:, 0].tolist()
    assert (digital.fs, digital.sig_name, digital.sig_len) == (257, list(LEADS), 2570)


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_what_is_written_is_read_again(tmp_path, make_record, dialect):
    record = make_record(rate=360.1, leads=("II", "V2"), age=90, sex="Female", codes=["426783006"])
    again = read_record(write_record(tmp_path, record, dialect))
    for field, value in vars(record).items():
        np.testing.assert_array_equal(getattr(again, field), value)
    mat = loadmat(tmp_path / "A0001.mat")["val"]
    np.testing.assert_array_equal(mat, record.stored)


def test_a_recording_of_one_sample(tmp_path, make_record):
    record = make_record(seconds=1 / 500)
    assert record.stored.shape == (12, 1)
    np.testing.assert_array_equal(read_record(write_record(tmp_path, record)).stored, record.stored)


def test_only_int16_is_written(tmp_path):
    record = Record.from_header(parse_header(header_text()), VAL.astype(float), "A0001")
    with pytest.raises(ValueError, match="A0001: samples must be int16, not float64"):
        write_record(tmp_path, record)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": "x 12"}, "name 'x 12' .* ' ' in it"),
        ({"name": ""}, "name ''"),
        ({"codes": ["1", "2,3"]}, "code 2 '2,3' .* ',' in it"),
        ({"codes": ["1: 2"]}, "code 1 '1: 2'"),
        ({"sex": "Male\n#Dx: 1"}, "sex 'Male"),
    ],
)
def test_what_a_header_cannot_say_is_not_written(tmp_path, change, shown):
    given = {"name": "a", "signals": np.zeros((1, 9)), "leads": ["I"], "rate": 500} | change
    with pytest.raises(InputError, match=shown):
        write_record(tmp_path, Record.from_millivolts(**given))
    assert not list(tmp_path.iterdir())


def test_names_of_leads_and_units_stay_in_their_line(tmp_path, make_record):
    record = make_record(leads=("I", "II"))
    record = replace(record, leads=("I", "odd\nname"), units=("mV", "mm Hg"))
    again = read_record(write_record(tmp_path, record))
    assert (again.leads, again.units, again.rate) == (("I", "odd name"), ("mV", "mm_Hg"), 500)
    np.testing.assert_array_equal(again.stored, record.stored)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"signals": np.zeros((12, 0))}, r"shape \(12, 0\) for 12 leads"),
        ({"signals": np.zeros((5000, 12))}, r"shape \(5000, 12\)"),
        ({"signals": np.zeros(12)}, r"shape \(12,\)"),
        ({"signals": "abc"}, "not an array of numbers"),
        ({"leads": LEADS[:3]}, "for 3 leads"),
        ({"leads": None}, "leads=None"),
        ({"leads": 5}, "leads=5"),
        ({"rate": 0.5}, "rate=0.5"),
        ({"rate": "500"}, "rate='500'"),
        ({"unit": "foo"}, "unit 'foo'"),
        ({"gain": 0}, "gain=0"),
    ],
)
def test_from_millivolts_refuses(change, shown):
    given = {"name": "a", "signals": np.zeros((12, 9)), "leads": LEADS, "rate": 500} | change
    with pytest.raises(InputError, match=shown):
        Record.from_millivolts(**given)


@pytest.mark.parametrize("dtype", [float, np.int16])
def test_masked_samples_are_missing(dtype):
    values = np.ma.masked_array(np.array([[1, 2, 3]], dtype), [[False, True, False]])
    record = Record.from_array(values, fs=500, leads=["I"])
    np.testing.assert_array_equal(record.millivolts, [[1, np.nan, 3]])


# Real recordings


def test_every_real_recording_is_read_as_scipy_reads_it(shared):
    stems = find_records(shared / "data/real")
    assert len(stems) == 220
    for stem in stems[::10]:
        record = read_record(stem)
        np.testing.assert_array_equal(record.stored, loadmat(f"{stem}.mat")["val"])
        assert (record.leads, record.name) == (LEADS, stem.name)
        assert np.isfinite(record.resolution).all()
    assert all(read_header(stem).codes for stem in stems)
