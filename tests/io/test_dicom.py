"""DICOM: files written here byte by byte by PS3.5, and real ones against independent readers."""

import logging
import struct
import sys
import time
import tracemalloc
import zlib

import numpy as np
import pytest

from ecg12.io import dicom, dicom_file
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import InputError, RecordError

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

CLASSES = "1.2.840.10008.5.1.4.1.1."
TWELVE_LEAD = CLASSES + "9.1.1"
EXPLICIT, IMPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
SECRETS = ("Doppelg", "MRN0042", "Wilhelmina")
NUMBERS = dict(zip(LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))
LONG = ("OB", "OW", "SQ", "UN")


class Writer:
    """Writes elements in one transfer syntax; sequences of known or of undefined length."""

    def __init__(self, syntax=EXPLICIT, undefined=False):
        self.syntax, self.undefined = syntax, undefined
        self.order = ">" if syntax == BIG else "<"

    def element(self, tag, vr, value):
        if isinstance(value, int):
            value = struct.pack(self.order + {"US": "H", "UL": "I"}[vr], value)
        elif isinstance(value, str):
            value = value.encode("latin-1")
        if isinstance(value, bytes):
            value += (b"\0" if vr in ("UI", "OB", "OW") else b" ") * (len(value) % 2)
            length = len(value)
        else:
            value, length = self.sequence(value)
        head = struct.pack(self.order + "2H", tag >> 16, tag & 0xFFFF)
        if self.syntax == IMPLICIT:
            return head + struct.pack("<I", length) + value
        if vr in LONG:
            return head + vr.encode() + b"\0\0" + struct.pack(self.order + "I", length) + value
        return head + vr.encode() + struct.pack(self.order + "H", length) + value

    def mark(self, element, length=0):
        return struct.pack(self.order + "2HI", 0xFFFE, element, length)

    def sequence(self, items):
        if not self.undefined:
            value = b"".join(self.mark(0xE000, len(item)) + item for item in items)
            return value, len(value)
        value = b"".join(self.mark(0xE000, 2**32 - 1) + i + self.mark(0xE00D) for i in items)
        return value + self.mark(0xE0DD), 2**32 - 1

    def code(self, tag, value, scheme, meaning):
        return self.element(
            tag,
            "SQ",
            [
                self.element(0x00080100, "SH", value)
                + self.element(0x00080102, "SH", scheme)
                + self.element(0x00080104, "LO", meaning)
            ],
        )


def channel(writer, lead="I", **fields):
    """Return one item of the channel definitions; a field of None is left out."""
    fields = {
        "code": f"5.6.3-9-{NUMBERS.get(lead, 0)}",
        "meaning": f"Lead {lead}",
        "scheme": "SCPECG",
        "sensitivity": "2.5",
        "unit": "uV",
        "factor": "1",
        "baseline": "0",
        "bits": 16,
    } | fields
    parts = [writer.code(0x003A0208, fields["code"], fields["scheme"], fields["meaning"])]
    if fields["sensitivity"] is not None:
        parts.append(writer.element(0x003A0210, "DS", fields["sensitivity"]))
    if fields["unit"] is not None:
        parts.append(writer.code(0x003A0211, fields["unit"], "UCUM", "a unit"))
    for tag, name in ((0x003A0212, "factor"), (0x003A0213, "baseline")):
        if fields[name] is not None:
            parts.append(writer.element(tag, "DS", fields[name]))
    return b"".join([*parts, writer.element(0x003A021A, "US", fields["bits"])])


