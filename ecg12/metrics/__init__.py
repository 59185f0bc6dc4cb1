"""The challenges' scores of multi-label classification, on arrays and on folders of files.

Conventions
    Arrays have one row per recording and one column per class, equivalent codes merged: `y_true`
    and `y_pred` are (n, n_classes) bool, the true and the predicted classes; `y_score` is
    (n, n_classes) numbers of which higher means likelier. A per-class value that is undefined is
    NaN, and macro means leave it out.

Metrics
    * Challenge metric: a recording with the true set T and the predicted set L earns the weights of
      all pairs in T × L, divided by |T ∪ L|. The sum is scaled so that the truth scores 1 and the
      *inactive* classifier, which always predicts sinus rhythm, 0.
    * AUROC: area under sensitivity over 1 − specificity, trapezoids between distinct scores; NaN
      without positives or without negatives.
    * AUPRC: sum of precision times the rise in recall at each distinct score (average precision);
      NaN without positives.
    * Accuracy: share of recordings whose set is exactly right.
    * Precision, recall: tp / (tp + fp) and tp / (tp + fn) per class; NaN without positive
      predictions, or without positives.
    * F-measure: 2 tp / (2 tp + fp + fn) per class; NaN if the class is neither true nor predicted
      anywhere.
    * F-beta, G-beta (2020 only): every recording counts 1 / max(1, number of its true classes);
      F = (1 + β²) tp / ((1 + β²) tp + fp + β² fn), G = tp / (tp + fp + β fn), β = 2.

Recordings without a scored diagnosis do not count in the challenge metric, but do in the others.
A constant prediction reaches .3 in the challenge metric (`best_constant`): compare a score with it.

`bootstrap` and `intervals` give the confidence intervals of scores.

Sources: Perez Alday et al., Physiol Meas 41 124003, 2020; Reyna et al., Computing in Cardiology,
2021; the evaluation programs of both years, whose results the tests hold.
"""

from ecg12.metrics.challenge import ChallengeScorer, best_constant, challenge_score, confusion
from ecg12.metrics.classwise import (
    accuracy,
    beta_measures,
    f_measure,
    macro,
    precision_recall,
)
from ecg12.metrics.evaluation import Evaluation, evaluate, summarise
from ecg12.metrics.folders import evaluate_folders, find_headers, read_folders, read_predictions
from ecg12.metrics.macro_f import FScorer, constant_baseline, measure_name, scorer_of
from ecg12.metrics.ranking import areas, auprc, auroc

__all__ = [
    "ChallengeScorer",
    "Evaluation",
    "FScorer",
    "accuracy",
    "areas",
    "auprc",
    "auroc",
    "best_constant",
    "beta_measures",
    "challenge_score",
    "confusion",
    "constant_baseline",
    "evaluate",
    "evaluate_folders",
    "f_measure",
    "find_headers",
    "macro",
    "measure_name",
    "precision_recall",
    "read_predictions",
    "read_folders",
    "scorer_of",
    "summarise",
]
