"""Free-text diagnosis statements → SNOMED CT classes, after Ansari et al. (2020), section 2.1.

    statements ─ split ─ phrases ─ counted ─ looked up ─ climbed ─ reviewed ─ label table

* `sources`: a MUSE archive or any csv table, as a stream of statements.
* `splitting`, `negation`, `wording`: statements become phrases, one finding each.
* `corpus`: phrases are counted on disk; rare ones are never written as text.
* `indexes`, `vocabulary`, `hierarchy`, `lookup`: a phrase is found in UMLS or SNOMED CT, and its
  codes climb the "is a" graph to the nearest scored classes.
* `review`: a csv file in which a cardiologist has the last word.
* `labelling`: all of it, in order.
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
