"""MUSE XML: every variant of the format, written in miniature; hostile files; nobody's name."""

import base64
import hashlib
import hmac
import logging
import zlib

import numpy as np
import pytest

from ecg12.io.formats import find_any, read_any
from ecg12.io.leads import LEADS
from ecg12.io.muse import read_muse, read_statements
from ecg12.io.record import MISSING
from ecg12.io.wfdb import write_record
from ecg12.io.xml_file import LARGEST_FILE, MOST_MARKS
from ecg12.runtime.errors import RecordError
from ecg12.signal.preprocessing import Preprocessing, prepare

EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
STEP = 0.00488  # mV per bit
HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
PATIENT = (
    "<PatientID>MRN0042</PatientID><PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits>"
    "<DateofBirth>02-29-1948</DateofBirth><Gender>FEMALE</Gender>"
    "<PatientLastName>Doppelgänger</PatientLastName><PatientFirstName>Wilhelmina</PatientFirstName>"
)
SECRETS = ("MRN0042", "02-29-1948", "1948", "Doppelg", "Wilhelmina", "Smithers", "778899")
RAMP = np.arange(-40, 60, dtype=np.int16)


def lead_data(lead, samples=RAMP, **fields):
    """Return a LeadData element; a field of None is left out."""
    data = np.asarray(samples, "<i2").tobytes()
    fields = {
        "LeadSampleCountTotal": len(samples),
        "LeadAmplitudeUnitsPerBit": 4.88,
        "LeadAmplitudeUnits": "MICROVOLTS",
        "LeadID": lead,
        "LeadSampleSize": 2,
        "LeadDataCRC32": zlib.crc32(data),
        "WaveFormData": "\n" + base64.encodebytes(data).decode(),
    } | fields
    inner = "".join(f"<{k}>{v}</{k}>\n" for k, v in fields.items() if v is not None)
    return f"<LeadData>{inner}</LeadData>"


def waveform(leads, kind="Rhythm", base="500", exponent="0"):
    return (
        f"<Waveform><WaveformType>{kind}</WaveformType><NumberofLeads>8</NumberofLeads>"
        f"<SampleBase>{base}</SampleBase><SampleExponent>{exponent}</SampleExponent>"
        f"{leads}</Waveform>"
    )


def statement(text, *flags):
    inner = "".join(f"<StmtFlag>{flag}</StmtFlag>" for flag in flags)
    return f"<DiagnosisStatement>{inner}<StmtText>{text}</StmtText></DiagnosisStatement>"


EIGHT_LEADS = "".join(lead_data(lead, RAMP + 7 * i) for i, lead in enumerate(EIGHT))


@pytest.fixture
def make_file(tmp_path):
    """Write a MUSE file from its parts; return its path."""

    def make(
        waveforms=None, *, patient=PATIENT, diagnosis="", extra="", head=HEAD, encoding="latin-1"
    ):
        waveforms = waveform(EIGHT_LEADS) if waveforms is None else waveforms
        path = tmp_path / "ecg.xml"
        text = (
            f"{head}<RestingECG>\n<PatientDemographics>{patient}</PatientDemographics>"
            "<TestDemographics><AcquisitionDate>02-28-2009</AcquisitionDate>"
            "<OverreaderLastName>Smithers</OverreaderLastName></TestDemographics>"
            f"<Diagnosis>{diagnosis}</Diagnosis>{extra}{waveforms}</RestingECG>"
        )
        path.write_bytes(text.encode(encoding))
        return path

    return make


@pytest.fixture(autouse=True)
def nobody_is_named(caplog, capfd):
    """No log line and no output of any test here may say who the patient is."""
    yield
    said = caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in SECRETS if secret in said]


def refused(path, reason):
    """Read a file that must be refused; the message names it and nobody."""
    with pytest.raises(RecordError, match=reason) as caught:
        read_muse(path, "salt")
    assert str(path) in str(caught.value)
    assert not [secret for secret in SECRETS if secret in str(caught.getrepr(style="native"))]


# Waveforms


def test_eight_stored_leads_become_twelve(make_file):
    record = read_muse(make_file()).record
    one, two, *chest = [STEP * (RAMP + 7.0 * i) for i in range(8)]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    assert record.leads == LEADS
    assert (record.name, record.rate) == ("ecg", 500.0)
    assert record.stored.dtype == np.int16
    np.testing.assert_allclose(record.millivolts, [*limb, *chest], rtol=1e-12, atol=1e-15)


