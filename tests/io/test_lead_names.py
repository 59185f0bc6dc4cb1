"""One table of lead names: every usual spelling, the codes of SCP-ECG and ISO/IEEE 11073."""

import pytest

from ecg12.io.lead_names import CODES, LEADS, lead_of_code, standard_lead, standard_leads

LIMB, CHEST = LEADS[:6], LEADS[6:]


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        str.lower,
        "  {}\0\0".format,
        "Lead {}".format,
        "LEAD_{}".format,
        "ECG {}".format,
        "ECG-{}".format,
        "EKG {}".format,
        "ECG Lead: {}".format,
        "MDC_ECG_LEAD_{}".format,
        "mdc_ecg_lead_{}".format,
        "Lead{}".format,
    ],
)
def test_the_twelve_in_every_spelling(write):
    assert [standard_lead(write(lead)) for lead in LEADS] == list(LEADS)
    assert [standard_lead(write(lead).upper()) for lead in LEADS] == list(LEADS)


@pytest.mark.parametrize(
    ("written", "lead"),
    [
        *((f"C{i}", f"V{i}") for i in range(1, 10)),
        *((f"ecg c{i}", f"V{i}") for i in range(1, 7)),
        ("DI", "I"), ("DII", "II"), ("DIII", "III"), ("D1", "I"), ("d2", "II"), ("D3", "III"),
        ("D I", "I"), ("aV R", "aVR"), ("V 1", "V1"), ("MLII", "II"), ("MLIII", "III"),
        ("Lead I (Einthoven)", "I"), ("Lead II", "II"), ("Lead V1", "V1"),
        ("aVR, augmented voltage, right", "aVR"), ("aVF, augmented voltage, foot", "aVF"),
        ("-aVR", "-aVR"), ("\N{MINUS SIGN}aVR", "-aVR"), ("-AVR", "-aVR"), ("ECG -avr", "-aVR"),
        ("MDC_ECG_LEAD_AVRneg", "-aVR"),
        ("V7", "V7"), ("v8", "V8"), ("Lead V9", "V9"), ("v3r", "V3R"), ("V4R", "V4R"),
        ("RV4", "V4R"), ("C4R", "V4R"), ("V3 R", "V3R"),
    ],
)  # fmt: skip
def test_other_spellings(written, lead):
    assert standard_lead(written) == lead


@pytest.mark.parametrize(
    "name",
    [
        "PLETH", "ABP", "ECG", "ECG1", "ECG 2", "Lead 1", "1", "200", "", "VR", "VF", "vx", "X",
        "V0", "V10", "IV", "C", "EEG C3-A2", "C3-A2", "Cz", "MCL1", "leader I", "I-II", "ECG LA-RA",
        "V4 (V4R)",
    ],
)  # fmt: skip
def test_other_names_stay(name):
    assert standard_lead(f" {name} ") == name


@pytest.mark.parametrize("beside", ["Cz", "fp1", "F3", "O2", "A1", "M2"])
def test_electrodes_on_the_head(beside):
    """C3 of the ten-twenty system is no chest lead; beside IEC's other names it is V3."""
    names = ["C3", " c4\0", "D1", beside, "ECG II", "V1"]
    assert standard_leads(names)[:3] == ["EEG C3", "EEG C4", "EEG D1"]
    assert standard_leads(standard_leads(names)) == standard_leads(names)
    assert standard_leads(names)[4:] == ["II", "V1"]
    iec = ["I", "II", "III", "aVR", "aVL", "aVF", *(f"C{n}" for n in range(1, 7)), "P1", "ABP"]
    assert standard_leads(iec)[:12] == list(LEADS)


def test_no_name_of_another_signal_of_dicom_is_taken_for_one_of_the_twelve():
    """DICOM's table of leads, as pydicom has it, by its names and its numbers."""
    concepts = pytest.importorskip("pydicom.sr._concepts_dict").concepts["MDC"]
    cid_3001 = {
        code: meaning
        for codes in concepts.values()
        for code, (meaning, groups) in codes.items()
        if 3001 in groups
    }
    found = {}
    for code, meaning in cid_3001.items():
        lead = lead_of_code(code)
        by_name = standard_lead(meaning)
        assert by_name in (lead, meaning)
        if lead:
            found[int(code.removeprefix("2:"))] = lead
            if lead not in "XYZ":
                assert by_name == lead
    assert found == CODES


@pytest.mark.parametrize("write", ["{}", "2:{}", "5.6.3-9-{}", " {}\0"])
def test_numeric_codes(write):
    einthoven_goldberger_wilson = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)
    found = [lead_of_code(write.format(code)) for code in einthoven_goldberger_wilson]
    assert found == list(LEADS)


def test_context_free_codes():
    assert [lead_of_code(str(131072 + code)) for code in (1, 61, 62, 8)] == [
        "I",
        "III",
        "aVR",
        "V6",
    ]


@pytest.mark.parametrize(
    "code", ["", "0", "19", "31", "85", "3:1", "1.5", "-1", "9" * 30, "x", "I"]
)
def test_codes_without_name(code):
    assert lead_of_code(code) is None
