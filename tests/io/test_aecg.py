"""HL7 aECG: files written here, and real ones against an independent reader and their twins."""

import logging

import numpy as np
import pytest

from ecg12.io import aecg, dicom
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import RecordError

SECRETS = ("Doppelg", "MRN0042", "Wilhelmina")
XMLNS = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
RAMP = np.arange(-40, 60)
TIME = '<head value="20210530091000"/><increment value="0.002" unit="s"/>'


def sequence(code, kind, value, attributes=""):
    return (
        f'<component><sequence><code code="{code}"/><value xsi:type="{kind}"{attributes}>'
        f"{value}</value></sequence></component>\n"
    )


def lead(
    name="I", samples=RAMP, *, scale='value="2.5" unit="uV"', origin='value="0" unit="uV"', **f
):
    """Return the sequence of one lead; `digits`, `kind` and `attributes` replace what is usual."""
    digits = f.get("digits", " ".join(str(sample) for sample in samples))
    value = "".join(
        f"<{part} {quantity}/>"
        for part, quantity in (("origin", origin), ("scale", scale))
        if quantity is not None
    )
    value += f"<digits>{digits}</digits>"
    code = f"MDC_ECG_LEAD_{name.upper()}"
    return sequence(code, f.get("kind", "SLIST_PQ"), value, f.get("attributes", ""))


def time(value=TIME, code="TIME_ABSOLUTE", kind="GLIST_TS"):
    return sequence(code, kind, value)


def series(*sets, code="RHYTHM", derived=""):
    sets = "".join(f"<component><sequenceSet>{one}</sequenceSet></component>" for one in sets)
    return f'<component><series><code code="{code}"/>{sets}{derived}</series></component>'


def document(*parts, age='value="61" unit="a"', sex="F", born="19480601"):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG {XMLNS}>'
        '<effectiveTime><low value="20210530091000.000"/></effectiveTime>'
        "<componentOf><subject><trialSubject><id extension='MRN0042'/><subjectDemographicPerson>"
        "<name><family>Doppelgänger</family><given>Wilhelmina</given></name>"
        f'<administrativeGenderCode code="{sex}"/><birthTime value="{born}"/>'
        "</subjectDemographicPerson></trialSubject></subject></componentOf>"
        '<controlVariable><relatedObservation><code code="21612-7"/>'
        f'<value xsi:type="PQ" {age}/></relatedObservation></controlVariable>'
        f"{''.join(parts)}</AnnotatedECG>"
    )


ALL = "".join(lead(name, RAMP + 7 * i) for i, name in enumerate(LEADS))
EXPECTED = np.array([RAMP + 7 * i for i in range(12)])


@pytest.fixture
def make_file(tmp_path):
    def make(text, encoding="utf-8"):
        path = tmp_path / "ecg.xml"
        path.write_bytes(text.encode(encoding))
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
        aecg.read(path)
    assert str(path) in str(caught.value)
    assert not [secret for secret in SECRETS if secret in str(caught.getrepr(style="native"))]


# What is read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_a_recording(make_file, encoding):
    path = make_file(document(series(time() + ALL)), encoding)
    assert aecg.recognises(path.read_bytes()[:4096])
    record = aecg.read(path)
    assert (record.name, record.leads, record.rate) == ("ecg", LEADS, 500)
    assert (record.age, record.sex, record.codes) == (61, "Female", ())
    assert record.stored.dtype == np.int16
    np.testing.assert_array_equal(record.stored, EXPECTED)
    np.testing.assert_allclose(record.millivolts, EXPECTED * 0.0025, rtol=1e-12)
    assert aecg.read(path, 0.1).stored.shape == (12, 50)


def test_with_prefixed_names(make_file):
    text = document(series(time() + ALL)).replace("</", "</h:").replace("<", "<h:")
    text = text.replace("<h:/h:", "</h:").replace("<h:?xml", "<?xml").replace("xmlns=", "xmlns:h=")
    path = make_file(text)
    assert aecg.recognises(path.read_bytes()[:4096])
    np.testing.assert_array_equal(aecg.read(path).stored, EXPECTED)