def test_twelve_stored_leads_are_taken_as_they_are(make_file):
    shuffled = ("V6", "aVF", *EIGHT[:-1], "III", "AVR", "aVL")
    leads = "".join(lead_data(lead, RAMP + 100 * i) for i, lead in enumerate(shuffled))
    record = read_muse(make_file(waveform(leads))).record
    assert record.leads == LEADS
    np.testing.assert_array_equal(record.stored[5], RAMP + 100)
    np.testing.assert_array_equal(record.stored[3], RAMP + 1000)
    np.testing.assert_allclose(record.resolution, STEP)


@pytest.mark.parametrize(
    ("base", "exponent", "rate"),
    [("240", "0", 240), ("250", "0", 250), ("500", "", 500), ("5", "2", 500), ("2500", "-1", 250)],
)
def test_rate_is_base_times_ten_to_the_exponent(make_file, base, exponent, rate):
    path = make_file(waveform(EIGHT_LEADS, base=base, exponent=exponent))
    assert read_muse(path).record.rate == pytest.approx(rate)


@pytest.mark.parametrize("median_first", [True, False])
def test_the_rhythm_is_read_and_not_the_median_beat(make_file, median_first):
    median = waveform(lead_data("I", [1, 2, 3]), "Median")
    both = [median, waveform(EIGHT_LEADS)]
    path = make_file("".join(both if median_first else both[::-1]))
    assert read_muse(path).record.stored.shape == (12, 100)


def test_two_rhythm_waveforms_are_one_recording(make_file):
    """As some exports split it: limb leads in one, chest leads in the other."""
    whole = read_muse(make_file()).record
    parts = ["".join(lead_data(lead) for lead in leads) for leads in (EIGHT[:2], EIGHT[2:])]
    split = read_muse(make_file("".join(map(waveform, parts)))).record
    assert (split.leads, split.rate) == (whole.leads, whole.rate)
    np.testing.assert_array_equal(
        read_muse(make_file(waveform("".join(parts)))).record.stored, split.stored
    )


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (waveform(lead_data("I")), "lead I in two Rhythm waveforms"),
        (waveform(lead_data("V1"), base="250"), r"2 Rhythm waveforms at \[500.0, 250.0\] Hz"),
        (waveform(lead_data("V1", RAMP[:50])), r"2 Rhythm waveforms .* of \[50, 100\] samples"),
    ],
)
def test_rhythm_waveforms_that_do_not_fit(make_file, second, reason):
    path = make_file(waveform(lead_data("I") + lead_data("II")) + second)
    with pytest.raises(RecordError, match=f"ecg.xml: {reason}"):
        read_muse(path)


def test_the_name_of_a_file_does_not_matter(make_file):
    path = make_file()
    expected = read_any(path).stored
    for name in ("muse.txt", "muse", "muse.dcm"):
        path = path.rename(path.with_name(name))
        assert find_any(path.parent) == [path]
        np.testing.assert_array_equal(read_any(path).stored, expected)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (HEAD, "latin-1"),
        ("", "utf-8"),
        (HEAD.replace("ISO-8859-1", "UTF-8"), "utf-8"),
        (HEAD.replace("ISO-8859-1", "UTF-16"), "utf-16"),
        (HEAD.replace("ISO-8859-1", "windows-1252"), "cp1252"),
        (HEAD.replace("\n", "\r\n"), "latin-1"),
    ],
)
def test_encodings(make_file, head, encoding):
    diagnosis = statement("Bloc auriculo-ventriculaire du 1er degré", "ENDSLINE")
    path = make_file(head=head, encoding=encoding, diagnosis=diagnosis)
    assert read_muse(path).statements == ("Bloc auriculo-ventriculaire du 1er degré",)


@pytest.mark.parametrize(
    ("unit", "per_bit", "millivolts"),
    [
        ("MICROVOLTS", "4.88", 0.00488),
        ("MICROVOLTS", "1", 0.001),
        ("MILLIVOLTS", "0.005", 0.005),
        (None, "2.5", 0.0025),
    ],
)
def test_scale(make_file, unit, per_bit, millivolts):
    lead = lead_data("V1", LeadAmplitudeUnits=unit, LeadAmplitudeUnitsPerBit=per_bit)
    record = read_muse(make_file(waveform(lead))).record
    np.testing.assert_allclose(record.millivolts[0], millivolts * RAMP)


