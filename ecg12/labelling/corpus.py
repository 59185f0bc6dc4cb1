"""The phrases of all recordings of an archive, counted on disk.

One SQLite file holds each recording's name, patient key and the fingerprints of its phrases, and
each phrase's fingerprint, count and number of people. A phrase's text is written only while it
occurs as often as the review asks for, and with `MIN_PEOPLE` people or more (as many as it has to
occur, if that is fewer): a phrase about few people, which may be a name, is never written to the
disk. People are distinct patients; a recording without a patient key counts as a person of its own.
Memory holds one batch of recordings, whatever their number.
"""

import errno
import hashlib
import hmac
import logging
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ecg12.runtime.errors import InputError
from ecg12.runtime.text import storable

log = logging.getLogger(__name__)

MIN_PEOPLE = 10  # of whom a phrase must be said before its text is written
LAYOUT = 2  # counts up when the tables change; a file of another layout is emptied
SCHEMA = """
CREATE TABLE recording
    (name TEXT PRIMARY KEY, stamp TEXT, patient TEXT, phrases BLOB, run INTEGER) WITHOUT ROWID;
CREATE TABLE phrase
    (fingerprint INTEGER PRIMARY KEY, count INTEGER, people INTEGER, text TEXT);
CREATE TABLE said
    (phrase INTEGER, patient INTEGER, recordings INTEGER, PRIMARY KEY (phrase, patient))
    WITHOUT ROWID;
CREATE TABLE setting (value TEXT, run INTEGER);
"""
BATCH = 1000  # recordings per transaction: what a kill costs
TABLES = ("recording", "phrase", "said", "setting")
_CHANGE_PHRASE = """
INSERT INTO phrase VALUES (:phrase, :count, :people,
    CASE WHEN :count >= :min_count AND :people >= :min_people THEN :text END)
ON CONFLICT (fingerprint) DO UPDATE SET count = count + :count, people = people + :people,
    text = CASE WHEN count + :count >= :min_count AND people + :people >= :min_people
                THEN coalesce(:text, text) END
"""
_CHANGE_SAID = "UPDATE said SET recordings = recordings + ?3 WHERE phrase = ?1 AND patient = ?2"
_DROP_SAID = "DELETE FROM said WHERE phrase = ? AND patient = ? AND recordings = 0"


# SQLite's codes of what the file system refuses.
REFUSED = {
    sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES, sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_READONLY: errno.EROFS,
}  # fmt: skip


