"""A table of statements is labelled: columns, patients, encodings, rows that are damaged."""

import csv
import hashlib
import hmac
import logging
from datetime import date, datetime

import pytest
from statement_tables import NAMES, ROWS, labels, review, run, table

from ecg12.io.classes import code_of
from ecg12.io.label_table import read_label_table
from ecg12.labelling import Columns, Vocabulary
from ecg12.labelling.sources import muse_statements, table_statements
from ecg12.runtime.errors import InputError, RecordError
from ecg12.synthetic.muse_xml import Visit, write_muse
from ecg12.synthetic.vocabulary import DESCRIPTIONS, RELATIONSHIPS


def test_a_table_is_labelled(tmp_path, vocabulary):
    summary = run(tmp_path, vocabulary)
    # "right bundle branch block" and "rare thing" are said once, fewer than twice
    assert labels(tmp_path) == {"a/1": {"NSR"}, "a/2": {"NSR"}, "a/3": set(), "a/4": set()}
    assert (summary.recordings, summary.unlabelled, summary.failures) == (4, 2, ())
    assert (summary.phrases, summary.mapped, summary.decided) == (2, 1, 0)
    assert {row["phrase"]: row["count"] for row in review(tmp_path).values()} == {
        "odd thing": "3",
        "sinus rhythm": "2",
    }
    one, two, three, four = read_label_table(tmp_path / "out" / "labels.csv").patients
    assert one == three != two
    assert (len(one), four) == (32, "")


def test_a_form_that_denies_gives_no_label(tmp_path):
    said = "Sinus rhythm: yes. Atrial fibrillation: no. Atrial flutter: absent."
    rows = [(f"a/{number}", f"p{number}", said, "") for number in range(60)]
    summary = run(tmp_path, Vocabulary(), rows, min_count=50)
    assert {code: n for code, n in summary.counts.items() if n} == {code_of("NSR"): 60}
    assert set(review(tmp_path)) == {"sinus rhythm", "yes"}


def test_the_counts_stand_beside_those_of_table_1(tmp_path, vocabulary, shared):
    run(tmp_path, vocabulary, min_count=1)
    with (tmp_path / "out" / "counts.csv").open() as file:
        counts = {row["snomed_ct_code"]: row for row in csv.DictReader(file)}
    assert {NAMES[code]: row["count"] for code, row in counts.items() if row["count"] != "0"} == {
        "NSR": "2",
        "RBBB": "1",
        "CRBBB": "1",
    }
    with (shared / "reference" / "mcircc_table1_counts.csv").open() as file:
        for row in csv.DictReader(file):
            ours = counts[row["snomed_ct_code"]]
            for column in ("abbreviation", "challenge_count"):
                assert ours[column] == row[column]
    assert len(counts) == 27


PHILIPS = """<restingecgdata><patient><generalpatientdata><patientid>P-4711</patientid>
</generalpatientdata></patient><interpretation><statement><leftstatement>Sinus bradycardia
</leftstatement></statement></interpretation></restingecgdata>"""
CARDIOSOFT = """<CardiologyXML><PatientInfo><PID>P-4711</PID></PatientInfo><Interpretation>
<DiagnosisText>Sinus rhythm</DiagnosisText></Interpretation></CardiologyXML>"""


def test_every_format_with_statements_gives_the_key_of_the_patient(tmp_path, make_record):
    """The key is the first half of the HMAC-SHA256 of the identifier, by the salt."""
    visit = Visit("P-4711", "DOE", "JANE", date(1950, 2, 3), datetime(2020, 5, 6, 7, 8))
    write_muse(tmp_path, make_record("c", seconds=4), ["Atrial fibrillation"], visit)
    (tmp_path / "a.xml").write_text(PHILIPS)
    (tmp_path / "b.xml").write_text(CARDIOSOFT)
    key = hmac.new(b"pepper", b"P-4711", hashlib.sha256).hexdigest()[:32]
    n_files, found = muse_statements(tmp_path, "pepper")
    assert n_files == 3
    assert [(one.recording, one.patient, one.segments) for one in found] == [
        ("a", key, ("Sinus bradycardia",)),
        ("b", key, ("Sinus rhythm",)),
        ("c", key, ("Atrial fibrillation",)),
    ]
    _, found = muse_statements(tmp_path)
    assert [one.patient for one in found] == [""] * 3


