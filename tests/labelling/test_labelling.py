"""An archive is labelled: both kinds of source, the review cycle, kills, and nobody's name."""

import csv
import hashlib
import hmac
import logging
import re
import shutil
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing, suppress
from datetime import date, datetime

import numpy as np
import pytest

from ecg12.cli.main import main
from ecg12.io.classes import WEIGHTS, code_of, load_weights
from ecg12.io.label_table import read_label_table
from ecg12.labelling import Columns, Options, Vocabulary, label
from ecg12.labelling.corpus import Corpus
from ecg12.labelling.review import read_review
from ecg12.labelling.sources import muse_statements, table_statements
from ecg12.labelling.splitting import phrases_of
from ecg12.labelling.vocabulary import open_mapper
from ecg12.runtime.errors import InputError, RecordError
from ecg12.synthetic.findings import draw_findings, mix_of
from ecg12.synthetic.muse_xml import Visit, write_muse
from ecg12.synthetic.phrases import CHANGES
from ecg12.synthetic.vocabulary import DESCRIPTIONS, MRCONSO, RELATIONSHIPS, write_vocabulary
from ecg12.synthetic.wording import Context, comparison, diagnosis

CLASSES = load_weights(WEIGHTS)
COLUMNS = Columns("ecg", ("text_*",), "who")
NAMES = dict(zip((code_of(n) for n in ("AF", "NSR", "SB", "CRBBB", "RBBB")),
                 ("AF", "NSR", "SB", "CRBBB", "RBBB"), strict=True))  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    """Return the small vocabulary in the formats of UMLS and SNOMED CT."""
    folder = tmp_path_factory.mktemp("vocabulary")
    write_vocabulary(folder)
    return Vocabulary(folder / MRCONSO, None, folder / RELATIONSHIPS)


def table(path, *rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("ecg", "who", "text_1", "text_2"), *rows])
    return path


ROWS = (
    ("a/1.hea", "p1", "Sinus rhythm", "Right bundle branch block"),
    ("a/2", "p2", "Sinus rhythm with odd thing", ""),
    ("a/3", "p1", "No sinus rhythm", "Odd thing"),
    ("a/4", "", "Odd thing", "Rare thing"),
)


def run(tmp_path, vocabulary, rows=ROWS, **options):
    source = table(tmp_path / "statements.csv", *rows)
    options = Options(COLUMNS, **{"min_count": 2, "salt": "pepper"} | options)
    return label(source, tmp_path / "out", CLASSES, vocabulary, options)


def labels(tmp_path):
    found = read_label_table(tmp_path / "out" / "labels.csv")
    short = [{NAMES.get(code, code) for code in codes} for codes in found.codes]
    return dict(zip(found.recordings, short, strict=True))


def review(tmp_path):
    with (tmp_path / "out" / "review.csv").open(newline="") as file:
        return {row["phrase"]: row for row in csv.DictReader(file)}


def edit(tmp_path, old, new):
    path = tmp_path / "out" / "review.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# From a table


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


# The review

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


# Phrasings that were written before the mapper


@pytest.fixture(scope="module")
def mapper(vocabulary, tmp_path_factory):
    return open_mapper(tmp_path_factory.mktemp("indexes"), CLASSES, vocabulary)


def found_in(mapper, segments):
    return {code for phrase in phrases_of(segments) for code in mapper.propose(phrase).codes}


def test_what_is_found_is_said_and_most_of_what_is_said_is_found(mapper):
    rng = np.random.default_rng(0)
    truth, answers = [], []
    for _ in range(400):
        findings = draw_findings(rng, mix_of(None))
        segments = diagnosis(rng, findings, Context(75.0, "lateral", "anterior"))
        segments += comparison(rng, datetime(2008, 3, 12, 10, 11))
        truth.append([code_of(name) for name in findings])
        answers.append(found_in(mapper, segments))
    said, found = CLASSES.encode(truth), CLASSES.encode(answers)
    assert (found & said).sum() == found.sum()
    assert (found & said).sum() > 0.5 * said.sum()  # without any review


