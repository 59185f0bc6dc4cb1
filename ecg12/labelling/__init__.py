"""Free-text diagnosis statements → SNOMED CT classes, after Ansari et al. (2020), section 2.1.

    statements → phrases → counts → codes → scored ancestors → review → label table

* `sources` reads the statements of a MUSE archive or of any csv table as a stream.
* `splitting`, `negation` and `wording` divide statements into phrases of one finding each.
* `corpus` counts the phrases on disk; rare ones are never written as text.
* `indexes`, `vocabulary`, `hierarchy` and `lookup` find a phrase in UMLS or SNOMED CT, and the
  nearest scored ancestors of its codes in the "is a" graph.
* `review` is a csv file in which a cardiologist corrects what the program proposes.
* `labelling` runs all of these steps in order.
"""

from ecg12.labelling.labelling import Options, Summary, label
from ecg12.labelling.sources import Columns
from ecg12.labelling.splitting import CONNECTIVES, PAPER, Splitting
from ecg12.labelling.vocabulary import Vocabulary

__all__ = [
    "CONNECTIVES",
    "PAPER",
    "Columns",
    "Options",
    "Splitting",
    "Summary",
    "Vocabulary",
    "label",
]
