"""Philips XML: files that are compressed here by XLI, and real ones against other readers."""

import base64
import struct

import numpy as np
import pytest

from ecg12.io import philips
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import RecordError

SECRET = "Secret"
VERSION_3 = """<?xml version="1.0" encoding="UTF-8"?>
<restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo>
<documenttype>SierraECG</documenttype><documentversion>{version}</documentversion></documentinfo>
<dataacquisition date="2020-05-04"><signalcharacteristics><samplingrate>500</samplingrate>
<signalresolution>5</signalresolution><acquisitiontype>{leadset}</acquisitiontype>
<signaloffset>0</signaloffset><numberchannelsvalid>{n_leads}</numberchannelsvalid>
</signalcharacteristics></dataacquisition><patient><generalpatientdata>
<patientid>Secret</patientid><age><years>61</years></age><sex>Female</sex></generalpatientdata>
</patient><waveforms><parsedwaveforms compressflag="True" compressmethod="{method}"
dataencoding="Base64" durationperchannel="{duration}">{data}</parsedwaveforms></waveforms>
</restingecgdata>"""
VERSION_4 = """<?xml version="1.0" encoding="utf-16"?>
<restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo>
<documenttype>PhilipsECG</documenttype><documentversion>{version}</documentversion></documentinfo>
<dataacquisition date="2020-05-04"/><patient><generalpatientdata><patientid>Secret</patientid>
<age defaultage="50"><dateofbirth>1950-05-05</dateofbirth></age><sex>Male</sex>
</generalpatientdata></patient><waveforms><parsedwaveforms dataencoding="Base64"
compression="{method}" numberofleads="{n_leads}" leadlabels="{labels}" samplespersecond="500"
durationperchannel="{duration}" resolution="5" signaloffset="0">{data}</parsedwaveforms></waveforms>
</restingecgdata>"""


def lzw(data):
    """Compress to codes of 10 bits, highest bit first; 1023 ends them (Welch, 1984)."""
    words = {bytes([byte]): byte for byte in range(256)}
    codes, word = [], b""
    for byte in data:
        longer = word + bytes([byte])
        if longer not in words:
            codes.append(words[word])
            if len(words) < 1023:
                words[longer] = len(words)
            longer = bytes([byte])
        word = longer
    bits = "".join(f"{code:010b}" for code in [*codes, words[word], 1023])
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def chunk(lead):
    """Encode one lead: two samples, then 64 less second differences, each one place early."""
    lead = lead.astype(np.int64)
    second = lead[2:] - 2 * lead[1:-1] + lead[:-2]
    stored = np.concatenate([lead[:2], 64 - second[1:], [64]]).astype(np.int16)
    data = lzw(
        (stored >> 8 & 0xFF).astype(np.uint8).tobytes() + (stored & 0xFF).astype("u1").tobytes()
    )
    return struct.pack("<ihh", len(data), 1, -second[0]) + data