def test_types_with_a_prefix_and_numbered_leads(make_file):
    text = document(series(time() + ALL)).replace('xsi:type="', 'xsi:type="v3:')
    text = text.replace("MDC_ECG_LEAD_AVF", "131136").replace("MDC_ECG_LEAD_V1", "131075")
    assert aecg.read(make_file(text)).leads == LEADS


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ('<increment value="0.002" unit="s"/>', 500),
        ('<increment value="2" unit="ms"/>', 500),
        ('<increment value="1000" unit="us"/>', 1000),
        ('<increment value="0.001667" unit="s"/>', 600),
        ('<increment value="4E-3" unit="s"/>', 250),
    ],
)
@pytest.mark.parametrize("code", [("TIME_ABSOLUTE", "GLIST_TS"), ("TIME_RELATIVE", "GLIST_PQ")])
def test_rate(make_file, value, rate, code):
    assert aecg.read(make_file(document(series(time(value, *code) + ALL)))).rate == rate


def test_median_beats_are_passed_over(make_file):
    beat = (
        f"<derivation>{series(time() + lead('I', [1, 2]), code='REPRESENTATIVE_BEAT')}</derivation>"
    )
    beat = beat.replace("series>", "derivedSeries>").replace("component>", "x>")
    other = series(time() + lead("I", [1, 2]), code="REPRESENTATIVE_BEAT")
    path = make_file(document(other, series(time() + ALL, derived=beat)))
    np.testing.assert_array_equal(aecg.read(path).stored, EXPECTED)


@pytest.mark.parametrize(
    ("fields", "millivolts"),
    [
        ({"scale": 'value="0.005" unit="mV"'}, lambda x: x * 0.005),
        ({"scale": 'value="2500" unit="nV"'}, lambda x: x * 0.0025),
        ({"scale": 'value="2.5e-6" unit="V"'}, lambda x: x * 0.0025),
        ({"origin": 'value="100" unit="uV"'}, lambda x: x * 0.0025 + 0.1),
        ({"origin": 'value="0.1" unit="mV"'}, lambda x: x * 0.0025 + 0.1),
    ],
)
def test_amplitudes(make_file, fields, millivolts):
    leads = lead("I", **fields) + lead("II")
    record = aecg.read(make_file(document(series(time() + leads))))
    np.testing.assert_allclose(record.millivolts[0], millivolts(RAMP), atol=1e-12)
    np.testing.assert_allclose(record.millivolts[1], RAMP * 0.0025, atol=1e-12)


@pytest.mark.parametrize(
    ("digits", "dtype"),
    [("1\n-2\t3 ", np.int16), ("70000 -70000 3", np.int32), ("1.5 2 -3e1", np.float64)],
)
def test_digits(make_file, digits, dtype):
    leads = lead("I", digits=digits) + lead("II", digits=digits)
    record = aecg.read(make_file(document(series(time() + leads))))
    assert record.stored.dtype == dtype
    expected = np.array([float(digit) for digit in digits.split()])
    np.testing.assert_allclose(record.millivolts[0], expected * 0.0025, rtol=1e-12)


def test_other_sequences_are_kept_if_they_are_voltages(make_file):
    others = lead("V4R") + sequence("MDC_PRESS_BLD", "SLIST_PQ", '<scale value="1" unit="mm[Hg]"/>')
    record = aecg.read(make_file(document(series(time() + ALL + others))))
    assert record.leads == (*LEADS, "V4R")


@pytest.mark.parametrize(
    ("fields", "age", "sex"),
    [
        ({"age": 'value="18" unit="mo"', "sex": "M"}, 1.5, "Male"),
        ({"age": 'unit="a"', "sex": "UN"}, 72, None),
        ({"age": 'unit="a"', "born": "1948"}, None, "Female"),
        ({"age": 'value="Smithers" unit="a"', "born": ""}, None, "Female"),
    ],
)
def test_age_and_sex(make_file, fields, age, sex):
    record = aecg.read(make_file(document(series(time() + ALL), **fields)))
    assert (record.age, record.sex) == (age, sex)


def test_statements_name_nobody(make_file):
    said = ("Sinus rhythm", "Wilhelmina has a prolonged QT", "Read by: Smithers", "", "Normal ECG")
    statements = "".join(
        f'<component><annotation><code code="MDC_ECG_INTERPRETATION_STATEMENT"/>'
        f'<value xsi:type="ST">{text}</value></annotation></component>'
        for text in said
    )
    place = "<location><name>Service of ECG and rhythm</name></location>"
    path = make_file(document(series(time() + ALL, derived=statements), place))
    assert aecg.statements(path) == ("Sinus rhythm", "has a prolonged QT", "Normal ECG")
    assert aecg.statements(make_file(document(series(time() + ALL)))) == ()


