"""The schedule against Keras' own callbacks."""

import numpy as np
import pytest

from ecg12.models.losses import LOSSES
from ecg12.runtime.backend import keras
from ecg12.training.schedule import Schedule


def keras_schedule(schedule, scores):
    """Feed scores to Keras' EarlyStopping and ReduceLROnPlateau; return (rates, epochs run)."""
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(schedule.learning_rate))
    stop = keras.callbacks.EarlyStopping(
        "score", mode="max", min_delta=schedule.min_delta, patience=schedule.patience
    )
    reduce = keras.callbacks.ReduceLROnPlateau(
        "score", mode="max", factor=schedule.factor, patience=schedule.plateau, min_delta=0,
        min_lr=schedule.min_lr,
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


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("loss", ", ".join(LOSSES)),
        ("optimizer", "adam, sgd, adamax"),
        ("monitor", "metric, loss"),
    ],
)
def test_unknown_choices_are_refused(field, choices):
    with pytest.raises(ValueError, match=f"unknown 'x'; choices: {choices}"):
        Schedule(**{field: "x"})


@pytest.mark.parametrize(
    ("field", "value"),
    [("ema", 1.0), ("ema", -0.1), ("crop", -1.0), ("weight_decay", np.nan), ("whole_epochs", -1)],
)
def test_senseless_amounts_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} {value}"):
        Schedule(**{field: value})


def test_the_last_epochs_see_whole_recordings_also_of_a_shortened_training():
    schedule = Schedule(epochs=10, crop=2.5, whole_epochs=2)
    assert [schedule.crop_of(epoch, 10) for epoch in range(10)] == [2.5] * 8 + [0.0] * 2
    assert [schedule.crop_of(epoch, 5) for epoch in range(5)] == [2.5] * 4 + [0.0]
    assert Schedule(epochs=10, crop=2.5).crop_of(9, 10) == 2.5


def test_halved_batches_need_not_be_powers_of_two():
    assert [Schedule(batch=30).batch_size(n) for n in (6000, 270, 78)] == [30, 30, 7]


def test_cosine_rates_equal_keras_own():
    """Keras' CosineDecay with warm-up, at every tenth of an epoch."""
    schedule = Schedule(epochs=10, learning_rate=2e-3, min_lr=1e-4, decay="cosine", warm_up=2)
    keras_own = keras.optimizers.schedules.CosineDecay(
        0.0, 80, alpha=1e-4 / 2e-3, warmup_target=2e-3, warmup_steps=20
    )
    progress, rates = schedule.start(), []
    for _ in range(10):
        rates += [schedule.rate(progress, tenth / 10, 10) for tenth in range(10)]
        progress = schedule.advance(progress, 0.5)
    np.testing.assert_allclose(rates, [float(keras_own(step)) for step in range(100)], rtol=1e-4)


def test_without_warm_up_and_cosine_the_rate_is_the_plateau_s():
    progress = Schedule().start()
    assert {Schedule().rate(progress, share, 100) for share in (0, 0.5, 1)} == {1e-3}


def test_the_average_of_a_short_training_spans_a_tenth_of_it():
    """Momentum .998 averages over 500 steps; a training of 200 steps over 20: 1 - 1/20."""
    schedule = Schedule(epochs=20, ema=0.998)
    assert schedule.momentum(1000) == 0.998
    assert schedule.momentum(10) == pytest.approx(0.95)
    assert Schedule().momentum(1000) == 0.0