@pytest.mark.parametrize(
    "fields",
    [
        {"LeadAmplitudeUnitsPerBit": "0"},
        {"LeadAmplitudeUnitsPerBit": "nan"},
        {"LeadAmplitudeUnitsPerBit": None},
        {"LeadAmplitudeUnits": "PARSECS"},
    ],
)
def test_an_unknown_scale_stays_unknown_and_the_recording_usable(make_file, fields, make_ecg):
    signals = np.rint(make_ecg(500, 10) / STEP).astype(np.int16)
    eight = [(lead, signals[LEADS.index(lead)]) for lead in EIGHT]
    known = make_file(waveform("".join(lead_data(*lead) for lead in eight)))
    expected = prepare(read_any(known), Preprocessing())
    record = read_any(make_file(waveform("".join(lead_data(*lead, **fields) for lead in eight))))
    assert np.isnan(record.resolution).all()
    assert np.abs(prepare(record, Preprocessing()) - expected).max() <= 1


def test_leads_of_different_scale_are_left_to_the_signal_chain(make_file):
    leads = lead_data("I") + lead_data("II", LeadAmplitudeUnitsPerBit=2.44)
    record = read_muse(make_file(waveform(leads))).record
    assert record.leads == ("I", "II")
    np.testing.assert_allclose(record.resolution, [STEP, STEP / 2])


def test_derived_leads_miss_what_their_sources_miss_and_saturate(make_file):
    one, two = [MISSING, 32767, 5, -32767], [7, -32767, 6, 32767]
    record = read_muse(make_file(waveform(lead_data("I", one) + lead_data("II", two)))).record
    assert record.leads == LEADS[:6]
    expected = {
        "III": [MISSING, -32767, 2, 32767],
        "aVR": [MISSING, 0, -11, 0],
        "aVL": [MISSING, 32767, 4, -32767],
        "aVF": [MISSING, -32767, 7, 32767],
    }
    for lead, values in expected.items():
        np.testing.assert_array_equal(record.stored[LEADS.index(lead)], values)
    assert np.isnan(record.millivolts[2:, 0]).all()


def test_missing_leads(make_file):
    leads = "".join(lead_data(lead) for lead in ("II", "V1", "III", "RESP"))
    record = read_muse(make_file(waveform(leads))).record
    assert record.leads == ("II", "III", "V1", "RESP")


def test_right_sided_leads_in_the_place_of_chest_leads_are_refused(make_file):
    leads = "".join(map(lead_data, ("I", "II", "V1", "V2", "V3R", "V4", "V7", "V6")))
    with pytest.raises(RecordError, match="no V3, V5, but V3R, V7"):
        read_muse(make_file(waveform(leads)))


def test_leads_that_begin_at_other_times_are_refused_and_those_that_were_off_told(
    make_file, caplog
):
    later = lead_data("I") + lead_data("II", LeadTimeOffset=2500)
    with pytest.raises(RecordError, match=r"begin at \[0.0, 2500.0\] \(LeadTimeOffset\)"):
        read_muse(make_file(waveform(later)))
    off = lead_data("I", LeadOff="FALSE") + lead_data("II", LeadOff="TRUE", LeadTimeOffset=0)
    assert read_muse(make_file(waveform(off))).record.leads[:2] == ("I", "II")
    assert "lead II was off (LeadOff)" in caplog.text


# Checksums


@pytest.mark.parametrize(
    ("write", "warned"),
    [
        (lambda crc: crc, False),
        (lambda crc: crc - 2**32, False),
        (lambda crc: None, False),
        (lambda crc: "", False),
        (lambda crc: crc ^ 1, True),
        (lambda crc: "none", True),
    ],
)
def test_a_wrong_checksum_is_told_and_the_recording_read(make_file, caplog, write, warned):
    crc = zlib.crc32(RAMP.astype("<i2").tobytes())
    leads = lead_data("V1") + lead_data("V2", LeadDataCRC32=write(crc))
    path = make_file(waveform(leads))
    with caplog.at_level(logging.WARNING):
        assert read_muse(path).record.leads == ("V1", "V2")
    warning = f"{path}: wrong checksum (LeadDataCRC32) of lead V2"
    assert [r.getMessage() for r in caplog.records] == ([warning] if warned else [])


# The patient