# What is refused


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((), "0 series of code RHYTHM"),
        ((series(time() + ALL, code="REPRESENTATIVE_BEAT"),), "0 series of code RHYTHM"),
        ((series(time() + ALL), series(time() + ALL)), "2 series of code RHYTHM"),
        ((series(),), "0 sequence sets"),
        ((series(time() + lead("I"), time() + lead("II")),), "2 sequence sets; one is read, in"),
        ((series(ALL),), "0 sequences of time"),
        ((series(time() + time() + ALL),), "2 sequences of time"),
        ((series(time(kind="SLIST_PQ") + ALL),), "no increment of time in s, ms, us"),
        ((series(time("") + ALL),), "no increment of time"),
        ((series(time('<increment value="2" unit="h"/>') + ALL),), "no increment of time"),
        ((series(time('<increment value="x" unit="s"/>') + ALL),), "a sampling rate of nan"),
        ((series(time('<increment value="0" unit="s"/>') + ALL),), "a sampling rate of inf"),
        ((series(time()),), r"0 leads of \[\] samples"),
        ((series(time() + lead("II")),), "1 of the twelve leads among 1"),
        ((series(time() + ALL + lead("I")),), "lead I stands twice"),
        ((series(time() + lead("I") + lead("II", RAMP[:50])),), r"2 leads of \[50, 100\] samples"),
    ],
    ids=range(16),
)  # fmt: skip
def test_structure(make_file, parts, reason):
    refused(make_file(document(*parts)), reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "SLIST_INT"}, r"lead V1 has whole numbers without scale \(SLIST_INT\)"),
        ({"kind": "GLIST_PQ"}, r"lead V1 has no list of samples \(SLIST_PQ\)"),
        ({"attributes": ' nullFlavor="NI"'}, r"lead V1 is partly unknown \(nullFlavor\)"),
        ({"origin": 'nullFlavor="UNK"'}, "lead V1 is partly unknown"),
        ({"scale": None}, "lead V1 has no origin or no scale"),
        ({"origin": None}, "lead V1 has no origin or no scale"),
        ({"scale": 'value="1" unit="mm"'}, "lead V1 has no origin or no scale"),
        ({"scale": 'value="MRN0042" unit="uV"'}, "lead V1 has no origin or no scale"),
        ({"scale": 'value="0" unit="uV"'}, "lead V1 has a scale of 0"),
        ({"digits": "1 2 Wilhelmina"}, "lead V1 has digits that are no samples"),
        ({"digits": "1 2 9999999999"}, "lead V1 has digits that are no samples"),
        ({"digits": "1 nan"}, "lead V1 has digits that are no samples"),
        ({"digits": ""}, r"3 leads of \[0, 100\] samples"),
    ],
    ids=range(13),
)  # fmt: skip
def test_leads(make_file, fields, reason):
    leads = lead("I") + lead("V1", **fields) + lead("II")
    refused(make_file(document(series(time() + leads))), reason)


def test_another_root(make_file):
    path = make_file("<RestingECG/>")
    assert not aecg.recognises(path.read_bytes())
    refused(path, "the root element is not AnnotatedECG")


def test_damaged_copies(survives):
    survives(aecg.read, document(series(time() + ALL)).encode(), ".xml")


# Real files


@pytest.mark.parametrize(
    "name",
    ["aecg/ecgtoolkit_Example", "aecg/fda_subject1_0", "philips/1_04_ad4d3d80_converted"],
)
def test_real_recordings_equal_an_independent_reader(shared, independent, name):
    path = shared / f"data/formats/{name}.xml"
    assert aecg.recognises(path.read_bytes()[:4096])
    record = aecg.read(path)
    signals, rate = independent(path)
    assert record.leads == LEADS
    assert record.rate == rate
    for signal, name, step in zip(record.millivolts, record.leads, record.resolution, strict=True):
        assert np.abs(signal - signals[name]).max() < step / 2


def test_the_same_ecg_as_dicom(shared):
    folder = shared / "data/formats"
    twin = dicom.read(folder / "dicom/ecgtoolkit_Example.dcm")
    record = aecg.read(folder / "aecg/ecgtoolkit_Example.xml")
    assert (record.leads, record.rate, record.sex) == (twin.leads, twin.rate, twin.sex)
    np.testing.assert_allclose(record.millivolts, twin.millivolts, rtol=0, atol=1e-12)


def test_a_real_file_of_one_lead_is_refused(shared):
    path = shared / "data/formats/aecg/fda_minimum_nowaveform.xml"
    refused(path, "1 of the twelve leads among 1; 2 are needed")


def test_statements_of_a_real_file(shared):
    first, *_ = aecg.statements(shared / "data/formats/philips/1_04_ad4d3d80_converted.xml")
    assert first == "(SB) SINUS BRADYCARDIA, V-rate<60,"
