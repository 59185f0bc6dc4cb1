"""The tables of the model card: the shipped model on PTB-XL's test part and in other hospitals.

    python -m experiments.ptbxl.card DATA --meta meta.csv --real REAL --work WORK

writes them into docs/model_card.md, between its marks, and logs the evaluation in
reports/ptbxl.csv. Nothing is chosen here.
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecg12.data.dataset import dequantize, prepare_folder
from ecg12.decision.calibration import before_and_after
from ecg12.ensemble.classifier import Classifier
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.io.headers import OLDEST
from ecg12.io.leads import LEADS, LIMB_LEADS
from ecg12.io.patients import patient_numbers
from ecg12.signal.augmentation import drop_leads
from ecg12.signal.preprocessing import STEP
from ecg12.subgroups import (
    MACRO,
    METRIC,
    MIN_CASES,
    Attributes,
    compare_groups,
    groupings,
)
from experiments.ptbxl.evaluation import (
    LEFT_OUT,
    Estimate,
    estimates,
    macro_estimate,
    metric_estimate,
    read_hospitals,
)
from experiments.ptbxl.report import (
    MIN_TEST,
    Lines,
    class_table,
    classifier_scores,
    hospital_tables,
    summary_lines,
    write_between,
)
from experiments.ptbxl.runs import add_row
from experiments.ptbxl.task import CHALLENGE, PREPROCESSING

CARD, TABLE = Path("docs/model_card.md"), Path("reports/ptbxl.csv")
LEAD_SETS = (LEADS, LEADS[:6], ("I", "II", "III", "V2"), ("I", "II", "V2"), ("I", "II"), ("I",))


@dataclass(frozen=True, eq=False)
class TestPart:
    """PTB-XL's test part: prepared signals, labels, known cells, patients, sex and age."""

    signals: np.ndarray
    y_true: np.ndarray
    known: np.ndarray
    patients: list[str]
    sex: np.ndarray
    age: np.ndarray


def read_test(data: Path, meta: Path, work: Path) -> TestPart:
    """Prepare the test part and read what is known of its recordings."""
    dataset = prepare_folder(data / "test", work / "card-test", PREPROCESSING, CHALLENGE)
    with meta.open(encoding="utf-8", newline="") as file:
        rows = {row["record"]: row for row in csv.DictReader(file)}
    own = [rows[name] for name in dataset.names]
    known = np.ones(dataset.targets.shape, bool)
    pvc = CHALLENGE.names.index("PVC")
    known[:, pvc] = np.array([row["pvc_known"] == "1" for row in own]) | dataset.targets[:, pvc]
    return TestPart(
        dataset.signals[dataset.rows],
        dataset.targets,
        known,
        [row["patient"] for row in own],
        np.array([row["sex"] for row in own]),
        np.array([float(row["age"] or "nan") for row in own]),
    )


def lead_lines(classifier: Classifier, test: TestPart) -> Lines:
    """Return the table of lead sets; the other leads are absent, not zero in the file."""
    lines = ["| leads | macro AUROC | challenge metric |", "|---|---|---|"]
    thresholds = classifier.members[0].thresholds
    for leads in LEAD_SETS:
        scores = classifier_scores(classifier, without_others(test.signals, leads))
        _, values, replicates = estimates(test.y_true, scores, test.known, test.patients)
        enough = (test.y_true & test.known).sum(axis=0) >= MIN_TEST
        metric = metric_estimate(test.y_true, scores > thresholds, test.known, test.patients)
        mean = macro_estimate(values, replicates, enough)
        named = "all twelve" if leads == LEADS else ", ".join(leads)
        lines.append(f"| {named} | {mean} | {metric} |")
    return lines


def without_others(signals: np.ndarray, leads: tuple[str, ...]) -> np.ndarray:
    """Return prepared int16 signals as if only these leads had been recorded."""
    kept = np.isin(LEADS, leads)
    if kept[[LEADS.index(lead) for lead in LIMB_LEADS]].sum() > 1:
        kept |= np.isin(LEADS, list(LIMB_LEADS))  # two limb leads give the other four
    whole = dequantize(signals, STEP)[..., 0]
    fewer = drop_leads(whole, np.tile(kept, (len(whole), 1)), rescale=True)
    return np.clip(np.rint(fewer / STEP), -32767, 32767).astype(np.int16)


