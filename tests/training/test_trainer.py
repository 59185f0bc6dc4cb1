"""The trainer: resume, deadline, determinism, loss and the epoch that is kept."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ecg12.data.dataset import Dataset
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.metrics import challenge_score
from ecg12.models import CRNN, ResNet, SEResNet
from ecg12.models.losses import LOSSES
from ecg12.models.rows import convolve_rows
from ecg12.runtime import backend
from ecg12.runtime.backend import BACKEND, keras, start
from ecg12.runtime.errors import InputError
from ecg12.signal.augmentation import Augmentation
from ecg12.signal.preprocessing import STEP
from ecg12.training.checkpoints import read_state
from ecg12.training.resources import Clock
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task, class_scores, column_scores
from ecg12.training.trainer import Trainer

NETWORK = ResNet(2, 3, 1, 3, p=0.5)
VARIED = Augmentation(gain=0.2, noise=0.1, wander=0.1, lead_dropout=0.5)
AVERAGED = {
    "ema": 0.9, "weight_decay": 0.1, "crop": 0.128, "whole_epochs": 3, "monitor": "auroc",
}  # fmt: skip
SURPASSING = {"decay": "cosine", "warm_up": 1, "augmentation": VARIED}


@pytest.fixture(scope="module")
def task():
    """40 recordings of noise whose amplitude tells the class, 64 samples each."""
    return task_of(64)


@pytest.fixture(scope="module")
def long_task():
    """Take the fewest samples that paper A's network can."""
    return task_of(7287)


def task_of(n_samples):
    start(0)
    classes = load_weights(WEIGHTS)
    rng = np.random.default_rng(0)
    targets = np.zeros((40, len(classes)), bool)
    targets[np.arange(40), rng.choice([1, classes.normal], 40)] = True
    signals = rng.normal(0, 300, (40, 12, n_samples)) * (1 + 3 * targets[:, 1, None, None])
    names = tuple(f"R{i}" for i in range(40))
    data = Dataset(
        signals.astype(np.int16),
        np.arange(40),
        targets,
        names=names,
        failures=(),
        fingerprint="fingerprint",
    )
    order = rng.permutation(40)
    parts = {"training": order[:24], "validation": order[24:], "test": order[:0]}
    return Task(data, parts, classes)


def trainer(task, path, identity="one", hours=1.0, network=NETWORK, **schedule):
    schedule = Schedule(**{"epochs": 6, "patience": 6, "threshold": None} | schedule)
    keras.utils.set_random_seed(3)
    model = network.build(len(task.classes.columns), task.dataset.signals.shape[2])
    return Trainer(
        model,
        task,
        schedule,
        seed=3,
        checkpoint=path / "state.npz",
        identity=identity,
        clock=Clock(hours),
    )


def weights(trained):
    return np.concatenate([w.ravel() for w in trained.model.get_weights()])


