"""The review file: what the program proposes for each phrase, and what a cardiologist decides.

A csv file for any spreadsheet, with the columns of `COLUMNS`, the most frequent phrase first:

    phrase,count,codes proposed,codes final,why
    sinus rhythm,789961,NSR,,auto: C0232201 is scored
    af,812,,AF,"our readers' abbreviation"
    pericardial friction rub,63,Brady,none,no such thing

`codes final` is the reader's alone. Left empty, the proposal holds; otherwise it decides: scored
classes by abbreviation or SNOMED CT code, separated by blanks, or `none`. The program rewrites the
file, but never a decision, a reason that it did not write itself, or a column that somebody added;
phrases that no longer occur stay, with count 0.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecg12.io.classes import ScoredClasses, abbreviation
from ecg12.labelling.lookup import AUTOMATIC, Proposal, shown, with_equivalents
from ecg12.runtime.csv_tables import read_table, write_rows
from ecg12.runtime.errors import InputError

PHRASE, COUNT, PROPOSED, FINAL, WHY = "phrase", "count", "codes proposed", "codes final", "why"
COLUMNS = (PHRASE, COUNT, PROPOSED, FINAL, WHY)
NONE = "none"


@dataclass(frozen=True)
class Review:
    """A review file as it was read.

    Attributes
    ----------
    rows
        The cells of each phrase, by column, as in the file.
    decided
        SNOMED CT codes of the phrases whose `codes final` is filled in, equivalents included.
    proposed
        SNOMED CT codes that an earlier run proposed, of phrases for which it proposed any.
    columns
        All columns, those that somebody added last.
    delimiter
        Comma or, from some spreadsheets, semicolon or tab.
    """

    rows: Mapping[str, dict[str, str]]
    decided: Mapping[str, tuple[str, ...]]
    proposed: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...] = COLUMNS
    delimiter: str = ","


def read_review(path: str | Path, classes: ScoredClasses) -> Review:
    """Read a review file; an absent one is empty.

    Parameters
    ----------
    path
        The csv file.
    classes
        The classes among which to decide.

    Raises
    ------
    InputError
        If a column is missing, a phrase is empty or occurs twice, or a decision names no scored
        class. The message names file, line, value and choices.
    """
    path = Path(path)
    if not path.exists():
        return Review({}, {}, {})
    table = read_table(path, COLUMNS)
    rows: dict[str, dict[str, str]] = {}
    decided: dict[str, tuple[str, ...]] = {}
    proposed: dict[str, tuple[str, ...]] = {}
    for line, cells in table:
        where, row = table.where(line), dict(zip(table.columns, cells, strict=True))
        phrase = row[PHRASE].strip()
        if not phrase:
            raise InputError(f"{where}: no phrase")
        if phrase in rows:
            raise InputError(f"{where}: the phrase {phrase!r} occurs twice")
        rows[phrase] = row
        if final := row[FINAL].strip():
            decided[phrase] = _decision(where, final, classes)
        if codes := _codes(row[PROPOSED], classes)[0]:
            proposed[phrase] = codes
    return Review(rows, decided, proposed, table.columns, table.delimiter)


def _decision(where: str, final: str, classes: ScoredClasses) -> tuple[str, ...]:
    """Return the codes of a decision such as "AF 59118001" or "none"."""
    if final.lower() == NONE:
        return ()
    codes, unknown = _codes(final, classes)
    if unknown:
        choices = " ".join(abbreviation(code) for code in classes.columns)
        raise InputError(
            f"{where}, {FINAL}: {', '.join(map(repr, unknown))} is no scored class; "
            f"choices: {NONE}, their SNOMED CT codes, or {choices}"
        )
    return codes


def _codes(cell: str, classes: ScoredClasses) -> tuple[tuple[str, ...], list[str]]:
    """Return the codes that a cell names, equivalents included, and words that are none."""
    code_of = {abbreviation(code).lower(): code for code in classes.columns}
    code_of |= {code: code for code in classes.columns}
    words = [word for word in re.split(r"[\s,;|+]+", cell) if word]
    unknown = [word for word in words if word.lower() not in code_of]
    named = [code_of[word.lower()] for word in words if word.lower() in code_of]
    return with_equivalents(named, classes), unknown


def write_review(
    path: str | Path,
    review: Review,
    counts: Mapping[str, int],
    proposals: Mapping[str, Proposal],
) -> None:
    """Write the review file anew, atomically, keeping all that people wrote.

    Parameters
    ----------
    path
        The csv file.
    review
        What `read_review` returned for it.
    counts
        How often phrases occur: all that are to be reviewed, and those of the file.
    proposals
        What the program makes of each phrase of `counts`.
    """
    rows: list[Sequence[str]] = [review.columns]
    for phrase in sorted(counts, key=lambda phrase: (-counts[phrase], phrase)):
        old = review.rows.get(phrase, {})
        new = {PHRASE: phrase, COUNT: str(counts[phrase])}
        if phrase in proposals:
            proposal = proposals[phrase]
            new[PROPOSED] = shown(proposal.codes)
            if not old.get(WHY, "").strip() or old[WHY].startswith(AUTOMATIC):
                new[WHY] = proposal.why
        cells = old | new
        rows.append([cells.get(column, "") for column in review.columns])
    write_rows(path, rows, review.delimiter)
