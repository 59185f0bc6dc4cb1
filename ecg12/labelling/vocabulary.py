"""The release files of a user's own licence, opened as what understands phrases."""

from dataclasses import dataclass
from pathlib import Path

from ecg12.io.classes import ScoredClasses
from ecg12.labelling.indexes import (
    EDGES,
    TERMS,
    description_entries,
    open_index,
    relationship_entries,
    umls_entries,
)
from ecg12.labelling.lookup import Mapper
from ecg12.runtime.errors import InputError


@dataclass(frozen=True)
class Vocabulary:
    """Release files from which phrases are understood; any of them may be missing.

    Attributes
    ----------
    umls
        `MRCONSO.RRF` of UMLS.
    descriptions
        `sct2_Description_Snapshot…` of SNOMED CT, in place of UMLS.
    relationships
        `sct2_Relationship_Snapshot…` of SNOMED CT; without it no ancestors are found.
    """

    umls: Path | None = None
    descriptions: Path | None = None
    relationships: Path | None = None

    def __post_init__(self) -> None:
        """Expect one source of terms at most."""
        if self.umls and self.descriptions:
            raise InputError("give UMLS strings or SNOMED CT descriptions, not both")


def open_mapper(
    folder: Path, classes: ScoredClasses, vocabulary: Vocabulary, *, all_ancestors: bool = False
) -> Mapper:
    """Open the indexes of the release files, building them in `folder` if need be."""
    terms = hierarchy = None
    if vocabulary.umls:
        terms = open_index(folder / ".umls.sqlite", vocabulary.umls, TERMS, umls_entries)
    elif path := vocabulary.descriptions:
        terms = open_index(folder / ".descriptions.sqlite", path, TERMS, description_entries)
    if path := vocabulary.relationships:
        hierarchy = open_index(folder / ".hierarchy.sqlite", path, EDGES, relationship_entries)
    return Mapper(classes, terms, hierarchy, all_ancestors)
