"""Sentences that name a reader are left out, their names never come out, all else stays."""

import logging

import pytest
from statement_tables import labels, run

from ecg12.io.statements import counted_readers, names_a_person, without_people, without_readers
from ecg12.labelling.sources import muse_statements
from ecg12.labelling.splitting import phrases_of

BLOCK = "right bundle branch block"


@pytest.mark.parametrize(
    "reader",
    [
        "Confirmed by Dr. Smith",
        "Electronically signed by X",
        "Confirmed by: J. SMITH, M.D. on 3/4/2020 10:11:12 AM.",
        "SMITH, JOHN (123)",
        "SMITH, JOHN ALAN, MD (123)",
        "O'Brien, Se\u00e1n J. (7)",
        "smith, john (123)",
        "Dr. Smith",
        "Dr Smith was told",
    ],
)
def test_one_sentence_or_line_that_names_a_reader_costs_nothing_else(reader):
    said = f"Sinus bradycardia. Right bundle branch block. {reader}"
    assert phrases_of([said]) == ["sinus bradycardia", BLOCK]
    assert phrases_of([f"{reader}\nSinus bradycardia\nRight bundle branch block"]) == [
        "sinus bradycardia", BLOCK,
    ]  # fmt: skip
    assert phrases_of(["Sinus bradycardia", reader, "Atrial flutter"]) == [
        "sinus bradycardia", "atrial flutter",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Confirmed by:\nJohn Jones\nAtrial flutter", "\n\nAtrial flutter"),
        ("Confirmed by John Smith\nJones, MD\nAtrial flutter", "\n\nAtrial flutter"),
        ("Confirmed by Dr. Smith. Jones, MD. Atrial flutter", " Atrial flutter"),
        ("Confirmed by Mary Long\nLong, Mary MD\nAtrial flutter", "\n\nAtrial flutter"),
        ("Confirmed by Dr. med. A. B. Smith. Atrial flutter", " Atrial flutter"),
        ("P waves in lead I. Confirmed by J. Smith", "P waves in lead I."),
        ("Atrial flutter, SMITH, JOHN (12)", ""),
        ("atrial flutter, smith, john (12)", ""),
    ],
)
def test_what_may_be_the_rest_of_a_name_goes_with_it(said, kept):
    assert without_readers([said])[0] == [kept]


def test_a_name_may_stand_in_the_next_segment():
    assert without_readers(["Confirmed by:", "John Smith", "Old thing"]) == (
        ["", "", "Old thing"], 2,
    )  # fmt: skip
    assert without_readers(["Confirmed by John Smith", "Old thing"]) == (["", "Old thing"], 1)


@pytest.mark.parametrize(
    "said",
    [
        "First degree AV block, PR (220)",
        "FIRST DEGREE AV BLOCK, PR (220)",
        "Prolonged QT interval, QTc (480)",
        "Prolonged QT Interval, QTc (480)",
        "T wave inversion, leads (3)",
        "Inferior infarct, old (2)",
    ],
)
def test_a_measured_value_is_no_name(said):
    assert not names_a_person(said)
    assert without_people([said], ()) == (said,)


def test_statements_of_files_keep_their_lines():
    said = "Sinus  bradycardia\r\nRight bundle branch\n   block \n\nConfirmed by Dr. Smith\n"
    with counted_readers() as count:
        kept = without_people([said, "Signed: Smith", "Told Jones: flutter"], ["Jones"])
    assert kept == ("Sinus bradycardia\nRight bundle branch block", "Told : flutter")
    assert count["dropped"] == 2
    assert phrases_of(kept) == ["sinus bradycardia", BLOCK, "told", "flutter"]


def test_a_long_text_is_read_in_time_that_grows_with_its_length():
    assert without_readers(["Dr. " * 30_000 + "x"]) == ([""], 1)  # minutes, were it quadratic


def test_sentences_that_name_a_reader_are_counted_in_the_log(tmp_path, vocabulary, caplog):
    caplog.set_level(logging.INFO)
    said = "Sinus bradycardia. Right bundle branch block. Confirmed by Dr. Smith"
    run(tmp_path, vocabulary, [("a", "p1", said, ""), ("b", "p2", said, "By: Smith")])
    assert labels(tmp_path) == {name: {"SB", "RBBB", "CRBBB"} for name in "ab"}
    assert "3 sentences or lines name a reader and are left out" in caplog.text
    assert "Smith" not in caplog.text


def test_sentences_of_files_are_counted_too(tmp_path):
    (tmp_path / "a.xml").write_text(
        "<CardiologyXML><Interpretation><DiagnosisText>Sinus bradycardia. Confirmed by Dr. Smith"
        "\nRight bundle branch block</DiagnosisText></Interpretation></CardiologyXML>"
    )
    (one,) = muse_statements(tmp_path)[1]
    assert one.segments == ("Sinus bradycardia.\nRight bundle branch block",)
    assert one.unnamed == 1
