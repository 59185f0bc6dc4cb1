"""Trained networks become an ensemble: the best are chosen, joined, calibrated and scored."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecg12.decision.balanced import balanced_thresholds
from ecg12.decision.calibration import Calibration, before_and_after, calibrate
from ecg12.decision.thresholds import tune
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_index import BALANCED
from ecg12.metrics import constant_baseline, evaluate, measure_name, scorer_of
from ecg12.models import specification
from ecg12.training.conformal_half import CONFORMAL, conformal_of
from ecg12.training.recipes import Recipe
from ecg12.training.task import Task, class_scores
from ecg12.training.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A trained network: the member it may become, its report, its class scores by part."""

    member: Member
    row: dict[str, Any]
    scores: dict[str, np.ndarray]


def parts(task: Task) -> list[tuple[str, np.ndarray]]:
    """Return the parts that hold recordings, by name."""
    return [(name, part) for name, part in task.parts.items() if len(part)]


def candidate_of(recipe: Recipe, index: int, trainer: Trainer, ended: str) -> Candidate:
    """Tune a trained network's thresholds on the validation part; report all variants."""
    task = trainer.task
    scores = {name: class_scores(trainer.forward, task, part)[0] for name, part in parts(task)}
    truths = {name: task.truth(part) for name, part in parts(task)}
    y_true, known = truths["validation"]
    tuned = tune(scores["validation"], y_true, task.classes, known=known)
    scorers = {name: scorer_of(truth[0], task.classes, truth[1]) for name, truth in truths.items()}
    variants = {
        variant: {name: scorers[name](scores[name] > thresholds) for name in scores}
        for variant, thresholds in tuned.variants.items()
    }
    for variant, reached in variants.items():
        scored = ", ".join(f"{part} {value:.3f}" for part, value in reached.items())
        best = " (chosen on validation)" if variant == tuned.best else ""
        log.info("%s thresholds: %s%s", variant, scored, best)
    row = row_head(recipe, index) | {
        "parameters": trainer.model.count_params(),
        "batch": trainer.batch,
        "ended": ended,
        "best_epoch": trainer.progress.best_epoch,
        "history": trainer.history,
        "thresholds": variants,
        "chosen_thresholds": tuned.best,
    }
    member = Member(
        row["name"], trainer.model, recipe.preprocessing, thresholds=tuned.thresholds,
        validation_score=tuned.scores[tuned.best], network=recipe.networks[index],
    )  # fmt: skip
    return Candidate(member, row, scores)


def row_head(recipe: Recipe, index: int) -> dict[str, Any]:
    """Return what a member's row says before it is trained; its start is None from scratch."""
    network, start = recipe.networks[index], recipe.start(index)
    begun_at = None
    if start:
        known = start.pretrained
        begun_at = {"name": known.name, "sha256": known.checksum, "frozen_blocks": start.frozen}
    return {
        "name": f"member{index + 1}_{network.name}",
        "network": specification(network),
        "start": begun_at,
        "seed": recipe.seed + index,
    }


def chosen(candidates: Sequence[Candidate], keep: int | None) -> list[Candidate]:
    """Return those with the best metric of their own on validation, the best first (paper B).

    An odd number, at most `keep`; None: all, however many.
    """
    ranked = sorted(candidates, key=lambda candidate: -candidate.member.validation_score)
    if keep is None:
        return ranked
    n = min(keep, len(ranked))
    return ranked[: n if n % 2 else max(1, n - 1)]


def member_scores(candidates: Sequence[Candidate], part: str) -> np.ndarray:
    """Return the candidates' scores of a part's recordings, (n_members, n, n_classes)."""
    return np.array([candidate.scores[part] for candidate in candidates])


def join(candidates: Sequence[Candidate], task: Task) -> Classifier:
    """Join candidates to a calibrated ensemble, which also has balanced thresholds.

    With a conformal half it has prediction sets as well.
    """
    members = [candidate.member for candidate in candidates]
    medians = np.median(member_scores(candidates, "validation"), axis=0)
    truth = task.truth(task.parts["validation"])
    conformal = None
    if CONFORMAL in task.parts:
        conformal = conformal_of(np.median(member_scores(candidates, CONFORMAL), axis=0), task)
    return Classifier(
        task.classes,
        members,
        calibrate(medians, *truth),
        operating_points={BALANCED: balanced_thresholds(medians, *truth)},
        conformal=conformal,
    )


def score_parts(
    classifier: Classifier, candidates: Sequence[Candidate], task: Task
) -> dict[str, dict[str, Any]]:
    """Score an ensemble, joined from these candidates, on each part.

    Returns
    -------
    dict
        Part → official scores by name (those that are defined), ``"best_constant"``, what the
        best constant prediction reaches in the measure, and ``"calibration"``, measures before and
        after it.
    """
    results: dict[str, dict[str, Any]] = {}
    for name, part in parts(task):
        y_true, known = task.truth(part)
        prediction = classifier.decide(member_scores(candidates, name))
        reached = evaluate(y_true, prediction.labels, prediction.scores, task.classes, known)
        reached["best_constant"] = constant_baseline(y_true, task.classes, known)[1]
        measure = measure_name(task.classes)
        log.info(
            "%s part: %s %.3f (best constant prediction %.3f), macro AUROC %.3f",
            name, measure, reached[measure], reached["best_constant"], reached["AUROC"],
        )  # fmt: skip
        results[name] = _defined(reached)
        if classifier.calibration is not None:
            results[name]["calibration"] = _calibrated(
                classifier.calibration, prediction.scores, task, name
            )
    return results


def _calibrated(
    calibration: Calibration, scores: np.ndarray, task: Task, part: str
) -> dict[str, Any]:
    """Measure a part before and after calibration; name the classes that keep their scores."""
    stages = before_and_after(calibration, scores, *task.truth(task.parts[part]))
    kept = [name for name, fitted in zip(task.classes.names, calibration.fitted, strict=True)
            if not fitted]  # fmt: skip
    before, after = (stages[stage]["log_loss"] for stage in ("before", "after"))
    log.info("%s part: log loss %.3f, calibrated %.3f", part, before, after)
    if kept and part == "validation":
        log.info("not calibrated, too few examples in this part: %s", ", ".join(kept))
    return {stage: _defined(own) for stage, own in stages.items()} | {"not_calibrated": kept}


def _defined(measures: dict[str, float]) -> dict[str, Any]:
    """Leave out measures that a part's labels do not define, such as with none that is known."""
    return {key: value for key, value in measures.items() if np.isfinite(value)}
