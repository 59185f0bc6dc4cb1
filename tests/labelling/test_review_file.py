"""The review file: decisions survive, edits are checked, spreadsheets may save it."""

import pytest
from statement_tables import CLASSES, ROWS, edit, labels, review, run

from ecg12.io.classes import code_of
from ecg12.labelling import Vocabulary
from ecg12.labelling.corpus import Corpus
from ecg12.labelling.review import read_review
from ecg12.runtime.errors import InputError

HEAD = "phrase,count,codes proposed,codes final,why\n"


def test_a_decision_survives_and_is_used(tmp_path, vocabulary):
    run(tmp_path, vocabulary)
    edit(tmp_path, "odd thing,3,,,auto: not in the vocabulary", "odd thing,3,,AF rbbb,my reason")
    edit(tmp_path, "sinus rhythm,2,NSR,,", "sinus rhythm,2,NSR,none,")
    more = (("a/5", "", "Odd thing; New thing", ""), ("a/6", "", "New thing", ""))
    for rows in (ROWS, (*ROWS, *more)):
        summary = run(tmp_path, vocabulary, rows)
        assert review(tmp_path)["odd thing"]["codes final"] == "AF rbbb"
        assert review(tmp_path)["odd thing"]["why"] == "my reason"
        assert review(tmp_path)["sinus rhythm"]["codes final"] == "none"
        assert labels(tmp_path)["a/2"] == {"AF", "RBBB", "CRBBB"}
        assert labels(tmp_path)["a/1"] == set()
        assert summary.decided == 2
    assert review(tmp_path)["odd thing"]["count"] == "4"
    assert review(tmp_path)["new thing"]["count"] == "2"  # new phrases are added


def test_phrases_that_vanish_stay_in_the_file(tmp_path, vocabulary):
    run(tmp_path, vocabulary)
    edit(tmp_path, "odd thing,3,,,", f"odd thing,3,,{code_of('AF')},")
    run(tmp_path, vocabulary, ROWS[:1])
    row = review(tmp_path)["odd thing"]
    assert (row["count"], row["codes final"]) == ("0", code_of("AF"))
    assert labels(tmp_path) == {"a/1": set()}  # "sinus rhythm" is said but once now
    run(tmp_path, vocabulary)
    assert labels(tmp_path)["a/4"] == {"AF"}


def test_a_decision_counts_however_rare_its_phrase(tmp_path, vocabulary):
    run(tmp_path, vocabulary)
    with (tmp_path / "out" / "review.csv").open("a") as file:
        file.write("rare thing,,,SB,\n")
    run(tmp_path, vocabulary)
    assert labels(tmp_path)["a/4"] == {"SB"}
    assert review(tmp_path)["rare thing"]["count"] == "1"


def test_columns_that_somebody_added_and_semicolons_survive(tmp_path, vocabulary):
    run(tmp_path, vocabulary)
    path = tmp_path / "out" / "review.csv"
    path.write_text(
        "\ufeffphrase;count;codes proposed;codes final;why;note\nodd thing;3;;AF;;ask, ask again\n"
    )
    run(tmp_path, vocabulary)
    lines = path.read_text().splitlines()
    assert lines[0] == "phrase;count;codes proposed;codes final;why;note"
    assert lines[1] == "odd thing;3;;AF;auto: not in the vocabulary;ask, ask again"
    assert lines[2].startswith("sinus rhythm;2;NSR;;")


def test_without_a_vocabulary_a_review_file_from_elsewhere_holds(tmp_path, vocabulary):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "review.csv"
    text = HEAD + "odd thing,3,AF,,auto: C1\nsinus rhythm,2,NSR,SB,\nelse,0,XX,,\n"
    path.write_text(text)
    run(tmp_path, Vocabulary())
    assert labels(tmp_path) == {"a/1": {"SB"}, "a/2": {"SB", "AF"}, "a/3": {"AF"}, "a/4": {"AF"}}
    assert path.read_text().splitlines()[:2] == text.splitlines()[:2]
    run(tmp_path, vocabulary)  # one of one's own is asked again
    assert labels(tmp_path)["a/4"] == set()


def test_an_edit_made_while_the_archive_is_read_is_kept(tmp_path, vocabulary, monkeypatch):
    run(tmp_path, vocabulary)
    original = Corpus.finish

    def slow(*arguments):
        edit(tmp_path, "odd thing,3,,,", "odd thing,3,,AF,")
        return original(*arguments)

    monkeypatch.setattr(Corpus, "finish", slow)
    run(tmp_path, vocabulary)
    assert review(tmp_path)["odd thing"]["codes final"] == "AF"
    assert labels(tmp_path)["a/4"] == {"AF"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HEAD + "x,1,,AFF,\n",
            r"review.csv, line 2, codes final: 'AFF' is no scored class; .*none",
        ),
        (HEAD + "x,1,,AF 429622005,\n", r"'429622005' is no scored class; .* AF AFL Brady"),
        (HEAD + "x,1,,AF none,\n", r"'none' is no scored class"),
        (HEAD + "x,1,,,\n\nx,1,,,\n", r"line 4: the phrase 'x' occurs twice"),
        (HEAD + ",1,,,\n", r"line 2: no phrase"),
        (HEAD + "x,1,,,a,b\n", r"line 2: 6 cells, but 5 columns"),
        ("phrase,count\n", r"no column 'codes proposed', 'codes final', 'why'"),
        ("", r"no column 'phrase'"),
    ],
)
def test_a_malformed_edit_is_an_error_and_the_file_stays(tmp_path, vocabulary, text, message):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "review.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        run(tmp_path, vocabulary)
    assert path.read_text() == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_review_file_as_spreadsheets_save_it(tmp_path, encoding, delimiter):
    text = (HEAD + "café,1,,AF,\n").replace(",", delimiter).replace("\n", "\r\n")
    (tmp_path / "review.csv").write_bytes(text.encode(encoding))
    found = read_review(tmp_path / "review.csv", CLASSES)
    assert found.decided == {"café": ("164889003",)}
    assert found.delimiter == delimiter
