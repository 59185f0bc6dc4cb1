"""Training: a step beside the machine's matrix product, an epoch beside its bare steps."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.results import Result
from benchmarks.setting import Setting
from benchmarks.timing import in_turn
from ecg12.data.dataset import Dataset
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import SEResNet
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import STEP, Preprocessing
from ecg12.training.optimization import make_optimizer
from ecg12.training.recipes import Recipe, get_recipe
from ecg12.training.resources import Clock
from ecg12.training.task import Task
from ecg12.training.trainer import Trainer

CLASSES = load_weights(WEIGHTS)
FILTERS = (16, 32, 64)
BATCH = 64
ORDER = 2048, 256  # of the matrices of the product; in a quick run
PRODUCTS = 4  # in a row
CHECKED = 8  # recordings that an epoch validates on: next to none


def measure(setting: Setting) -> list[Result]:
    """Compare steps of three widths, then epochs."""
    return [*(_step(setting, k) for k in FILTERS), _epoch(setting)]


def matmul(order: int) -> Callable[[], object]:
    """Return a call of `PRODUCTS` products of float32 matrices, by what runs the networks."""
    rng = np.random.default_rng(0)
    x = keras.ops.convert_to_tensor(rng.standard_normal((order, order), np.float32))

    def call() -> object:
        product = x
        for _ in range(PRODUCTS):
            product = keras.ops.matmul(product, x)
        return keras.ops.convert_to_numpy(product[0, 0])

    return call


def training_step(k: int, batch: int) -> Callable[[], object]:
    """Return a call that trains one step of a `SEResNet` of k filters on noise at 250 Hz."""
    recipe = get_recipe("submission")
    network, shape = SEResNet(k=k), (12, Preprocessing().n_samples, 1)
    model = network.build(len(CLASSES.columns), shape[1])
    model.compile(
        make_optimizer(recipe.schedule, 1000), "binary_crossentropy", **backend.compile_options()
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *shape), dtype=np.float32)
    y = (rng.random((batch, len(CLASSES.columns))) < 0.1).astype(np.float32)
    return lambda: backend.train_on_batch(model, x, y)


def _step(setting: Setting, k: int) -> Result:
    """Compare a training step with the time that a matrix product takes for as many FLOP."""
    batch, order = setting.size(BATCH, 2), setting.size(*ORDER)
    step, product = in_turn(
        [training_step(k, batch), matmul(order)],
        setting.rounds,
        warm=2 if not setting.quick else 1,
    )
    gflop = SEResNet(k=k).gflop(Preprocessing().n_samples)
    flop = 3 * gflop * batch * 1e9  # backwards costs twice as much as forwards
    ideal = product.per(PRODUCTS * 2 * order**3 / flop)
    rate = flop / batch / np.median(step.per(batch).of("wall")) / 1e9
    limit = flop / batch / np.median(ideal.per(batch).of("wall")) / 1e9
    note = f"{rate:.0f} of {limit:.0f} GFLOP/s"
    return Result(key=f"step: {k}", ours=step.per(batch), other=ideal.per(batch), note=note)


def random_recordings(path: Path, n: int, recipe: Recipe) -> Dataset:
    """Return prepared recordings of noise in a memory map, with labels drawn at random."""
    rng = np.random.default_rng(0)
    shape = n, 12, recipe.preprocessing.n_samples
    signals = np.lib.format.open_memmap(path, mode="w+", dtype=np.int16, shape=shape)
    for row in signals:
        row[:] = np.rint(rng.standard_normal(shape[1:], dtype=np.float32) / STEP)
    signals.flush()
    return Dataset(
        np.load(path, mmap_mode="r"),
        np.arange(n),
        rng.random((n, len(CLASSES))) < 0.1,
        names=(),
        failures=(),
        fingerprint="random",
        preprocessing=recipe.preprocessing,
    )


def _epoch(setting: Setting) -> Result:
    """Compare an epoch of the default recipe with as many bare steps on one batch in memory."""
    recipe, n = get_recipe("submission"), setting.size(4096, 32)
    data = random_recordings(setting.folder("epoch") / "signals.npy", n, recipe)
    parts = {"training": np.arange(n), "validation": np.arange(CHECKED)}
    task = Task(data, parts, CLASSES)
    # A rate that looks ahead ends the training with the epochs that the first run planned.
    schedule = replace(recipe.schedule, whole_epochs=0, decay="plateau")

    model = recipe.networks[0].build(len(CLASSES.columns), data.signals.shape[2])
    checkpoint = setting.folder("epoch") / "checkpoint.npz"
    checkpoint.unlink(missing_ok=True)
    trainer = Trainer(  # one for both sides: two may differ in speed
        model, task, schedule, seed=0, identity="", checkpoint=checkpoint, clock=Clock(24)
    )
    batch, epoch = trainer.batch, 0
    inputs = data.inputs(np.arange(batch))[:, :, : trainer.n_crop or None]
    outputs = trainer.outputs[:batch]

    def steps() -> None:
        for _ in range(n // batch):
            backend.train_on_batch(trainer.on_crops, inputs, outputs)

    def one_epoch() -> None:
        nonlocal epoch
        epoch += 1
        trainer.run(epoch)
        if trainer.progress.epoch != epoch:
            raise RuntimeError(f"epoch {epoch} was not trained: {trainer.progress.stopped}")

    times = [one.per(n) for one in in_turn([one_epoch, steps], setting.few)]
    return Result(key="epoch: bare steps", ours=times[0], other=times[1])