def group(writer, samples, leads=LEADS, channels=None, **fields):
    """Return one multiplex group of samples, (n_channels, n_samples)."""
    dtype = samples.dtype.newbyteorder(writer.order)
    fields = {
        "originality": "ORIGINAL",
        "n_channels": len(samples),
        "n_samples": samples.shape[1],
        "rate": "500",
        "bits": 8 * dtype.itemsize,
        "kind": {1: "S", 0: "U"}[dtype.kind == "i"] + {1: "B", 2: "S", 4: "L"}[dtype.itemsize],
        "padding": None,
        "data": samples.T.astype(dtype).tobytes(),
    } | fields
    channels = channels or [channel(writer, lead) for lead in leads]
    parts = []
    if "offset" in fields:
        parts.append(writer.element(0x00181068, "DS", fields["offset"]))
    parts += [
        writer.element(0x003A0004, "CS", fields["originality"]),
        writer.element(0x003A0005, "US", fields["n_channels"]),
        writer.element(0x003A0010, "UL", fields["n_samples"]),
        writer.element(0x003A001A, "DS", fields["rate"]),
        writer.element(0x003A0200, "SQ", channels),
        writer.element(0x54001004, "US", fields["bits"]),
        writer.element(0x54001006, "CS", fields["kind"]),
    ]
    if fields["padding"] is not None:
        parts.append(writer.element(0x5400100A, "OW", np.array(fields["padding"], dtype).tobytes()))
    return b"".join([*parts, writer.element(0x54001010, "OW", fields["data"])])


def dicom_bytes(
    writer, groups, *, storage=TWELVE_LEAD, preamble=True, age="061Y", sex="F", texts=()
):
    """Return a file of groups; without groups it has no waveform sequence."""
    body = writer.element(0x00080005, "CS", "ISO_IR 100") if texts else b""
    body += writer.element(0x00080016, "UI", storage) + writer.element(0x00080020, "DA", "20210530")
    body += writer.element(0x00100010, "PN", "Doppelgänger^Wilhelmina")
    body += writer.element(0x00100020, "LO", "MRN0042")
    body += writer.element(0x00100030, "DA", "19480601")
    body += writer.element(0x00100040, "CS", sex) + writer.element(0x00101010, "AS", age)
    if texts:
        notes = [writer.element(0x00700006, "ST", text) for text in texts]
        body += writer.element(0x0040B020, "SQ", notes)
    if groups:
        body += writer.element(0x54000100, "SQ", groups)
    if not preamble:
        return body
    plain = Writer()
    meta = plain.element(0x00020001, "OB", b"\0\1") + plain.element(0x00020002, "UI", storage)
    meta += plain.element(0x00020010, "UI", writer.syntax)
    if writer.syntax == DEFLATED:
        compress = zlib.compressobj(9, zlib.DEFLATED, -15)
        body = compress.compress(body) + compress.flush()
    return b"\0" * 128 + b"DICM" + plain.element(0x00020000, "UL", len(meta)) + meta + body


@pytest.fixture
def samples(make_ecg):
    """Return (12, 1000) int16 of 2.5 uV."""
    return np.rint(make_ecg(500, 2) * 400).astype(np.int16)


@pytest.fixture
def make_file(tmp_path):
    def make(data):
        path = tmp_path / "ecg.dcm"
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
        dicom.read(path)
    assert str(path) in str(caught.value)
    assert not [secret for secret in SECRETS if secret in str(caught.getrepr(style="native"))]


# What is read


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("undefined", [False, True])
def test_every_transfer_syntax(make_file, samples, syntax, undefined):
    writer = Writer(syntax, undefined)
    path = make_file(dicom_bytes(writer, [group(writer, samples)]))
    assert dicom.recognises(path.read_bytes()[:4096])
    record = dicom.read(path)
    assert (record.name, record.leads, record.rate) == ("ecg", LEADS, 500)
    assert (record.age, record.sex, record.codes) == (61, "Female", ())
    assert record.stored.dtype == np.int16
    np.testing.assert_array_equal(record.stored, samples)
    np.testing.assert_allclose(record.millivolts, samples * 0.0025, rtol=1e-12)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_files_without_preamble(make_file, samples, syntax):
    writer = Writer(syntax)
    path = make_file(dicom_bytes(writer, [group(writer, samples)], preamble=False))
    assert dicom.recognises(path.read_bytes()[:4096])
    np.testing.assert_array_equal(dicom.read(path).stored, samples)


