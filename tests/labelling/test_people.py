"""Phrases are kept only if enough people have them; nobody's name is written."""

import logging
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing

import numpy as np
import pytest
from statement_tables import labels, review, run, said_by

from ecg12.labelling import Vocabulary


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
