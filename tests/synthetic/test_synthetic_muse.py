"""Synthetic MUSE files: the same recordings, every class said, invented patients, the format."""

import re
import zlib
from base64 import b64decode
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from xml.etree.ElementTree import parse

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.io.classes import WEIGHTS, code_of, load_weights
from ecg12.io.leads import LEADS
from ecg12.io.muse import read_muse
from ecg12.io.record import MISSING
from ecg12.synthetic import Options, recording
from ecg12.synthetic.findings import draw_findings, mix_of
from ecg12.synthetic.muse import context_of, generate_muse, read_labels, visit_of
from ecg12.synthetic.muse_xml import MedianBeat, Visit, median_beat, write_muse
from ecg12.synthetic.phrases import PHRASES
from ecg12.synthetic.wording import Context, comparison, diagnosis, findings_of

STORED = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
VISIT = Visit("123456", "MÜLLER", "MARY", date(1950, 3, 9), datetime(2008, 3, 12, 10, 11))
# What a cardiologist looks for in the text, written without regard to the tables of phrases.
SAYS = {
    "NSR": r"\bsinus rhythm|\bNSR\b",
    "SB": r"sinus bradycardia",
    "STach": r"sinus tach",
    "SA": r"sinus arrhythmia",
    "Brady": r"(?<!sinus )bradycardia",
    "AF": r"atrial fib|\bA-?fib\b|\bAF\b",
    "AFL": r"atrial flutter",
    "PR": r"pac(?:ed|ing|emaker)\b",
    "IAVB": r"\b(?:1st|first)[- ]degree (?:A-?V|atrioventricular) block",
    "LPR": r"(?:long|prolonged) P-?R\b",
    "PAC": r"premature (?:atrial|supraventricular)|atrial premature|\bPACs",
    "PVC": r"premature ventricular|ventricular (?:premature|ectopic)|\bPVCs",
    "RBBB": r"(?<!incomplete )(?:right bundle[- ]branch block|\bRBBB)",
    "IRBBB": r"incomplete (?:right bundle|RBBB)",
    "LBBB": r"left bundle branch|\bLBBB",
    "NSIVCB": r"intra-?ventricular (?:conduction )?(?:block|delay)",
    "LAnFB": r"left anterior (?:fascicular block|hemiblock)",
    "LAD": r"left(?:ward)? axis",
    "RAD": r"right(?:ward)? axis",
    "LQRSV": r"low (?:QRS )?voltage",
    "LQT": r"(?:long|prolonged) QT",
    "QAb": r"\bQ waves",
    "TInv": r"T wave inversion|inverted T",
    "TAb": r"T wave abnormality|abnormal T wave",
    "STD": r"\bST (?:segment )?depression",
    "STE": r"\bST (?:segment )?elevation",
}