def test_the_first_seconds(make_file, samples):
    writer = Writer()
    path = make_file(dicom_bytes(writer, [group(writer, samples)]))
    np.testing.assert_array_equal(dicom.read(path, 0.5).stored, samples[:, :250])


def test_the_rhythm_is_read_and_not_the_median_beat(make_file, samples):
    writer = Writer()
    median = group(writer, np.full((12, 4000), -32768, np.int16), originality="DERIVED")
    for groups in ([median, group(writer, samples)], [group(writer, samples), median]):
        np.testing.assert_array_equal(
            dicom.read(make_file(dicom_bytes(writer, groups))).stored, samples
        )


def test_of_two_waveforms_of_the_same_leads_the_longest_is_read(make_file, samples):
    writer = Writer()
    groups = [group(writer, samples[:, :500]), group(writer, samples)]
    np.testing.assert_array_equal(
        dicom.read(make_file(dicom_bytes(writer, groups))).stored, samples
    )


def test_leads_recorded_together_in_several_waveforms_are_joined(make_file, samples):
    writer = Writer()
    parts = [group(writer, samples[i : i + 3], LEADS[i : i + 3]) for i in (3, 0, 9, 6)]
    record = dicom.read(make_file(dicom_bytes(writer, parts)))
    assert record.leads == LEADS
    np.testing.assert_array_equal(record.stored, samples)


@pytest.mark.parametrize("other", [{"offset": "0.0"}, {"rate": "500.0"}, {}])
def test_times_are_compared_as_numbers(make_file, samples, other):
    writer = Writer()
    limb = group(writer, samples[:6], LEADS[:6], offset="0")
    chest = group(writer, samples[6:], LEADS[6:], **other)
    record = dicom.read(make_file(dicom_bytes(writer, [limb, chest])))
    np.testing.assert_array_equal(record.stored, samples)


@pytest.mark.parametrize(
    "naming",
    [
        lambda lead: {"code": f"2:{NUMBERS[lead]}", "scheme": "MDC"},
        lambda lead: {"code": f"{131072 + NUMBERS[lead]}", "scheme": "MDC"},
        lambda lead: {"code": f"{LEADS.index(lead) + 1}", "scheme": "99VENDOR"},
        lambda lead: {"code": f"MDC_ECG_LEAD_{lead.upper()}", "meaning": ""},
        lambda lead: {"code": "", "meaning": f"Lead {lead} (Einthoven)\0"},
        lambda lead: {"code": "x", "meaning": lead.lower()},
    ],
)
def test_names_of_leads(make_file, samples, naming):
    writer = Writer()
    channels = [channel(writer, lead, **naming(lead)) for lead in LEADS]
    path = make_file(dicom_bytes(writer, [group(writer, samples, channels=channels)]))
    assert dicom.read(path).leads == LEADS


@pytest.mark.parametrize(
    ("fields", "millivolts"),
    [
        ({"sensitivity": "1", "factor": "4.88"}, lambda x: x * 0.00488),
        ({"sensitivity": "2.5e-3", "unit": "mV"}, lambda x: x * 0.0025),
        ({"sensitivity": "0.0000025", "unit": "V"}, lambda x: x * 0.0025),
        ({"factor": None, "baseline": None}, lambda x: x * 0.0025),
        ({"baseline": "100"}, lambda x: x * 0.0025 + 0.1),
        ({"sensitivity": "-2.5"}, lambda x: x * -0.0025),
    ],
)
def test_amplitudes(make_file, samples, fields, millivolts):
    writer = Writer()
    channels = [channel(writer, lead, **fields) for lead in LEADS]
    path = make_file(dicom_bytes(writer, [group(writer, samples, channels=channels)]))
    np.testing.assert_allclose(dicom.read(path).millivolts, millivolts(samples), atol=1e-12)