@pytest.mark.parametrize("change", [c for c in CHANGES if "no longer" in c or "replaced" in c])
def test_changes_deny_what_is_gone_even_without_a_comparison(mapper, change):
    kept = (
        {"NSR"} if change.startswith("Sinus") else {"AF"} if change.startswith("Atrial") else set()
    )
    assert found_in(mapper, [change]) == {code_of(name) for name in kept}


# How many people a phrase is said of


def said_by(count, people, text):
    """Return rows with `count` recordings of `people` patients in turn."""
    place = f"{count}-{people}"
    return [(f"{place}/{n}", f"{place} {n % people}", text, "") for n in range(count)]


def everything_written(tmp_path):
    return b"".join(path.read_bytes() for path in sorted((tmp_path / "out").iterdir()))


def test_the_name_of_one_patient_with_many_recordings_is_not_written(tmp_path):
    """Fifty occurrences or more, the default, of 1, 9 and 10 patients: ten are enough."""
    rows = [
        *said_by(60, 1, "Pacemaker check of Maria Kowalska"),
        *said_by(90, 9, "Visit of Jan Nowak"),
        *said_by(60, 10, "Ordinary thing"),
        *said_by(49, 40, "Frequent enough nowhere"),
    ]
    run(tmp_path, Vocabulary(), rows, min_count=50)
    assert {phrase: row["count"] for phrase, row in review(tmp_path).items()} == {
        "ordinary thing": "60"
    }
    written = everything_written(tmp_path).lower()
    assert b"kowalska" not in written
    assert b"nowak" not in written


def test_the_floor_of_people_is_no_higher_than_the_count_asked_for(tmp_path):
    rows = [*said_by(6, 2, "Of two"), *said_by(6, 3, "Of three")]
    run(tmp_path, Vocabulary(), rows, min_count=3)
    assert set(review(tmp_path)) == {"of three"}
    run(tmp_path, Vocabulary(), rows, min_count=1)
    assert set(review(tmp_path)) == {"of two", "of three"}


def test_several_mentions_in_one_recording_are_one_person(tmp_path):
    rows = [(f"a/{n}", "", "Odd thing; odd thing; odd thing", "") for n in range(9)]
    run(tmp_path, Vocabulary(), rows, min_count=20)
    assert review(tmp_path) == {}
    run(tmp_path, Vocabulary(), [*rows, ("a/9", "", "Odd thing", "")], min_count=20)
    assert review(tmp_path)["odd thing"]["count"] == "28"


