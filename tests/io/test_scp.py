"""SCP-ECG: files written here section by section, and real ones against an independent reader."""

import binascii
import logging
import struct
import time

import numpy as np
import pytest

from ecg12.io import aecg, dicom, scp
from ecg12.io.leads import LEADS
from ecg12.io.scp_codes import huffman, undo_differences
from ecg12.runtime.errors import RecordError

SECRETS = ("Doppelg", "MRN0042", "Wilhelmina")
CODES = dict(zip(LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def code_of(value):
    """Return the bits of one number by the default table of EN 1064, annex C."""
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("1" if value < 0 else "0")
    if -128 <= value < 128:
        return "1111111110" + f"{value % 256:08b}"
    return "1111111111" + f"{value % 65536:016b}"


def encoded(values):
    bits = "".join(code_of(int(value)) for value in values)
    bits += "1" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def differences(samples, order):
    """Return x0, x1 - x0, ... or x0, x1, x2 - 2 x1 + x0, ...: the first samples as they are."""
    x = [int(sample) for sample in samples]
    if order == 1:
        return x[:1] + [x[n] - x[n - 1] for n in range(1, len(x))]
    if order == 2:
        return x[:2] + [x[n] - 2 * x[n - 1] + x[n - 2] for n in range(2, len(x))]
    return x


def section(number, content):
    body = struct.pack("<HIBB6s", number, len(content) + 16, 20, 20, b"SCPECG"[: 6 * (number == 0)])
    return struct.pack("<H", binascii.crc_hqx(body + content, 0xFFFF)) + body + content


def tag(number, value):
    return struct.pack("<BH", number, len(value)) + value


def scp_bytes(samples, leads=EIGHT, *, order=1, table=19999, **fields):
    """Return a file of (n_leads, n_samples) int16; `table` None writes no section 2."""
    n_leads, n_samples = np.shape(samples)
    fields = {
        "step": 2500, "interval": 2000, "bimodal": 0, "flags": (n_leads << 3) | 4, "first": 1,
        "last": n_samples, "age": (61, 1), "sex": 2, "born": (0, 0, 0), "codes": None, "texts": (),
    } | fields  # fmt: skip
    patient = tag(0, b"Doppelg\xe4nger\0") + tag(1, b"Wilhelmina\0") + tag(2, b"MRN0042\0")
    patient += tag(4, struct.pack("<HB", *fields["age"]))
    patient += tag(5, struct.pack("<HBB", *fields["born"])) + tag(8, bytes([fields["sex"]]))
    patient += tag(25, struct.pack("<HBB", 2021, 5, 30)) + tag(255, b"")
    firsts = np.broadcast_to(fields["first"], n_leads)
    listed = bytes([n_leads, fields["flags"]]) + b"".join(
        struct.pack("<IIB", first, fields["last"], code)
        for first, code in zip(firsts, fields["codes"] or map(CODES.get, leads), strict=True)
    )
    plain = [np.array(differences(row, order)) for row in samples]
    data = [encoded(row) if table else row.astype("<i2").tobytes() for row in plain]
    rhythm = struct.pack("<HHBB", fields["step"], fields["interval"], order, fields["bimodal"])
    rhythm += struct.pack(f"<{n_leads}H", *(len(row) for row in data)) + b"".join(data)
    contents = {1: patient, 3: listed, 6: rhythm}
    if fields["texts"]:
        contents[8] = struct.pack("<BHBBBBBB", 1, 2021, 5, 30, 9, 10, 0, len(fields["texts"]))
        contents[8] += b"".join(map(tag, range(1, 99), fields["texts"]))
    if table:
        contents[2] = struct.pack("<H", table)
    return assembled(contents)


def assembled(contents):
    written = {number: section(number, contents[number]) for number in sorted(contents)}
    start, pointers = 7, [(0, 136, 7)]
    start += 136
    for number in range(1, 12):
        size = len(written.get(number, b""))
        pointers.append((number, size, start if size else 0))
        start += size
    first = section(0, b"".join(struct.pack("<HII", *pointer) for pointer in pointers))
    body = first + b"".join(written.values())
    body = struct.pack("<I", len(body) + 6) + body
    return struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)) + body


@pytest.fixture
def samples(make_ecg):
    """Return (8, 1000) int16 of 2.5 uV."""
    return np.rint(make_ecg(500, 2)[[LEADS.index(lead) for lead in EIGHT]] * 400).astype(np.int16)


@pytest.fixture
def make_file(tmp_path):
    def make(data):
        path = tmp_path / "ecg.scp"
        path.write_bytes(data)
        return path

    return make


@pytest.fixture(autouse=True)
def nobody_is_named(caplog, capfd):
    """No log line and no output of any test here may say who the patient is."""
    caplog.set_level(logging.DEBUG, "ecg12")
    yield
    said = caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in SECRETS if secret in said]


