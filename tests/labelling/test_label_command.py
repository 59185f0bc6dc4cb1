"""`ecg12 label` on MUSE files and tables: privacy, new runs, kills, mistakes."""

import logging
import re
import shutil
from contextlib import suppress
from datetime import date, datetime

import numpy as np
import pytest
from statement_tables import ROWS, labels, review, run, said_by, table

from ecg12.cli.main import main
from ecg12.io.classes import code_of
from ecg12.io.label_table import read_label_table
from ecg12.labelling import Vocabulary
from ecg12.labelling.corpus import Corpus
from ecg12.runtime.errors import InputError, RecordError
from ecg12.synthetic.muse_xml import Visit, write_muse

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
