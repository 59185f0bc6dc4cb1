"""The small vocabulary."""

import pytest

from ecg12.labelling import Vocabulary
from ecg12.synthetic.vocabulary import MRCONSO, RELATIONSHIPS, write_vocabulary


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    """Return the small vocabulary in the formats of UMLS and SNOMED CT."""
    folder = tmp_path_factory.mktemp("vocabulary")
    write_vocabulary(folder)
    return Vocabulary(folder / MRCONSO, None, folder / RELATIONSHIPS)