def refused(path, reason):
    with pytest.raises(RecordError, match=reason) as caught:
        scp.read(path)
    assert str(path) in str(caught.value)
    assert not [secret for secret in SECRETS if secret in str(caught.getrepr(style="native"))]


# What is read


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("table", [19999, None])
def test_every_coding(make_file, independent, samples, caplog, order, table):
    path = make_file(scp_bytes(samples, order=order, table=table))
    assert scp.recognises(path.read_bytes()[:4096])
    record = scp.read(path)
    assert (record.name, record.leads, record.rate) == ("ecg", EIGHT, 500)
    assert (record.age, record.sex, record.codes) == (61, "Female", ())
    assert record.stored.dtype == np.int16
    np.testing.assert_array_equal(record.stored, samples)
    np.testing.assert_allclose(record.millivolts, samples * 0.0025, rtol=1e-12)
    assert scp.read(path, 0.5).stored.shape == (8, 250)
    assert not caplog.records
    signals, rate = independent(path)
    assert rate == 500
    np.testing.assert_allclose(record.millivolts, [signals[lead] for lead in EIGHT], atol=1e-12)


@pytest.mark.parametrize("value", [0, 1, -1, 8, -8, 9, -9, 127, -128, 128, -129, 32767, -32768])
def test_codes_of_numbers(value):
    np.testing.assert_array_equal(huffman(encoded([value, 3, value]), 3), [value, 3, value])


def test_codes_that_break_off():
    data = encoded([0, 5, -300, 300])
    assert huffman(data, 4) is not None
    assert [huffman(data[:n], 4) for n in range(len(data))] == [None] * len(data)
    assert huffman(b"", 1) is None


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("n_samples", range(5))
def test_differences_of_any_length(order, n_samples):
    samples = np.array([7, -3, 20, 5])[:n_samples]
    values = np.array(differences(samples, order), np.int64)
    np.testing.assert_array_equal(undo_differences(values, order), samples)


@pytest.mark.parametrize(
    ("interval", "rate"), [(2000, 500), (1667, 600), (1000, 1000), (4000, 250), (3906, 256)]
)
def test_rate(make_file, samples, interval, rate):
    assert scp.read(make_file(scp_bytes(samples, interval=interval))).rate == rate


def test_samples_counted_from_zero(make_file, samples):
    path = make_file(scp_bytes(samples, first=0))
    np.testing.assert_array_equal(scp.read(path).stored, samples)


@pytest.mark.parametrize(
    ("fields", "age", "sex"),
    [
        ({"age": (18, 2), "sex": 1}, 1.5, "Male"),
        ({"age": (14, 4), "sex": 9}, 14 / 365.25, None),
        ({"age": (0, 0), "born": (1948, 6, 1), "sex": 0}, 72, None),
        ({"age": (0, 0), "born": (1948, 13, 1)}, None, "Female"),
        ({"age": (300, 1)}, None, "Female"),
    ],
)
def test_age_and_sex(make_file, samples, fields, age, sex):
    record = scp.read(make_file(scp_bytes(samples, **fields)))
    assert (record.age, record.sex) == (pytest.approx(age), sex)


def test_a_file_of_an_older_version_has_no_mark(make_file, samples):
    data = scp_bytes(samples)
    path = make_file(data[:16] + bytes(6) + data[22:])
    assert scp.recognises(path.read_bytes()[:4096])
    np.testing.assert_array_equal(scp.read(path).stored, samples)
    refused(make_file(data[:16] + bytes(6) + data[22:28] + b"\5" + data[29:]), "not SCP-ECG")


def test_a_wrong_checksum_is_told(make_file, samples, caplog):
    path = make_file(b"\0\0" + scp_bytes(samples)[2:])
    np.testing.assert_array_equal(scp.read(path).stored, samples)
    assert f"{path}: wrong checksum" in caplog.text


def test_plain_leads_are_cut_where_sixteen_bits_cannot_count_their_bytes(make_file, caplog):
    samples = np.tile(np.arange(-50, 50, dtype=np.int16), (2, 328))[:, :32767]
    path = make_file(scp_bytes(samples, EIGHT[:2], order=0, table=None, last=37855))
    np.testing.assert_array_equal(scp.read(path).stored, samples)
    assert "ecg.scp: I, II cut after 32767 of 37855 samples" in caplog.text


def test_statements_name_nobody(make_file, samples):
    texts = (b"sinusrytm\0", b" Doppelg\xe4nger: AV-block I\0", b"Confirmed by Smithers\0", b"\0")
    path = make_file(scp_bytes(samples, texts=texts))
    assert scp.statements(path) == ("sinusrytm", ": AV-block I")
    assert scp.statements(make_file(scp_bytes(samples))) == ()


