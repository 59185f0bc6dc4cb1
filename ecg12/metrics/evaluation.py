"""All official scores of one set of predictions, from arrays."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.metrics.challenge import challenge_score
from ecg12.metrics.classwise import accuracy, beta_measures, f_measure, macro
from ecg12.metrics.macro_f import constant_baseline
from ecg12.metrics.ranking import areas


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of one set of predictions.

    Attributes
    ----------
    scores
        The official scores by their official names, in official order.
    per_class
        AUROC, AUPRC and F-measure, each (n_classes,).
    classes
        The scored classes.
    """

    scores: dict[str, float]
    per_class: dict[str, np.ndarray]
    classes: ScoredClasses

    def table(self) -> str:
        """Return the scores as the official evaluators write them."""
        return f"{','.join(self.scores)}\n{_row(self.scores.values())}"

    def class_table(self) -> str:
        """Return the scores per class as the official evaluators write them."""
        groups = self.classes.groups
        names = [
            group[0] if self.classes.year == 2020 else "|".join(sorted(group)) for group in groups
        ]
        rows = [f"{name},{_row(values)}" for name, values in self.per_class.items()]
        return "\n".join([f"Classes,{','.join(names)}", *rows])


def _row(values: Iterable[float]) -> str:
    return ",".join(f"{value:.3f}" for value in values)


def evaluate(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    y_score: np.ndarray,
    classes: ScoredClasses,
    known: np.ndarray | None = None,
) -> dict[str, float]:
    """Return the official scores by name; F-beta and G-beta only by the rules of 2020.

    There is no challenge metric of classes without sinus rhythm.

    Parameters
    ----------
    y_true, y_pred
        (n, n_classes) bool: true and predicted classes.
    y_score
        (n, n_classes), higher where likelier.
    classes
        The scored classes; `classes.year` decides the rules.
    known
        (n, n_classes) bool: which cells of y_true are known; the others do not count. None: all.

    Raises
    ------
    ValueError
        If the shapes differ, there is no recording, or a score is NaN.
    """
    return evaluation_of(y_true, y_pred, y_score, classes, known).scores


def evaluation_of(
    y_true: np.ndarray,
    y_pred: np.ndarray,
    y_score: np.ndarray,
    classes: ScoredClasses,
    known: np.ndarray | None = None,
) -> Evaluation:
    """Return the official scores, over all and per class; parameters as for `evaluate`."""
    if known is not None:
        y_true, y_pred = y_true & known, y_pred & known
    auroc, auprc = areas(y_true, y_score, known).T
    per_class = {"AUROC": auroc, "AUPRC": auprc, "F-measure": f_measure(y_true, y_pred)}
    mean = {name: macro(values) for name, values in per_class.items()}
    total = {"AUROC": mean["AUROC"], "AUPRC": mean["AUPRC"]}
    some = slice(None) if known is None else known.any(axis=1)
    judged = y_true[some], y_pred[some]  # a recording of which nothing is known is not right
    total["Accuracy"] = accuracy(*judged) if len(judged[0]) else float("nan")
    total["F-measure"] = mean["F-measure"]
    if classes.year == 2020:
        names = ("Fbeta-measure", "Gbeta-measure")
        total |= zip(names, map(macro, beta_measures(y_true, y_pred)), strict=True)
    if classes.has_normal:
        total["Challenge metric"] = challenge_score(y_true, y_pred, classes, known)
    return Evaluation(total, per_class, classes)


def summarise(
    y_true: np.ndarray, y_pred: np.ndarray, y_score: np.ndarray, classes: ScoredClasses
) -> str:
    """Return a table of the scores of arrays, which are as for `evaluate`.

    Besides the official scores it names the best constant prediction and its score, and counts each
    class's recordings (true) and positive predictions (given).
    """
    evaluation = evaluation_of(y_true, y_pred, y_score, classes)
    predicted, baseline = constant_baseline(y_true, classes)
    constant = ", ".join(np.array(classes.names)[predicted]) or "no label"
    lines = [f"{len(y_true)} recordings, {len(classes)} classes by the rules of {classes.year}"]
    lines += [f"{name:17}{value:6.3f}" for name, value in evaluation.scores.items()]
    lines += [f"{'Best constant':17}{baseline:6.3f}  ({constant})", ""]
    width = max(6, *map(len, classes.names))
    lines += [f"{'class':{width}}  true  given  AUROC  AUPRC      F"]
    counts = (classes.names, y_true.sum(axis=0), y_pred.sum(axis=0))
    for name, true, given, *values in zip(*counts, *evaluation.per_class.values(), strict=True):
        cells = "".join(f"{value:7.3f}" for value in values)
        lines.append(f"{name:{width}} {true:5} {given:6}{cells}")
    return "\n".join(lines)
