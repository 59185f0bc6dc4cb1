"""The challenges' scores of multi-label classification, on arrays and on folders of files.

Task
    Each recording has a set of diagnoses, a classifier answers with another set (its labels) and
    with one score per class. How good are its answers?

Conventions
    Arrays have one row per recording and one column per class, equivalent codes merged:
    `targets` and `labels` are (n, n_classes) bool, `scores` (n, n_classes) numbers of which higher
    means likelier. A per-class value that is undefined is NaN, and macro means leave it out.

Metrics
    * Challenge metric: a recording with true set T and answered set L earns the weights of all
      pairs in T × L, divided by |T ∪ L|. The sum is scaled so that the truth scores 1 and the
      *inactive* classifier, which always answers sinus rhythm, 0.
    * AUROC: area under sensitivity over 1 − specificity, trapezoids between distinct scores; NaN
      without positives or without negatives.
    * AUPRC: sum of precision times the rise in recall at each distinct score (average precision);
      NaN without positives.
    * Accuracy: share of recordings whose set is exactly right.
    * Precision, recall: tp / (tp + fp) and tp / (tp + fn) per class; NaN without answers, or
      without positives.
    * F-measure: 2 tp / (2 tp + fp + fn) per class; NaN if no recording has or is given the class.
    * F-beta, G-beta (2020 only): every recording counts 1 / max(1, number of its true labels);
      F = (1 + β²) tp / ((1 + β²) tp + fp + β² fn), G = tp / (tp + fp + β fn), β = 2.

Recordings without a scored diagnosis do not touch the challenge metric, but count in the others.
The metric forgives: a constant answer reaches .3 (`best_constant`), so a score means something only
beside that answer's.

Sources: Perez Alday et al., Physiol Meas 41 124003, 2020; Reyna et al., Computing in Cardiology,
2021; the evaluation programs of both years, whose answers the tests hold.
"""

from ecg12.metrics.challenge import ChallengeScorer, best_constant, challenge_score, confusion
from ecg12.metrics.classwise import (
    accuracy,
    auprc,
    auroc,
    beta_measures,
    f_measure,
    macro,
    precision_recall,
)
from ecg12.metrics.evaluation import (
    Evaluation,
    evaluate,
    evaluate_folders,
    find_headers,
    read_answers,
    read_folders,
    summarise,
)
from ecg12.metrics.macro_f import FScorer, constant_floor, measure_name, scorer_of

__all__ = [
    "ChallengeScorer",
    "Evaluation",
    "FScorer",
    "accuracy",
    "auprc",
    "auroc",
    "best_constant",
    "beta_measures",
    "challenge_score",
    "confusion",
    "constant_floor",
    "evaluate",
    "evaluate_folders",
    "f_measure",
    "find_headers",
    "macro",
    "measure_name",
    "precision_recall",
    "read_answers",
    "read_folders",
    "scorer_of",
    "summarise",
]
