"""Prediction sets of a shipped model: do they hold their promise, and what is left to a person.

    python -m experiments.selective DATA --meta meta.csv --real REAL --work WORK

writes the tables of reports/selective.md, between its marks. Nothing is chosen here. (PTB-XL's
recordings in DATA/val and DATA/test, those of other hospitals in REAL; about five minutes.)
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import betabinom, binom

from ecg12.data.dataset import prepare_folder
from ecg12.data.splits import halve
from ecg12.decision.conformal import MIN_EXAMPLES, Conformal, conformal_rank, fit_conformal
from ecg12.ensemble.classifier import Classifier
from ecg12.ensemble.model_folder import load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.metrics.selective import recording_curve
from experiments.ptbxl.evaluation import Hospitals, read_hospitals
from experiments.ptbxl.report import Lines, classifier_scores, write_between
from experiments.ptbxl.task import CHALLENGE, PREPROCESSING

REPORT = Path("reports/selective.md")
SEED = 0  # of the halves of the validation part, as the shipped folder has them
COVERAGES = (0.8, 0.9, 0.95)
SHOWN = 0.9
REPEATS = 200
TOLERATED = 0.01
ENDS = (0.025, 0.975)
LEFT = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)  # shares left to a person
TRUTHS = ("without", "with")


@dataclass(frozen=True, eq=False)
class Part:
    """Scores, truth and known cells of some recordings, (n, 24) each, and their patients."""

    scores: np.ndarray
    y_true: np.ndarray
    known: np.ndarray
    patients: tuple[str, ...]

    def some(self, rows: np.ndarray) -> "Part":
        """Return some of the recordings."""
        patients = tuple(np.array(self.patients)[rows])
        return Part(self.scores[rows], self.y_true[rows], self.known[rows], patients)

    def fit(self) -> Conformal:
        """Fit prediction sets to all recordings."""
        return fit_conformal(self.scores, self.y_true, self.known)


def read_part(classifier: Classifier, data: Path, name: str, meta: Path, work: Path) -> Part:
    """Score a part of PTB-XL; PVC counts where it is known."""
    dataset = prepare_folder(data / name, work / f"selective-{name}", PREPROCESSING, CHALLENGE)
    with meta.open(encoding="utf-8", newline="") as file:
        rows = {row["record"]: row for row in csv.DictReader(file)}
    own = [rows[record] for record in dataset.names]
    known = np.ones(dataset.targets.shape, bool)
    pvc = CHALLENGE.names.index("PVC")
    known[:, pvc] = np.array([row["pvc_known"] == "1" for row in own]) | dataset.targets[:, pvc]
    scores = classifier_scores(classifier, dataset.signals[dataset.rows])
    return Part(scores, dataset.targets, known, tuple(row["patient"] for row in own))


def covered(fitted: Conformal, part: Part, coverage: float) -> np.ndarray:
    """Count covered recordings and all, by class and truth, (24, 2, 2); 0 without a promise."""
    sets = fitted.at(coverage)
    holds = sets.covers(part.scores, part.y_true)
    counts = np.zeros((len(CHALLENGE), 2, 2), int)
    for truth in (0, 1):
        cells = part.known & (part.y_true == bool(truth)) & sets.promised
        counts[:, truth] = np.stack([(holds & cells).sum(axis=0), cells.sum(axis=0)], axis=1)
    return counts


def test_lines(fitted: Conformal, test: Part) -> Lines:
    """Return the table of coverage on the test part, with the interval that the counts allow."""
    counts, sets = covered(fitted, test, SHOWN), fitted.at(SHOWN)
    lines = ["| class | truth | half | test | coverage | 95 % interval | of both counts |"]
    lines += ["|---" * 7 + "|"]
    inside = []
    for k in np.flatnonzero(sets.promised):
        for truth in (1, 0):
            hits, m = counts[k, truth]
            n = int(fitted.counts[k, truth])
            rank = conformal_rank(n, SHOWN)
            low, high = binom.ppf(ENDS, m, SHOWN) / m
            both = betabinom.ppf(ENDS, m, rank, n + 1 - rank) / m
            inside.append((low <= hits / m <= high, both[0] <= hits / m <= both[1]))
            lines.append(
                f"| {CHALLENGE.names[k]} | {TRUTHS[truth]} | {n} | {m} | {hits / m:.3f} | "
                f"{low:.3f}–{high:.3f} | {both[0]:.3f}–{both[1]:.3f} |"
            )
    own, of_both = np.sum(inside, axis=0)
    return [
        *lines, "",
        f"Inside the interval of the test part's counts: {own} of {len(inside)}; inside that of "
        f"the counts of both (beta-binomial): {of_both}.",
    ]  # fmt: skip


def answer_lines(fitted: Conformal, test: Part, cuts: np.ndarray) -> Lines:
    """Return how often which answer is given, and how often one is not wrong."""
    lines = ["| promise | yes | no | uncertain | empty set | not wrong, with | without |"]
    lines += ["|---" * 7 + "|"]
    for coverage in COVERAGES:
        sets = fitted.at(coverage)
        cells = test.known & sets.promised
        answers = sets.answers(test.scores, test.scores > cuts)
        wrong = answers == np.where(test.y_true, "no", "yes")
        empty = ~sets.holds(test.scores).any(axis=0)
        found = [(answers == one)[cells].mean() for one in ("yes", "no", "uncertain")]
        found += [empty[cells].mean()]
        found += [1 - wrong[cells & (test.y_true == truth)].mean() for truth in (True, False)]
        lines.append(f"| {coverage} | " + " | ".join(f"{value:.3f}" for value in found) + " |")
    pairs = zip(CHALLENGE.names, fitted.at(SHOWN).promised, strict=True)
    names = ", ".join(name for name, promised in pairs if not promised)
    return [*lines, "", f"No promise, fewer than {MIN_EXAMPLES} with the class: {names}."]


def class_lines(fitted: Conformal, test: Part) -> Lines:
    """Return the coverage by class, both truths together."""
    counts = covered(fitted, test, SHOWN).sum(axis=1)
    found = [f"{CHALLENGE.names[k]} {hits / m:.3f}" for k, (hits, m) in enumerate(counts) if m]
    return [f"Both truths together: {', '.join(found)}."]


def division_lines(part: Part, n: int) -> Lines:
    """Return mean coverage over divisions of recordings into n that are fitted, and the rest."""
    rng = np.random.default_rng(0)
    shares: dict[float, list[np.ndarray]] = {coverage: [] for coverage in COVERAGES}
    for _ in range(REPEATS):
        order = rng.permutation(len(part.scores))
        fitted, rest = part.some(order[:n]).fit(), part.some(order[n:])
        for coverage, found in shares.items():
            counts = covered(fitted, rest, coverage)
            with np.errstate(invalid="ignore"):
                found.append(counts[..., 0] / counts[..., 1])
    lines = ["| promise | mean, with | without | farthest class, with | without | all within .01 |"]
    lines += ["|---" * 6 + "|"]
    for coverage, found in shares.items():
        all_ = np.array(found)
        often = np.isfinite(all_).mean(axis=0).min(axis=1) > 0.5
        means = np.nanmean(all_[:, often], axis=0)
        far = np.abs(means - coverage).max(axis=0)
        lines.append(
            f"| {coverage} | {means[:, 1].mean():.4f} | {means[:, 0].mean():.4f} | "
            f"{far[1]:.4f} | {far[0]:.4f} | {(np.abs(means - coverage) <= TOLERATED).all()} |"
        )
    return [*lines, "", f"{REPEATS} divisions; classes with a promise in more than half of them."]


def hospital_lines(fitted: Conformal, hospitals: Hospitals, scores: np.ndarray) -> Lines:
    """Return the coverage in other hospitals, all classes together, by source and truth."""
    lines = ["| source | recordings | with | coverage | without | coverage |", "|---" * 6 + "|"]
    for source in [*np.unique(hospitals.sources), "all"]:
        rows = np.ones(len(scores), bool) if source == "all" else hospitals.sources == source
        part = Part(
            scores[rows], hospitals.targets[rows], hospitals.known[rows], ("",) * rows.sum()
        )
        without, with_it = covered(fitted, part, SHOWN).sum(axis=0)
        lines.append(
            f"| {source} | {rows.sum()} | {with_it[1]} | {with_it[0] / with_it[1]:.3f} | "
            f"{without[1]} | {without[0] / without[1]:.3f} |"
        )
    return lines


def risk_lines(classifier: Classifier, parts: dict[str, tuple[np.ndarray, ...]]) -> Lines:
    """Return the share of right labels if the least certain recordings are left to a person."""
    cuts, calibration = classifier.members[0].thresholds, classifier.calibration
    heads = " | ".join(f"{share:.0%}" for share in LEFT)
    lines = [f"| left to a person | {heads} | area |", "|---" * (len(LEFT) + 2) + "|"]
    for name, (scores, y_true, known) in parts.items():
        chances = scores if calibration is None else calibration.apply(scores)
        curve = recording_curve(y_true, scores > cuts, chances, known)
        found = " | ".join(f"{curve.left_to_person(share):.4f}" for share in LEFT)
        lines.append(f"| {name} | {found} | {curve.area:.4f} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="PTB-XL: val and test")
    parser.add_argument("--meta", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    classifier = load_classifier(options.model)
    validation, test = (
        read_part(classifier, options.data, name, options.meta, options.work)
        for name in ("val", "test")
    )
    apart = halve(np.arange(len(validation.scores)), SEED, validation.patients)[1]
    fitted = classifier.conformal or validation.some(apart).fit()
    both = Part(*(np.concatenate([getattr(p, f) for p in (validation, test)])
                  for f in ("scores", "y_true", "known")),
                validation.patients + test.patients)  # fmt: skip
    hospitals = read_hospitals(options.real, options.work / "selective-real")
    scores = classifier_scores(classifier, hospitals.signals)
    risks = {
        "PTB-XL, test": (test.scores, test.y_true, test.known),
        "other hospitals": (scores, hospitals.targets, hospitals.known),
    }
    lines = ["### Test part", "", *test_lines(fitted, test), "", *class_lines(fitted, test)]
    cuts = classifier.members[0].thresholds
    lines += ["", "### Answers", "", *answer_lines(fitted, test, cuts)]
    lines += ["", "### Re-divisions", "", *division_lines(both, len(apart))]
    lines += ["", "### Other hospitals", "", *hospital_lines(fitted, hospitals, scores)]
    lines += ["", "### Left to a person", "", *risk_lines(classifier, risks), ""]
    write_between(REPORT, lines, "experiments.selective")


if __name__ == "__main__":
    main()
