"""CardioSoft XML: files as the UK Biobank describes them, written here."""

import numpy as np
import pytest

from ecg12.io import cardiosoft
from ecg12.io.leads import LEADS
from ecg12.runtime.errors import RecordError

MEDIANS = (
    '<RestingECGMeasurements><MedianSamples><WaveformData lead="I">9,9,9</WaveformData>'
    "</MedianSamples></RestingECGMeasurements>"
)


def cardiosoft_text(
    samples, *, leads=LEADS, age='<Age units="years">61</Age>', encoding="ISO-8859-1", strips=1,
    unit="uVperLsb", rate="500", step="5", count=None, wrong="", name="M\xfcller",
):  # fmt: skip
    """Write (n_leads, n_samples) whole numbers, eight in a line after tabs, as the exports do."""
    waveforms = ""
    for lead, row in zip(leads, samples, strict=True):
        lines = [",".join(map(str, row[at : at + 8])) for at in range(0, len(row), 8)]
        numbers = ",\n\t\t\t".join(lines)
        waveforms += f'<WaveformData lead="{lead}">\n\t\t\t{numbers}{wrong}\n\t\t</WaveformData>'
    n_samples = count or len(samples[0])
    strip = (
        f'<StripData><NumberOfLeads>{len(leads)}</NumberOfLeads><SampleRate units="Hz">{rate}'
        f"</SampleRate><ChannelSampleCountTotal>{n_samples}</ChannelSampleCountTotal>"
        f'<Resolution units="{unit}">{step}</Resolution>{waveforms}</StripData>'
    )
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<CardiologyXML>'
        "<ObservationDateTime><Day>4</Day><Month>5</Month><Year>2020</Year></ObservationDateTime>"
        f"<PatientInfo><Name><FamilyName>{name}</FamilyName></Name>{age}<BirthDateTime>"
        "<Day>5</Day><Month>5</Month><Year>1950</Year></BirthDateTime><Gender>FEMALE</Gender>"
        f"</PatientInfo>{MEDIANS}{strip * strips}<FullDisclosure/></CardiologyXML>"
    )


@pytest.fixture
def samples(make_ecg):
    return np.rint(make_ecg(500, 2) * 200).astype(np.int16)  # 5 µV a step


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "ISO8859-1", "UTF-8", "UTF-16"])
def test_every_field_is_read(tmp_path, samples, encoding):
    path = tmp_path / "a.xml"
    path.write_bytes(cardiosoft_text(samples, encoding=encoding).encode(encoding))
    assert cardiosoft.recognises(path.read_bytes()[:4096])
    record = cardiosoft.read(path)
    assert (record.name, record.leads, record.rate) == ("a", LEADS, 500)
    assert (record.age, record.sex, record.codes) == (61, "Female", ())
    np.testing.assert_allclose(record.millivolts, samples * 5e-3, rtol=1e-12)
    assert cardiosoft.read(path, 0.5).stored.shape == (12, 250)


def test_age_from_the_dates(tmp_path, samples):
    text = cardiosoft_text(samples, age='<Age units="years"/>')
    (tmp_path / "a.xml").write_text(text, "latin-1")
    assert cardiosoft.read(tmp_path / "a.xml").age == 69


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"strips": 0}, "CardioSoft XML of 0 StripData but FullDisclosure"),
        ({"strips": 2}, "2 StripData"),
        ({"leads": ["I", *LEADS[:11]]}, "lead I stands twice"),
        ({"leads": [f"x{n}" for n in range(12)]}, "0 of the twelve leads"),
        ({"unit": "mm"}, "Resolution 5 'mm'"),
        ({"step": "0"}, "Resolution 0"),
        ({"rate": "-1"}, "rate of -1 Hz"),
        ({"count": 999}, "WaveformData 1: 1000 samples, 999 announced"),
        ({"wrong": ",1.5"}, "WaveformData 1 is no list"),
        ({"wrong": ",,1"}, "WaveformData 1 is no list"),
        ({"wrong": ",99999999999"}, "WaveformData 1 is no list"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, samples, options, reason):
    (tmp_path / "bad.xml").write_text(cardiosoft_text(samples, **options), "latin-1")
    with pytest.raises(RecordError, match=rf"bad\.xml: .*{reason}") as error:
        cardiosoft.read(tmp_path / "bad.xml")
    assert "ller" not in str(error.value)


@pytest.mark.parametrize("concluded", [False, True])
def test_statements_without_people_and_the_identifier(tmp_path, samples, concluded):
    said = "<Diagnosis><DiagnosisText>Sinus rhythm</DiagnosisText><DiagnosisText>Abnormal ECG"
    said += "</DiagnosisText><DiagnosisText> </DiagnosisText></Diagnosis>"
    if concluded:
        said += "<Conclusion><ConclusionText>Holmes, 4711: normal</ConclusionText></Conclusion>"
    text = cardiosoft_text(samples, name="Holmes").replace(
        "<PatientInfo>", "<PatientInfo><PID>4711</PID>"
    )
    end = f"<Interpretation>{said}</Interpretation></CardiologyXML>"
    (tmp_path / "a.xml").write_text(text.replace("</CardiologyXML>", end), "latin-1")
    expected = (", : normal",) if concluded else ("Sinus rhythm", "Abnormal ECG")
    assert cardiosoft.statements(tmp_path / "a.xml") == expected
    assert cardiosoft.identifier(tmp_path / "a.xml") == "4711"


def test_damaged_copies(survives, samples):
    survives(cardiosoft.read, cardiosoft_text(samples).encode("latin-1"), ".xml")