@pytest.mark.parametrize("salt", ["pepper", None])
def test_where_keys_are_missing_the_log_says_once_that_recordings_are_counted(
    tmp_path, salt, caplog
):
    rows = [*said_by(20, 1, "Odd thing"), *(() if salt is None else [("a", "", "Odd thing", "")])]
    run(tmp_path, Vocabulary(), rows, min_count=20, salt=salt)
    n_without = 20 if salt is None else 1
    warnings = [line for line in caplog.messages if "recordings are counted" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{n_without} of {len(rows)} recordings have no patient key")
    assert set(review(tmp_path)) == ({"odd thing"} if salt is None else set())


def test_where_all_have_keys_nothing_is_said_of_it(tmp_path, caplog):
    run(tmp_path, Vocabulary(), said_by(20, 20, "Odd thing"))
    assert "recordings are counted" not in caplog.text


def expected_phrases(rows, min_count, min_people):
    """Count again, from the rows, in memory."""
    counts, people = Counter(), defaultdict(set)
    for name, who, text, _ in rows:
        for phrase in text.lower().split("; "):
            counts[phrase] += 1
            people[phrase].add(who or f"recording {name}")
    return {
        phrase: str(count)
        for phrase, count in counts.items()
        if count >= min_count and len(people[phrase]) >= min_people
    }


def test_recordings_that_change_or_go_leave_the_same_phrases_as_a_new_start(tmp_path):
    """Twelve states of an archive in turn; what is no longer of enough people leaves the disk."""
    rng = np.random.default_rng(5)
    words = [f"Thing{letter}x" for letter in "abcdefgh"]
    seen, vanished = set(), 0
    for _ in range(12):
        rows = []
        for number in np.flatnonzero(rng.random(60) < 0.6):
            text = "; ".join(rng.choice(words[: rng.integers(1, 9)], rng.integers(1, 5)))
            who = rng.choice(["", *(f"p{n}" for n in range(rng.integers(5, 16)))])
            rows.append((f"a/{number}", who, text, ""))
        run(tmp_path, Vocabulary(), rows, min_count=14)
        expected = expected_phrases(rows, 14, 10)
        (tmp_path / "out" / "labels.csv").unlink()
        listed = {p: row["count"] for p, row in review(tmp_path).items()}
        (tmp_path / "out" / "review.csv").unlink()
        assert listed == expected
        written = everything_written(tmp_path)
        for phrase in map(str.lower, words):
            assert (phrase.encode() in written) == (phrase in expected)
        vanished += len(seen - expected.keys())
        seen |= expected.keys()
    assert seen
    assert vanished


EARLIER = """
CREATE TABLE recording
    (name TEXT PRIMARY KEY, stamp TEXT, patient TEXT, phrases BLOB, run INTEGER) WITHOUT ROWID;
CREATE TABLE phrase (fingerprint INTEGER PRIMARY KEY, count INTEGER, text TEXT);
CREATE TABLE setting (value TEXT, run INTEGER);
INSERT INTO setting VALUES ('whatever', 3);
INSERT INTO phrase VALUES (1, 60, 'pacemaker check of maria kowalska');
INSERT INTO recording VALUES ('a/1', 'stamp', '', x'0100000000000000', 3);
"""


def test_the_store_of_an_earlier_version_is_read_again_and_its_names_go(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    (tmp_path / "out").mkdir()
    with closing(sqlite3.connect(tmp_path / "out" / ".phrases.sqlite")) as store:
        store.executescript(EARLIER)
    assert b"kowalska" in everything_written(tmp_path)
    run(tmp_path, Vocabulary())
    assert b"kowalska" not in everything_written(tmp_path)
    assert labels(tmp_path) == {"a/1": {"NSR"}, "a/2": {"NSR"}, "a/3": set(), "a/4": set()}
    assert ".phrases.sqlite: of other settings or versions; all is read again" in caplog.text


# From MUSE files

CANARY = "CANARYBIRD"
SALT = "saltcanary"


@pytest.fixture
def archive(make_record, tmp_path):
    """Return a folder of six MUSE files of two patients, one file damaged."""
    record = make_record(seconds=1)
    said = ["Sinus rhythm", f"{CANARY} TWEETY fainted", "Discussed with Dr ROADRUNNER"]
    for number in range(6):
        visit = Visit(
            f"77700{number % 2}", CANARY, "TWEETY", date(1950, 3, 9), datetime(2008, 3, 12, 10, 11)
        )
        folder = tmp_path / "muse" / f"{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        extra = ["Atrial fibrillation"] if number == 3 else []
        text = [*said[: 2 if number else 3], *extra, "Confirmed by COYOTE, WILE (12) on 1/2/2003"]
        path = write_muse(folder, record, text, visit)
        path.rename(folder / f"{number}.xml")
    (tmp_path / "muse" / "broken.xml").write_text("<RestingECG><PatientLastName>SYLVESTER<")
    return tmp_path / "muse"


def command(archive, vocabulary, *more):
    output = archive.parent / "labels"
    release = ["--umls", str(vocabulary.umls), "--snomed", str(vocabulary.relationships)]
    options = ["-o", str(output), "--min-count", "2", "--workers", "1", *more]
    try:
        main(["label", str(archive), *release, *options])
    except SystemExit as end:
        if end.code != 1:  # 1: a file could not be read
            raise
    return output


def test_nobodys_name_identifier_or_birth_date_gets_out(
    archive, vocabulary, tmp_path, capfd, caplog, monkeypatch
):
    monkeypatch.setenv("ECG12_SALT", SALT)
    output = command(archive, vocabulary)
    printed = capfd.readouterr()
    written = b"".join(path.read_bytes() for path in sorted(output.rglob("*")))
    progress = r"[0-9.]+[kM]?[A-Za-z]+/s"  # a speed, whose digits may be those of a year
    said = re.sub(progress, "", printed.out + printed.err + caplog.text)
    everything = said.encode() + written
    for secret in (
        CANARY, "TWEETY", "777000", "777001", "03-09-1950", "1950", "COYOTE", "SYLVESTER",
        "ROADRUNNER", SALT,
    ):  # fmt: skip
        assert secret.lower().encode() not in everything.lower(), secret
    assert b"fainted" in written  # the phrase, said six times, without the names in it


def test_the_command_labels_an_archive(archive, vocabulary, capsys, monkeypatch):
    monkeypatch.delenv("ECG12_SALT", raising=False)
    salt = archive.parent / "salt"
    salt.write_text("pepper\n")
    output = command(archive, vocabulary, "--salt-file", str(salt))
    found = read_label_table(output / "labels.csv")
    assert found.recordings == ("0/0", "0/2", "0/4", "1/1", "1/3", "1/5")
    assert len(set(found.patients)) == 2
    assert found.codes == ((code_of("NSR"),),) * 6
    out = capsys.readouterr().out
    assert "6 recordings, 0 of them without a scored class; 1 not read, 0 repeated" in out
    assert "2 phrases, 1 of them with a class, 0 decided" in out
    assert "No patient keys" not in out
    command(archive, vocabulary)
    assert (
        "recordings of one patient may then fall into training and test" in capsys.readouterr().out
    )


def test_a_second_run_reads_only_what_has_changed(archive, vocabulary, monkeypatch):
    output = command(archive, vocabulary)
    before = (output / "labels.csv").read_bytes()
    read = []

    def noted(path, salt):
        read.append(path.name)
        raise RecordError(f"{path}: for the test")

    (archive / "broken.xml").unlink()
    monkeypatch.setattr("ecg12.labelling.sources.read_statements", noted)
    command(archive, vocabulary)
    assert read == []
    assert (output / "labels.csv").read_bytes() == before
    (archive / "0" / "0.xml").write_text("<RestingECG>changed</RestingECG>")
    command(archive, vocabulary)
    assert read == ["0.xml"]


def test_an_archive_of_which_nothing_can_be_read_is_an_error(vocabulary, tmp_path):
    (tmp_path / "muse").mkdir()
    (tmp_path / "muse" / "a.xml").write_text("<RestingECG>")
    with pytest.raises(SystemExit, match="muse: none of 1 recordings could be read"):
        command(tmp_path / "muse", vocabulary)


def test_a_file_that_gives_a_read_error_costs_only_itself(archive, vocabulary, capsys):
    """Reading the start of a process's memory is an input/output error (EIO)."""
    (archive / "1" / "mem.xml").symlink_to("/proc/self/mem")
    command(archive, vocabulary)
    assert f"\n  {archive / '1' / 'mem.xml'}: Input/output error\n" in capsys.readouterr().err


class KilledError(Exception):
    """Stands for kill -9."""


def test_a_killed_run_goes_on_and_ends_alike(archive, vocabulary, monkeypatch):
    (archive / "broken.xml").unlink()
    expected = (command(archive, vocabulary) / "labels.csv").read_bytes()
    for path in archive.parent.joinpath("labels").iterdir():
        path.unlink()
    monkeypatch.setattr("ecg12.labelling.corpus.BATCH", 1)
    add = Corpus.add

    def killed(corpus, name, *arguments):
        if name == "1/1":
            raise KilledError
        return add(corpus, name, *arguments)

    monkeypatch.setattr(Corpus, "add", killed)
    with pytest.raises(KilledError):
        command(archive, vocabulary)
    added = []

    def noted(corpus, name, *arguments):
        added.append(name)
        return add(corpus, name, *arguments)

    monkeypatch.setattr(Corpus, "add", noted)
    output = command(archive, vocabulary)
    assert added == ["1/1", "1/3", "1/5"]
    assert (output / "labels.csv").read_bytes() == expected


def test_a_killed_run_with_patients_ends_with_the_same_files(tmp_path, monkeypatch):
    """Killed at every recording in turn, with commits before and after it."""
    rows = [*said_by(12, 3, "Odd thing"), *said_by(12, 12, "Sinus rhythm")]
    files = ("labels.csv", "review.csv", "counts.csv")
    run(tmp_path, Vocabulary(), rows, min_count=11)
    expected = [(tmp_path / "out" / name).read_bytes() for name in files]
    assert set(review(tmp_path)) == {"sinus rhythm"}
    shutil.rmtree(tmp_path / "out")
    monkeypatch.setattr("ecg12.labelling.corpus.BATCH", 3)
    add = Corpus.add
    for stop in range(1, len(rows)):
        left = iter(range(stop))

        def killed(corpus, *arguments, left=left):
            if next(left, None) is None:
                raise KilledError
            return add(corpus, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Corpus, "add", killed)
            with suppress(KilledError):
                run(tmp_path, Vocabulary(), rows, min_count=11)
    run(tmp_path, Vocabulary(), rows, min_count=11)
    assert [(tmp_path / "out" / name).read_bytes() for name in files] == expected


def test_other_connectives_or_counts_read_everything_again(archive, vocabulary):
    output = command(archive, vocabulary, "--connectives", "paper")
    assert "atrial fibrillation" not in (output / "review.csv").read_text()
    command(archive, vocabulary, "--min-count", "1")
    assert "atrial fibrillation,1,AF" in (output / "review.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recording", "x"], "is a folder; columns belong to a csv table"),
        (["--min-count", "0"], "--min-count: '0' is no whole number from 1"),
        (["--connectives", "plus"], "unknown connective 'plus'; choices"),
        (["--salt-file", "EMPTY"], "EMPTY: the salt of patient keys is empty"),
    ],
)
def test_mistakes_on_the_command_line_end_with_one_line(
    archive, vocabulary, arguments, message, monkeypatch
):
    empty = archive.parent / "EMPTY"
    empty.write_text("\n")
    arguments = [str(empty) if word == "EMPTY" else word for word in arguments]
    with pytest.raises(SystemExit, match=message):
        command(archive, vocabulary, *arguments)


