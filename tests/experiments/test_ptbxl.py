"""What reports/ptbxl.md rests on: measured rhythm, unknown cells, cut columns, intervals."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ecg12.data.dataset import Dataset
from ecg12.runtime.backend import keras
from experiments.ptbxl import evaluation
from experiments.ptbxl.evaluation import areas, metric_estimate, samples
from experiments.ptbxl.rhythm import Rhythm, measure
from experiments.ptbxl.runs import Config, superclass_auroc
from experiments.ptbxl.shipping import challenge_network, rounded
from experiments.ptbxl.task import (
    CHALLENGE,
    PREPROCESSING,
    SUPERCLASSES,
    Material,
    columns,
    make_task,
    task_classes,
)
from experiments.ptbxl.transfer_tables import MEAN, SCRATCH, by_study, tables

NAMES = CHALLENGE.names


def beats(times, n=1000, rate=100.0):
    """Return 12 leads with a QRS complex of 80 ms at each time, s."""
    signal = np.zeros(n)
    for time in times:
        place = np.arange(n) / rate - time
        signal += np.exp(-0.5 * (place / 0.02) ** 2) - 0.3 * np.exp(
            -0.5 * ((place - 0.3) / 0.05) ** 2
        )
    return np.outer(np.linspace(-1, 1.5, 12), signal) * 1000


@pytest.mark.parametrize("rate", [40, 55, 75, 110, 180])
def test_rates_are_measured(rate):
    found = measure(beats(np.arange(0.3, 9.9, 60 / rate))[None], 100.0)
    assert found.rate[0] == pytest.approx(rate, rel=0.03)
    assert found.irregularity[0] < 0.05
    assert found.shortest[0] > 0.85  # peaks are found to a few samples


def test_an_early_beat_is_short_and_irregular_and_silence_is_unknown():
    times = np.array([0.5, 1.5, 2.5, 3.1, 4.5, 5.5, 6.5, 7.5, 8.5])
    found = measure(np.stack([beats(times), np.zeros((12, 1000))]), 100.0)
    assert found.rate[0] == pytest.approx(60, rel=0.03)
    assert found.shortest[0] == pytest.approx(0.6, abs=0.06)
    assert found.irregularity[0] == pytest.approx(np.diff(times).std(), rel=0.2)
    assert np.isnan(found.rate[1])


def material(codes, rates, known=None, superclasses=None, part="train"):
    """Return recordings with these codes' names and measured rates, each in two rows."""
    n = len(codes)
    targets = np.array([[name in own for name in NAMES] for own in codes])
    data = Dataset(
        np.zeros((2 * n, 12, 10), np.int16), 2 * np.arange(n), targets,
        names=tuple(f"{part}/R{i}" for i in range(n)), failures=(), fingerprint="x",
        preprocessing=PREPROCESSING, parts=(2,) * n,
    )  # fmt: skip
    rates = np.array(rates, float)
    rhythm = Rhythm(rates, np.full(n, 0.01), np.ones(n))
    some = np.zeros((n, len(SUPERCLASSES)), bool) if superclasses is None else superclasses
    return Material(data, rhythm, some, np.array(known or [True] * n))


def cell(task, row, name):
    """Return the target of a class, None if it is unknown."""
    column = columns().index(name)
    return bool(task.dataset.targets[row, column]) if task.dataset.known[row, column] else None


def test_unlabelled_slow_and_fast_rhythms_are_unknown_in_training_alone():
    codes = [("NSR",), ("NSR", "SB"), ("AF",), ("NSR",), ("NSR",), ("NSR", "STach")]
    rates = [55, 45, 55, 70, 110, 110]
    trained = make_task(material(codes, rates))
    assert [cell(trained, i, "SB") for i in range(6)] == [None, True, False, False, False, False]
    assert [cell(trained, i, "STach") for i in range(6)] == [False] * 4 + [None, True]
    positive = make_task(material(codes, rates), "positive")
    assert [cell(positive, i, "SB") for i in range(6)] == [True, True, False, False, False, False]
    for task in (
        make_task(material(codes, rates), "none"),
        make_task(material(codes, rates, part="val")),
    ):
        assert [cell(task, i, "SB") for i in range(6)] == [False, True, False, False, False, False]
        assert cell(task, 4, "STach") is False


