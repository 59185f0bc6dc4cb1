"""Which candidates form the ensemble."""

from dataclasses import replace

import numpy as np
import pytest

from ecg12.data.dataset import Dataset
from ecg12.ensemble.classifier import Member
from ecg12.io.classes import CPSC_2018
from ecg12.models import SEResNet
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.selection import Candidate, chosen, join
from ecg12.training.task import Task


@pytest.fixture
def task():
    """Thirty recordings of one class each; all validate."""
    targets = np.eye(9, dtype=bool)[np.arange(30) % 9]
    names = tuple(f"R{i}" for i in range(30))
    dataset = Dataset(
        np.zeros((30, 12, 4), np.int16),
        np.arange(30),
        targets,
        names=names,
        failures=(),
        fingerprint="",
    )
    return Task(dataset, {"validation": np.arange(30)}, CPSC_2018)


def candidate(name, score, wrong, task):
    """Answer all recordings rightly but those in `wrong`, which get the next class."""
    targets = task.dataset.targets.copy()
    targets[wrong] = np.roll(targets[wrong], 1, axis=1)
    member = Member(name, None, Preprocessing(), thresholds=np.full(9, 0.5), validation_score=score)
    return Candidate(member, {}, {"validation": 1.0 * targets})


def names(candidates):
    return [c.member.name for c in candidates]


@pytest.fixture
def candidates(task):
    """Five candidates; from `a` to `e` they err more often, `d` and `e` alike."""
    wrong = {"c": range(8), "e": range(20, 29), "a": range(6), "d": range(10, 19), "b": range(7)}
    return [candidate(n, 1 - len(w) / 30, list(w), task) for n, w in wrong.items()]


def test_best_odd_number_is_chosen(candidates):
    assert names(chosen(candidates, 5)) == ["a", "b", "c", "e", "d"]
    assert names(chosen(candidates, 4)) == ["a", "b", "c"]
    assert names(chosen(candidates[:2], 5)) == ["c"]
    assert len(chosen(candidates[:1], 5)) == 1


def test_without_a_size_all_are_kept_the_best_first(candidates):
    assert names(chosen(candidates[:4], None)) == ["a", "c", "e", "d"]


def test_unknown_labels_do_not_move_balanced_thresholds(task):
    """Of AF, known positives score .8 and known negatives .2; unknown cells score .9."""
    af, unknown = 0, np.arange(30) % 9 > 5
    scores = np.where(task.dataset.targets, 0.8, 0.2)
    scores[unknown, af] = 0.9
    known = np.ones((30, 9), bool)
    known[unknown, af] = False
    task = replace(task, dataset=replace(task.dataset, known=known))
    model = SEResNet(k=2, m=1).build(9, 100)
    member = replace(candidate("a", 1.0, [], task).member, model=model)
    joined = join([Candidate(member, {}, {"validation": scores})], task)
    assert 0.2 <= joined.operating_points["balanced"][af] < 0.8
