"""What a reader says of a recording: its classes worded as diagnosis statements.

Classes become segments of text: a rhythm with what accompanies it ("Sinus bradycardia with 1st
degree A-V block"), findings alone or joined, a conclusion, a comparison with an earlier recording.
Every class is said by at least one segment.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ecg12.io.classes import abbreviation
from ecg12.synthetic.phrases import CHANGES, CONJUNCTIONS, MODIFIERS, OTHER, PHRASES, TOGETHER
from ecg12.synthetic.sites import CODES

FINDING_OF = {name: finding for finding, names in CODES.items() for name, _ in names}
RHYTHMS = ("PR", "AFL", "AF", "SB", "STach", "NSR", "SA", "Brady")
ACCOMPANYING = ("SA", "IAVB", "LPR", "PAC", "PVC")
NORMAL = frozenset(("NSR", "SA"))
NEARLY_NORMAL = NORMAL | {"SB", "STach", "LAD", "RAD", "PAC"}
ATTACHED = 0.7  # share of accompanying findings that are said beside the rhythm
MODIFIED = 0.25  # share of phrases with a modifier, where one fits
JOINED = 0.2  # share of recordings of which two findings share a segment
OTHERS = 0.15  # share of recordings of which something else is said
CONCLUDED = 0.8  # share of recordings with a conclusion


@dataclass(frozen=True)
class Context:
    """What phrases mention beside the classes.

    Attributes
    ----------
    rate
        Heart rate per minute, NaN where unknown.
    depressed, elevated
        Territories with the lowest and the highest ST and T, such as ``"lateral"``.
    """

    rate: float
    depressed: str
    elevated: str

    def fill(self, phrase: str) -> str:
        """Fill a phrase's places in."""
        response = "rapid" if self.rate > 100 else "slow" if self.rate < 60 else "controlled"
        return phrase.format(response=response, depressed=self.depressed, elevated=self.elevated)


def pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """Draw one of some texts."""
    return choices[int(rng.integers(len(choices)))]


def findings_of(codes: Collection[str]) -> frozenset[str]:
    """Return what SNOMED CT codes stand for, as keys of `PHRASES`; others are left out."""
    names = (FINDING_OF.get(abbreviation(code), abbreviation(code)) for code in codes)
    return frozenset(name for name in names if name in PHRASES)


def diagnosis(rng: np.random.Generator, findings: frozenset[str], context: Context) -> list[str]:
    """Return segments that say every finding, and a conclusion.

    Parameters
    ----------
    rng
        Source of randomness.
    findings
        Keys of `PHRASES`.
    context
        What some phrases mention.
    """
    left = set(findings)
    segments = [_rhythm(rng, left)]
    segments += _several(rng, left)
    alone = [_modified(rng, name) for name in PHRASES if name in left]
    if len(alone) > 1 and rng.random() < JOINED:
        alone[:2] = [pick(rng, CONJUNCTIONS).join((alone[0], _lowered(alone[1])))]
    segments += alone
    if rng.random() < OTHERS:
        segments.append(pick(rng, OTHER))
    segments.append(_conclusion(rng, findings))
    return [context.fill(segment) for segment in segments if segment]


def comparison(rng: np.random.Generator, acquired: datetime) -> list[str]:
    """Return a comparison with an earlier recording: its date, and one to three changes."""
    before = acquired - timedelta(minutes=int(rng.integers(10, 5_000_000)))
    dated = f"{before:%d-%b-%Y %H:%M}".upper()
    unconfirmed = " (unconfirmed)" if rng.random() < 0.3 else ""
    changes = rng.permutation(CHANGES)[: rng.integers(1, 4)]
    first = f"When compared with ECG of {dated}{unconfirmed},"
    return [first, *(str(change).format(n=rng.integers(3, 60)) for change in changes)]


def _rhythm(rng: np.random.Generator, left: set[str]) -> str:
    """Say the rhythm and, often, what accompanies it; take what is said out of `left`."""
    rhythm = next((name for name in RHYTHMS if name in left), "")
    paired = any(rhythm in pair and pair <= left for pair in TOGETHER)
    if not rhythm or (paired and rng.random() < 0.5):
        return ""
    left.remove(rhythm)
    attached = [name for name in ACCOMPANYING if name in left and rng.random() < ATTACHED]
    left.difference_update(attached)
    segment = _modified(rng, rhythm)
    link = pick(rng, (" with ", " and ", ", "))
    for count, name in enumerate(attached):
        segment += (link if count else " with ") + _lowered(_modified(rng, name))
    return segment


def _several(rng: np.random.Generator, left: set[str]) -> list[str]:
    """Say findings that go together in one segment; take them out of `left`."""
    segments = []
    for pair, phrases in TOGETHER.items():
        if pair <= left and ("AF" in pair or rng.random() < 0.6):
            segments.append(pick(rng, phrases))
            left -= pair
    return segments


def _modified(rng: np.random.Generator, finding: str) -> str:
    phrase = pick(rng, PHRASES[finding])
    fitting = [word for word, findings in MODIFIERS.items() if finding in findings]
    if fitting and rng.random() < MODIFIED:
        return f"{pick(rng, fitting)} {_lowered(phrase)}"
    return phrase


def _lowered(phrase: str) -> str:
    """Begin with a small letter, but for abbreviations and the names of waves."""
    return phrase[0].lower() + phrase[1:] if phrase[1:2].islower() else phrase


def _conclusion(rng: np.random.Generator, findings: frozenset[str]) -> str:
    if rng.random() > CONCLUDED:
        return ""
    if findings and findings <= NORMAL:
        return "Normal ECG"
    if findings <= NEARLY_NORMAL:
        return pick(rng, ("Otherwise normal ECG", "Borderline ECG"))
    return "Abnormal ECG"
