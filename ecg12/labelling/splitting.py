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
from ecg12.labelling.additions import is_doubt, marks_as_words, rejoined
from ecg12.labelling.clauses import CACHED, clauses
from ecg12.labelling.comparisons import before_comparison
from ecg12.labelling.negation import Part, back, forth, unlikely, without_denied
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
UNCERTAIN_WORDS = frozenset(word for word, kind in CONNECTIVES.items() if kind == UNCERTAIN)

# Words that cannot end a phrase because they wait for a head noun, by kind.
WAITING = (
    frozenset("p q st t u".split()),
    frozenset("left right biatrial biventricular".split()),
    frozenset("anterior inferior lateral septal posterior apical anteroseptal".split()),
    frozenset("atrial ventricular supraventricular junctional nodal".split()),
    frozenset("first second third 1st 2nd 3rd".split()),
    frozenset("complete incomplete".split()),
)
_EMPTY = re.compile("(?:very|quite|most|highly|is|are|was|were|)")  # before "likely"
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
        for clause in clauses(said, certain=not splitting.uncertain):
            found += _phrases_of_clause(clause, splitting)
        if compared:
            break
    return found


@lru_cache(maxsize=CACHED)
def _phrases_of_clause(clause: str, splitting: Splitting) -> tuple[str, ...]:
    if not splitting.uncertain:
        clause = marks_as_words(clause)
    parts = rejoined(_cut(unlikely(normalised(clause)), splitting), UNCERTAIN_WORDS)
    parts = without_denied(parts)
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
    """Drop what is left open.

    That is what follows an uncertain connective, up to the next comma or "with", and what stands
    before one that nothing follows ("AF is likely", "AF, possible").
    """
    dropped: set[int] = set()
    doubtful = False
    for place, part in enumerate(parts):
        if _doubts_before(parts, place):
            dropped |= _before(parts, place)
        doubtful = part.link in UNCERTAIN_WORDS or (doubtful and part.link not in (",", "with"))
        if part.doubtful:
            dropped.update(back(parts, place))
        if doubtful or part.doubtful:
            dropped.add(place)
    return [part for place, part in enumerate(parts) if place not in dropped]


def _doubts_before(parts: list[Part], place: int) -> bool:
    """Tell whether a part is only a word of doubt, to which nothing behind it belongs."""
    part = parts[place]
    if is_doubt(part.text):
        return True
    if part.text or part.link not in UNCERTAIN_WORDS:
        return False
    predicate = place > 0 and re.search(r"\b(?:is|are|was|were)$", parts[place - 1].text)
    return bool(predicate) or not any(forth(parts, place))


def _before(parts: list[Part], place: int) -> set[int]:
    """Return the places of the last words before a part, and of what is joined to them."""
    while place > 0:
        place -= 1
        if not _EMPTY.fullmatch(parts[place].text):
            break
    return {place, *back(parts, place)}


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
