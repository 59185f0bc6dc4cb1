"""The architecture search of paper B, on one machine or on a cluster, surviving every kill.

Ansari et al. (MCIRCC, Computing in Cardiology 2020), section 2.2.1: networks are drawn at random
from a space, trained alike, and the best eight by challenge metric on validation are retrained;
five of them make the ensemble.
"""

from ecg12.search.halving import Rung, rungs, simulate
from ecg12.search.planning import Options
from ecg12.search.run import search
from ecg12.search.space import Constraints, Size, Space, costs, draw

__all__ = [
    "Constraints", "Options", "Rung", "Size", "Space", "costs", "draw", "rungs", "search",
    "simulate",
]  # fmt: skip