@contextmanager
def database_errors(path: str | Path) -> Iterator[None]:
    """Turn SQLite's errors into those of the file system, or into an `InputError`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in REFUSED:
            raise OSError(REFUSED[code], str(error), str(path)) from error
        raise InputError(f"{path}: not a store of phrases ({error}); delete it") from error


class Corpus:
    """The counted phrases of an archive; open it with `with`.

    Parameters
    ----------
    path
        The SQLite file; made if missing, emptied if it was made with other settings.
    settings
        What the phrases depend on, such as the connectives: any text.
    min_count
        From which count on the text of a phrase is kept, if enough people have it.
    salt
        Secret that keys the fingerprints, so that rare phrases cannot be guessed; None for none.

    Raises
    ------
    InputError
        If the file is no such store.
    """

    def __init__(
        self, path: str | Path, settings: str, min_count: int, salt: str | None = None
    ) -> None:
        self.min_count = min_count
        self.min_people = min(min_count, MIN_PEOPLE)
        self._path = path
        self._changes = 0
        self._key = hashlib.blake2b((salt or "").encode(), digest_size=32).digest()
        written = f"{settings}|{min_count}|{self.min_people}|{LAYOUT}"
        self.setting = hmac.digest(self._key, storable(written).encode(), "sha256").hex()
        with database_errors(path):
            self._database = sqlite3.connect(path)
            self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def _begin(self) -> None:
        """Make the tables, or empty them where they hold other phrases; count this run."""
        have = self._database.execute("SELECT name FROM sqlite_master WHERE name = 'setting'")
        known = have.fetchone() and self._database.execute("SELECT value, run FROM setting")
        value, run = (known.fetchone() or ("", 0)) if known else ("", 0)
        self._database.execute("PRAGMA secure_delete = ON")  # no text stays in unused pages
        with self._database:
            if value != self.setting:
                if value:
                    log.info("%s: of other settings or versions; all is read again", self._path)
                for table in TABLES:
                    self._database.execute(f"DROP TABLE IF EXISTS {table}")
                for statement in SCHEMA.strip().split(";")[:-1]:
                    self._database.execute(statement)
                self._database.execute("INSERT INTO setting VALUES (?, 0)", (self.setting,))
            self.run = run + 1
            self._database.execute("UPDATE setting SET run = ?", (self.run,))

    def fingerprint(self, phrase: str) -> int:
        """Return 64 bits that identify a phrase."""
        digest = hashlib.blake2b(phrase.encode(), digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "little", signed=True)

    def is_known(self, name: str, stamp: str) -> bool:
        """Return whether a recording is known and unchanged; if so, it counts as read in this run.

        Parameters
        ----------
        name
            The recording.
        stamp
            Whatever changes when its statements do.
        """
        known = self._database.execute(
            "UPDATE recording SET run = ? WHERE name = ? AND stamp = ? AND run < ?",
            (self.run, name, stamp, self.run),
        )
        self._count()
        return known.rowcount > 0

    def add(self, name: str, stamp: str, patient: str, phrases: list[str]) -> bool:
        """Add a recording, in place of what was known of it.

        Returns
        -------
        False if this run has read a recording of that name already; then the first one is kept.
        """
        known = self._database.execute(
            "SELECT phrases, patient, run FROM recording WHERE name = ?", (name,)
        ).fetchone()
        if known and known[2] == self.run:
            return False
        if known:
            self._forget(known[0], known[1])
        for phrase, count in Counter(phrases).items():
            self._change(self.fingerprint(phrase), patient, count, phrase)
        packed = _pack([self.fingerprint(phrase) for phrase in phrases])
        self._database.execute(
            "INSERT OR REPLACE INTO recording VALUES (?, ?, ?, ?, ?)",
            (name, stamp, patient, packed, self.run),
        )
        self._count()
        return True

    def _count(self) -> None:
        """Commit every `BATCH` changes."""
        self._changes += 1
        if self._changes % BATCH == 0:
            self._database.commit()

    def _change(self, mark: int, patient: str, count: int, text: str | None = None) -> None:
        """Add a recording's occurrences of a phrase, or take them (a negative count)."""
        values = {"phrase": mark, "count": count, "text": text}
        values["people"] = self._change_people(mark, patient, 1 if count > 0 else -1)
        values |= {"min_count": self.min_count, "min_people": self.min_people}
        self._database.execute(_CHANGE_PHRASE, values)

    def _change_people(self, mark: int, patient: str, step: int) -> int:
        """Count one recording with a phrase more or less; return by how many people it changes."""
        if not patient:
            return step
        said = (mark, self.fingerprint(patient))
        run = self._database.execute
        if step > 0 and run("INSERT OR IGNORE INTO said VALUES (?, ?, 1)", said).rowcount:
            return step
        run(_CHANGE_SAID, (*said, step))
        return -run(_DROP_SAID, said).rowcount if step < 0 else 0

    def _forget(self, packed: bytes, patient: str) -> None:
        for mark, count in Counter(_unpack(packed)).items():
            self._change(mark, patient, -count)

    def finish(self) -> int:
        """Remove recordings that this run has not read; return how many."""
        gone = self._database.execute(
            "SELECT phrases, patient FROM recording WHERE run < ?", (self.run,)
        )
        dropped = 0
        for packed, patient in gone:
            self._forget(packed, patient)
            dropped += 1
        self._database.execute("DELETE FROM recording WHERE run < ?", (self.run,))
        self._database.commit()
        return dropped

    def counts(self) -> dict[str, int]:
        """Return the phrases that are frequent enough, and of enough people, by falling count."""
        rows = self._database.execute(
            "SELECT text, count FROM phrase WHERE text NOT NULL ORDER BY count DESC, text"
        )
        return dict(rows)

    def count_of(self, phrase: str) -> int:
        """Return how often a phrase occurs, rare ones included."""
        row = self._database.execute(
            "SELECT count FROM phrase WHERE fingerprint = ?", (self.fingerprint(phrase),)
        ).fetchone()
        return int(row[0]) if row else 0

    def recordings(self) -> Iterator[tuple[str, str, tuple[int, ...]]]:
        """Yield name, patient key and fingerprints of the phrases of each recording, by name."""
        rows = self._database.execute("SELECT name, patient, phrases FROM recording ORDER BY name")
        for name, patient, packed in rows:
            yield name, patient, _unpack(packed)


def _pack(fingerprints: list[int]) -> bytes:
    return struct.pack(f"<{len(fingerprints)}q", *fingerprints)


def _unpack(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 8}q", packed)
