"""What reports/surpassing.md rests on: folds trained as if each were the first, tables, pairing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from ecg12.data.dataset import Dataset
from ecg12.io.classes import CPSC_2018
from ecg12.models import SEResNet
from ecg12.runtime.backend import keras, start
from ecg12.runtime.errors import InputError
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer
from experiments.surpassing.ensembles import ensembles, joined, library
from experiments.surpassing.recordings import Material, divide
from experiments.surpassing.results import Results, gain
from experiments.surpassing.runs import FoldTrainer, Run, finished, identity
from experiments.surpassing.variants import CHOSEN, PAPER, VARIANTS

CLASSES = CPSC_2018
N_CLASSES = 9


def results(fold_of, predictions=None, seed=0):
    """Return results of random targets, with predictions if given."""
    targets = np.random.default_rng(seed).random((len(fold_of), N_CLASSES)) < 0.4
    owner = np.array([f"database {fold}" for fold in fold_of])
    return Results(predictions or {}, targets, owner, np.array(fold_of), CLASSES)


def predictions_of(found, scores, seed):
    """Return the file of a run of that seed, its thresholds one half."""
    kept = {"scores 12": scores, "costs": np.ones(3)}
    for fold in range(found.n_folds):
        part = divide(np.flatnonzero(found.fold_of != fold), seed)["validation"]
        kept |= {f"validation {fold}": scores[part], f"thresholds {fold}": np.full(N_CLASSES, 0.5)}
    return kept


@pytest.mark.parametrize("run", [Run("paper", 3), Run("whole, database validates", 12, 4)])
def test_a_run_is_read_from_the_name_of_its_file(run, tmp_path):
    assert Run.of(run.file(tmp_path)) == run


def test_only_complete_files_of_known_variants_are_found(tmp_path):
    (tmp_path / "answers").mkdir()
    for one in (Run("paper", 1), Run("of an earlier version", 1)):
        one.file(tmp_path).write_bytes(b"")
    (tmp_path / "answers" / ".paper, seed 2, 0.part.npz").write_bytes(b"")  # a kill left it
    assert Run.all(tmp_path) == [Run("paper", 1)]


def test_predictions_of_other_data_folds_or_choices_are_left_out(tmp_path, caplog):
    one = Run("paper", 1)
    dataset = Dataset(*(np.empty(0),) * 3, names=(), failures=(), fingerprint="data")
    two = np.arange(2)
    ready = Material({1: dataset}, CLASSES, [], np.array(["a", "b"]), [(two[:1], two[1:])])
    one.file(tmp_path).parent.mkdir()
    assert not finished(one, ready, tmp_path, None)
    np.savez(one.file(tmp_path), identity=np.array(identity(one, ready, None)))
    assert finished(one, ready, tmp_path, None)
    assert not caplog.messages
    others = [
        (replace(ready, datasets={1: replace(dataset, fingerprint="other")}), None),
        (replace(ready, folds=[(two[1:], two[:1])]), None),
        (replace(ready, owner=np.array(["a", "a"])), None),
        (ready, tmp_path),
    ]
    for other, begin_at in others:
        assert not finished(one, other, tmp_path, begin_at)
    np.savez(one.file(tmp_path), costs=np.ones(3))  # of an earlier version, without identity
    assert not finished(one, ready, tmp_path, None)
    assert len(caplog.messages) == len(others) + 1
    assert all("paper, seed 1, 0.npz" in text for text in caplog.messages)


def test_gains_are_those_of_scipy_s_paired_test():
    rng = np.random.default_rng(0)
    one, two = rng.normal(0.5, 0.1, (2, 5))
    expected = stats.ttest_rel(one, two)
    low, high = expected.confidence_interval(0.95)
    shown = gain(dict(enumerate(one)), {**dict(enumerate(two)), 9: 7.0})  # 9 has no pair
    assert shown == f"{np.mean(one - two):+.3f} [{low:+.3f}, {high:+.3f}]"


def test_areas_are_those_of_scikit_learn_within_folds():
    found = results(np.repeat([0, 1], [50, 70]))
    scores = np.random.default_rng(1).random(found.targets.shape)
    areas = [
        roc_auc_score(found.targets[own, k], scores[own, k])
        for own in (slice(0, 50), slice(50, 120))
        for k in range(N_CLASSES)
    ]
    assert found.auroc(scores, "unseen databases") == pytest.approx(np.mean(areas))


def test_the_frequency_of_classes_in_a_database_gives_no_auroc():
    """Each fold's network predicts how frequent a class was where it was trained."""
    found = results(np.repeat([0, 1], 60))
    for fold, frequent in ((0, 0.9), (1, 0.1)):
        rows = found.fold_of == fold
        found.targets[rows] = np.random.default_rng(fold).random((60, N_CLASSES)) < frequent
    prevalence = [found.targets[found.fold_of != fold].mean(axis=0) for fold in (0, 1)]
    assert found.auroc(np.array(prevalence)[found.fold_of], "unseen databases") == 0.5


