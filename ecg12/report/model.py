"""What the page shows of a model: each member's thresholds, and what calibration does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.decision.calibration import MEASURES, Calibration, measures
from ecg12.report import panels
from ecg12.report.curves import brier, reliability
from ecg12.report.page import Section, picture
from ecg12.report.results import Results
from ecg12.report.tables import Table, points


@dataclass(frozen=True, eq=False)
class Model:
    """What is shown of a model: members, (n_members, n_classes) thresholds, the calibration."""

    members: tuple[str, ...]
    thresholds: np.ndarray
    calibration: Calibration | None = None


def calibration(results: Results, model: Model | None, folder: Path) -> Section:
    """Reliability curves and Brier scores, before and after calibration where there is one."""
    names, targets = results.classes.names, results.targets
    if results.scores.min() < 0 or results.scores.max() > 1:
        text = ("The scores are no probabilities (some lie outside 0 to 1), so there is no curve.",)
        return Section("calibration", "Calibration", text)
    fitted = model.calibration if model else None
    versions = {"as answered": results.scores}
    if fitted is not None:
        versions = {"before": results.scores, "after": fitted.apply(results.scores)}
    found = {
        name: [reliability(*pair) for pair in zip(targets.T, values.T, strict=True)]
        for name, values in versions.items()
    }
    drawn = picture(
        panels.reliability_panels(names, *found.values()),
        folder,
        "calibration",
        "Share of positives over the mean score, per class",
        "Each point is a tenth of the recordings, sorted by score. On the dotted line a score is "
        "a probability." + (" Orange: before, blue: after calibration." if fitted else ""),
    )
    columns = [
        [brier(*pair) for pair in zip(targets.T, v.T, strict=True)] for v in versions.values()
    ]
    heading = ("class", "prevalence alone", *versions)
    base = (targets.mean(axis=0) * (1 - targets.mean(axis=0))).tolist()
    rows = list(zip(names, base, *columns, strict=True))
    table = Table("calibration", "Brier score per class, lower is better", heading, rows)
    total = [measures(targets, values) for values in versions.values()]
    overall = Table(
        "calibration_overall",
        "Means over recordings and classes, lower is better",
        ("measure", *versions),
        [(name.replace("_", " "), *(found[name] for found in total)) for name in MEASURES],
    )
    files = [
        points(f"reliability_{name.replace(' ', '_')}", ("mean score", "share"), names, curve)
        for name, curve in found.items()
    ]
    return Section("calibration", "Calibration", (), (overall, table), (drawn,), files=files)


def thresholds(results: Results, model: Model | None) -> list[Section]:
    """Each member's thresholds, where the model is given."""
    if model is None:
        return []
    rows = [
        (name, *row)
        for name, row in zip(results.classes.names, model.thresholds.T.tolist(), strict=True)
    ]
    table = Table("thresholds", "Thresholds per member", ("class", *model.members), rows)
    text = ("A member answers a class where its score is greater; the majority decides.",)
    return [Section("thresholds", "Thresholds", text, (table,))]