@pytest.mark.parametrize("dtype", ["i1", "u1", "u2", "i4", "u4"])
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_samples_of_other_kinds(make_file, samples, dtype, syntax):
    writer = Writer(syntax)
    values = (samples // 8 if dtype[1] == "1" else samples) - (dtype[0] == "u") * samples.min()
    values = values.astype(dtype)
    record = dicom.read(make_file(dicom_bytes(writer, [group(writer, values)])))
    np.testing.assert_allclose(record.millivolts, values * 0.0025, rtol=1e-12)


@pytest.mark.parametrize("bits", [12, 15])
def test_fewer_bits_without_their_sign_are_extended(make_file, samples, bits):
    writer = Writer()
    channels = [channel(writer, lead, bits=bits) for lead in LEADS]
    for stored in (samples, samples & (2**bits - 1)):
        path = make_file(dicom_bytes(writer, [group(writer, stored, channels=channels)]))
        np.testing.assert_array_equal(dicom.read(path).stored, samples)


def test_padding_counts_at_the_ends_and_only_where_all_channels_hold_it(make_file, samples):
    writer = Writer()
    padded = samples.copy()
    padded[:, 900:], padded[:, 500], padded[3] = 7, 7, 7
    path = make_file(dicom_bytes(writer, [group(writer, padded, padding=7)]))
    np.testing.assert_array_equal(dicom.read(path).stored, padded[:, :900])
    flat = np.full_like(samples, 7)
    path = make_file(dicom_bytes(writer, [group(writer, flat, padding=7)]))
    np.testing.assert_array_equal(dicom.read(path).stored, flat)


def test_leads_of_two_groups_stay_together_whatever_is_padded(make_file, samples):
    writer = Writer()
    first, second = samples[:6].copy(), samples[6:].copy()
    first[:, :20], second[:, -30:] = 7, 7
    groups = [
        group(writer, part, channels=[channel(writer, lead) for lead in leads], padding=7)
        for part, leads in ((first, LEADS[:6]), (second, LEADS[6:]))
    ]
    record = dicom.read(make_file(dicom_bytes(writer, groups)))
    np.testing.assert_array_equal(record.stored, samples[:, 20:-30])


def test_channels_that_are_no_voltage_are_left_out(make_file, samples):
    writer = Writer()
    pressure = channel(writer, "ABP", unit="mm[Hg]")
    channels = [*(channel(writer, lead) for lead in LEADS[:11]), pressure]
    path = make_file(dicom_bytes(writer, [group(writer, samples, channels=channels)]))
    assert dicom.read(path).leads == LEADS[:11]


@pytest.mark.parametrize(
    ("age", "years"),
    [
        ("061Y", 61),
        ("018M", 1.5),
        ("002W", 14 / 365.25),
        ("014D", 14 / 365.25),
        ("", 72),
        ("x", 72),
    ],
)
def test_age(make_file, samples, age, years):
    writer = Writer()
    path = make_file(dicom_bytes(writer, [group(writer, samples)], age=age, sex="O"))
    record = dicom.read(path)
    assert (record.age, record.sex) == (pytest.approx(years), None)


def test_statements_name_nobody(make_file, samples):
    writer = Writer()
    texts = (
        "Rythme sinusal régulier", "", "Confirmed by: Smithers, J",
        "Mrs Doppelgänger (MRN0042): bloc auriculo-ventriculaire du 1er degré",
    )  # fmt: skip
    path = make_file(dicom_bytes(writer, [group(writer, samples)], texts=texts))
    assert dicom.statements(path) == (
        "Rythme sinusal régulier", "Mrs (): bloc auriculo-ventriculaire du 1er degré",
    )  # fmt: skip
    assert dicom.statements(make_file(dicom_bytes(writer, [group(writer, samples)]))) == ()


# What is refused


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        (CLASSES + "104.1", "an encapsulated PDF"),
        (CLASSES + "9.2.1", "a hemodynamic waveform"),
        (CLASSES + "9.3.1", "a cardiac electrophysiology waveform"),
    ],
)
def test_other_objects_are_refused_by_name(make_file, samples, storage, reason):
    writer = Writer()
    refused(make_file(dicom_bytes(writer, [group(writer, samples)], storage=storage)), reason)