def test_too_few_positives_or_negatives_do_not_count():
    found = results(np.zeros(40, int))
    found.targets[:, 1:] = False
    found.targets[:4, 1] = True  # four positives
    found.targets[:37, 2] = True  # three negatives
    scores = np.random.default_rng(1).random(found.targets.shape)
    expected = roc_auc_score(found.targets[:, 0], scores[:, 0])
    assert found.auroc(scores, "unseen databases") == pytest.approx(expected)


def test_an_ensemble_is_chosen_from_complete_seeds_only():
    runs = [Run(PAPER, seed, member) for seed in (1, 2) for member in range(5 - seed)]
    runs += [Run("whole", 1), Run(CHOSEN, 1)]
    found = results([0, 1], dict.fromkeys(runs, {}))
    assert library(found, PAPER, 1) == runs[:3]
    assert not library(found, CHOSEN, 1)  # one network is no ensemble
    assert not library(found, "whole and its variants", 1)
    del found.predictions[Run(PAPER, 2, 1)]
    assert library(found, PAPER, 1) == runs[:4]  # no seed with fewer is left
    assert not library(found, PAPER, 2)
    names = ["whole", *(name for name in VARIANTS if name.startswith("whole - "))]
    found.predictions.update({Run(name, 3): {} for name in names})
    found.predictions.update({Run(CHOSEN, 3, 1): {}, Run("letter", 3): {}})
    expected = {Run(name, 3) for name in names} - {Run("whole - seresnet", 3)}
    assert set(library(found, "whole and its variants", 3)) == expected


def test_members_vote_and_their_scores_are_joined_by_the_median():
    found = results(np.repeat([0, 1], 20))
    rng = np.random.default_rng(2)
    scores = rng.random((3, 40, N_CLASSES))
    runs = [Run(PAPER, 1, member) for member in range(3)]
    for run, own in zip(runs, scores, strict=True):
        found.predictions[run] = predictions_of(found, own, run.seed)
    labels, medians, size = joined(found, runs, "all")
    np.testing.assert_array_equal(labels, (scores > 0.5).sum(axis=0) >= 2)
    np.testing.assert_array_equal(medians, np.sort(scores, axis=0)[1])
    assert size == 3
    row = ensembles(found, "unseen databases").splitlines()[3]
    metric = found.metric(labels, "unseen databases")
    assert row.startswith(f"| {PAPER} | all | 1 | {metric:.3f} |")


def test_a_single_database_cannot_validate():
    owner = np.array(["georgia"] * 10)
    with pytest.raises(InputError, match="georgia"):
        divide(np.arange(10), 1, owner)


@pytest.mark.slow
def test_a_later_fold_is_trained_as_if_it_were_the_first(tmp_path):
    rng = np.random.default_rng(0)
    targets = rng.random((40, N_CLASSES)) < 0.3
    signals = rng.normal(0, 300, (40, 12, 64)).astype(np.int16)
    dataset = Dataset(signals, np.arange(40), targets, names=(), failures=(), fingerprint="data")
    halves = [
        Task(dataset, {"training": rows[:12], "validation": rows[12:]}, CLASSES)
        for rows in (np.arange(20), np.arange(20, 40))
    ]
    schedule = Schedule(
        epochs=3, batch=4, min_steps=1, threshold=None, patience=9, decay="cosine", warm_up=1,
        loss="weighted_crossentropy",
    )  # fmt: skip
    schedule = replace(schedule, augmentation=VARIANTS["whole"].schedule(False).augmentation)

    def trainer(kind, task):
        start(5)
        keras.utils.set_random_seed(5)
        model = SEResNet(k=4, s=3, m=3).build(N_CLASSES, 64)
        return kind(
            model, task, schedule,
            seed=5, checkpoint=tmp_path / "state.npz", identity="", clock=Clock(1),
        )  # fmt: skip

    folds = trainer(FoldTrainer, halves[0])
    for task in halves:
        folds.fold(task)
    (tmp_path / "state.npz").unlink()
    alone = trainer(Trainer, halves[1])
    untrained = alone.model.get_weights()
    alone.run()
    assert [row["loss"] for row in folds.history] == [row["loss"] for row in alone.history]
    for one, other in zip(folds.model.get_weights(), alone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert any(
        not np.array_equal(one, other)
        for one, other in zip(untrained, alone.model.get_weights(), strict=True)
    )
