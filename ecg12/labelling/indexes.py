"""Release files of UMLS and SNOMED CT, indexed once on disk.

The files have gigabytes, the indexes a few hundred megabytes, and looking a phrase up takes
microseconds and no memory. An index is built again when its source changes in size or time, and is
whole or absent.

The formats, as their owners document them:

* UMLS `MRCONSO.RRF`: one string per line, fields ended by `|`: CUI, LAT, TS, LUI, STT, SUI,
  ISPREF, AUI, SAUI, SCUI, SDUI, SAB, TTY, CODE, STR, SRL, SUPPRESS, CVF. English strings of
  SNOMEDCT_US that are not suppressed are kept.
* SNOMED CT RF2 `sct2_Description_Snapshot`: tab-separated, with a header: id, effectiveTime,
  active, moduleId, conceptId, languageCode, typeId, term, caseSignificanceId. Active English terms
  that are no text definitions are kept.
* SNOMED CT RF2 `sct2_Relationship_Snapshot`: tab-separated, with a header: id, effectiveTime,
  active, moduleId, sourceId (child), destinationId (parent), relationshipGroup, typeId,
  characteristicTypeId, modifierId. Active "is a" relationships are kept.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ecg12.labelling.wording import key_of
from ecg12.runtime.errors import InputError
from ecg12.runtime.files import atomic_write
from ecg12.runtime.progress import bar

IS_A = b"116680003"
DEFINITION = b"900000000000550004"  # typeId of a text definition, which is no name
VERSION = 1  # counts up when keys or tables change, so that old indexes are built again
_TAG = re.compile(r"\s*\([^()]*\)$")  # "(disorder)"
_ACRONYM = re.compile(r"([A-Z0-9]{2,8}) - (.+)")  # "AF - Atrial fibrillation"
_ECG = re.compile(r"^(?:ecg|ekg|electrocardiogram|electrocardiographic)\b\W*|\W*\bon e[ck]g$")

Parse = Callable[[bytes], Iterator[tuple[str, ...]]]


@dataclass(frozen=True)
class Layout:
    """How an index is laid out.

    Attributes
    ----------
    columns
        Of its table.
    indexed
        Those by which entries are found.
    query
        Finds the entries of a key.
    """

    columns: tuple[str, ...]
    indexed: tuple[str, ...]
    query: str


# A string leads to its concepts, and these to all their codes, by whichever string they stand.
TERMS = Layout(
    ("key", "concept", "code"),
    ("key", "concept"),
    "SELECT DISTINCT concept, code FROM entry WHERE concept IN "
    "(SELECT concept FROM entry WHERE key = ?) ORDER BY concept, code",
)
EDGES = Layout(("child", "parent"), ("child",), "SELECT parent FROM entry WHERE child = ?")


def umls_entries(line: bytes) -> Iterator[tuple[str, ...]]:
    """Yield (key, CUI, SNOMED CT code) of a line of MRCONSO.RRF that is kept."""
    if b"|SNOMEDCT_US|" not in line:
        return
    fields = line.split(b"|")
    if len(fields) < 18:
        raise ValueError(f"{len(fields)} fields, but MRCONSO.RRF has 18")
    if fields[1] == b"ENG" and fields[11] == b"SNOMEDCT_US" and fields[16] == b"N":
        for key in keys_of(fields[14].decode()):
            yield key, fields[0].decode(), fields[13].decode()


def description_entries(line: bytes) -> Iterator[tuple[str, ...]]:
    """Yield (key, code, code) of a line of sct2_Description_Snapshot that is kept."""
    fields = line.rstrip(b"\r\n").split(b"\t")
    if len(fields) != 9:
        raise ValueError(f"{len(fields)} columns, but sct2_Description_Snapshot has 9")
    if fields[2] == b"1" and fields[5] == b"en" and fields[6] != DEFINITION:
        for key in keys_of(fields[7].decode()):
            yield key, fields[4].decode(), fields[4].decode()


def relationship_entries(line: bytes) -> Iterator[tuple[str, ...]]:
    """Yield (child, parent) of a line of sct2_Relationship_Snapshot that is kept."""
    fields = line.rstrip(b"\r\n").split(b"\t")
    if len(fields) != 10:
        raise ValueError(f"{len(fields)} columns, but sct2_Relationship_Snapshot has 10")
    if fields[2] == b"1" and fields[7] == IS_A:
        yield fields[4].decode(), fields[5].decode()


def keys_of(term: str) -> set[str]:
    """Return the keys under which a term of the vocabulary is found.

    "ECG: atrial flutter (finding)" is found as "atrial flutter" too, "AF - Atrial fibrillation" by
    either half.
    """
    bare = _TAG.sub("", term)
    acronym = _ACRONYM.fullmatch(bare)
    names = [bare, *(acronym.groups() if acronym else ())]
    names += [_ECG.sub("", name.lower()) for name in names]
    return {key for key in map(key_of, names) if key}


def open_index(path: str | Path, source: str | Path, layout: Layout, parse: Parse) -> "Index":
    """Open the index of a release file; build it if there is none or the file has changed.

    Parameters
    ----------
    path
        The index.
    source
        The release file.
    layout
        `TERMS` or `EDGES`.
    parse
        What to keep of a line: `umls_entries`, `description_entries`, `relationship_entries`.

    Raises
    ------
    InputError
        If a line of the file has another format, if no line is kept, or if the file is a full or a
        delta release. The message names file and line, not its text.
    FileNotFoundError
        If there is no such file.
    """
    path, source = Path(path), Path(source)
    if other := re.search("_(Full|Delta)", source.name):
        raise InputError(f"{source}: a {other[1]} release holds withdrawn entries; give Snapshot")
    status = source.stat()
    stamp = (
        f"{VERSION} {' '.join(layout.columns)} {source.name} {status.st_size} {status.st_mtime_ns}"
    )
    if _stamp(path) != stamp:
        _build(path, source, layout, parse, stamp)
    return Index(path, layout)


def _stamp(path: Path) -> str:
    """Return what an index was made of; "" if there is none."""
    if not path.is_file():
        return ""
    database = sqlite3.connect(path)
    try:
        return str(database.execute("SELECT stamp FROM made").fetchone()[0])
    except sqlite3.DatabaseError:
        return ""
    finally:
        database.close()


def _build(path: Path, source: Path, layout: Layout, parse: Parse, stamp: str) -> None:
    with atomic_write(path) as temporary:
        temporary.unlink(missing_ok=True)  # what a killed run may have left
        database = sqlite3.connect(temporary)
        try:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute(f"CREATE TABLE entry ({', '.join(layout.columns)})")
            marks = ", ".join("?" * len(layout.columns))
            database.executemany(f"INSERT INTO entry VALUES ({marks})", _entries(source, parse))
            if database.execute("SELECT 1 FROM entry LIMIT 1").fetchone() is None:
                raise InputError(f"{source}: no line of it is of use; is it the right file?")
            for column in layout.indexed:
                database.execute(f"CREATE INDEX by_{column} ON entry ({column})")
            database.execute("CREATE TABLE made (stamp TEXT)")
            database.execute("INSERT INTO made VALUES (?)", (stamp,))
            database.commit()
        finally:
            database.close()


def _entries(source: Path, parse: Parse) -> Iterator[tuple[str, ...]]:
    """Yield the entries of a file, in a stream, with progress in bytes."""
    size = source.stat().st_size
    shown = bar(total=size, unit="B", unit_scale=True, desc=f"index of {source.name}")
    with source.open("rb") as file, shown:
        for number, line in enumerate(file, start=1):
            try:
                yield from parse(line)
            except ValueError as error:
                kind = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error
                raise InputError(f"{source}, line {number}: {kind}") from None
            shown.update(len(line))


class Index:
    """An index on disk: key → entries.

    Parameters
    ----------
    path
        The SQLite file.
    layout
        How it is laid out.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        self._query = layout.query

    def __getitem__(self, key: str) -> list[tuple[str, ...]]:
        """Return what stands under a key: (concept, code) of a term, (parent,) of a child."""
        return self._database.execute(self._query, (key,)).fetchall()