def test_what_the_tables_do_not_tell_is_unknown():
    superclasses = np.array([[True, False, False, False, False], [False] * 5, [False] * 5])
    found = material(
        [("NSR",), ("NSR",), ("PVC",)], [70, np.nan, 52], [True, False, False], superclasses
    )
    task = make_task(found)
    assert [cell(task, i, "PVC") for i in range(3)] == [False, None, True]
    assert [cell(task, i, "NORM") for i in range(3)] == [True, None, None]
    assert [cell(task, i, "rate<60") for i in range(3)] == [False, None, True]
    assert [cell(task, i, "Brady") for i in range(3)] == [False, False, None]
    assert task.outputs().shape == (3, len(task_classes().columns))


def test_the_superclasses_alone_are_learned_in_millivolts_from_recordings_that_have_one():
    superclasses = np.eye(5, dtype=bool)[[0, 1, 2]]
    superclasses[1] = False
    found = material([("NSR",)] * 3, [70] * 3, superclasses=superclasses)
    found.dataset.signals[1::2] = 7  # the second row of a recording is in millivolts
    task = make_task(found, columns="superclasses")
    assert task.parts["training"].tolist() == [0, 2]
    assert task.outputs()[[0, 2]].tolist() == [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]
    inputs = task.dataset.inputs(task.parts["training"])
    np.testing.assert_allclose(inputs, 7 * PREPROCESSING.step)
    assert task.dataset.preprocessing.amplitude == "millivolts"


def test_superclasses_are_scored_among_all_columns_and_alone():
    truth = np.eye(5, dtype=bool)[[0, 1, 2, 3, 4, 0, 1]]
    truth[6] = False
    found = material([("NSR",)] * 7, [70] * 7, superclasses=truth)
    own = np.random.default_rng(0).random((7, 5))
    expected = np.mean([roc_auc_score(truth[:6, k], own[:6, k]) for k in range(5)])
    among = np.hstack([np.zeros((7, len(CHALLENGE))), own, np.ones((7, 7))])
    for scores in (own, among):
        assert superclass_auroc(scores, found, "training") == pytest.approx(expected)


def test_the_shipped_network_answers_the_challenge_s_columns_alike():
    keras.utils.set_random_seed(0)
    config = Config(k=4, m=2)
    model = config.network.build(len(task_classes().columns), PREPROCESSING.n_samples)
    shipped = challenge_network(rounded(model), config)
    x = np.random.default_rng(0).normal(size=(2, 12, 1000, 1)).astype(np.float32)
    whole, cut = np.array(model(x)), np.array(shipped(x))
    assert cut.shape == (2, 27)
    np.testing.assert_allclose(CHALLENGE.merge(cut), whole[:, : len(CHALLENGE)], rtol=1e-5)


def test_weighted_areas_are_scikit_learn_s():
    rng = np.random.default_rng(0)
    targets, known = rng.random((60, 2)) < 0.3, rng.random((60, 2)) < 0.8
    scores = np.round(rng.random((60, 2)), 1)
    counts = rng.integers(0, 3, (3, 60))
    found = areas(targets, scores, known, counts)
    for replicate in range(3):
        for column in range(2):
            k = known[:, column]
            expected = roc_auc_score(
                targets[k, column], scores[k, column], sample_weight=counts[replicate, k]
            )
            assert found[replicate, column] == pytest.approx(expected)


def test_patients_are_drawn_together_and_intervals_hold_the_value(monkeypatch):
    monkeypatch.setattr(evaluation, "REPLICATES", 50)
    drawn = samples(["a", "a", "", ""], 4)
    assert drawn.shape == (50, 4)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])
    assert (drawn[:, 2] != drawn[:, 3]).any()
    rng = np.random.default_rng(0)
    targets = rng.random((200, len(CHALLENGE))) < 0.1
    labels = targets ^ (rng.random(targets.shape) < 0.02)
    found = metric_estimate(targets, labels, np.ones(targets.shape, bool), None)
    assert found.low < found.value < found.high < 1


def test_transfer_tables_pair_the_seeds():
    """Differences of two seeds .1 and .3: mean .2, half width 12.706 * .1 (Student's t, one df)."""
    scores = {("a", SCRATCH): (0.5, 0.6), ("a", "way"): (0.6, 0.9),
              ("b", SCRATCH): (0.7, 0.4), ("b", "way"): (0.7, 0.5)}  # fmt: skip
    rows = [
        {"study": f"without {source}", "way": way, "seed": str(seed), "auroc": str(value)}
        for (source, way), values in scores.items()
        for seed, value in enumerate(values)
    ]
    assert "| way | 2 | 0.750 | +0.200 [-1.071, +1.471] |" in tables(rows)
    found = by_study(rows)[MEAN]["way"]
    assert [found[seed] for seed in (0, 1)] == pytest.approx([0.65, 0.7])