def philips_bytes(samples, template=VERSION_4, leads=LEADS, **fields):
    """Write (n_leads, n_samples) whole numbers of 5 µV."""
    stored = samples.astype(np.int64)
    if tuple(leads[:6]) == LEADS[:6]:
        one, two, three = stored[:3]
        expected = [two - one, -((one + two) // 2), (one - three) // 2, (two + three) // 2]
        stored = np.concatenate([stored[:2], np.array(expected) - stored[2:6], stored[6:]])
    data = b"".join(chunk(lead) for lead in [*stored, *np.zeros((4, stored.shape[1]))])
    encoded = base64.encodebytes(data).decode()
    values = {
        "version": "1.03" if template is VERSION_3 else "1.04",
        "method": "XLI", "leadset": "STD-12", "n_leads": len(stored), "labels": " ".join(leads),
        "duration": 2 * stored.shape[1], "data": encoded,
    }  # fmt: skip
    text = template.format(**values | fields)
    return text.encode("utf-8" if template is VERSION_3 else "utf-16")


@pytest.fixture
def samples(make_ecg):
    """Return 11 s in steps of 5 µV: in the last a pulse of 1 mV, then zeros."""
    whole = np.rint(make_ecg(500, 11) * 200).astype(np.int16)
    whole[:, 5350:5450] = 200
    whole[:, 5450:] = 0
    return whole


@pytest.mark.parametrize("template", [VERSION_3, VERSION_4])
def test_ten_seconds_without_the_calibration_pulse(tmp_path, samples, template):
    path = tmp_path / "a.xml"
    path.write_bytes(philips_bytes(samples, template))
    assert philips.recognises(path.read_bytes()[:4096])
    record = philips.read(path)
    assert (record.name, record.leads, record.rate, record.codes) == ("a", LEADS, 500, ())
    assert (record.age, record.sex) == ((61, "Female") if template is VERSION_3 else (69, "Male"))
    np.testing.assert_array_equal(record.stored, samples[:, :5000])
    np.testing.assert_allclose(record.millivolts, samples[:, :5000] * 5e-3, rtol=1e-12)
    assert philips.read(path, 2.5).stored.shape == (12, 1250)
    assert philips.read(path, 99).stored.shape == (12, 5000)


@pytest.mark.parametrize("version", ["1.04.01", "1.04.02"])
def test_later_versions(tmp_path, samples, version):
    (tmp_path / "a.xml").write_bytes(philips_bytes(samples, version=version))
    np.testing.assert_array_equal(philips.read(tmp_path / "a.xml").stored, samples[:, :5000])


def test_a_short_recording_and_other_leads(tmp_path, samples):
    leads = (*LEADS, "V4R")
    part = np.vstack([samples, samples[:1]])[:, 1000:3001]
    (tmp_path / "a.xml").write_bytes(philips_bytes(part, leads=leads))
    record = philips.read(tmp_path / "a.xml")
    assert record.leads == leads
    np.testing.assert_array_equal(record.stored, part)


@pytest.mark.parametrize(
    ("template", "fields", "reason"),
    [
        (VERSION_4, {"version": "1.05"}, "version '1.05'; read are 1.03, "),
        (VERSION_4, {"method": "Uncompressed"}, "compressed by 'Uncompressed'"),
        (VERSION_4, {"duration": 12000}, "lead I: 5500 samples, 6000 announced"),
        (VERSION_4, {"duration": 10**9}, "1e.09 ms at 500 Hz"),
        (VERSION_4, {"data": "AAAA!"}, "not base64"),
        (VERSION_4, {"data": "AAAA"}, "lead I: no samples"),
        (VERSION_4, {"data": "////fwEAAQAA"}, r"lead I: truncated: \d+ bytes"),
        (VERSION_4, {"labels": "I I V1"}, "lead I stands twice"),
        (VERSION_4, {"duration": 2}, "2 ms at 500 Hz"),  # one sample
        (VERSION_3, {"leadset": "EXT-16"}, "12 leads, 0 of them named"),
        (VERSION_3, {"n_leads": 16}, "16 leads, 0 of them named"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, samples, template, fields, reason):
    (tmp_path / "bad.xml").write_bytes(philips_bytes(samples, template, **fields))
    with pytest.raises(RecordError, match=rf"bad\.xml: .*{reason}") as error:
        philips.read(tmp_path / "bad.xml")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ("I II III aVL aVR aVF V1 V2 V3 V4 V5 V6", "III, aVL, aVR, aVF"),
        ("aVL I -aVR II aVF III V1 V2 V3 V4 V5 V6", "aVL, -aVR, aVF, III"),
        ("I II V1 V2 V3 V4 V5 V6 aVF", "aVF"),
        ("I II III V1 V2 V3", "III"),
        ("I II -aVR V1 V2 V3", "-aVR"),
    ],
)
def test_limb_leads_in_another_order_are_refused(tmp_path, samples, labels, named):
    """What is stored of four of them is no voltage; only in the usual order is it known of what."""
    (tmp_path / "bad.xml").write_bytes(philips_bytes(samples, labels=labels))
    with pytest.raises(RecordError, match=rf"bad\.xml: XLI stores {named} as differences"):
        philips.read(tmp_path / "bad.xml")


def test_leads_of_which_voltages_are_stored_may_stand_anywhere(tmp_path, samples):
    leads = ("V6", "II", "V1", "I")
    rows = samples[[LEADS.index(lead) for lead in leads]]
    (tmp_path / "a.xml").write_bytes(philips_bytes(rows, leads=leads))
    record = philips.read(tmp_path / "a.xml")
    assert record.leads == ("I", "II", "V1", "V6")
    np.testing.assert_array_equal(record.stored, rows[[3, 1, 2, 0], :5000])


def test_samples_beyond_16_bits_are_refused_not_wrapped(tmp_path):
    ramp = np.tile(np.arange(1000) ** 2, (2, 1)) // 4
    (tmp_path / "bad.xml").write_bytes(philips_bytes(ramp, leads=("I", "II")))
    with pytest.raises(RecordError, match=r"bad\.xml: damaged: samples beyond 16 bits"):
        philips.read(tmp_path / "bad.xml")


INTERPRETATION = """<interpretations><interpretation><mdsignatureline>Confirmed by: Holmes, S
</mdsignatureline><confirmingclinician>Holmes, S</confirmingclinician>
<severity code="AB">- ABNORMAL ECG -</severity><statement><leftstatement>Sinus bradycardia
</leftstatement><rightstatement>rate&lt; 50</rightstatement></statement><statement>
<leftstatement>&gt;&gt;&gt; Acute MI &lt;&lt;&lt;</leftstatement></statement><statement>
<leftstatement>Holmes told Secret: right bundle branch block</leftstatement></statement>
</interpretation></interpretations></restingecgdata>"""


def test_statements_without_people_and_the_identifier(tmp_path, samples):
    text = philips_bytes(samples, VERSION_3).decode()
    path = tmp_path / "a.xml"
    path.write_text(text.replace("</restingecgdata>", INTERPRETATION))
    expected = ("Sinus bradycardia", "Acute MI", "told : right bundle branch block", "ABNORMAL ECG")
    assert philips.statements(path) == expected
    assert philips.identifier(path) == "Secret"
    path.write_text(text.replace("Secret", ""))
    assert (philips.statements(path), philips.identifier(path)) == ((), "")


def test_the_statements_of_a_real_recording(shared):
    """As they can be read in the file."""
    found = philips.statements(shared / "data/formats/philips/1_03_129DYPRG.XML")
    assert found[:2] == ("Sinus bradycardia", "Nonspecific intraventricular conduction delay")
    assert found[2:] == ("Inferior infarct, acute (LCx)", "Acute MI", "ABNORMAL ECG")


def test_damaged_copies(survives, samples):
    survives(philips.read, philips_bytes(samples, VERSION_3), ".xml")


@pytest.mark.parametrize("name", ["1_03_129DYPRG.XML", "1_04_ad4d3d80_orig.xml"])
def test_real_recordings_equal_an_independent_reader(shared, independent, name):
    path = shared / "data/formats/philips" / name
    expected, rate = independent(path)
    record = philips.read(path)
    assert (record.leads, record.rate, record.stored.shape) == (LEADS, rate, (12, 5000))
    for lead, signal in zip(LEADS, record.millivolts, strict=True):
        np.testing.assert_allclose(signal, expected[lead][:5000], rtol=0, atol=2.5e-3)


def test_real_recording_equals_the_makers_own_conversion(shared, independent):
    folder = shared / "data/formats/philips"
    record = philips.read(folder / "1_04_ad4d3d80_orig.xml")
    expected, _ = independent(folder / "1_04_ad4d3d80_converted.xml")
    for lead, signal in zip(LEADS, record.millivolts, strict=True):
        np.testing.assert_allclose(signal, expected[lead][:5000], rtol=0, atol=20.01e-3)
