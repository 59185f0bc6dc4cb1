"""Negation: "no longer present", "no evidence of", "ruled out".

In the manner of NegEx (Chapman et al., Journal of Biomedical Informatics 2001): words that deny
what follows, words that deny what precedes, and words that look like them and deny nothing. They
act within one clause, on their own part and on the parts joined to it by "and", "or" or a word of
degree. A comma or "with" ends their reach, unless the comma belongs to a list that ends in "and" or
"or" ("no PACs, PVCs or pauses"), or only the denial follows it ("AF, resolved"). Where the reach is
in doubt the longer one is taken: a label that is lost costs less than one that is wrong.

A clause that is a denial and nothing else, as in forms ("Atrial flutter: no") and in parentheses
("LBBB (no longer seen)"), speaks of the clause before it: `bare_denial`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

# Deny what follows them.
BEFORE = re.compile(
    r"\b(?:no|not|without|absence of|absent|negative for|free of|lack of|resolution of"
    r"|ruled out for|(?:has|have|had) replaced|replacing)\b"
)
# Deny what precedes them, and end the part.
_SEEN = (
    "present|evident|seen|noted|found|visible|detected|apparent|identified|observed|appreciated"
    "|demonstrated|confirmed|recogni[sz]ed|documented|suspected|shown|visuali[sz]ed|established"
    "|diagnosed|recorded|discernible|discernable|discerned|there"
)
_ADVERBS = r"(?:(?:\w+ly|yet|now|still|well|today) )*"
_NOT_SEEN = rf"not {_ADVERBS}(?:be(?:en)? )?{_ADVERBS}(?:{_SEEN})"
AFTER = re.compile(
    rf"\b(?:(?:is|are|was|were|has|have)\s+)?(?:been\s+)?(?:no longer\b|{_NOT_SEEN}\b|absent$"
    rf"|absent (?:in|now|today|currently|at present)\b|(?:is|are|was|were) {_ADVERBS}absent\b"
    rf"|no more (?:{_SEEN})\b|(?<=\w )(?:unlikely|doubtful|improbable)\b"
    r"|ruled out\b(?! for)|excluded\b|resolved\b|disappeared\b|gone\b|replaced by\b)"
)
# "AF no", "AF? No", "AF = none", and nothing behind it that it could deny.
TRAILING = re.compile(r"\S (?:no|none|no more|not any ?more|no evidence(?: of)?)$|= ?0$")
# "not" and "no" that speak of the words before them: "is not clearly", "currently not", "not
# convinced"; but "is not new" describes a finding that is there.
_FILLER = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|may|should|will|would"
    r"|appears?|seems?|\w+ly|now|still|yet|today|there|it|this|that)\b"
)
_VERB = re.compile(rf"{_ADVERBS}(?:be(?:en)? )?(?:\w{{2,}}ed)\b|$")
_DESCRIBED = re.compile(
    rf"{_ADVERBS}(?:an? |been )?(?:new|changed|different|specific|diagnostic|related|associated"
    r"|explained|specified|classified|limited|due)\b"
)
# A clause that denies and names nothing, up to its first comma, "and" or "with". A sentence of its
# own may be a word without a finding ("Sinus rhythm. None."), but not a predicate ("Not seen.").
_PREDICATE = (
    rf"no longer(?: (?:{_SEEN}))?|{_NOT_SEEN}|not? (?:any ?)?more|absent|ruled out|excluded"
    r"|resolved|disappeared|gone|(?:(?:very|highly|most) )?(?:unlikely|doubtful|improbable)"
    "|by (?:past |previous |prior )?history|historical(?:ly)?"
)
_WORD = (
    rf"no(?: evidence| signs?)?(?: of)?|none(?: (?:{_SEEN}))?|not|nil|never|denied|false"
    r"|(?:pertinent )?negatives?(?: findings?)?|0(?: ?%)?"
    "|(?:past |previous |prior )?(?:history|hx)(?: of)?|h or o"  # h/o
    "|not applicable|n or a"  # n/a
)
_ALONE = re.compile(
    r"\W*(?:(?:is|are|was|were|has|have|had|been|now|currently|today|all|both|of|the|following"
    r"|these|findings|diagnoses) )*"
    rf"(?:(?P<predicate>{_PREDICATE})|{_WORD})(?: (?:now|today|currently|any ?more|at present))?"
    r"[\s.]*(?:$|(?=(?:and|with)\b)|,)"
)
# Wait for what they deny, which a colon may part from them.
_HEADING = re.compile(
    r"\b(?:negative for|without(?: (?:evidence|signs?) of)?|absence of|free of|lack of"
    r"|no (?:evidence|signs?)(?: of| for)|none of|neither of|ruled out for|resolution of)"
    r"(?: (?:any|all))?(?: of)?(?: the)?(?: following| these)?"
    r"(?: (?:findings|diagnoses|conditions|abnormalities))?$"
)
_LISTED = re.compile(r"\b(?:following|these|negatives|findings|diagnoses|conditions)\b")
_UNLIKELY = re.compile(r"\b(?:less|least|not|hardly) (?:likely|probable|possible)\b(?! to)")
# Leave something open: neither denied nor certain.
OPEN = re.compile(r"\b(?:(?:cannot|could not|can not) be|not)\s+(?:ruled out|excluded)\b")
CONJUNCTIONS = ("and", "or", "&")
BOUNDARIES = ("", "with", ",")


@dataclass(frozen=True)
class Part:
    """A piece of a clause.

    Attributes
    ----------
    link
        The connective before it; "" for the first.
    text
        Its words.
    doubtful
        Whether the statement leaves it open.
    """

    link: str
    text: str
    doubtful: bool = False


@dataclass(frozen=True)
class Denial:
    """A denial that names nothing, at the beginning of a clause.

    Attributes
    ----------
    predicate
        Whether it can be a sentence about the one before: "not seen", but not "none".
    rest
        The words of the clause behind it, normalised.
    """

    predicate: bool
    rest: str


def bare_denial(clause: str) -> Denial | None:
    """Return the denial at the beginning of a clause; None if it names what it denies.

    Parameters
    ----------
    clause
        Normalised: "no", "not seen", "none, afl"; not "no af".
    """
    found = _ALONE.match(clause)
    return Denial(bool(found["predicate"]), clause[found.end() :].strip()) if found else None


@dataclass(frozen=True)
class Heading:
    """A clause that denies what stands below it.

    Attributes
    ----------
    said
        What it says itself, normalised: "sinus rhythm" of "sinus rhythm without".
    bare
        Whether it could be a denial of the clause before it as well.
    listed
        Whether several clauses may follow: "none of the following".
    """

    said: str
    bare: bool
    listed: bool


def denying_heading(clause: str) -> Heading | None:
    """Return the heading that a normalised clause is: "negative for", "not seen"."""
    listed = _LISTED.search(clause) is not None
    if found := _HEADING.search(clause):
        return Heading(clause[: found.start()].strip(), bare=False, listed=listed)
    denial = bare_denial(clause)
    return Heading("", bare=True, listed=listed) if denial and not denial.rest else None


def unlikely(clause: str) -> str:
    """Return a normalised clause with "unlikely" for "not likely" and "less likely"."""
    return _UNLIKELY.sub("unlikely", clause)


def without_denied(parts: list[Part]) -> list[Part]:
    """Leave out what is denied; the parts of one clause in order."""
    kept: list[Part | None] = list(parts)
    for place, part in enumerate(parts):
        if OPEN.search(part.text):
            kept[place] = replace(part, text=OPEN.sub("", part.text).strip(), doubtful=True)
        elif part.link == "," and _is_denial(part.text) and not any(forth(parts, place)):
            _drop(kept, [place, place - 1, *back(parts, place - 1)])
        elif after := AFTER.search(part.text):
            _drop(kept, back(parts, place))
            if part.link == "," and _names_nothing(part.text, after):
                _drop(kept, [place - 1, *back(parts, place - 1)])
            kept[place] = _remainder(part, after)
        elif TRAILING.search(part.text) and not any(forth(parts, place)):
            _drop(kept, [place, *back(parts, place)])
        elif (before := BEFORE.search(part.text)) and kept[place]:
            _drop(kept, forth(parts, place))
            said = part.text[: before.start()].strip()
            kept[place] = replace(part, text=said) if said else None
            if _of_subject(said, before[0], part.text[before.end() :].strip()):
                kept[place] = None
                _drop(kept, back(parts, place) if _FILLER.sub("", said).strip() else ())
    return [part for part in kept if part]


def _is_denial(text: str) -> bool:
    denial = bare_denial(text)
    return denial is not None and not denial.rest


def _of_subject(said: str, word: str, behind: str) -> bool:
    """Tell whether "no" or "not" denies the words before it, and not only those behind it."""
    if word == "no":
        return re.search(r"(?<!\bthere )\b(?:is|are|was|were)$", said) is not None
    if word != "not" or not said or _DESCRIBED.match(behind):
        return False
    last = said.split()[-1]
    return _FILLER.fullmatch(last) is not None or _VERB.match(behind) is not None


def _names_nothing(text: str, after: re.Match[str]) -> bool:
    """Tell whether a denial does not say of what: "no longer seen", "replaced by sinus rhythm"."""
    denial = bare_denial(text)
    replaced = after.start() == 0 and after[0].endswith("replaced by")
    return replaced or (denial is not None and denial.predicate and not denial.rest)


def _drop(kept: list[Part | None], places: Iterable[int]) -> None:
    for place in places:
        kept[place] = None


def _remainder(part: Part, after: re.Match[str]) -> Part | None:
    """Return what replaced the denied part, if the text names it."""
    if not after[0].endswith("replaced by"):
        return None
    return replace(part, text=part.text[after.end() :].strip())


def back(parts: list[Part], place: int) -> Iterable[int]:
    """Yield the places before a part that are joined to it, last first."""
    listed = False
    while place > 0:
        link = parts[place].link
        listed = listed or link in CONJUNCTIONS
        if link in BOUNDARIES and not (link == "," and listed):
            return
        place -= 1
        yield place


def forth(parts: list[Part], place: int) -> Iterable[int]:
    """Yield the places after a part that are joined to it."""
    for later in range(place + 1, len(parts)):
        link = parts[later].link
        listed = link == "," and any(part.link in CONJUNCTIONS for part in parts[later + 1 :])
        if link in BOUNDARIES and not listed:
            return
        yield later