def test_objects_without_waveforms_are_named(make_file):
    data = dicom_bytes(Writer(), [], storage=CLASSES + "2")
    refused(make_file(data), "DICOM without waveforms: CT Image Storage")
    refused(make_file(dicom_bytes(Writer(), [], storage="1.2.3")), "DICOM without waveforms$")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sensitivity": None}, "lead I has no channel sensitivity"),
        ({"sensitivity": "0"}, "lead I has no channel sensitivity"),
        ({"sensitivity": "Smithers"}, "lead I has no channel sensitivity"),
        ({"unit": None}, "lead I has no channel sensitivity in a unit of voltage"),
        ({"unit": "mm[Hg]"}, "in a unit of voltage"),
        ({"baseline": "x"}, "lead I has no amplitude"),
    ],
)
def test_unknown_amplitudes(make_file, samples, fields, reason):
    writer = Writer()
    channels = [channel(writer, lead, **fields) for lead in LEADS]
    refused(make_file(dicom_bytes(writer, [group(writer, samples, channels=channels)])), reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "MB", "bits": 8}, "compressed by mu-law"),
        ({"kind": "AB", "bits": 8}, "compressed by A-law"),
        ({"kind": "XX"}, "samples of unknown kind in 16 bits"),
        ({"bits": 12}, "samples of unknown kind in 12 bits"),
        ({"rate": ""}, "a sampling rate of nan Hz"),
        ({"rate": "0"}, "a sampling rate of 0 Hz"),
        ({"n_samples": 2**31}, "12 channels of 2147483648 samples announced"),
        ({"n_samples": 999}, "12 channels of 999 samples announced"),
        ({"n_samples": 0}, "12 channels of 0 samples"),
        ({"n_channels": 11}, "11 channels of 1000 samples announced, 12 channels described"),
        ({"data": b""}, "0 bytes of samples"),
        ({"originality": "DERIVED"}, "0 original among 1 waveforms"),
    ],
)
def test_damaged_waveforms(make_file, samples, fields, reason):
    writer = Writer()
    refused(make_file(dicom_bytes(writer, [group(writer, samples, **fields)])), reason)


@pytest.mark.parametrize("other", [{"offset": "2500"}, {"rate": "250"}, "shorter"])
def test_leads_in_columns_of_different_time_are_refused(make_file, samples, other):
    writer = Writer()
    limb = group(writer, samples[:6], LEADS[:6])
    if other == "shorter":
        chest = group(writer, samples[6:, :500], LEADS[6:])
    else:
        chest = group(writer, samples[6:], LEADS[6:], **other)
    reason = "several waveforms of different time, rate or length"
    refused(make_file(dicom_bytes(writer, [limb, chest])), reason)


def test_a_lead_twice_and_one_lead_only(make_file, samples):
    writer = Writer()
    twice = group(writer, samples, ("I", "I", *LEADS[2:]))
    refused(make_file(dicom_bytes(writer, [twice])), "lead I stands twice")
    one = group(writer, samples[:1], ("II",))
    refused(make_file(dicom_bytes(writer, [one])), "1 of the twelve leads")


# Hostile and damaged files


@pytest.mark.parametrize("syntax", [EXPLICIT, DEFLATED])
@pytest.mark.parametrize("undefined", [False, True])
def test_damaged_copies(survives, samples, syntax, undefined):
    writer = Writer(syntax, undefined)
    data = dicom_bytes(writer, [group(writer, samples[:, :50])])
    survives(dicom.read, data, ".dcm")


@pytest.mark.parametrize(
    "data",
    [b"", b"DICM", b"\0" * 132, b"\0" * 128 + b"DICM", b"\x08\0\5\0" * 100, b"\x08\0\5\0CS\2\0ab"],
)
def test_what_is_no_dicom(make_file, data):
    refused(make_file(data), "not a DICOM file|without waveforms|damaged DICOM file")


