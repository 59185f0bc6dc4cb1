"""The schedule against Keras' own callbacks; resume, deadline and determinism of the trainer."""

import numpy as np
import pytest

from ecg12.backend import keras, start
from ecg12.budget import Clock
from ecg12.dataset import Dataset
from ecg12.labels import WEIGHTS, load_weights
from ecg12.metrics import challenge_score
from ecg12.networks import ResNet
from ecg12.signals import STEP
from ecg12.training import Schedule, Task, Trainer, class_scores

NETWORK = ResNet(2, 3, 1, 3, p=0.5)


def keras_schedule(schedule, scores):
    """Feed scores to Keras' EarlyStopping and ReduceLROnPlateau; return (rates, epochs run)."""
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(schedule.learning_rate))
    stop = keras.callbacks.EarlyStopping(
        "score", mode="max", min_delta=schedule.min_delta, patience=schedule.patience
    )
    reduce = keras.callbacks.ReduceLROnPlateau(
        "score", mode="max", factor=schedule.factor, patience=schedule.plateau, min_delta=0,
        min_lr=schedule.floor,
    )  # fmt: skip
    rates = []
    for callback in (stop, reduce):
        callback.set_model(model)
        callback.on_train_begin()
    model.stop_training = False
    for epoch, score in enumerate(scores):
        for callback in (stop, reduce):
            callback.on_epoch_end(epoch, {"score": score})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            break
    return rates


@pytest.mark.parametrize("seed", range(20))
def test_schedule_equals_keras_callbacks(seed):
    scores = np.random.default_rng(seed).normal(0, 0.02, 100).cumsum().round(2)
    schedule = Schedule()
    progress, rates = schedule.start(), []
    for score in scores:
        progress = schedule.advance(progress, float(score))
        rates.append(progress.learning_rate)
        if progress.stopped:
            break
    np.testing.assert_allclose(rates, keras_schedule(schedule, scores), rtol=1e-6)
    assert progress.best == scores[: len(rates)].max()
    assert progress.best_epoch == 1 + int(np.argmax(scores[: len(rates)]))


def test_schedule_ends_with_its_epochs():
    schedule = Schedule(epochs=2)
    progress = schedule.advance(schedule.advance(schedule.start(), 0.1), 0.2)
    assert progress.stopped == "2 epochs"


@pytest.mark.parametrize(
    ("n", "batch"), [(26_000, 128), (1024, 128), (1000, 64), (132, 16), (8, 1), (1, 1)]
)
def test_batch_gives_eight_steps_an_epoch_on_small_sets(n, batch):
    assert Schedule().batch_size(n) == batch


@pytest.fixture(scope="module")
def task():
    """40 recordings of noise whose amplitude tells the class, 64 samples each."""
    start(0)
    classes = load_weights(WEIGHTS)
    rng = np.random.default_rng(0)
    targets = np.zeros((40, len(classes)), bool)
    targets[np.arange(40), rng.choice([1, classes.normal], 40)] = True
    signals = rng.normal(0, 300, (40, 12, 64)) * (1 + 3 * targets[:, 1, None, None])
    names = tuple(f"R{i}" for i in range(40))
    data = Dataset(signals.astype(np.int16), np.arange(40), targets, names, (), "fingerprint")
    order = rng.permutation(40)
    parts = {"training": order[:24], "validation": order[24:], "test": order[:0]}
    return Task(data, parts, classes)


def trainer(task, path, identity="one", hours=1.0, **schedule):
    schedule = Schedule(**{"epochs": 6, "patience": 6, "threshold": None} | schedule)
    keras.utils.set_random_seed(3)
    model = NETWORK.build(len(task.classes.columns), 64)
    return Trainer(model, task, schedule, 3, path / "state.npz", identity, Clock(hours))


def weights(trained):
    return np.concatenate([w.ravel() for w in trained.model.get_weights()])


class KilledError(Exception):
    """Stands for kill -9 in the middle of an epoch."""


