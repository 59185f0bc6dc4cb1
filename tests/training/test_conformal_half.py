"""The conformal half: when it is set apart, by patient, and what an ensemble has of it."""

import numpy as np
import pytest

from ecg12.data.dataset import Dataset
from ecg12.data.splits import halve
from ecg12.io.classes import ScoredClasses
from ecg12.training.conformal_half import CONFORMAL, conformal_of, set_apart
from ecg12.training.task import Task


def dataset(n, positives, patients=()):
    targets = np.zeros((n, 2), bool)
    targets[:positives, 0] = True
    return Dataset(
        np.zeros((n, 12, 4), np.int16), np.arange(n), targets,
        names=tuple(map(str, range(n))), failures=(), fingerprint="f", patients=patients,
    )  # fmt: skip


def parts(n):
    return {"training": np.arange(n, n + 10), "validation": np.arange(n), "test": np.arange(0)}


def test_a_large_validation_part_is_halved():
    found = set_apart(parts(700), dataset(710, 300), 0)
    assert len(found["validation"]) == len(found[CONFORMAL]) == 350
    assert sorted([*found["validation"], *found[CONFORMAL]]) == list(range(700))
    again = set_apart(parts(700), dataset(710, 300), 0)
    np.testing.assert_array_equal(found[CONFORMAL], again[CONFORMAL])


def test_a_small_one_and_one_without_enough_positives_stay_whole():
    for n, positives in ((599, 300), (700, 29)):
        given = parts(n)
        assert set_apart(given, dataset(n + 10, positives), 0) is given


def test_patients_stay_together():
    """Every third recording has no known patient and stands alone."""
    patients = tuple("" if i % 3 == 0 else f"P{i // 7}" for i in range(710))
    found = set_apart(parts(700), dataset(710, 300, patients), 0)
    known = [{patients[i] for i in found[name]} - {""} for name in ("validation", CONFORMAL)]
    assert known[0]
    assert known[1]
    assert not known[0] & known[1]
    assert sum(patients[i] == "" for i in found[CONFORMAL]) > 50


def test_sets_of_an_ensemble_are_those_of_its_conformal_half():
    """Scores rise in thousandths from those without the class to the n with it."""
    data = dataset(710, 300)
    task = Task(data, set_apart(parts(700), data, 0), two_classes())
    apart = task.parts[CONFORMAL]
    positive = data.targets[apart, 0]
    order = np.argsort(np.argsort(positive, kind="stable"))
    scores = np.stack([(order + 1) / 1000, np.zeros(len(apart))], axis=1)
    n = int(positive.sum())
    sets = conformal_of(scores, task).at(0.9)
    expected = (350 - int(np.ceil((n + 1) * 0.9)) + 1) / 1000
    assert sets.lowest[0] == pytest.approx(expected)
    assert sets.promised.tolist() == [True, False]


def two_classes():
    return ScoredClasses((("a",), ("b",)), np.eye(2), 2021, (("A", "a"), ("B", "b")))


def test_halves_of_single_recordings():
    first, second = halve(np.array([4]), 0)
    assert (first.tolist(), second.tolist()) == ([4], [])
