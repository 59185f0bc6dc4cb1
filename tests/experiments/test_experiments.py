"""The protocol of paper A: every recording scored by networks that never saw it, resume by fold."""

import numpy as np
import pytest

from ecg12.data.dataset import Dataset
from ecg12.data.stratification import iterative_folds
from ecg12.io.classes import CPSC_2018
from ecg12.models import ResNet
from ecg12.runtime.backend import start
from ecg12.training.schedule import Schedule
from ecg12.training.trainer import Trainer
from experiments.crnn_cpsc2018 import cross_validate, print_classes, print_gains
from experiments.label_mapping import counted, decide, intervals, shares

NETWORK, SCHEDULE = ResNet(2, 3, 1, 3), Schedule(epochs=1, monitor="loss")


@pytest.fixture(scope="module")
def dataset():
    start(0)
    rng = np.random.default_rng(0)
    targets = rng.random((30, 9)) < 0.3
    targets[:, 4] = True  # a class that every answer should name
    signals = rng.normal(0, 300, (30, 12, 64)).astype(np.int16)
    return Dataset(
        signals, np.arange(30), targets, names=tuple("abc"), failures=(), fingerprint="fingerprint"
    )


class KilledError(Exception):
    """Stands for kill -9 before the second fold."""


@pytest.mark.slow
def test_killed_protocol_goes_on_and_ends_alike(dataset, tmp_path, monkeypatch, capsys):
    folds = iterative_folds(dataset.targets, 2, 0)
    arguments = (dataset, CPSC_2018, NETWORK, SCHEDULE, folds, 0)
    whole = cross_validate(*arguments, tmp_path / "whole")

    train, parts = Trainer.run, []

    def noted(trainer):
        parts.append(trainer.task.parts)
        if len(parts) == 2:
            raise KilledError
        return train(trainer)

    monkeypatch.setattr(Trainer, "run", noted)
    with pytest.raises(KilledError):
        cross_validate(*arguments, tmp_path / "killed")
    resumed = cross_validate(*arguments, tmp_path / "killed")
    np.testing.assert_array_equal(resumed.y_score, whole.y_score)
    assert len(parts) == 3
    for trained, fold in zip([parts[0], parts[2]], folds, strict=True):
        np.testing.assert_array_equal(trained["validation"], fold)
        assert not set(trained["training"]) & set(fold)
    for number, fold in enumerate(folds):
        np.testing.assert_array_equal(whole.held_out[fold], whole.y_score[number][fold])

    del parts[1:]  # another seed is another identity: the folds are trained anew
    with pytest.raises(KilledError):
        cross_validate(*arguments[:-1], 1, tmp_path / "killed")

    capsys.readouterr()
    print_gains(whole)
    print_classes(whole, CPSC_2018)
    printed = capsys.readouterr().out
    assert printed.count("nested") == 3 + 1
    row = next(line for line in printed.splitlines() if line.startswith("PAC")).split()
    assert row[1] == "30"
    assert [float(row[place]) for place in (4, 6)] == [1, 1]  # all have it: precision is 1


# The mapping of statements


def test_precision_and_recall_of_labels():
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=bool)
    found = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0]], dtype=bool)
    precision, recall = shares(counted(truth, found))
    np.testing.assert_array_equal(precision, [2 / 3, 1, 0])
    np.testing.assert_array_equal(recall, [1, 1 / 2, np.nan])
    (low, high), _ = intervals(truth, found)
    assert 0 <= low <= 3 / 5 <= high <= 1


def test_the_most_frequent_phrases_without_a_class_are_decided(tmp_path):
    path = tmp_path / "review.csv"
    path.write_text(
        "phrase,count,codes proposed,codes final,why\na,9,AF,,\nb,8,,,\nc,7,,,\nd,6,,,\n"
    )
    assert decide(path, {"b": "SB", "d": "AF"}, 2) == 2
    finals = [line.split(",")[3] for line in path.read_text().splitlines()[1:]]
    assert finals == ["", "SB", "none", ""]
