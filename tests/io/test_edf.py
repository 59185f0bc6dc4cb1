"""EDF, EDF+ and BDF: files written by one library and read by another, and what is refused."""

from datetime import date

import numpy as np
import pytest

edfio = pytest.importorskip("edfio", reason="edfio is not installed")
pyedflib = pytest.importorskip("pyedflib", reason="pyedflib is not installed")

from ecg12.io import edf  # noqa: E402
from ecg12.io.leads import LEADS  # noqa: E402
from ecg12.runtime.errors import RecordError  # noqa: E402

RATE = 500
MICROVOLTS = {"mV": 1e-3, "uV": 1.0, "V": 1e-6, "\N{MICRO SIGN}V": 1.0}


def write(path, signals, *, leads=LEADS, unit="mV", more=(), bdf=False, rates=None, **options):
    """Write (n_leads, n_samples) mV; `more` are (label, unit, rate) of other signals."""
    make, file = (edfio.BdfSignal, edfio.Bdf) if bdf else (edfio.EdfSignal, edfio.Edf)
    seconds = signals.shape[1] / RATE
    scale = 1e3 * MICROVOLTS.get(unit, 1e-3)
    channels = [
        make(row * scale, RATE, label=lead, physical_range=(-5 * scale, 5 * scale),
             physical_dimension="" if not unit.isascii() else unit)
        for row, lead in zip(signals, leads, strict=True)
    ]  # fmt: skip
    for label, its_unit, rate in more:
        ramp = np.arange(round(seconds * rate), dtype=float)
        channels.append(make(ramp, rate, label=label, physical_dimension=its_unit))
    file(channels, data_record_duration=1, **options).write(path)
    return path


@pytest.fixture
def signals(make_ecg):
    return make_ecg(RATE, 6)


def independent(path):
    """Return the physical values of all signals, by label, as pyedflib reads them."""
    with pyedflib.EdfReader(str(path)) as reader:
        return {name: reader.readSignal(n) for n, name in enumerate(reader.getSignalLabels())}


@pytest.mark.parametrize("bdf", [False, True])
@pytest.mark.parametrize("unit", ["mV", "uV"])
def test_equals_an_independent_reader(tmp_path, signals, unit, bdf):
    path = write(tmp_path / "a.edf", signals, unit=unit, bdf=bdf)
    assert edf.recognises(path.read_bytes()[:4096])
    record, expected = edf.read(path), independent(path)
    assert (record.name, record.leads, record.rate) == ("a", LEADS, RATE)
    step = 10 / (2**24 - 1 if bdf else 2**16 - 1)
    for lead, signal, truth in zip(LEADS, record.millivolts, signals, strict=True):
        np.testing.assert_allclose(signal * 1e3 * MICROVOLTS[unit], expected[lead], atol=1e-9)
        np.testing.assert_allclose(signal, truth, atol=step)


@pytest.mark.parametrize("bdf", [False, True])
def test_only_the_first_seconds_are_read(tmp_path, signals, bdf):
    path = write(tmp_path / "a.edf", signals, bdf=bdf)
    whole, part = edf.read(path), edf.read(path, 2.5)
    np.testing.assert_array_equal(part.stored, whole.stored[:, :1250])
    assert edf.read(path, 1e9).stored.shape == whole.stored.shape


def test_a_day_takes_no_more_memory_than_what_is_asked_for(tmp_path, signals, monkeypatch):
    path = write(tmp_path / "holter.edf", signals)
    data = bytearray(path.read_bytes())
    record_bytes, n_records = 12 * RATE * 2, 86400
    data[236:244] = str(n_records).encode().ljust(8)
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(13 * 256 + n_records * record_bytes)  # sparse: one gigabyte of zeros
    part = edf.read(path, 6)
    np.testing.assert_allclose(part.millivolts, signals, atol=2e-4)
    with pytest.raises(RecordError, match=r"holter\.edf: more than \d+ bytes"):
        edf.read(path)


def test_age_sex_annotations_and_signals_of_other_rates(tmp_path, signals, caplog):
    caplog.set_level("INFO")
    path = write(
        tmp_path / "a.edf", signals,
        more=[("Resp", "ohm", 10), ("V3R", "mV", RATE), ("SpO2", "%", RATE)],
        patient=edfio.Patient(sex="F", birthdate=date(1950, 5, 5), name="Secret"),
        recording=edfio.Recording(startdate=date(2020, 5, 4)),
        annotations=[edfio.EdfAnnotation(1, None, "Secret")],
    )  # fmt: skip
    record = edf.read(path)
    assert (record.age, record.sex, record.leads) == (69, "Female", (*LEADS, "V3R"))
    np.testing.assert_allclose(record.millivolts[:12], signals, atol=2e-4)
    assert "rate: Resp, SpO2" in caplog.text
    assert "Secret" not in caplog.text


@pytest.mark.parametrize("written", [b"\xb5V", b"\xc2\xb5V"])  # Latin-1, UTF-8
def test_the_micro_sign(tmp_path, signals, written):
    path = write(tmp_path / "a.edf", signals, unit="\N{MICRO SIGN}V")
    data = bytearray(path.read_bytes())
    at = 256 + 12 * (16 + 80)
    data[at : at + 12 * 8] = written.ljust(8) * 12
    path.write_bytes(data)
    np.testing.assert_allclose(edf.read(path).millivolts, signals, atol=2e-4)


