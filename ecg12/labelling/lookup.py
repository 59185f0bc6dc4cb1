"""From a phrase to the classes that it names: vocabulary, ancestors, equivalents."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ecg12.io.classes import DIAGNOSES, ScoredClasses, abbreviation
from ecg12.labelling.hierarchy import scored_ancestors
from ecg12.labelling.wording import key_of

AUTOMATIC = "auto: "  # begins every reason that the program writes
MOST_NAMED = 4  # codes that a reason names


class Terms(Protocol):
    """What a vocabulary must do: return the entries of a key."""

    def __getitem__(self, key: str) -> list[tuple[str, ...]]:
        """Return (concept, code) pairs of a term, or (parent,) of a code."""


@dataclass(frozen=True)
class Proposal:
    """What the program makes of a phrase.

    Attributes
    ----------
    codes
        Scored SNOMED CT codes, equivalents included; empty for none.
    why
        How they were found, or why none were.
    """

    codes: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Mapper:
    """Finds the classes of phrases.

    Attributes
    ----------
    classes
        The scored classes.
    vocabulary
        Key → (concept, code); None for none.
    hierarchy
        Code → parents; None to look for no ancestors.
    all_ancestors
        As for `ecg12.labelling.hierarchy.scored_ancestors`.
    """

    classes: ScoredClasses
    vocabulary: Terms | None = None
    hierarchy: Terms | None = None
    all_ancestors: bool = False
    _named: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Look the challenge's own names of its scored classes up as well."""
        columns = self.classes.columns
        named = {key_of(DIAGNOSES[code][1]): code for code in columns if code in DIAGNOSES}
        object.__setattr__(self, "_named", named)

    def propose(self, phrase: str) -> Proposal:
        """Return the classes of a phrase.

        A code of the vocabulary that is scored is taken. Otherwise the challenge's own name of a
        class counts, and otherwise the nearest scored ancestors of all codes.
        """
        key = key_of(phrase)
        found = self.vocabulary[key] if self.vocabulary and key else []
        codes = sorted({code for _, code in found})
        concepts = " ".join(sorted({concept for concept, _ in found})[:MOST_NAMED])
        if direct := [code for code in codes if code in self.classes.columns]:
            return self._proposal(direct, f"{concepts}, scored as {' '.join(direct)}")
        if key in self._named:
            return self._proposal([self._named[key]], "the challenge's own name")
        if not found:
            return Proposal((), AUTOMATIC + "not in the vocabulary")
        reached = {code: self._ancestors(code) for code in codes}
        scored = frozenset[str]().union(*reached.values())
        if not scored:
            return Proposal((), f"{AUTOMATIC}{concepts} has no scored ancestor")
        start = " ".join([code for code in codes if reached[code]][:MOST_NAMED])
        return self._proposal(scored, f"{concepts}, ancestor of {start}")

    def _ancestors(self, code: str) -> frozenset[str]:
        hierarchy = self.hierarchy
        if hierarchy is None:
            return frozenset()
        return scored_ancestors(
            code,
            lambda child: (parent for (parent,) in hierarchy[child]),
            self.classes.columns,
            all_ancestors=self.all_ancestors,
        )

    def _proposal(self, codes: Collection[str], why: str) -> Proposal:
        """Join equivalents, and ancestors of scored codes where all are wanted."""
        if self.all_ancestors:
            codes = frozenset[str]().union(codes, *map(self._ancestors, codes))
        return Proposal(with_equivalents(codes, self.classes), AUTOMATIC + why)


def with_equivalents(codes: Collection[str], classes: ScoredClasses) -> tuple[str, ...]:
    """Return scored codes together with those that the challenge takes for the same."""
    groups = (group for group in classes.groups if any(code in codes for code in group))
    return tuple(code for group in groups for code in group)


def shown(codes: Collection[str]) -> str:
    """Return codes as a reader knows them: by abbreviation."""
    return " ".join(abbreviation(code) for code in codes)