def says(text, finding):
    return re.search(SAYS[finding], text, re.IGNORECASE) is not None


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Return the folder of an archive of 40 files."""
    folder = tmp_path_factory.mktemp("archive")
    generate_muse(folder, 40, 4, Options(seconds=(5.0,)), workers=2)
    return folder


# The same recordings


def test_a_file_holds_the_recording_of_the_same_seed_and_index(archive):
    for index in (0, 1, 39):
        expected = recording(4, index, Options(seconds=(5.0,)))
        record = read_muse(archive / f"{expected.name}.xml").record
        assert (record.rate, record.sex, record.age) == (500, expected.sex, expected.age)
        rows = [LEADS.index(lead) for lead in STORED]
        half_a_bit = 0.00488 / 2
        np.testing.assert_allclose(
            record.millivolts[rows], expected.millivolts[rows], atol=half_a_bit + 1e-9
        )


def test_files_do_not_depend_on_number_or_workers(archive, tmp_path):
    few = generate_muse(tmp_path, 3, 4, Options(seconds=(5.0,)))
    assert [path.name for path in few] == ["S00000.xml", "S00001.xml", "S00002.xml"]
    for path in few:
        assert path.read_bytes() == (archive / path.name).read_bytes()


def test_the_truth_stands_beside_the_files(archive):
    head, *lines = (archive / "truth.csv").read_text().splitlines()
    assert head == "recording,codes"
    assert len(lines) == len(list(archive.glob("*.xml"))) == 40
    for index in (0, 7):
        codes = recording(4, index, Options(seconds=(5.0,))).codes
        assert lines[index] == f"S{index:05d},{' '.join(codes)}"


def test_the_truth_is_read_by_recording(archive):
    truth = read_labels(archive)
    assert len(truth) == 40
    assert truth["S00007"] == recording(4, 7, Options(seconds=(5.0,))).codes


def test_a_vocabulary_in_the_real_formats_stands_beside_the_files(archive):
    folder = archive / "vocabulary"
    conso = (folder / "MRCONSO.RRF").read_text().splitlines()
    assert {line.count("|") for line in conso} == {18}  # 18 fields, each ended by a bar
    for name, n_columns in (("Description_Snapshot-en", 9), ("Relationship_Snapshot", 10)):
        lines = (folder / f"sct2_{name}_Small.txt").read_text().splitlines()
        assert {len(line.split("\t")) for line in lines} == {n_columns}
    named = {line.split("|")[13] for line in conso}
    assert set(load_weights(WEIGHTS).columns) <= named


# Statements


@pytest.mark.parametrize("seed", range(3))
def test_every_finding_is_said_once_and_no_other(seed):
    rng = np.random.default_rng(seed)
    for _ in range(700):
        findings = draw_findings(rng, mix_of(None))
        context = Context(float(rng.uniform(40, 150)), "lateral", "anterior")
        segments = diagnosis(rng, findings, context)
        for finding in SAYS:
            times = sum(says(segment, finding) for segment in segments)
            assert times == (finding in findings), (finding, segments)
        assert not re.search("[{}]", " ".join(segments))


def test_every_finding_has_several_phrasings_and_modifiers_and_conjunctions_occur():
    assert set(PHRASES) == set(SAYS) == set(mix_of(None))
    rng = np.random.default_rng(0)
    for finding in SAYS:
        context = Context(80.0, "lateral", "anterior")
        firsts = {diagnosis(rng, frozenset((finding,)), context)[0] for _ in range(60)}
        assert len(firsts) >= 3, finding
    text = "\n".join(
        segment
        for _ in range(400)
        for segment in diagnosis(rng, draw_findings(rng, mix_of(None)), context)
    )
    for (
        word
    ) in "possible probable borderline marked occasional frequent with and or consider".split():
        assert re.search(rf"\b{word}\b", text, re.IGNORECASE), word


@pytest.mark.parametrize(
    ("rate", "response"), [(140.0, "rapid"), (75.0, "controlled"), (45.0, "slow")]
)
def test_ventricular_response_follows_the_rate(rate, response):
    rng = np.random.default_rng(0)
    said = {
        diagnosis(rng, frozenset(("AF",)), Context(rate, "lateral", "anterior"))[0]
        for _ in range(60)
    }
    assert {m[1] for m in re.finditer(r"(\w+) ventricular response", " ".join(said))} == {response}


@pytest.mark.parametrize("lead", ["II", "V3", "V6"])
def test_territories_are_where_st_and_t_are_lowest_and_highest(make_record, lead):
    territory = {"II": ("II", "III", "aVF"), "V3": ("V2", "V3", "V4"), "V6": ("I", "aVL", "V6")}
    name = {"II": "inferior", "V3": "anterior", "V6": "lateral"}[lead]
    shift = np.zeros((12, 600))
    shift[[LEADS.index(one) for one in territory[lead]], 240:380] = 0.3  # 80 to 360 ms at 500 Hz
    record = make_record()
    assert context_of(record, MedianBeat(shift, 70.0)).elevated == name
    assert context_of(record, MedianBeat(-shift, 70.0)).depressed == name


@pytest.mark.parametrize(
    ("findings", "verdicts"),
    [
        ({"NSR"}, {"Normal ECG"}),
        ({"SB"}, {"Otherwise normal ECG", "Borderline ECG"}),
        ({"NSR", "LBBB"}, {"Abnormal ECG"}),
    ],
)
def test_conclusions(findings, verdicts):
    rng = np.random.default_rng(0)
    context = Context(70.0, "lateral", "anterior")
    drawn = [diagnosis(rng, frozenset(findings), context)[-1] for _ in range(80)]
    assert {last for last in drawn if last.endswith(" ECG")} == verdicts


def test_comparisons_begin_with_the_date_of_an_earlier_recording():
    rng = np.random.default_rng(0)
    for _ in range(50):
        first, *changes = comparison(rng, VISIT.acquired)
        written = re.fullmatch(r"When compared with ECG of (.{17})(?: \(unconfirmed\))?,", first)
        assert datetime.strptime(written[1], "%d-%b-%Y %H:%M") < VISIT.acquired
        assert 1 <= len(changes) <= 3


def test_findings_of_codes_join_equivalents_and_leave_unknown_ones_out():
    codes = [code_of(name) for name in ("CRBBB", "VEB", "SVPB", "PRWP")]
    assert findings_of(codes) == {"RBBB", "PVC", "PAC"}


def test_archives_hold_comparisons_and_confirmations_that_the_reader_drops(archive):
    texts = [path.read_text("latin-1") for path in sorted(archive.glob("*.xml"))]
    confirmed = sum(re.search(r"(?:onfirmed|signed) by ", text) is not None for text in texts)
    assert 25 <= confirmed < 40
    assert 6 <= sum("When compared with ECG of" in text for text in texts) <= 25
    for path in archive.glob("*.xml"):
        said = " ".join(read_muse(path).statements)
        assert re.search(r"(?:onfirmed|signed) by|\(\d+\)", said) is None


def test_the_machine_misses_findings_that_the_over_reader_says(archive):
    missed = 0
    for index, path in enumerate(sorted(archive.glob("*.xml"))[:30]):
        findings = findings_of(recording(4, index, Options(seconds=(5.0,))).codes)
        root = parse(path).getroot()
        over, machine = (
            " ".join(node.text for node in root.iterfind(f"{name}/DiagnosisStatement/StmtText"))
            for name in ("Diagnosis", "OriginalDiagnosis")
        )
        assert all(says(over, finding) for finding in findings)
        missed += not all(says(machine.split("When compared")[0], f) for f in findings)
    assert 3 <= missed <= 20


# Patients


def test_patients_have_several_recordings_one_identity_and_their_age(archive):
    patients = defaultdict(list)
    for path in archive.glob("*.xml"):
        root = parse(path).getroot()
        who = {node.tag: node.text for node in root.find("PatientDemographics")}
        born = datetime.strptime(who["DateofBirth"], "%m-%d-%Y")
        day = datetime.strptime(root.findtext("TestDemographics/AcquisitionDate"), "%m-%d-%Y")
        years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
        assert years == int(who.pop("PatientAge"))
        assert 1990 <= day.year <= 2013
        patients[who["PatientID"]].append(tuple(sorted(who.items())))
    assert all(len(set(identities)) == 1 for identities in patients.values())
    assert max(map(len, patients.values())) >= 3
    assert 40 / 6 < len(patients) < 40 / 1.5


def test_patient_keys_tell_patients_apart(archive):
    keys = defaultdict(set)
    for path in archive.glob("*.xml"):
        identifier = parse(path).getroot().findtext("PatientDemographics/PatientID")
        keys[identifier].add(read_muse(path, "salt").patient)
    assert all(len(key) == 1 for key in keys.values())
    assert len(set.union(*keys.values())) == len(keys)


def test_every_birthday_is_possible(make_record):
    for age in range(18, 96):
        visit = visit_of(0, age, replace(make_record(seconds=1), age=age, sex="Male"))
        assert visit.born.year + age in (visit.acquired.year, visit.acquired.year - 1)


# The format


def test_a_file_has_the_elements_of_a_muse_export(make_record, tmp_path):
    record = make_record(rate=250, age=58.0, sex="Female")
    said = ["ST & T wave abnormality", "Sinus rhythm with PACs, rate < 60"]
    path = write_muse(tmp_path, record, said, VISIT, original=["Atrial flutter"])
    assert path.read_bytes().startswith(
        b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">'
    )
    root = parse(path).getroot()
    assert [node.tag for node in root] == [
        "PatientDemographics", "TestDemographics", "RestingECGMeasurements", "Diagnosis",
        "OriginalDiagnosis", "Waveform", "Waveform",
    ]  # fmt: skip
    assert root.findtext("PatientDemographics/PatientLastName") == "MÜLLER"
    assert root.findtext("RestingECGMeasurements/VentricularRate") == "75"
    median, rhythm = root.findall("Waveform")
    assert median.findtext("WaveformType") == "Median"
    assert rhythm.findtext("SampleBase") == "250"
    assert [lead.findtext("LeadID") for lead in rhythm.findall("LeadData")] == list(STORED)
    for lead, row in zip(rhythm.findall("LeadData"), (0, 1, *range(6, 12)), strict=True):
        data = b64decode(lead.findtext("WaveFormData"))
        assert int(lead.findtext("LeadDataCRC32")) == zlib.crc32(data)
        counts = np.frombuffer(data, "<i2")
        np.testing.assert_allclose(counts * 4.88e-3, record.millivolts[row], atol=2.441e-3)
    assert read_muse(path).statements == tuple(said)


def test_statements_are_broken_into_pieces_as_the_machine_does(make_record, tmp_path):
    said = ["Sinus bradycardia with PACs, rate 50", "When compared with ECG of 12-MAR-2008 10:11,"]
    root = parse(write_muse(tmp_path, make_record(), said, VISIT)).getroot()
    pieces = [
        (node.findtext("StmtText"), node.findtext("StmtFlag"))
        for node in root.iterfind("Diagnosis/DiagnosisStatement")
    ]
    assert pieces == [
        ("Sinus bradycardia", None),
        ("with PACs", None),
        (", rate 50", "ENDSLINE"),
        ("When compared with ECG of", None),
        ("12-MAR-2008 10:11,", "ENDSLINE"),
    ]


def test_twelve_leads_can_be_stored_and_missing_samples_stay_missing(make_record, tmp_path):
    record = make_record(rate=257)
    record.stored[3, 10:20] = MISSING
    back = read_muse(write_muse(tmp_path, record, [], VISIT, leads=LEADS)).record
    assert (back.leads, back.rate) == (LEADS, 257)
    np.testing.assert_allclose(back.millivolts, record.millivolts, atol=2.441e-3)
    assert np.isnan(back.millivolts[3, 10:20]).all()


def test_letters_beyond_latin_1_survive(make_record, tmp_path):
    path = write_muse(tmp_path, make_record(), ["Rytm zatokowy, 60–100"], VISIT)
    assert read_muse(path).statements == ("Rytm zatokowy, 60–100",)


def test_unknown_age_and_sex_are_not_invented(make_record, tmp_path):
    path = write_muse(tmp_path, make_record(age=None, sex=None), [], VISIT)
    demographics = parse(path).getroot().find("PatientDemographics")
    assert demographics.find("PatientAge") is None
    assert demographics.findtext("Gender") == "UNKNOWN"


def test_leads_that_cannot_be_written_are_refused(make_record, tmp_path):
    with pytest.raises(ValueError, match=r"A0001: no lead V1, V2 among \('I', 'II'\)"):
        write_muse(tmp_path, make_record(leads=("I", "II")), [], VISIT, leads=("I", "V1", "V2"))
    unknown = replace(make_record(), gains=np.full(12, np.nan))
    with pytest.raises(ValueError, match="A0001: a lead has no gain"):
        write_muse(tmp_path, unknown, [], VISIT)
    assert list(tmp_path.iterdir()) == []


def test_the_median_beat_of_a_periodic_signal(make_record):
    beat = median_beat(make_record())  # R waves of 0.7, 1.1, -0.6 mV in I, II, V1, 0.8 s apart
    assert beat.heart_rate == pytest.approx(75, abs=0.5)
    assert beat.millivolts.shape == (12, 600)
    sizes = np.ptp(beat.millivolts[[0, 1, 6]], axis=1)
    np.testing.assert_allclose(sizes, (0.7, 1.1, 0.6), rtol=0.2)


@pytest.mark.parametrize("seconds", [1, 2])
def test_a_recording_too_short_for_beats_is_still_written(make_record, tmp_path, seconds):
    record = make_record(seconds=seconds)
    assert np.isnan(median_beat(record).heart_rate)
    root = parse(write_muse(tmp_path, record, [], VISIT)).getroot()
    assert root.find("RestingECGMeasurements/VentricularRate") is None


def test_the_command_line_writes_muse_files(tmp_path, capsys):
    arguments = [
        "--format",
        "muse",
        "-n",
        "2",
        "--rates",
        "250",
        "--seconds",
        "5",
        "--workers",
        "1",
    ]
    main(["synth", str(tmp_path / "made"), *arguments])
    assert "2 synthetic MUSE files" in capsys.readouterr().out
    assert read_muse(tmp_path / "made" / "S00001.xml").record.stored.shape == (12, 1250)


def test_the_command_line_names_an_unknown_class(tmp_path):
    with pytest.raises(SystemExit, match="no synthetic recordings of XYZ"):
        main(["synth", str(tmp_path), "--format", "muse", "--classes", "XYZ"])
