"""What the page shows of a model: each member's thresholds, and what calibration does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.decision.calibration import MEASURES, Calibration, brier_score, measures
from ecg12.report import panels
from ecg12.report.curves import reliability
from ecg12.report.misses import Explain
from ecg12.report.page import Section, picture
from ecg12.report.results import Results
from ecg12.report.tables import Table, points


@dataclass(frozen=True, eq=False)
class Model:
    """What is shown of a model: members, (n_members, n_classes) thresholds, the calibration.

    `explain` finds what a score rests on, for drawings of misses; None: they have no tint.
    """

    members: tuple[str, ...]
    thresholds: np.ndarray
    calibration: Calibration | None = None
    explain: Explain | None = None


def probabilities(results: Results, model: Model | None) -> np.ndarray | None:
    """Return calibrated probabilities, or scores without calibration; None if outside 0 to 1."""
    if results.y_score.min() < 0 or results.y_score.max() > 1:
        return None
    fitted = model.calibration if model else None
    return results.y_score if fitted is None else fitted.apply(results.y_score)


def calibration(results: Results, model: Model | None, folder: Path) -> Section:
    """Reliability curves and Brier scores, before and after calibration where there is one."""
    if (after := probabilities(results, model)) is None:
        text = (
            "The scores are not probabilities (some are outside 0 to 1), so there is no curve.",
        )
        return Section("calibration", "Calibration", text)
    fitted = model.calibration if model else None
    versions = {"as predicted": after}
    if fitted is not None:
        versions = {"before": results.y_score, "after": after}
    names = results.classes.names
    curves = {
        name: [reliability(*pair) for pair in zip(results.y_true.T, values.T, strict=True)]
        for name, values in versions.items()
    }
    drawn = picture(
        panels.reliability_panels(names, *curves.values()),
        folder,
        "calibration",
        "Share of positives over the mean score, per class",
        "The points are up to ten groups of the recordings, sorted by score; equal scores stay "
        "together. On the dotted line a score is a probability."
        + (" Orange: before, blue: after calibration." if fitted else ""),
    )
    files = [
        points(f"reliability_{name.replace(' ', '_')}", ("mean score", "share"), names, curve)
        for name, curve in curves.items()
    ]
    tables = calibration_tables(results, versions)
    return Section("calibration", "Calibration", (), tables, (drawn,), files=files)


def calibration_tables(results: Results, versions: dict[str, np.ndarray]) -> tuple[Table, Table]:
    """Return the measures of `decision.calibration` over all, and the Brier score per class.

    Parameters
    ----------
    results
        The truth, (n, n_classes).
    versions
        Name of the column → (n, n_classes) probabilities, such as before and after calibration.
    """
    names, y_true = results.classes.names, results.y_true
    columns = [
        [_brier(*pair) for pair in zip(y_true.T, v.T, strict=True)] for v in versions.values()
    ]
    heading = ("class", "prevalence alone", *versions)
    base = (y_true.mean(axis=0) * (1 - y_true.mean(axis=0))).tolist()
    rows = list(zip(names, base, *columns, strict=True))
    table = Table("calibration", "Brier score per class, lower is better", heading, rows)
    total = [measures(y_true, values) for values in versions.values()]
    overall = Table(
        "calibration_overall",
        "Means over recordings and classes, lower is better",
        ("measure", *versions),
        [(name.replace("_", " "), *(found[name] for found in total)) for name in MEASURES],
    )
    return overall, table


def _brier(y_true: np.ndarray, y_score: np.ndarray) -> float:
    """Return the Brier score of one class; NaN without positives, as its reliability curve."""
    return brier_score(y_true, y_score) if y_true.any() else float("nan")


def thresholds(results: Results, model: Model | None) -> list[Section]:
    """Each member's thresholds, where the model is given."""
    if model is None:
        return []
    rows = [
        (name, *row)
        for name, row in zip(results.classes.names, model.thresholds.T.tolist(), strict=True)
    ]
    table = Table("thresholds", "Thresholds per member", ("class", *model.members), rows)
    text = ("A member predicts a class where its score is greater; the majority decides.",)
    return [Section("thresholds", "Thresholds", text, (table,))]