def test_small_numbers_are_no_dicom():
    assert not dicom.recognises(np.array([8, 5, 2, 0] * 500, "<i2").tobytes())


@pytest.mark.parametrize(
    "bomb", ["elements", "items", "nested elements", "nested items", "deep", "deflated"]
)
def test_bombs(make_file, monkeypatch, samples, bomb):
    """Millions of empty pieces are given up after some thousands, wherever they are."""
    monkeypatch.setattr(dicom_file, "MOST_READS", 5000)
    monkeypatch.setattr(dicom_file, "LARGEST_FILE", 2**23)
    writer = Writer()
    empty = writer.element(0x00090010, "LO", "") * 400_000
    none = writer.mark(0xE000) * 400_000
    waveforms, channels = (writer.element(tag, "SQ", [])[:-4] for tag in (0x54000100, 0x003A0200))
    size = struct.pack("<I", len(none))
    opened = waveforms + b"\xff" * 4 + writer.mark(0xE000, 2**32 - 1)
    zeros = group(Writer(DEFLATED), np.zeros((12, 2**20), np.int16))
    data = {
        "elements": dicom_bytes(writer, []) + empty,
        "items": dicom_bytes(writer, []) + waveforms + size + none,
        "nested elements": dicom_bytes(writer, [empty]),
        "nested items": dicom_bytes(writer, [channels + size + none]),
        "deep": dicom_bytes(writer, []) + opened * 100_000,
        "deflated": dicom_bytes(Writer(DEFLATED), [zeros]),
    }[bomb]
    path = make_file(data)
    tracemalloc.start()
    start = time.perf_counter()
    refused(path, "damaged DICOM file|inflates to more|without waveforms|original")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - start < 2
    assert peak < 1e8


def test_without_the_library_the_extra_is_named(make_file, samples, monkeypatch):
    writer = Writer()
    path = make_file(dicom_bytes(writer, [group(writer, samples)]))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r"reading DICOM needs pydicom; the extra 'dicom'"):
        dicom.read(path)


def test_a_missing_file_and_a_large_one(tmp_path, monkeypatch):
    refused(tmp_path / "absent.dcm", "No such file")
    monkeypatch.setattr(dicom_file, "LARGEST_FILE", 1000)
    (tmp_path / "a.dcm").write_bytes(b"\0" * 1001)
    refused(tmp_path / "a.dcm", "larger than 1000 bytes")


# Real files


@pytest.mark.parametrize(
    "name", ["waveform_ecg", "ecg2dcm_guangxi_teaching_sinus_rhythm", "ecg2dcm_synthetic_muse"]
)
def test_real_recordings_equal_two_independent_readers(shared, independent, name):
    path = shared / f"data/formats/dicom/{name}.dcm"
    record = dicom.read(path)
    signals, rate = independent(path)
    array = pydicom.dcmread(path).waveform_array(0).T / 1000  # all of these files hold uV
    assert record.leads == LEADS
    assert record.rate == rate
    half_a_step = np.abs(record.resolution[:, None]) / 2
    assert (np.abs(record.millivolts - array) < half_a_step).all()
    assert (np.abs(record.millivolts - [signals[lead] for lead in LEADS]) < half_a_step).all()


def test_zeros_that_the_file_calls_padding_are_samples(shared):
    path = shared / "data/formats/dicom/ecgtoolkit_Example.dcm"
    record = dicom.read(path)
    array = pydicom.dcmread(path).waveform_array(0).T / 1000
    assert (record.leads, record.rate, record.stored.shape) == (LEADS, 500, (12, 5000))
    np.testing.assert_allclose(record.millivolts, array, rtol=0, atol=1e-9)
    assert (record.stored == 0).any(axis=1).all()


def test_statements_of_a_real_file(shared):
    path = shared / "data/formats/dicom/waveform_ecg.dcm"
    assert dicom.statements(path) == ("RITMO SINUSALE", "ECG NORMALE")