@pytest.mark.parametrize(
    ("fields", "age"),
    [
        ("<PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits>", 61),
        ("<PatientAge>61</PatientAge>", 61),
        ("<PatientAge>18</PatientAge><AgeUnits>MONTHS</AgeUnits>", 1.5),
        ("<PatientAge>14</PatientAge><AgeUnits>DAYS</AgeUnits>", 14 / 365.25),
        ("<PatientAge>61</PatientAge><AgeUnits>MOONS</AgeUnits>", None),
        ("<DateofBirth>02-28-1948</DateofBirth>", 61),
        ("<DateofBirth>03-01-1948</DateofBirth>", 60),
        ("<DateofBirth>1948-02-28</DateofBirth>", 61),
        ("<PatientAge>?</PatientAge><DateofBirth>02-29-1948</DateofBirth>", 60),
        ("<DateofBirth>31-31-1948</DateofBirth>", None),
        ("<DateofBirth>03-01-2048</DateofBirth>", None),
        ("<PatientAge>999</PatientAge>", None),
        ("<PatientAge>-3</PatientAge>", None),
        ("", None),
    ],
)
def test_age(make_file, fields, age):
    assert read_muse(make_file(patient=fields)).record.age == pytest.approx(age)


@pytest.mark.parametrize(
    ("gender", "sex"), [("MALE", "Male"), ("female", "Female"), ("UNKNOWN", None), ("", None)]
)
def test_sex(make_file, gender, sex):
    path = make_file(patient=f"<Gender>{gender}</Gender>")
    assert read_muse(path).record.sex == sex


def test_the_patient_key_is_a_salted_hash(make_file):
    path = make_file()
    key = hmac.new(b"pepper", b"MRN0042", hashlib.sha256).hexdigest()[:32]
    assert read_muse(path, "pepper").patient == key
    assert read_muse(path, "another").patient != key
    assert read_muse(path).patient is None
    for nothing in (" ", "---"):
        path = make_file(patient=f"<PatientID>{nothing}</PatientID>")
        assert read_muse(path, "pepper").patient is None


def test_an_empty_salt_is_refused(make_file):
    with pytest.raises(ValueError, match="salt of patient keys is empty"):
        read_muse(make_file(), "")


def test_what_is_printed_of_a_recording_names_nobody(make_file):
    diagnosis = statement("Mrs Doppelgänger fainted", "ENDSLINE")
    recording = read_muse(make_file(diagnosis=diagnosis), "pepper")
    shown = repr(recording) + repr(recording.record)
    assert not [secret for secret in (*SECRETS, "fainted") if secret in shown]


# Statements


def test_segments_end_at_the_end_of_line_flag(make_file):
    diagnosis = (
        statement("Sinus bradycardia")
        + statement("with 1st degree A-V block", "ENDSLINE", "USERINSERT")
        + statement("Inferior infarct")
        + statement(", age undetermined", "USERINSERT", "ENDSLINE")
        + statement("", "ENDSLINE")
        + statement("ST &amp; T wave\n  abnormality", "ENDSLINE")
        + "<DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag></DiagnosisStatement>"
        + statement("Abnormal ECG")
    )
    original = f"<OriginalDiagnosis>{statement('Atrial flutter', 'ENDSLINE')}</OriginalDiagnosis>"
    path = make_file(diagnosis=diagnosis, extra=original)
    assert read_muse(path).statements == (
        "Sinus bradycardia with 1st degree A-V block",
        "Inferior infarct, age undetermined",
        "ST & T wave abnormality",
        "Abnormal ECG",
    )


@pytest.mark.parametrize(
    "line",
    [
        "Confirmed by Smithers, John (778899) on 5/10/2021 1:15:09 PM",
        "CONFIRMED BY SMITHERS",
        "Reconfirmed by SMITHERS, JOHN (778899) on 03/29/1995 02:57:00 PM",
        "SMITHERS, John W. (778899)",
        "Reviewed and confirmed by Smithers, John",
        "Overread by: Smithers",
        "Referred by: Smithers, J",
        "Electronically signed by Smithers, John",
        "Technician: Smithers",
    ],
)
def test_lines_that_name_a_reader_are_left_out(make_file, line):
    diagnosis = statement("Atrial fibrillation", "ENDSLINE") + statement(line, "ENDSLINE")
    assert read_muse(make_file(diagnosis=diagnosis)).statements == ("Atrial fibrillation",)


def test_serial_comparisons_stay(make_file):
    diagnosis = statement("When compared with ECG of") + statement("10-MAY-2021 14:14,", "ENDSLINE")
    expected = ("When compared with ECG of 10-MAY-2021 14:14,",)
    assert read_muse(make_file(diagnosis=diagnosis)).statements == expected


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Atrial flutter, Mrs DOPPELGÄNGER was told", "Atrial flutter, Mrs was told"),
        ("Wilhelmina has atrial flutter", "has atrial flutter"),
        ("MRN0042 smithers: atrial flutter", ": atrial flutter"),
    ],
)
def test_names_and_identifiers_of_the_file_are_cut_out_of_statements(make_file, said, kept):
    assert read_muse(make_file(diagnosis=statement(said, "ENDSLINE"))).statements == (kept,)