@pytest.mark.parametrize(("bdf", "mark"), [(False, "EDF+D"), (True, "BDF+D")])
def test_gaps_are_refused(tmp_path, signals, bdf, mark):
    path = write(tmp_path / "a.edf", signals, bdf=bdf)
    data = bytearray(path.read_bytes())
    data[192:197] = mark.encode()
    path.write_bytes(data)
    with pytest.raises(RecordError, match=rf"a\.edf: {mark.replace('+', '.')}.* gaps"):
        edf.read(path)


@pytest.mark.parametrize(("bdf", "mark"), [(False, b"EDF+D"), (True, b"BDF+D")])
def test_a_recording_that_may_have_gaps_is_read_if_it_has_none(tmp_path, signals, bdf, mark):
    note = edfio.EdfAnnotation(1, None, "x")
    path = write(tmp_path / "a.edf", signals, bdf=bdf, annotations=[note])
    expected = edf.read(path)
    data = bytearray(path.read_bytes())
    data[192:197] = mark
    path.write_bytes(data)
    record = edf.read(path)
    np.testing.assert_array_equal(record.stored, expected.stored)
    np.testing.assert_allclose(record.millivolts, signals, atol=2e-4)
    at = data.index(b"+3\x14\x14")  # the fourth second begins later
    data[at : at + 2] = b"+4"
    path.write_bytes(data)
    with pytest.raises(RecordError, match=r"a\.edf: .* gaps"):
        edf.read(path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"unit": ".V"}, "lead I in '.V'"),
        ({"unit": ""}, "lead I in ''"),
        ({"leads": ["I", *LEADS[:11]]}, "lead I stands twice"),
        ({"leads": [f"Fp{n}" for n in range(12)]}, "none of the twelve leads among 12"),
    ],
)
def test_what_fits_no_record_is_refused(tmp_path, signals, options, reason):
    path = write(tmp_path / "bad.edf", signals, **options)
    with pytest.raises(RecordError, match=rf"bad\.edf: .*{reason}"):
        edf.read(path)


def test_electrodes_on_the_head_are_no_leads_of_the_heart(tmp_path, signals):
    """A recording of sleep: its C3 and C4 are no chest leads."""
    head = ["C3", "C4", "O1", "O2", "A1", "A2"]
    path = write(tmp_path / "sleep.edf", signals[:6], leads=head)
    with pytest.raises(RecordError, match=r"sleep\.edf: none of the twelve leads among 6"):
        edf.read(path)
    path = write(tmp_path / "both.edf", signals[:8], leads=["I", "II", *head])
    assert edf.read(path).leads == ("I", "II", "EEG C3", "EEG C4", "O1", "O2", "A1", "A2")


def test_leads_of_different_rates_are_refused(tmp_path, signals):
    path = write(tmp_path / "bad.edf", signals[:11], leads=LEADS[:11], more=[("V6", "mV", 250)])
    with pytest.raises(RecordError, match=r"bad\.edf: .*V5 500 Hz, V6 250 Hz"):
        edf.read(path)


@pytest.mark.parametrize(
    ("at", "field", "reason"),
    [
        (236, b"7", "truncated: 7 data records announced, 6 held"),
        (244, b"0", "0 seconds in a data record"),
        (184, b"99", "99 bytes in the header"),
        (252, b"9999", "9999 signals"),
        (252, b"nan ", "nan signals"),
    ],
)
def test_damaged_headers(tmp_path, signals, at, field, reason):
    path = write(tmp_path / "bad.edf", signals)
    data = bytearray(path.read_bytes())
    data[at : at + (4 if at == 252 else 8)] = field.ljust(4 if at == 252 else 8)
    path.write_bytes(data)
    with pytest.raises(RecordError, match=rf"bad\.edf: .*{reason}"):
        edf.read(path)


def test_leads_without_samples_beside_a_signal_that_has_some(tmp_path, signals):
    """The count of samples in a data record follows 216 bytes for each signal."""
    path = write(tmp_path / "bad.edf", signals, more=[("Resp", "ohm", 10)])
    data = bytearray(path.read_bytes())
    at = 256 + 13 * 216
    data[at : at + 12 * 8] = b"0       " * 12
    path.write_bytes(data)
    for read in (edf.read, edf.open_record):
        with pytest.raises(RecordError, match=r"bad\.edf: a sampling rate of 0 Hz"):
            read(path)


def test_a_recorder_that_did_not_say_how_long(tmp_path, signals):
    path = write(tmp_path / "a.edf", signals)
    data = bytearray(path.read_bytes())
    data[236:244] = b"-1      "
    path.write_bytes(data)
    assert edf.read(path).stored.shape == (12, 3000)


@pytest.mark.parametrize("bdf", [False, True])
def test_the_code_of_the_patient(tmp_path, signals, bdf):
    known = edfio.Patient(code="4711", name="Holmes")
    plus = {"annotations": [edfio.EdfAnnotation(1, None, "a")], "patient": known}
    path = write(tmp_path / "a.edf", signals, bdf=bdf, **plus)
    assert edf.identifier(path) == "4711"
    assert edf.identifier(write(tmp_path / "b.edf", signals, bdf=bdf)) == ""
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(RecordError, match=r"a\.edf"):
        edf.identifier(path)


@pytest.mark.parametrize("bdf", [False, True])
def test_damaged_copies(tmp_path, survives, signals, bdf):
    data = write(tmp_path / "a.edf", signals, bdf=bdf).read_bytes()
    survives(edf.read, data, ".edf")