class KilledError(Exception):
    """Stands for kill -9 in the middle of an epoch."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "schedule",
    [{}, SURPASSING, {**AVERAGED, "network": SEResNet(k=4, m=2)}],
    ids=["paper", "surpassing", "averaged"],
)
def test_resume_is_bit_equal_to_an_uninterrupted_run(task, tmp_path, monkeypatch, schedule):
    whole = trainer(task, tmp_path, **schedule)
    whole.run()
    whole.checkpoint.unlink()

    broken = trainer(task, tmp_path, **schedule)
    validate, calls = broken.validate, []

    def killed_in_the_third_epoch():
        calls.append(1)
        if len(calls) == 3:
            raise KilledError
        return validate()

    monkeypatch.setattr(broken, "validate", killed_in_the_third_epoch)
    with pytest.raises(KilledError):
        broken.run()
    resumed = trainer(task, tmp_path, **schedule)
    resumed.run()

    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4, 5, 6]
    assert [r["loss"] for r in resumed.history] == [r["loss"] for r in whole.history]
    np.testing.assert_array_equal(weights(resumed), weights(whole))


@pytest.mark.slow
def test_measuring_the_speed_changes_nothing(task, tmp_path):
    plain, measured = trainer(task, tmp_path), trainer(task, tmp_path)
    assert measured.epoch_seconds() > 0
    plain.run()
    plain.checkpoint.unlink()
    measured.run()
    np.testing.assert_array_equal(weights(measured), weights(plain))


def test_what_is_kept_is_the_moving_average_of_the_weights(task, tmp_path, monkeypatch):
    """By the recursion a ← βa + (1 − β)w, begun at the first step's weights."""
    run = trainer(task, tmp_path, ema=0.8, epochs=20, batch=8, min_steps=3, monitor="loss")
    steps, step = [], backend.train_on_batch

    def noted(*batch):
        loss = step(*batch)
        steps.append([np.array(v) for v in run.model.trainable_variables])
        return loss

    monkeypatch.setattr(backend, "train_on_batch", noted)
    run.run()
    average = steps[0]
    kept = {1: steps[0]}
    for number, weights in enumerate(steps[1:], 2):
        average = [0.8 * a + 0.2 * w for a, w in zip(average, weights, strict=True)]
        kept[number] = average
    expected = kept[3 * run.progress.best_epoch]
    assert len(steps) == 60
    for found, wanted in zip(run.model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(np.array(found), wanted, rtol=1e-4, atol=1e-6)


def test_crops_are_what_is_trained_on_and_whole_recordings_are_scored(task, tmp_path, monkeypatch):
    schedule = {"crop": 0.128, "epochs": 2, "whole_epochs": 1}
    run = trainer(task, tmp_path, network=SEResNet(k=4, m=2), **schedule)
    seen, step = [], backend.train_on_batch

    def noted(model, inputs, targets):
        seen.append(inputs)
        return step(model, inputs, targets)

    monkeypatch.setattr(backend, "train_on_batch", noted)
    run.run()
    whole = {row.tobytes() for row in task.dataset.inputs(np.arange(40))[:, 0, :, 0]}
    first, last = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    assert {batch.shape[2] for batch in first} == {32}
    assert {batch.shape[2] for batch in last} == {64}
    for piece in np.concatenate(first)[:, 0, :, 0]:
        assert any(piece.tobytes() in row for row in whole)
    assert class_scores(run.forward, task, np.arange(40)).shape == (1, 40, 24)
    assert run.model.input_shape == (None, 12, 64, 1)


def test_stretches_longer_than_a_recording_are_refused(task, tmp_path):
    with pytest.raises(InputError, match="1 s .* 250 samples, but 64"):
        trainer(task, tmp_path, network=SEResNet(k=4, m=2), crop=1.0)


def test_weight_decay_shrinks_kernels_alone(task, tmp_path):
    """With a rate too small for the gradient, a step leaves the share 1 − rate × decay."""
    shrunk = trainer(task, tmp_path, weight_decay=1e5, learning_rate=1e-7, epochs=1)
    before = {v.path: np.array(v) for v in shrunk.model.trainable_variables}
    shrunk.run()
    for variable in shrunk.model.trainable_variables:
        share = 0.99 ** len(range(0, 24, shrunk.batch)) if "kernel" in variable.path else 1.0
        expected = before[variable.path] * share
        np.testing.assert_allclose(np.array(variable), expected, atol=2e-5)


@pytest.mark.slow
def test_other_identity_starts_anew_and_says_so(task, tmp_path, caplog):
    trainer(task, tmp_path, epochs=1).run()
    other = trainer(task, tmp_path, identity="two", epochs=2)
    other.run()
    assert "training from the first epoch" in caplog.text
    assert [row["epoch"] for row in other.history] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut off", "one bit"])
def test_a_damaged_checkpoint_is_told_and_trained_anew(task, tmp_path, caplog, damage):
    first = trainer(task, tmp_path, epochs=1)
    first.run()
    data = bytearray(first.checkpoint.read_bytes())
    data[len(data) // 2] ^= 1
    first.checkpoint.write_bytes(data if damage == "one bit" else data[: len(data) // 2])
    again = trainer(task, tmp_path, epochs=2)
    assert "state.npz: damaged; training from the first epoch" in caplog.text
    assert again.history == []


@pytest.mark.slow
def test_an_ended_member_is_not_trained_again(task, tmp_path):
    first = trainer(task, tmp_path)
    first.run()
    again = trainer(task, tmp_path)
    again.run()
    assert again.history == first.history
    np.testing.assert_array_equal(weights(again), weights(first))


def test_loss_of_an_epoch_is_the_mean_cross_entropy(task, tmp_path):
    """With learning rate 0 and no dropout, by the formula on the untrained network's scores."""
    still = trainer(task, tmp_path, learning_rate=0.0, min_lr=0.0, epochs=1)
    still.model.get_layer("dropout").rate = 0.0
    part = task.parts["training"]
    inputs = task.dataset.signals[part][..., None] * np.float32(STEP)
    p = np.asarray(still.model(inputs), np.float64)
    y = task.classes.expand(task.dataset.targets)[part]
    expected = -np.where(y, np.log(p), np.log(1 - p)).mean()
    still.run()
    assert still.history[0]["loss"] == pytest.approx(expected, rel=1e-4)


@pytest.fixture(scope="module")
def multi_hot(task):
    """Give the recordings none to many classes each."""
    targets = np.random.default_rng(1).random(task.dataset.targets.shape) < 0.1
    return replace(task, dataset=replace(task.dataset, targets=targets))


def weighted_by_hand(y, p, task):
    """Class by class: a false answer costs 1 less the best credit beside a true class."""
    column, weights = task.classes.class_of_column, task.classes.weights
    total = 0.0
    for truth, score in zip(y, p, strict=True):
        for j in range(len(score)):
            credit = max((weights[column[i], column[j]] for i in np.flatnonzero(truth)), default=0)
            cost = np.log(score[j]) if truth[j] else (1 - credit) * np.log(1 - score[j])
            total -= cost / p.size
    return total


def soft_by_hand(y, p, task):
    """Cross-entropy less the metric's credit, summed pair by pair of merged classes."""
    y, p = y.astype(float), p.astype(float)
    loss = -np.where(y, np.log(p), np.log(1 - p)).mean()
    for truth, score in zip(task.classes.merge(y), task.classes.merge(p), strict=True):
        either = sum(t + s - t * s for t, s in zip(truth, score, strict=True))
        pairs = itertools.product(range(len(truth)), repeat=2)
        credit = sum(task.classes.weights[i, j] * truth[i] * score[j] for i, j in pairs)
        loss -= credit / max(either, 1) / len(y)
    return loss


def by_hand(y, p, loss, task=None):
    """Return the mean loss by its formula; categorical: -sum of y log(p / sum p)."""
    if loss == "weighted_crossentropy":
        return weighted_by_hand(y, p, task)
    if loss == "soft_challenge":
        return soft_by_hand(y, p, task)
    if loss == "softmax_crossentropy":
        p = p / (1 - p)  # the exponentials of the logits
    if loss != "binary_crossentropy":
        return -(y * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1).mean()
    return -np.where(y, np.log(p), np.log(1 - p)).mean()


@pytest.mark.slow
@pytest.mark.parametrize("loss", list(LOSSES))
def test_losses_equal_their_formulas_on_multi_hot_targets(multi_hot, tmp_path, loss):
    """In training (dropout off, learning rate 0) and as the monitored validation loss."""
    options = {"learning_rate": 0.0, "min_lr": 0.0, "epochs": 1, "monitor": "loss", "loss": loss}
    still, task = trainer(multi_hot, tmp_path, **options), multi_hot
    still.model.get_layer("dropout").rate = 0.0
    y = task.classes.expand(task.dataset.targets)
    assert set(y.sum(axis=1)) > {0, 1, 2, 3}
    still.run()
    for part, key, sign in (("training", "loss", 1), ("validation", "validation_score", -1)):
        rows = task.parts[part]
        p = np.asarray(still.model(task.dataset.inputs(rows)), np.float64)
        assert sign * still.history[0][key] == pytest.approx(
            by_hand(y[rows], p, loss, task), rel=1e-4
        )


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a habit of Keras on TensorFlow")
def test_keras_own_loss_of_that_name_is_the_softmax_s():
    """The reason why `losses` writes the loss out; where this fails, Keras' own would serve."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "sigmoid")])
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 5)).astype("float32"), rng.random((6, 4)) < 0.5
    found = float(model.train_on_batch(x, y.astype("float32")))
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "sigmoid")])
    p = np.asarray(model(x), np.float64)
    assert found == pytest.approx(by_hand(y, p, "softmax_crossentropy"), rel=1e-4)
    assert found != pytest.approx(by_hand(y, p, "categorical_crossentropy"), rel=1e-2)


@pytest.mark.skipif(bool(backend.gpus()), reason="on a GPU layers stay as they are")
def test_convolutions_are_trained_with_rows_as_channels(multi_hot, tmp_path):
    run = trainer(multi_hot, tmp_path, network=ResNet(40, 3, 1, 2))
    assert run.model.get_layer("stem").convolution_op is convolve_rows


def test_one_step_of_gradient_descent_is_rate_times_gradient(multi_hot, tmp_path):
    """On the bias of the scores: d/dz of the loss by hand is (sum(y) p / sum(p) - y) (1 - p)."""
    task, options = multi_hot, {"optimizer": "sgd", "loss": "categorical_crossentropy"}
    run = trainer(task, tmp_path, learning_rate=0.1, **options)
    run.model.get_layer("dropout").rate = 0.0
    rows = task.parts["training"][:7]
    y = task.classes.expand(task.dataset.targets)[rows].astype(np.float64)
    p = np.asarray(run.model(task.dataset.inputs(rows)), np.float64)
    gradient = ((y.sum(1, keepdims=True) * p / p.sum(1, keepdims=True) - y) * (1 - p)).mean(0)
    run.model.train_on_batch(task.dataset.inputs(rows), run.outputs[rows])
    np.testing.assert_allclose(
        run.model.get_layer("scores").get_weights()[1], -0.1 * gradient, rtol=1e-3, atol=1e-6
    )
    assert run.model.optimizer.momentum == 0


def test_soft_challenge_with_labels_for_scores_is_the_metric_s_credit(multi_hot):
    """With scores of 0 and 1 its credit is the challenge metric before its scaling."""
    task = multi_hot
    rng = np.random.default_rng(3)
    targets = task.dataset.targets[:24] | np.eye(24, dtype=bool)  # one class at least
    labels = rng.random(targets.shape) < 0.2
    y, p = (task.classes.expand(a).astype("float32") for a in (targets, labels))
    entropy = np.asarray(LOSSES["binary_crossentropy"](task.classes)(y, p))
    earned = (entropy - np.asarray(LOSSES["soft_challenge"](task.classes)(y, p))).sum()
    perfect = sum(w @ task.classes.weights @ w / w.sum() for w in 1.0 * targets)
    normal = np.zeros_like(targets)
    normal[:, task.classes.normal] = True
    q = task.classes.expand(normal).astype("float32")
    entropy = np.asarray(LOSSES["binary_crossentropy"](task.classes)(y, q))
    inactive = (entropy - np.asarray(LOSSES["soft_challenge"](task.classes)(y, q))).sum()
    expected = challenge_score(targets, labels, task.classes)
    assert (earned - inactive) / (perfect - inactive) == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_loss_monitor_keeps_the_epoch_of_the_lowest_validation_loss(task, tmp_path):
    run = trainer(task, tmp_path, monitor="loss", loss="categorical_crossentropy")
    run.run()
    losses = [-row["validation_score"] for row in run.history]
    assert run.progress.best_epoch == 1 + int(np.argmin(losses))
    rows = task.parts["validation"]
    p = np.asarray(run.model(task.dataset.inputs(rows)), np.float64)
    y = task.classes.expand(task.dataset.targets)[rows]
    assert by_hand(y, p, "categorical_crossentropy") == pytest.approx(min(losses), rel=1e-4)


@pytest.mark.slow
def test_resume_is_bit_equal_with_paper_a_s_network_and_loss(long_task, tmp_path):
    options = {"optimizer": "adamax", "loss": "categorical_crossentropy", "monitor": "loss"}
    options |= {"epochs": 2}
    small = CRNN(2, 2)
    whole = trainer(long_task, tmp_path, network=small, **options)
    whole.run()
    whole.checkpoint.unlink()
    trainer(long_task, tmp_path, network=small, **options).run(epochs=1)
    resumed = trainer(long_task, tmp_path, network=small, **options)
    assert len(resumed.history) == 1
    resumed.run()
    assert [r["loss"] for r in resumed.history] == [r["loss"] for r in whole.history]
    np.testing.assert_array_equal(weights(resumed), weights(whole))


@pytest.mark.slow
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


def steps_of(run, monkeypatch):
    """Count the trainer's steps; the clock has run out after the second one."""
    train, steps = run.model.train_on_batch, []

    def counted(*batch):
        steps.append(len(batch[0]))
        if len(steps) == 2:
            run.clock.deadline = -1.0
        return train(*batch)

    monkeypatch.setattr(run.model, "train_on_batch", counted)
    return steps


def test_deadline_in_the_first_epoch_leaves_a_scored_model(task, tmp_path, monkeypatch):
    run = trainer(task, tmp_path)
    steps = steps_of(run, monkeypatch)
    assert run.run() == "time budget"
    assert len(steps) == 2
    assert len(run.history) == 1
    assert not run.checkpoint.exists()


@pytest.mark.slow
def test_deadline_in_a_later_epoch_drops_that_epoch_and_a_later_run_goes_on(
    task, tmp_path, monkeypatch
):
    whole = trainer(task, tmp_path)
    whole.run()
    whole.checkpoint.unlink()
    run = trainer(task, tmp_path)
    run.run(epochs=1)
    steps = steps_of(run, monkeypatch)
    assert run.run() == "time budget"
    assert (len(steps), len(run.history)) == (2, 1)
    continued = trainer(task, tmp_path)
    assert continued.run() == "6 epochs"
    np.testing.assert_array_equal(weights(continued), weights(whole))


def test_epoch_limit_of_a_plan_leaves_the_checkpoint_open(task, tmp_path):
    run = trainer(task, tmp_path)
    assert run.run(epochs=2) == "time budget"
    assert len(run.history) == 2
    assert len(trainer(task, tmp_path).history) == 2
    assert read_state(run.checkpoint, "one")["progress"]["stopped"] == ""


def test_a_plan_of_few_epochs_is_kept_when_the_training_goes_on(task, tmp_path):
    """Its rate has fallen to the least with them; the result is that of the uninterrupted run."""
    whole = trainer(task, tmp_path, decay="cosine")
    whole.run(epochs=3)
    whole.checkpoint.unlink()
    trainer(task, tmp_path, decay="cosine").run(epochs=3)
    again = trainer(task, tmp_path, decay="cosine")
    assert again.run() == "time budget"
    assert len(again.history) == 3
    np.testing.assert_array_equal(weights(again), weights(whole))


def test_the_average_of_the_weights_spans_a_tenth_of_the_epochs_planned(
    task, tmp_path, monkeypatch
):
    """Of one epoch of eight steps no momentum is left, of six epochs there is, by 1 - 10 / 48."""
    run = trainer(task, tmp_path, ema=0.999, batch=3, min_steps=8)
    assert run.epoch_seconds() > 0  # compiles with the momentum of six epochs
    assert run.optimizer.ema_momentum == pytest.approx(1 - 10 / 48)
    last, step = [], backend.train_on_batch

    def noted(*batch):
        loss = step(*batch)
        last[:] = [np.array(v) for v in run.model.trainable_variables]
        return loss

    monkeypatch.setattr(backend, "train_on_batch", noted)
    run.run(epochs=1)
    for found, wanted in zip(run.model.trainable_variables, last, strict=True):
        np.testing.assert_allclose(np.array(found), wanted, rtol=1e-5, atol=1e-7)


def test_small_memory_halves_the_batch(task, tmp_path, monkeypatch):
    monkeypatch.setattr("ecg12.training.trainer.available_memory", lambda gpu: 1)
    assert trainer(task, tmp_path).batch == 1


def test_loss_that_is_no_number_at_once_is_an_error(task, tmp_path):
    run = trainer(task, tmp_path)
    run.model.set_weights([np.full_like(w, np.nan) for w in run.model.get_weights()])
    with pytest.raises(FloatingPointError, match="loss is nan in the first epoch"):
        run.run()


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_weights_that_are_no_numbers_after_a_finite_loss_are_an_error(
    task, tmp_path, monkeypatch, threshold
):
    """Such as the last step of an epoch makes them."""
    run = trainer(task, tmp_path, threshold=threshold)

    def poisoned(model, inputs, targets):
        model.set_weights([np.full_like(w, np.inf) for w in model.get_weights()])
        return 0.5

    monkeypatch.setattr(backend, "train_on_batch", poisoned)
    with pytest.raises(FloatingPointError, match="the loss is nan in the first epoch"):
        run.run(epochs=1)


def test_loss_that_becomes_no_number_ends_with_the_best_epoch(task, tmp_path, caplog):
    run = trainer(task, tmp_path)
    run.run(epochs=2)
    best = weights(run)
    run.model.set_weights([np.full_like(w, np.nan) for w in run.model.get_weights()])
    assert run.run() == "loss became nan"
    assert "the best epoch is kept" in caplog.text
    np.testing.assert_array_equal(weights(run), best)


def test_where_nothing_can_be_ranked_what_was_trained_is_kept(task, tmp_path):
    """The area under the curve is undefined on a validation part of one class."""
    same = np.flatnonzero(task.dataset.targets[:, 1])
    parts = {"training": np.setdiff1d(np.arange(40), same[:6]), "validation": same[:6]}
    run = trainer(replace(task, parts=parts), tmp_path, monitor="auroc", epochs=2)
    before = weights(run)
    assert run.run() == "2 epochs"
    assert run.progress.best_epoch == 1
    assert [row["validation_score"] for row in run.history] == [0.5, 0.5]  # JSON has no NaN
    assert not np.array_equal(weights(run), before)
    again = trainer(replace(task, parts=parts), tmp_path, monitor="auroc", epochs=2)
    assert again.run() == "2 epochs"
    np.testing.assert_array_equal(weights(again), weights(run))


def test_scores_of_a_recording_in_parts_are_means(task):
    """Forty rows as ten recordings of one to seven parts: means of the parts' own scores."""
    counts = (1, 7, 2, 6, 3, 5, 4, 4, 4, 4)
    rows = np.cumsum(counts) - counts
    data = task.dataset
    joined = replace(data, rows=rows, targets=data.targets[rows], parts=counts)
    forward = trainer_forward(task)
    single = column_scores(forward, task, np.arange(40))[0]
    found = column_scores(forward, replace(task, dataset=joined), np.array([3, 0, 9]))[0]
    expected = [single[row : row + n].mean(axis=0) for row, n in ((10, 6), (0, 1), (36, 4))]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def trainer_forward(task):
    keras.utils.set_random_seed(3)
    model = NETWORK.build(len(task.classes.columns), task.dataset.signals.shape[2])
    return lambda x: np.asarray(model(x))[None]
