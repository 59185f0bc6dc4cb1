"""Diagnosis statements cut into phrases: one finding each, denied ones left out.

A statement is cut at punctuation that ends a clause, then at connectives; "ST and T wave
abnormality" names two findings that share a head noun, which is given back to the first. What
compares with an earlier recording is dropped together with all that follows, and so is a sentence
that names a reader. A clause that only denies ("Atrial flutter: no", "LBBB (none)", "Absent: AF")
is dropped together with what it denies.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ecg12.io.statements import without_readers
from ecg12.labelling.comparisons import before_comparison
from ecg12.labelling.negation import Denial, Part, bare_denial, without_denied
from ecg12.labelling.wording import normalised, phrase_of
from ecg12.runtime.errors import InputError

JOINING, GRADING, UNCERTAIN = "joining", "grading", "uncertain"
# Where statements are cut. The first four are the paper's (Ansari et al., 2020, section 2.1), the
# others are added in the same spirit; `Splitting` chooses among them.
CONNECTIVES = {
    "and": JOINING,
    "with": JOINING,
    "likely": UNCERTAIN,
    "frequent": GRADING,
    "or": JOINING,
    "&": JOINING,
    ",": JOINING,
    "possible": UNCERTAIN,
    "probable": UNCERTAIN,
    "consider": UNCERTAIN,
    "occasional": GRADING,
    "marked": GRADING,
    "suggestive of": UNCERTAIN,
    "cannot rule out": UNCERTAIN,
}
PAPER = ("and", "with", "likely", "frequent")
CACHED = 2**15  # clauses that are kept, since most occur again and again
CLAUSE_ENDS = re.compile(r"([;:()\n]|\.(?=\s|$)| - |\b(?:but|however|except)\b)", re.IGNORECASE)
COLON, DASH, OPENED, CLOSED = ":", " - ", "(", ")"  # those that lead to a value or an addition
ADDING = (OPENED, CLOSED, DASH)  # what follows them belongs to the clause before

# Words that cannot end a phrase because they wait for a head noun, by kind.
WAITING = (
    frozenset("p q st t u".split()),
    frozenset("left right biatrial biventricular".split()),
    frozenset("anterior inferior lateral septal posterior apical anteroseptal".split()),
    frozenset("atrial ventricular supraventricular junctional nodal".split()),
    frozenset("first second third 1st 2nd 3rd".split()),
    frozenset("complete incomplete".split()),
)
SHARED = ("and", "or", "&", ",")  # connectives across which a head noun is shared
WAVE = ("wave", "waves", "segment", "segments")


@dataclass(frozen=True)
class Splitting:
    """How statements become phrases.

    Attributes
    ----------
    connectives
        Keys of `CONNECTIVES`; all of them by default, `PAPER` for those that the paper names.
    uncertain
        Keep what follows "possible", "probable", "consider" and their like, as the paper does;
        otherwise drop it.
    """

    connectives: tuple[str, ...] = tuple(CONNECTIVES)
    uncertain: bool = True

    def __post_init__(self) -> None:
        """Refuse connectives that the table does not have."""
        if unknown := [word for word in self.connectives if word not in CONNECTIVES]:
            raise InputError(
                f"unknown connective {', '.join(map(repr, unknown))}; "
                f"choices: {', '.join(map(repr, CONNECTIVES))}"
            )


DEFAULT = Splitting()


def phrases_of(segments: Iterable[str], splitting: Splitting = DEFAULT) -> list[str]:
    """Cut the statements of one recording into normalised phrases.

    Parameters
    ----------
    segments
        Statements in order.
    splitting
        Where to cut, and whether to keep what is uncertain.

    Returns
    -------
    Phrases in order, repeated where they occur repeatedly.
    """
    found: list[str] = []
    for segment in without_readers(segments)[0]:
        said, compared = before_comparison(segment)
        for clause in _clauses(said):
            found += _phrases_of_clause(clause, splitting)
        if compared:
            break
    return found


@dataclass
class _Clause:
    """A clause and the ends of clauses between it and the one before."""

    text: str
    ends: tuple[str, ...]


def _clauses(segment: str) -> list[str]:
    """Cut a segment at `CLAUSE_ENDS`; leave out bare denials, and what they deny.

    A denial after ":" or " - " denies the clause before it; after "(", or as a sentence of its own,
    it acts as if it stood at the end of that clause; before ":" it is a heading and denies the
    clause behind it, additions included.
    """
    kept: list[_Clause] = []
    ends: list[str] = []
    headed = reached = False  # below a heading that denies; at the clause that it denies
    pieces = CLAUSE_ENDS.split(segment)
    for text, end in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        if text.strip():
            denial = _denial_of(text)
            if headed:
                reached = True
                kept.append(_Clause("", tuple(ends)))
            elif denial and end == COLON and not (denial.rest or COLON in ends or DASH in ends):
                headed, reached = True, False
            elif denial and kept and _deny(kept, ends, denial):
                kept.append(_Clause(denial.rest, ()))
            else:
                kept.append(_Clause(text, tuple(ends)))
            ends = []
        headed = headed and (not reached or end in ADDING)
        ends.append(end)
    return [clause.text for clause in kept if clause.text]


@lru_cache(maxsize=CACHED)
def _denial_of(clause: str) -> Denial | None:
    return bare_denial(normalised(clause))


def _deny(kept: list[_Clause], ends: list[str], denial: Denial) -> bool:
    """Take from the clauses what a denial behind them denies; return whether it denies any."""
    to_value = COLON in ends or DASH in ends
    if not (to_value or OPENED in ends or denial.predicate):
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


@lru_cache(maxsize=CACHED)
def _phrases_of_clause(clause: str, splitting: Splitting) -> tuple[str, ...]:
    parts = without_denied(_cut(normalised(clause), splitting))
    if not splitting.uncertain:
        parts = _without_uncertain(parts)
    phrases = (phrase_of(text) for text in _with_heads(parts))
    return tuple(phrase for phrase in phrases if phrase)


def _cut(clause: str, splitting: Splitting) -> list[Part]:
    """Cut at connectives; each part holds the one before it."""
    longest_first = sorted(splitting.connectives, key=len, reverse=True)
    words = [rf"\b{word}\b" if word[0].isalpha() else word for word in longest_first]
    pieces = re.split(f"({'|'.join(words)})", clause) if words else [clause]
    links = ["", *pieces[1::2]]
    return [Part(link, text.strip()) for link, text in zip(links, pieces[::2], strict=True)]


def _without_uncertain(parts: list[Part]) -> list[Part]:
    """Drop what follows an uncertain connective, up to the next comma or "with"."""
    kept, doubtful = [], False
    for part in parts:
        kind = CONNECTIVES.get(part.link)
        doubtful = kind == UNCERTAIN or (doubtful and part.link not in (",", "with"))
        if not doubtful and not part.doubtful:
            kept.append(part)
    return kept


def _with_heads(parts: list[Part]) -> list[str]:
    """Give parts that wait for a head noun that of the next part, last part first."""
    texts = [part.text for part in parts]
    for place in range(len(parts) - 2, -1, -1):
        if parts[place + 1].link in SHARED:
            texts[place] = _completed(texts[place], texts[place + 1])
    return texts


def _completed(text: str, following: str) -> str:
    """Complete "left" before "right atrial enlargement": "left atrial enlargement".

    The words after the following part's word of the same kind are shared ("ST" takes
    "abnormality" from "T wave abnormality", for "wave" belongs to T), or else its last word.
    """
    last = text.split()[-1] if text else ""
    kind = next((kind for kind in WAITING if last in kind), None)
    words = following.split()
    if kind is None or len(words) < 2:
        return text
    alike = [place for place, word in enumerate(words) if word in kind]
    head = words[alike[0] + 1 :] if alike else words[-1:]
    while head and head[0] in WAVE:
        head = head[1:]
    return " ".join([text, *head])