def test_without_salt_there_are_no_patient_keys(tmp_path, vocabulary):
    summary = run(tmp_path, vocabulary, salt=None)
    assert not summary.patients
    assert set(read_label_table(tmp_path / "out" / "labels.csv").patients) == {""}


def test_descriptions_of_snomed_ct_serve_as_well(tmp_path, vocabulary):
    folder = vocabulary.umls.parent
    other = Vocabulary(None, folder / DESCRIPTIONS, folder / RELATIONSHIPS)
    run(tmp_path, vocabulary, min_count=1)
    expected = labels(tmp_path)
    (tmp_path / "out" / "review.csv").unlink()
    run(tmp_path, other, min_count=1)
    assert labels(tmp_path) == expected
    with pytest.raises(InputError, match="not both"):
        Vocabulary(vocabulary.umls, other.descriptions)


def test_paths_of_several_columns_and_dictionaries_of_statements(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "subject,study,report_2,report_10,codes\n10032,77,B,C,\"{'NORM': 100.0, 'SR': 0.0}\"\n"
    )
    columns = Columns("files/p{subject:.3}/s{study}.dat", ("report_*", "codes"))
    (said,) = table_statements(path, columns)
    assert said.recording == "files/p100/s77"
    assert said.segments == ("B", "C", "NORM", "SR")  # report_2 before report_10
    assert "NORM" not in repr(said)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (Columns("path", ("text_*",)), "no column 'path'; columns: ecg, who, text_1, text_2"),
        (Columns("{study}", ("text_1",)), "no column 'study'"),
        (Columns("p{ecg", ("text_1",)), "cannot make a path of 'p{ecg'"),
        (Columns("{ecg:d}", ("text_1",)), "cannot make a path of '{ecg:d}'"),
        (Columns("{ecg.upper}", ("text_1",)), "cannot make a path of '{ecg.upper}'"),
        (Columns("{}", ("text_1",)), "cannot make a path of '{}'"),
        (Columns("ecg", ("said_*",)), r"no column 'said_\*'"),
        (Columns("ecg", ("text_1",), "patient"), "no column 'patient'"),
    ],
)
def test_a_column_that_does_not_exist_is_an_error_that_lists_them(tmp_path, columns, message):
    with pytest.raises(InputError, match=message):
        list(table_statements(table(tmp_path / "t.csv", *ROWS), columns))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8-sig", "utf-16"])
def test_a_table_of_statements_in_any_encoding(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes("ecg,text_1\r\na/1,Schenkelblock für möglich\r\n".encode(encoding))
    (said,) = table_statements(path, Columns("ecg", ("text_1",)))
    assert said.segments == ("Schenkelblock für möglich",)


def test_a_row_with_cells_too_many_costs_only_itself(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("ecg,text_1\na/1,sinus rhythm, normal\na/2,sinus rhythm\n")
    broken, said = table_statements(path, Columns("ecg", ("text_1",)))
    assert isinstance(broken, RecordError)
    assert "t.csv, line 2: 3 cells, but 2 columns" in str(broken)
    assert said.recording == "a/2"


def test_rows_without_name_and_repeated_names_cost_only_themselves(tmp_path, vocabulary, caplog):
    with caplog.at_level(logging.WARNING):
        rows = (*ROWS, ("", "p", "Sinus rhythm", ""), ("a/1.mat", "p", "Odd thing", ""))
        summary = run(tmp_path, vocabulary, rows)
    assert (summary.recordings, summary.repeated) == (4, 1)
    assert labels(tmp_path)["a/1"] == {"NSR"}  # the first counts
    assert len(summary.failures) == 1
    assert "statements.csv, line 6: no name" in summary.failures[0]
    assert "a/1: occurs twice; the first one is used" in caplog.text
