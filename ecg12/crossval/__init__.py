"""Cross-validation of a whole recipe: scores to expect on unseen recordings or hospitals.

Each fold is held out once. On the other recordings the recipe runs as in a submission: a quarter of
them, or whole databases, validates (early stopping, thresholds, choice of members, calibration),
the rest trains. Then classes are decided in six ways (`ways.WAYS`), of which only those called
unbiased never fit a threshold to the recordings that it is judged on. The difference of *in-fold*,
the protocol of most published scores, and *nested* is the optimism.
"""

from ecg12.crossval.folds import Fold, divide
from ecg12.crossval.run import cross_validate
from ecg12.crossval.tables import Summary, interval, summarise

__all__ = ["Fold", "Summary", "cross_validate", "divide", "interval", "summarise"]
