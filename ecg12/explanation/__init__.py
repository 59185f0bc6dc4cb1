"""Which leads and which stretches of time a score rests on, by occlusion.

Parts of the prepared recording are replaced by a straight line, T waves by a usual one, and the
networks score it again: a part matters to a class as far as the log odds of its score fall. Only
scores are used, so every model and every runtime can be explained.
"""

from ecg12.explanation.explain import explain
from ecg12.explanation.results import ClassMap, Explanation

__all__ = ["ClassMap", "Explanation", "explain"]
