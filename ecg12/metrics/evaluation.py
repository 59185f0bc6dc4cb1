"""All official scores of one set of outputs, from arrays or from folders of files."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.io.classes import ScoredClasses
from ecg12.io.headers import parse_comments
from ecg12.io.outputs import read_outputs
from ecg12.io.wfdb import find_records, read_text
from ecg12.metrics.challenge import challenge_score
from ecg12.metrics.classwise import accuracy, beta_measures, f_measure, macro
from ecg12.metrics.macro_f import constant_baseline
from ecg12.metrics.ranking import auprc, auroc
from ecg12.runtime.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of one set of outputs.

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
    y_true: np.ndarray, y_pred: np.ndarray, y_score: np.ndarray, classes: ScoredClasses
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

    Raises
    ------
    ValueError
        If the shapes differ, there is no recording, or a score is NaN.
    """
    return _evaluation(y_true, y_pred, y_score, classes).scores


def _evaluation(
    y_true: np.ndarray, y_pred: np.ndarray, y_score: np.ndarray, classes: ScoredClasses
) -> Evaluation:
    per_class = {
        "AUROC": auroc(y_true, y_score),
        "AUPRC": auprc(y_true, y_score),
        "F-measure": f_measure(y_true, y_pred),
    }
    mean = {name: macro(values) for name, values in per_class.items()}
    total = {"AUROC": mean["AUROC"], "AUPRC": mean["AUPRC"]}
    total |= {"Accuracy": accuracy(y_true, y_pred), "F-measure": mean["F-measure"]}
    if classes.year == 2020:
        names = ("Fbeta-measure", "Gbeta-measure")
        total |= zip(names, map(macro, beta_measures(y_true, y_pred)), strict=True)
    if classes.has_normal:
        total["Challenge metric"] = challenge_score(y_true, y_pred, classes)
    return Evaluation(total, per_class, classes)


def evaluate_folders(
    label_folder: str | Path, output_folder: str | Path, classes: ScoredClasses
) -> Evaluation:
    """Score a folder of outputs against a folder of headers, as `read_folders` reads them."""
    return _evaluation(*read_folders(label_folder, output_folder, classes), classes)


def summarise(
    y_true: np.ndarray, y_pred: np.ndarray, y_score: np.ndarray, classes: ScoredClasses
) -> str:
    """Return a table of the scores of arrays, which are as for `evaluate`.

    Besides the official scores it names the best constant prediction and its score, and counts each
    class's recordings (true) and positive predictions (given).
    """
    evaluation = _evaluation(y_true, y_pred, y_score, classes)
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


def read_folders(
    label_folder: str | Path, output_folder: str | Path, classes: ScoredClasses
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read headers, flat or nested and of either dialect, and the outputs of the same stems.

    The output of `<stem>.hea` is `<stem>.csv`; other files are ignored.

    Returns
    -------
    y_true, y_pred
        (n, n_classes) bool.
    y_score
        (n, n_classes) float64.

    Raises
    ------
    FileNotFoundError
        If there is no header, or an output is missing; the message names the file.
    InputError
        If two recordings have the same stem.
    """
    return read_predictions(find_headers(label_folder), output_folder, classes)


def read_predictions(
    headers: Mapping[str, Path], output_folder: str | Path, classes: ScoredClasses
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read headers, by their stems, and the outputs of these stems; see `read_folders`."""
    paths = [Path(output_folder) / f"{stem}.csv" for stem in headers]
    for path, header in zip(paths, headers.values(), strict=True):
        if not path.is_file():
            raise FileNotFoundError(f"output file {path} not found for label file {header}")
    codes = [read_codes(header) for header in headers.values()]
    if without := codes.count(()):
        log.warning("%d of %d label files name no diagnosis (Dx)", without, len(codes))
    return classes.encode(codes), *read_outputs(paths, classes)


def read_codes(header: str | Path) -> tuple[str, ...]:
    """Return the diagnosis codes of a header, which need not describe any signal."""
    return parse_comments(read_text(header))[2]


def find_headers(folder: str | Path, *, first_only: bool = False) -> dict[str, Path]:
    """Return the headers below a folder by their stems, in the order of `read_folders`.

    Parameters
    ----------
    folder
        Headers, flat or nested.
    first_only
        Of recordings with the same stem take the first, the one that the driver answers, and name
        the others in the log, instead of refusing them.

    Raises
    ------
    FileNotFoundError, InputError
        As `read_folders`.
    """
    owners: dict[str, Path] = {}
    for path in (base.with_name(f"{base.name}.hea") for base in find_records(folder)):
        owner = owners.setdefault(path.stem, path)
        if owner is path:
            continue
        if not first_only:
            raise InputError(f"{owner} and {path} would share {path.stem}.csv")
        log.warning("not scored: %s: the output %s.csv belongs to %s", path, path.stem, owner)
    headers = {stem: path for stem, path in owners.items() if path.is_file()}
    if not headers:
        raise FileNotFoundError(f"{folder}: no label files (.hea)")
    return headers