def group_lines(scores: np.ndarray, thresholds: np.ndarray, test: TestPart) -> Lines:
    """Return the table of subgroups by sex and age, each beside all other recordings."""
    ages = [age if 0 <= age <= OLDEST else None for age in test.age.tolist()]  # -1, 300: unknown
    pairs = zip(test.sex.tolist(), ages, strict=True)
    ways = groupings([Attributes(*pair) for pair in pairs], ["ptbxl"] * len(ages))
    found = compare_groups(
        [way for way in ways if way.name in ("sex", "age")],
        test.y_true,
        scores > thresholds,
        scores,
        classes=CHALLENGE,
        units=patient_numbers(test.patients),
        known=test.known,
    )
    lines = [
        f"Over the classes with {MIN_CASES} positives and negatives in the group and in the rest;",
        "differences are the group less all other recordings.",
        "",
        "| group | recordings | classes | macro AUROC | difference | challenge metric "
        "| difference |",
        "|---|---|---|---|---|---|---|",
    ]
    for own in found:
        cells = [own.reason or "–", "–", "–", "–"]
        if own.classes:
            pairs = (own.measures[MACRO], own.measures[METRIC])
            values = [value for pair in pairs for value in (pair.group, pair.difference)]
            cells = [str(value).replace("-", "−") for value in values]
        lines.append(f"| {own.group} | {own.n} | {len(own.classes)} | " + " | ".join(cells) + " |")
    return lines


def calibration_lines(classifier: Classifier, scores: np.ndarray, test: TestPart) -> Lines:
    """Return the table of measures of probability, before and after calibration."""
    if classifier.calibration is None:
        return ["The model is not calibrated."]
    stages = before_and_after(classifier.calibration, scores, test.y_true, test.known)
    lines = ["| measure | scores | probabilities |", "|---|---|---|"]
    for name in stages["before"]:
        before, after = (stages[stage][name] for stage in ("before", "after"))
        lines.append(f"| {name.replace('_', ' ')} | {before:.4f} | {after:.4f} |")
    return lines


def main() -> None:
    """Evaluate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="PTB-XL: test")
    parser.add_argument("--meta", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args()
    classifier = load_classifier(options.model, "keras")
    points = {"challenge": classifier.members[0].thresholds} | classifier.operating_points
    test = read_test(options.data, options.meta, options.work)
    scores = classifier_scores(classifier, test.signals)
    table, summary = class_table(scores, points, (test.y_true, test.known), test.patients)
    lines = [*summary_lines("PTB-XL, test part", summary), *table]
    lines += ["", "### Fewer leads", "", *lead_lines(classifier, test)]
    lines += ["", "### Sex and age", "", *group_lines(scores, points["challenge"], test)]
    lines += ["", "### Calibration", "", *calibration_lines(classifier, scores, test), ""]
    hospitals = read_hospitals(options.real, options.work / "card-real")
    others = classifier_scores(classifier, hospitals.signals)
    own, found = hospital_tables(others, points, hospitals)
    lines += [*summary_lines("Other hospitals", found), *own]
    lines += ["", "### 500 Hz and 100 Hz", "", _pairs(classifier, options, points)]
    write_between(CARD, lines)
    for part, values in (("test", summary), ("other hospitals", found)):
        _log(part, values, len(classifier.members))


def _pairs(
    classifier: Classifier, options: argparse.Namespace, points: dict[str, np.ndarray]
) -> str:
    """Compare recordings at 500 Hz with the same ones at 100 Hz."""
    twins = read_hospitals(options.real, options.work / "card-real", only=LEFT_OUT[1:])
    stems = [name.split("/")[1] for name in twins.names]
    folder = options.work / "card-pairs"
    folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        for path in options.data.glob(f"*/{stem}.*"):
            (folder / path.name).write_bytes(path.read_bytes())
    slow = prepare_folder(folder, options.work / "card-slow", PREPROCESSING, CHALLENGE)
    place = {name: row for row, name in enumerate(slow.names)}
    rows = slow.rows[[place[stem] for stem in stems]]
    at_100 = classifier_scores(classifier, slow.signals[rows])
    at_500 = classifier_scores(classifier, twins.signals)
    apart = np.abs(at_100 - at_500)
    differing = int(((at_100 > points["challenge"]) != (at_500 > points["challenge"])).sum())
    return (
        f"{len(rows)} recordings at both rates: scores differ by {apart.mean():.4f} on average and "
        f"{apart.max():.3f} at most; {differing} of {apart.size} labels differ."
    )


def _log(part: str, summary: dict[str, Estimate], members: int) -> None:
    row = {"kind": "evaluation", "name": "shipped model", "settings": f"{members} members"}
    row |= {"part": part, "challenge_auroc": f"{summary['macro AUROC'].value:.4f}"}
    row["challenge_metric"] = f"{summary['challenge metric'].value:.4f}"
    row["best_constant"] = f"{summary['best constant'].value:.4f}"
    add_row(TABLE, row)


if __name__ == "__main__":
    main()