def test_a_table_needs_columns_and_a_source_must_exist(tmp_path):
    path = table(tmp_path / "t.csv", *ROWS)
    with pytest.raises(SystemExit, match=r"t.csv: a csv table needs --recording and --text"):
        main(["label", str(path), "-o", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="nowhere: no such file or folder"):
        main(["label", str(tmp_path / "nowhere"), "-o", str(tmp_path / "out")])


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("t.csv", ("--recording", "nothing", "--text", "text_1"), "t.csv: no column 'nothing'"),
        ("t.csv", ("--recording", "ecg", "--text", "nothing"), "t.csv: no column 'nothing'"),
        ("t.csv", ("--recording", "p{ecg", "--text", "text_1"), "cannot make a path of 'p{ecg'"),
        ("arrays", (), "arrays: no files with statements"),
        ("arrays/a.npy", (), "a.npy: array of numbers, no table of statements"),
        ("muse/0/0.xml", (), "0.xml: GE MUSE XML, no table of statements; .* name the folder"),
    ],
)
def test_a_source_without_statements_is_named_and_leaves_nothing(
    archive, tmp_path, source, options, message, caplog
):
    caplog.set_level(logging.INFO)
    table(tmp_path / "t.csv", *ROWS)
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "a.npy", np.zeros((12, 500)))
    with pytest.raises(SystemExit, match=message):
        main(["label", str(tmp_path / source), "-o", str(tmp_path / "out"), *options])
    assert not (tmp_path / "out").exists()
    if source == "arrays":
        assert "1 of array of numbers, which holds no statements" in caplog.text


def test_without_a_vocabulary_the_command_says_what_is_known(tmp_path, capsys):
    path = table(tmp_path / "t.csv", *ROWS)
    options = ["--recording", "ecg", "--text", "text_*", "--min-count", "1"]
    main(["label", str(path), "-o", str(tmp_path / "out"), *options])
    out = capsys.readouterr().out
    assert "only the challenge's own names of its classes and the decisions" in out
    assert labels(tmp_path)["a/1"] == {"NSR", "RBBB", "CRBBB"}


def test_a_file_that_is_no_store_is_an_error(tmp_path):
    path = tmp_path / "store"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match="store: not a store of phrases .*; delete it"):
        Corpus(path, "", 1)