# What is refused


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"flags": 0x45}, "samples less a reference beat are not read"),
        ({"bimodal": 1}, "bimodal compression is not read"),
        ({"table": 1}, "Huffman tables of its own are not read"),
        ({"step": 0}, "lead I has no amplitude per bit"),
        ({"interval": 0}, "a sampling rate of inf Hz"),
        ({"first": [1, 1, 1, 1, 1, 1, 1, 101]}, "one after the other"),
        ({"last": 1100}, "lead I: truncated: fewer than 1100 samples"),
        ({"last": 0}, "samples 1 to 0 of I"),
        ({"last": 2**32 - 1}, "samples 1 to 4294967295 of I"),
        ({"codes": [1, 1, 3, 4, 5, 6, 7, 8]}, "I stands twice"),
        ({"codes": [1, 2, 11, 3, 4, 6, 8, 9]}, "no V3, V5, but V3R, V7: a right-sided"),
        ({"codes": [16, 17, 18, 100, 101, 102, 103, 1]}, "1 of the twelve leads among 8"),
    ],
)
def test_what_is_not_read(make_file, samples, fields, reason):
    refused(make_file(scp_bytes(samples, **fields)), reason)


def test_differences_of_third_order_are_refused(make_file, samples):
    data = scp_bytes(samples, order=2)
    at = data.index(struct.pack("<HHBB", 2500, 2000, 2, 0))
    refused(make_file(data[: at + 4] + b"\3" + data[at + 5 :]), "differences of order 3")


def test_sums_beyond_sixteen_bits_are_refused(make_file):
    samples = np.full((2, 10), 30000)
    samples[:, 5:] = 40000
    refused(make_file(scp_bytes(samples, EIGHT[:2])), "lead I has samples of more than 16 bits")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"", "not SCP-ECG: no mark SCPECG"),
        (lambda data: data[:100], "truncated: .* bytes announced, 100 held"),
        (
            lambda data: data.replace(b"SCPECG", b"scpecg").replace(b"\7\0\0\0", b"\5\0\0\0"),
            "not SCP-ECG",
        ),
        (lambda data: data[:6] + section(0, b"") + data[22:], "no list of at most 32 leads"),
    ],
)
def test_damaged_files(make_file, samples, change, reason):
    refused(make_file(change(scp_bytes(samples))), reason)


@pytest.mark.parametrize("absent", [3, 6])
def test_absent_sections(make_file, samples, absent):
    reason = {3: r"no list of .* leads \(section 3\)", 6: r"no rhythm \(section 6\)"}[absent]
    contents = {1: b"", 3: b"\1\14" + struct.pack("<IIB", 1, 10, 1), 6: b"\0" * 100}
    refused(make_file(assembled({k: v for k, v in contents.items() if k != absent})), reason)


def test_a_missing_and_a_large_file(tmp_path):
    refused(tmp_path / "absent.scp", "No such file")
    (tmp_path / "a.scp").write_bytes(b"\0" * (scp.LARGEST_FILE + 1))
    refused(tmp_path / "a.scp", "larger than")


@pytest.mark.parametrize("order", [0, 2])
@pytest.mark.parametrize("table", [19999, None])
def test_damaged_copies(survives, samples, order, table):
    survives(scp.read, scp_bytes(samples[:, :100], order=order, table=table), ".scp")


def test_as_many_samples_as_are_read_take_no_long_time(make_file):
    samples = np.zeros((12, scp.MOST_SAMPLES), np.int16)
    path = make_file(scp_bytes(samples, LEADS))
    start = time.perf_counter()
    assert scp.read(path).stored.shape == samples.shape
    assert time.perf_counter() - start < 5


# Real files


def test_a_real_recording_equals_an_independent_reader(shared, independent):
    path = shared / "data/formats/scp/scptools_ECG_20070321_110542_ANON000004.SCP"
    record = scp.read(path)
    signals, _ = independent(path)
    assert (record.leads, record.rate, record.stored.shape) == (EIGHT, 600, (8, 6000))
    for signal, name, step in zip(record.millivolts, record.leads, record.resolution, strict=True):
        assert np.abs(signal - signals[name]).max() < step / 2


def test_the_same_ecg_in_three_formats(shared):
    folder = shared / "data/formats"
    record = scp.read(folder / "scp/ecgtoolkit_Example.scp")
    for twin in (
        dicom.read(folder / "dicom/ecgtoolkit_Example.dcm"),
        aecg.read(folder / "aecg/ecgtoolkit_Example.xml"),
    ):
        assert (record.leads, record.rate, record.sex) == (twin.leads, twin.rate, twin.sex)
        np.testing.assert_allclose(record.millivolts, twin.millivolts, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("healforce_62.SCP", "not SCP-ECG but Healforce's own format"),
        ("scptools_ECG_20060620_112352_ANON000002.SCP", "no V3, V5, but V3R, V7: a right-sided"),
    ],
)
def test_real_files_that_are_refused(shared, name, reason):
    path = shared / "data/formats/scp" / name
    assert scp.recognises(path.read_bytes()[:4096])
    refused(path, reason)


def test_statements_of_a_real_file(shared):
    path = shared / "data/formats/scp/scptools_ECG_20070321_110542_ANON000004.SCP"
    assert scp.statements(path)[:2] == ("sinusrytm", "VK-hypertrofi")
