"""Diagnosis statements of clinical files as segments of text, without the people they name."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ecg12.io.classes import DIAGNOSES

# Who confirmed, read, edited, ordered or signed the recording.
_ACT = r"(?:confirmed|read|interpreted|reviewed|edited|referred|ordered|signed|verified)"
_NAMING = re.compile(
    rf"{_ACT}\s+by\b|\bsigned\s*:|^\s*(?:by|technician|md|dr|physician)\s*[:.]", re.IGNORECASE
)
_TITLED = re.compile(r"\b(?:Dr|DR|Prof|PROF)\b\.?\s+[^\W\d_a-z]")
# "SMITH, JOHN (123)"; a lookahead, so that every comma is tried.
_NAME = r"[^\W\d_][\w.'\u2019-]*"
_LISTED = re.compile(
    rf"(?<![\w'\u2019-])(?=({_NAME})\s*,\s*({_NAME})(?:,?\s+[\w.'\u2019-]+){{0,4}}\s*\(\d+\))"
)
_NAME_FOLLOWS = re.compile(r"(?:\bby|:)\W*$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\n|[.!?]+(?=\s)")
# A point behind these ends no sentence, unless it goes on with who did what.
_ABBREVIATED = re.compile(r"(?:^|[\s.(])(?:dr|prof|mrs?|ms|med|st|[^\W\d_])$", re.IGNORECASE)
_ACT_FOLLOWS = re.compile(rf"\s*(?:electronically|re)?\s*{_ACT}\b", re.IGNORECASE)
_WRAPPED = re.compile(r"\n[ \t]+(?=[a-z])")  # a long line of an indented file
_WORD = re.compile(r"\w\w+")
# A patient may be called Block; "right bundle branch block" must survive it.
_MEDICAL = frozenset(
    word for _, name in DIAGNOSES.values() for word in _WORD.findall(name.lower())
)  # fmt: skip
# These words distinguish a sentence from a name: names and abbreviations of diagnoses, and what
# else statements of an ECG consist of.
_CLINICAL = _MEDICAL | {short.lower() for short, _ in DIAGNOSES.values()} | frozenset(
    """abnormality abnormalities afib apical block blocks bpm borderline change changes complex
    complexes delay ecg ectopic ectopy ekg enlargement escape fib hr hypertrophy infarct infarction
    inferior injury inverted ischaemia ischemia ischemic junctional lateral lead leads lvh mi nodal
    normal pac paced pacemaker pacs pause pauses posterior pvcs qtc rate repolarization response
    rr rvh second segment septal stemi svt third tracing vt waves wpw""".split()
)  # fmt: skip
_COMMON = frozenset("age and are by cannot for in is no not of old or out rule the to with".split())

_count: ContextVar[Counter[str] | None] = ContextVar("_count", default=None)


@contextmanager
def counted_readers() -> Iterator[Counter[str]]:
    """Count within it, under "dropped", the sentences that `without_people` leaves out."""
    counter: Counter[str] = Counter()
    token = _count.set(counter)
    try:
        yield counter
    finally:
        _count.reset(token)


def names_a_person(sentence: str) -> bool:
    """Tell whether a sentence says who confirmed, read, ordered or signed a recording.

    So does what holds a name as "SMITH, JOHN (123)"; "block, PR (220)" is none.
    """
    if _NAMING.search(sentence) or _TITLED.search(sentence):
        return True
    return any(_is_name(*found.groups()) for found in _LISTED.finditer(sentence))


def _is_name(surname: str, given: str) -> bool:
    """Tell "SMITH, JOHN" and "smith, john" from "block, PR" and "Interval, QTc"."""
    known = [word.lower() in _CLINICAL for word in (surname, given)]
    return not all(known) and (surname[0].isupper() and given[0].isupper() or not any(known))


def without_readers(segments: Iterable[str]) -> tuple[list[str], int]:
    """Leave out the sentences and lines that name a reader.

    What follows such a sentence may be the rest of the name ("Confirmed by Smith, MD. Jones"); it
    is left out up to the next sentence that consists of clinical words.

    Parameters
    ----------
    segments
        Statements, each of one or more lines and sentences.

    Returns
    -------
    The segments, in order, and how many sentences are left out of them.
    """
    kept, dropped, unsure, last = [], 0, False, ""
    for segment in segments:
        said = []
        for sentence in _sentences(segment):
            if sentence.strip():
                unsure = names_a_person(sentence) or (unsure and not _is_clinical(sentence))
                if unsure:
                    dropped, last = dropped + 1, sentence
                    sentence = "\n" * sentence.endswith("\n")
            said.append(sentence)
        unsure = unsure and _NAME_FOLLOWS.search(last) is not None
        kept.append("".join(said))
    return kept, dropped


def _sentences(text: str) -> Iterator[str]:
    """Cut a text behind each line and sentence."""
    start = 0
    for end in _SENTENCE_END.finditer(text):
        before = text[max(start, end.start() - 6) : end.start()]  # the longest is "prof"
        abbreviated = end[0] != "\n" and _ABBREVIATED.search(before)
        if not abbreviated or _ACT_FOLLOWS.match(text, end.end()):
            yield text[start : end.end()]
            start = end.end()
    yield text[start:]


def _is_clinical(sentence: str) -> bool:
    """Tell whether half of the words of a sentence, or more, are those of an ECG."""
    words = [word for word in _WORD.findall(sentence.lower()) if word not in _COMMON]
    return 2 * sum(word in _CLINICAL for word in words) >= max(len(words), 1)


def without_people(segments: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return segments, tidied line by line, without the people whom a file names.

    Parameters
    ----------
    segments
        Statements as text; lines and sentences that name a reader are left out, as are empty
        segments.
    names
        What the file holds of names and identifiers. Their words are cut out of the segments,
        unless they belong to the name of a diagnosis.
    """
    people = frozenset(word for name in names for word in _WORD.findall(name.lower())) - _MEDICAL
    said, dropped = without_readers(segments)
    if (counter := _count.get()) is not None:
        counter["dropped"] += dropped
    kept = (_without(people, segment) for segment in said)
    return tuple(segment for segment in kept if segment)


def _without(people: frozenset[str], segment: str) -> str:
    if not people.isdisjoint(_WORD.findall(segment.lower())):
        segment = _WORD.sub(lambda word: "" if word[0].lower() in people else word[0], segment)
    lines = _WRAPPED.sub(" ", segment).splitlines()
    return "\n".join(line for line in map(tidy, lines) if line)


def tidy(segment: str) -> str:
    """Leave single blanks, and none before punctuation (", age undetermined")."""
    return re.sub(r"\s+([,.;])", r"\1", " ".join(segment.split()))
