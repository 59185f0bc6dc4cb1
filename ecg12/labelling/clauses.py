"""Statements cut into clauses; clauses that only deny or add something go to the one before."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ecg12.labelling.additions import added
from ecg12.labelling.negation import Denial, Heading, bare_denial, denying_heading, unlikely
from ecg12.labelling.wording import normalised

CACHED = 2**15  # clauses that are kept, since most occur again and again
CLAUSE_ENDS = re.compile(r"([;:()\n]|\.(?=\s|$)| - |\b(?:but|however|except)\b)", re.IGNORECASE)
COLON, DASH, OPENED, CLOSED = ":", " - ", "(", ")"  # those that lead to a value or an addition
ADDING = (OPENED, CLOSED, DASH)  # what follows them belongs to the clause before
LISTING = (*ADDING, ";", "\n", COLON)  # and below "None of the following:" these go on as well
# A line that goes on in the next one: it ends in a word that waits for another, or the next one
# begins with a word that cannot begin a statement.
_WRAPPED = re.compile(
    r"(?<=,)\n|(?<=\b(?:of|by|to|or|an|in))\n|(?<=\b(?:and|for|the))\n|(?<=\bwith)\n"
    r"|(?<=\bconsider)\n|(?<=\bwithout)\n|(?<=\brule out)\n|(?<=\breplaced)\n|(?<=\breplacing)\n"
    r"|\n(?=(?:and|or|with|without|of|has|have|had|is|are|was|were|replaced|cannot|not|no longer)"
    r"\b(?![^\n]*:))",
    re.IGNORECASE,
)
_WAITING = re.compile(
    r"(\b(?:with|and|or|shows?|has|is|are|possible|probable|likely|but) "
    r"(?:no|not|possible|probable|(?:in)?complete|(?:first|second|third|1st|2nd|3rd) degree))\n",
    re.IGNORECASE,
)


@dataclass
class _Clause:
    """A clause and the ends of clauses between it and the one before."""

    text: str
    ends: tuple[str, ...]


def clauses(segment: str, *, certain: bool = False) -> list[str]:
    """Cut a segment at `CLAUSE_ENDS`; leave out bare denials, and what they deny.

    A denial after ":" or " - " denies the clause before it; after "(", or as a sentence of its own,
    it acts as if it stood at the end of that clause; before ":" it is a heading and denies the
    clause behind it, additions included. A lone qualifier ("incomplete") is put behind the clause
    before it, after a comma.

    Parameters
    ----------
    segment
        Statements.
    certain
        Whether words of doubt are added to the clause before, or head the one behind, too.
    """
    kept: list[_Clause] = []
    ends: list[str] = []
    heading, reached = None, False  # that denies; whether a clause stands below it
    pieces = CLAUSE_ENDS.split(_unwrapped(segment))
    for text, end in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if text.strip():
            if heading:
                reached = True
                kept.append(_Clause("", tuple(ends)))
            elif heading := _heading_of(text, end, ends, certain):
                reached = False
                kept += [_Clause(heading.said, tuple(ends))] if heading.said else []
            else:
                _keep(kept, ends, text, end, certain)
            ends = []
        going_on = LISTING if heading and heading.listed else ADDING
        heading = heading if not reached or end in going_on else None
        ends.append(end)
    return [clause.text for clause in kept if clause.text]


def _unwrapped(segment: str) -> str:
    """Join a line that waits for words to the next one."""
    lines = "\n".join(line.strip() for line in segment.split("\n"))
    return _WAITING.sub(r"\1 ", _WRAPPED.sub(" ", lines))


def _keep(kept: list[_Clause], ends: list[str], text: str, end: str, certain: bool) -> None:
    """Keep a clause, or let it act on those before it if it only denies or adds something."""
    denial = _denial_of(text)
    if denial and kept and _deny(kept, ends, denial):
        kept.append(_Clause(denial.rest, ()))
        return
    additions: list[str] = []
    rest = text
    if end != COLON or COLON in ends:  # no heading
        additions, rest = added(text, certain=certain)
    if additions and kept and kept[-1].text:
        for clause in _completed(kept, ends):
            clause.text = ", ".join([clause.text.rstrip(" ,"), *additions])
        kept += [_Clause(rest, ())] if rest else []
    else:
        kept.append(_Clause(text, tuple(ends)))


def _completed(kept: list[_Clause], ends: list[str]) -> list[_Clause]:
    """Return the clauses that an addition completes: behind a bracket the one before it too."""
    opened = [place for place, clause in enumerate(kept) if OPENED in clause.ends]
    if CLOSED in ends and opened and opened[-1]:
        return kept[opened[-1] - 1 :]
    return kept[-1:]


@lru_cache(maxsize=CACHED)
def _denial_of(clause: str) -> Denial | None:
    return bare_denial(unlikely(normalised(clause)))


def _heading_of(text: str, end: str, ends: list[str], certain: bool) -> Heading | None:
    """Return the heading that a clause is, if it denies (or doubts) what stands below it."""
    heading = denying_heading(normalised(text))
    value = COLON in ends or DASH in ends  # of the clause before
    if heading and end == COLON and not (heading.bare and value):
        return heading
    if heading and end == DASH and not (heading.bare or value or OPENED in ends):
        return heading
    if certain and end == COLON and added(text, certain=True) == (["possible"], ""):
        return Heading("", bare=True, listed=False)
    return None


def _deny(kept: list[_Clause], ends: list[str], denial: Denial) -> bool:
    """Take from the clauses what a denial behind them denies; return whether it denies any."""
    to_value = COLON in ends or DASH in ends
    if not (to_value or OPENED in ends or ends[-1:] == [CLOSED] or denial.predicate):
        return False
    for _ in range(ends.count(CLOSED)):  # "Atrial fibrillation (AF): no"
        _drop_brackets(kept)
    last = kept[-1]
    if to_value:
        value, comma, _ = last.text.partition(",")  # "Rhythm: sinus, AF: no"
        last.text = value if comma and COLON in last.ends else ""
    elif last.text:
        last.text = f"{last.text.rstrip(' ,')} absent"
    return True


def _drop_brackets(kept: list[_Clause]) -> None:
    """Remove the last clause that a bracket opened and all after it, unless nothing precedes it."""
    opened = [place for place, clause in enumerate(kept) if OPENED in clause.ends]
    if opened and opened[-1]:
        del kept[opened[-1] :]