def test_a_patient_whose_name_is_a_diagnosis_keeps_the_diagnosis(make_file):
    patient = PATIENT.replace("Doppelgänger", "Block").replace("Wilhelmina", "Sunny")
    path = make_file(patient=patient, diagnosis=statement("Sunny: AV block", "ENDSLINE"))
    assert read_muse(path).statements == (": AV block",)


def test_statements_are_read_without_samples(make_file):
    path = make_file("<Waveform/>", diagnosis=statement("Atrial flutter", "ENDSLINE"))
    key = hmac.new(b"s", b"MRN0042", hashlib.sha256).hexdigest()[:32]
    assert read_statements(path, "s") == (key, ("Atrial flutter",))
    assert read_statements(path) == (None, ("Atrial flutter",))
    with pytest.raises(ValueError, match="salt of patient keys is empty"):
        read_statements(path, "")
    with pytest.raises(RecordError, match=r"ecg.xml: no Waveform of type Rhythm"):
        read_muse(path)


@pytest.mark.parametrize("encoding", ["GB2312", "Big5", "Shift_JIS"])
def test_encodings_of_east_asia(make_file, encoding):
    head = HEAD.replace("ISO-8859-1", encoding)
    patient = PATIENT.replace("Doppelgänger", "Doppelgaenger")
    diagnosis = statement("正常", "ENDSLINE")
    path = make_file(head=head, encoding=encoding, diagnosis=diagnosis, patient=patient)
    recording = read_muse(path)
    assert recording.statements == ("正常",)
    assert recording.record.leads == LEADS


def test_without_a_diagnosis_there_are_no_statements(tmp_path):
    path = tmp_path / "ecg.xml"
    path.write_text(f"<RestingECG>{waveform(EIGHT_LEADS)}</RestingECG>")
    recording = read_muse(path, "pepper")
    assert recording.statements == ()
    assert (recording.record.age, recording.record.sex, recording.patient) == (None, None, None)


# Hostile and damaged files

LAUGHS = '<!DOCTYPE RestingECG [<!ENTITY a "Smithers">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
)


@pytest.mark.parametrize(
    "head",
    [
        LAUGHS + "]>",
        '<!DOCTYPE RestingECG [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE RestingECG [<!ENTITY % x SYSTEM "http://example.org/x.dtd"> %x;]>',
        '<!DOCTYPE RestingECG SYSTEM "restecg.dtd" [<!ATTLIST LeadData a CDATA "x">]>',
        "<!DOCTYPE RestingECG [<!ELEMENT LeadData (a)>]>",
        '<!DOCTYPE RestingECG [<!NOTATION g SYSTEM "g"><!ENTITY x SYSTEM "x" NDATA g>]>',
    ],
)
def test_declarations_are_refused(make_file, head):
    refused(make_file(head=head), "declares XML entities or attributes")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not well-formed XML at line 1, column 0"),
        (b"Smithers", "not well-formed"),
        (b"<RestingECG><Waveform>", "not well-formed"),
        (b"<RestingECG>&undeclared;</RestingECG>", "not well-formed"),
        (b"<Smithers/>", "the root element is not RestingECG"),
        (b"<RestingECG/>", "no Waveform of type Rhythm among 0"),
        (b'<?xml version="1.0" encoding="Smithers"?><RestingECG/>', "encoding|not well-formed"),
        (b'<?xml version="1.0" encoding="utf-7"?><RestingECG/>', "encoding|not well-formed"),
        (b"\0" * 1000, "not well-formed"),
        (
            b"<a>" * MOST_MARKS + b"</a>" * MOST_MARKS,
            f"more than {MOST_MARKS} XML tags or attributes",
        ),
        (b"<a>" * (MOST_MARKS // 2) + b"</a>" * (MOST_MARKS // 2), "the root element is not"),
        (b"<a " + b" ".join(b"b%d=''" % i for i in range(MOST_MARKS + 1)) + b"/>", "or attributes"),
        (b" " * (LARGEST_FILE + 1), f"larger than {LARGEST_FILE} bytes"),
    ],
    ids=range(13),
)
def test_files_that_are_no_recording(tmp_path, text, reason):
    path = tmp_path / "ecg.xml"
    path.write_bytes(text)
    refused(path, reason)


