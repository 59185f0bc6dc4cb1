"""Tables of scores: over all recordings and per class; the confusion matrix."""

import numpy as np

from ecg12.metrics import (
    accuracy,
    beta_measures,
    confusion,
    macro,
    precision_recall,
)
from ecg12.metrics.intervals import Estimate
from ecg12.report.results import Results
from ecg12.report.statistics import MEASURES, PER_CLASS, Statistics
from ecg12.report.tables import Table
from ecg12.runtime.optional_deps import require_extra

with require_extra("a report", "report"):
    from sklearn.metrics import (
        hamming_loss,
        jaccard_score,
        label_ranking_average_precision_score,
    )


def overall_table(found: Statistics) -> Table:
    """Return the scores over all recordings; multi-label ones by scikit-learn's definitions."""
    results = found.results
    f2, g2 = beta_measures(results.y_true, results.y_pred)
    overall = found.overall
    rows: list[tuple[str, float | Estimate]] = [
        ("Challenge metric", overall["Challenge metric"]),
        ("Best constant prediction", overall["Best constant prediction"].value),
        ("Challenge metric above the best constant", overall["Margin"]),
        *((name[0].upper() + name[1:], overall[name]) for name in MEASURES[1:]),
        ("Macro F2", macro(f2)),
        ("Macro G2", macro(g2)),
        ("Accuracy (all classes of a recording right)", accuracy(results.y_true, results.y_pred)),
        ("Hamming loss", float(hamming_loss(results.y_true, results.y_pred))),
        ("Jaccard index, mean over recordings", _jaccard(results)),
        ("Label ranking average precision", _ranking(results)),
    ]
    return Table("scores", "Scores over all recordings", ("measure", "value"), rows)


def _jaccard(results: Results) -> float:
    """Return |T ∩ L| / |T ∪ L|, averaged; 1 where both are empty."""
    pair = results.y_true, results.y_pred
    return float(jaccard_score(*pair, average="samples", zero_division=1.0))


def _ranking(results: Results) -> float:
    """Return the label ranking average precision of the recordings with a scored diagnosis."""
    has = results.y_true.any(axis=1)
    if not has.any() or not np.isfinite(results.y_score).all():
        return float("nan")
    return float(label_ranking_average_precision_score(results.y_true[has], results.y_score[has]))


def class_table(found: Statistics) -> Table:
    """Return counts and scores per class."""
    results = found.results
    y_true, y_pred = results.y_true, results.y_pred
    both = (y_true & y_pred).sum(axis=0)
    columns = (
        results.classes.names,
        y_true.sum(axis=0).tolist(),
        *(found.per_class[name] for name in PER_CLASS),
        *(values.tolist() for values in precision_recall(y_true, y_pred)),
        *(values.tolist() for values in beta_measures(y_true, y_pred)),
        y_true.mean(axis=0).tolist(),
        y_pred.sum(axis=0).tolist(),
        both.tolist(),
        (y_pred.sum(axis=0) - both).tolist(),
        (y_true.sum(axis=0) - both).tolist(),
    )
    heading = (
        "class", "true", "AUROC", "AUPRC", "F", "precision", "recall", "F2", "G2", "prevalence",
        "given", "true positives", "false positives", "false negatives",
    )  # fmt: skip
    return Table("classes", "Scores per class", heading, list(zip(*columns, strict=True)))


def confusion_rows(results: Results) -> np.ndarray:
    """Return paper B's figure 3: the modified confusion matrix, rows divided by their sums.

    A class without positives, or whose positives got no prediction, has a row of NaN.
    """
    matrix = confusion(results.y_true, results.y_pred)
    total = matrix.sum(axis=1, keepdims=True)
    return np.divide(matrix, total, out=np.full(matrix.shape, np.nan), where=total > 0)


def confusion_table(results: Results) -> Table:
    """Return the rows of figure 3."""
    names = results.classes.names
    rows = [(name, *row) for name, row in zip(names, confusion_rows(results).tolist(), strict=True)]
    return Table(
        "figure3_confusion", "Modified confusion matrix, rows: true", ("true", *names), rows
    )