def test_resume_is_bit_equal_to_an_uninterrupted_run(task, tmp_path, monkeypatch):
    whole = trainer(task, tmp_path)
    whole.run()
    whole.checkpoint.unlink()

    broken = trainer(task, tmp_path)
    validate, calls = broken.validate, []

    def killed_in_the_third_epoch():
        calls.append(1)
        if len(calls) == 3:
            raise KilledError
        return validate()

    monkeypatch.setattr(broken, "validate", killed_in_the_third_epoch)
    with pytest.raises(KilledError):
        broken.run()
    resumed = trainer(task, tmp_path)
    resumed.run()

    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4, 5, 6]
    assert [r["loss"] for r in resumed.history] == [r["loss"] for r in whole.history]
    np.testing.assert_array_equal(weights(resumed), weights(whole))


def test_measuring_the_speed_changes_nothing(task, tmp_path):
    plain, measured = trainer(task, tmp_path), trainer(task, tmp_path)
    assert measured.epoch_seconds() > 0
    plain.run()
    plain.checkpoint.unlink()
    measured.run()
    np.testing.assert_array_equal(weights(measured), weights(plain))


def test_other_identity_starts_anew_and_says_so(task, tmp_path, caplog):
    trainer(task, tmp_path, epochs=1).run()
    other = trainer(task, tmp_path, identity="two", epochs=2)
    other.run()
    assert "training anew" in caplog.text
    assert [row["epoch"] for row in other.history] == [1, 2]


def test_an_ended_member_is_not_trained_again(task, tmp_path):
    first = trainer(task, tmp_path)
    first.run()
    again = trainer(task, tmp_path)
    again.run()
    assert again.history == first.history
    np.testing.assert_array_equal(weights(again), weights(first))


def test_loss_of_an_epoch_is_the_mean_cross_entropy(task, tmp_path):
    """With learning rate 0 and no dropout, by the formula on the untrained network's scores."""
    still = trainer(task, tmp_path, learning_rate=0.0, floor=0.0, epochs=1)
    still.model.get_layer("dropout").rate = 0.0
    part = task.parts["training"]
    inputs = task.dataset.signals[part][..., None] * np.float32(STEP)
    p = np.asarray(still.model(inputs), np.float64)
    y = task.classes.expand(task.dataset.targets)[part]
    expected = -np.where(y, np.log(p), np.log(1 - p)).mean()
    still.run()
    assert still.history[0]["loss"] == pytest.approx(expected, rel=1e-4)


def test_best_epoch_s_weights_are_kept(task, tmp_path):
    run = trainer(task, tmp_path)
    run.run()
    part = task.parts["validation"]
    scores = class_scores(run.forward, task, part)[0]
    targets = task.dataset.targets[part]
    cuts = [challenge_score(targets, scores > cut, task.classes) for cut in np.unique(scores)]
    best = max(row["validation_score"] for row in run.history)
    everything = challenge_score(targets, np.ones_like(targets), task.classes)
    assert max(*cuts, everything) == pytest.approx(best, abs=1e-9)


def test_deadline_ends_training_with_a_valid_epoch(task, tmp_path):
    late = trainer(task, tmp_path, hours=0.0)
    late.run()
    assert late.progress.stopped == "time budget"
    assert len(late.history) == 1


def test_epoch_limit_of_a_plan(task, tmp_path):
    run = trainer(task, tmp_path)
    run.run(epochs=2)
    assert len(run.history) == 2


def test_small_memory_halves_the_batch(task, tmp_path, monkeypatch):
    monkeypatch.setattr("ecg12.training.available_memory", lambda gpu: 1)
    assert trainer(task, tmp_path).batch == 1


def test_loss_that_is_no_number_is_an_error(task, tmp_path):
    run = trainer(task, tmp_path)
    run.model.set_weights([np.full_like(w, np.nan) for w in run.model.get_weights()])
    with pytest.raises(FloatingPointError, match="the loss became"):
        run.run()