def test_a_missing_file(tmp_path):
    refused(tmp_path / "absent.xml", "No such file")


@pytest.mark.parametrize(
    ("lead", "reason"),
    [
        (lead_data("V1", WaveFormData="Smithers!"), "lead V1: WaveFormData is not base64"),
        (lead_data("V1", WaveFormData="QUJD\n=Q=="), "not base64"),
        (lead_data("V1", WaveFormData="ÄÖÜÄ"), "not base64"),
        (lead_data("V1", WaveFormData="QUJD", LeadSampleCountTotal=None), "has 3 bytes"),
        (lead_data("V1", WaveFormData=None), "has 0 bytes"),
        (lead_data("V1", WaveFormData=None, LeadSampleCountTotal=0), r"1 leads of \[0\] samples"),
        (lead_data("V1", LeadSampleCountTotal=10**18), r"LeadSampleCountTotal 1e\+18, but"),
        (lead_data("V1", LeadSampleCountTotal=-100), "LeadSampleCountTotal -100, but"),
        (lead_data("V1", LeadSampleCountTotal=99), "has 200 bytes"),
        (lead_data("V1", LeadSampleSize=4), "LeadSampleSize is not 2"),
        (lead_data("Smithers", LeadSampleSize=4), "lead number 1: LeadSampleSize"),
        (lead_data("V1") + lead_data("v1"), "lead V1 stands twice"),
        (lead_data("V1") + lead_data("V2", RAMP[:50]), r"2 leads of \[50, 100\] samples"),
        ("", r"0 leads of \[\] samples"),
    ],
)
def test_damaged_leads(make_file, lead, reason):
    refused(make_file(waveform(lead)), reason)


@pytest.mark.parametrize(
    ("base", "exponent"),
    [("0", "0"), ("-500", "0"), ("Smithers", "0"), ("500", "300"), ("1e300", "9"), ("nan", "0")],
    ids=range(6),
)
def test_impossible_rates(make_file, base, exponent):
    refused(make_file(waveform(EIGHT_LEADS, base=base, exponent=exponent)), "sampling rate")


def test_a_file_without_rhythm(make_file):
    path = make_file(waveform(EIGHT_LEADS, "Median"))
    refused(path, "no Waveform of type Rhythm among 1")


def test_random_damage_is_read_or_refused_by_name(make_file):
    path = make_file(diagnosis=statement("Atrial flutter", "ENDSLINE"))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole)
        start = rng.integers(len(data))
        if rng.random() < 0.3:
            del data[start : start + rng.integers(1, 400)]
        else:
            data[start] = rng.integers(256)
        path.write_bytes(data)
        try:
            outcomes.add(read_muse(path, "salt").record.leads[0])
        except RecordError as error:
            assert str(path) in str(error)  # noqa: PT017
            outcomes.add("refused")
    assert {"I", "refused"} <= outcomes


# Together with other modules


def test_the_signal_chain_takes_a_muse_recording(make_file, make_record, tmp_path):
    record = make_record("A0001", gain=1 / STEP)
    eight = [lead_data(lead, record.stored[LEADS.index(lead)]) for lead in EIGHT]
    path = make_file(waveform("".join(eight)))
    header = write_record(tmp_path, record)
    ours, theirs = read_any(path, 11), read_any(header, 11)
    stored = [LEADS.index(lead) for lead in EIGHT]
    for amplitude in ("recording", "millivolts"):
        preprocessing = Preprocessing(amplitude=amplitude)
        prepared, expected = prepare(ours, preprocessing), prepare(theirs, preprocessing)
        # `record` rounds all twelve: III is II - I within 1.5 bits, 7.5 steps of 1/1024 mV.
        np.testing.assert_allclose(prepared, expected, atol=10)
    np.testing.assert_array_equal(prepared[stored], expected[stored])


def test_any_recording_is_found_and_read_by_its_suffix(make_file, make_record, tmp_path):
    with pytest.raises(FileNotFoundError, match="no recordings"):
        find_any(tmp_path)
    upper = make_file()
    upper = upper.rename(tmp_path / "deep.XML")
    (tmp_path / ".hidden.xml").write_text("")
    write_record(tmp_path, make_record("A0001", seconds=2))
    assert find_any(tmp_path) == [tmp_path / "A0001", upper]
    assert [len(read_any(path, 0.1).stored[0]) for path in find_any(tmp_path)] == [50, 50]
