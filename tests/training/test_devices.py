"""One network on several devices; JAX in TensorFlow's place, each time in its own process."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ecg12.runtime.errors import InputError

ROOT = Path(__file__).parents[2]
# Trains for four epochs on 31 recordings in batches of 8, so that the last batch has 7; prints what
# came out, where the weights lie, and how large a share of a batch a device has.
TRAINING = """
import json, sys
from pathlib import Path
import numpy as np
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.runtime.backend.sharing import on_devices
from ecg12.training.resources import Clock
from ecg12.data.dataset import Dataset
from ecg12.io.classes import CPSC_2018
from ecg12.models import ResNet, SEResNet
from ecg12.training.schedule import Schedule
from ecg12.training.task import Task, column_scores
from ecg12.training.trainer import Trainer

network = {"resnet": ResNet(2, 3, 1, 3, p=0.5), "seresnet": SEResNet(k=4, s=3, m=3)}[sys.argv[1]]
n_training = int(sys.argv[2])
before = backend.identity()
line = backend.start(3)
rng = np.random.default_rng(0)
signals = rng.normal(0, 300, (n_training + 9, 12, 64)).astype(np.int16)
targets = rng.random((len(signals), 9)) < 0.4
dataset = Dataset(
    signals, np.arange(len(signals)), targets, names=(), failures=(), fingerprint="data"
)
parts = {"training": np.arange(n_training), "validation": np.arange(n_training, len(signals))}
task = Task(dataset, parts, CPSC_2018)
model = network.build(9, 64)
schedule = Schedule(epochs=4, batch=8, min_steps=1, patience=9, threshold=None)
checkpoint = Path(sys.argv[3]) / "checkpoint.npz"
trainer = Trainer(
    model, task, schedule, seed=3, checkpoint=checkpoint, identity="", clock=Clock(1)
)
trainer.run()
value = model.trainable_variables[0].value
x = np.zeros((8, 12, 64, 1), np.float32)
share = on_devices(x).addressable_shards[0].data.shape[0] if backend.replicas() > 1 else len(x)
known = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
known.compile("sgd", lambda y, scores: y[:, 0] + 0 * scores[:, 0], **backend.compile_options())
y = np.array([[1], [2], [6]], np.float32)
print(json.dumps({
    "mean": backend.train_on_batch(known, y, y),
    "identities": [before, backend.identity()],
    "line": line,
    "losses": [row["loss"] for row in trainer.history],
    "metrics": [row["validation_score"] for row in trainer.history],
    "scores": column_scores(trainer.forward, task, parts["validation"])[0].tolist(),
    "devices": len(value.sharding.device_set),
    "share": share,
}))
"""


NO_TENSORFLOW = "import sys; sys.modules['tensorflow'] = None\n"


needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed")


def in_jax(code, *arguments, devices=1, visible=2, check=True):
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["ECG12_DEVICES"] = str(devices)
    environment["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={visible}"
    command = [sys.executable, "-c", NO_TENSORFLOW + code, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=check
    )


def trained(tmp_path, network, n, devices):
    folder = tmp_path / str(devices)
    folder.mkdir()
    return json.loads(in_jax(TRAINING, network, n, folder, devices=devices).stdout)


@pytest.mark.slow
@needs_jax
@pytest.mark.parametrize(("network", "n"), [("resnet", 31), ("seresnet", 32)])
def test_two_devices_train_as_one_does(tmp_path, network, n):
    """Equal but for the order of float32 sums; with batch normalisation for whole batches."""
    one, two = (trained(tmp_path, network, n, devices) for devices in (1, 2))
    assert one["line"] == "jax on CPU (no usable GPU)"
    assert two["line"] == f"{one['line']}; each batch divided among 2 devices"
    assert one["mean"] == two["mean"] == pytest.approx((1 + 2 + 6) / 3)
    assert one["identities"] == ["jax", "jax"]
    assert two["identities"] == ["jax on 2 devices"] * 2  # a checkpoint is judged before the start
    assert (one["devices"], one["share"]) == (1, 8)
    assert (two["devices"], two["share"]) == (2, 4)
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-4)
    np.testing.assert_allclose(two["scores"], one["scores"], atol=1e-4)
    assert two["metrics"] == pytest.approx(one["metrics"], abs=1e-6)
    assert np.ptp(one["losses"]) > 0.01  # it trains at all


@pytest.mark.slow
@needs_jax
def test_jax_gives_the_answers_that_tensorflow_gave():
    """The tests of a frozen model and of the rows' convolution, in a process without TensorFlow."""
    chosen = [
        "tests/ensemble/test_classifier.py::test_a_model_of_version_0_1_0_still_gives_its_answers",
        "tests/models/test_rows.py",
    ]
    code = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    done = in_jax(code, "-p", "no:cacheprovider", *chosen, check=False)
    assert done.returncode == 0, done.stdout


START = "from ecg12.runtime import backend; backend.start(0)"


@pytest.mark.slow
@needs_jax
def test_more_devices_than_there_are_is_an_error_with_their_names():
    done = in_jax(START, devices=3, check=False)
    assert "ECG12_DEVICES=3, but JAX sees 2: cpu:0, cpu:1" in done.stderr


def test_tensorflow_refuses_several_devices(monkeypatch):
    from ecg12.runtime.backend import BACKEND, start

    if BACKEND == "jax":
        pytest.skip("this is JAX")
    monkeypatch.setenv("ECG12_DEVICES", "2")
    with pytest.raises(InputError, match="ECG12_DEVICES=2 with the backend .*KERAS_BACKEND=jax"):
        start(0)


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_senseless_numbers_of_devices_are_refused(monkeypatch, value):
    from ecg12.runtime.backend.sharing import devices_asked

    monkeypatch.setenv("ECG12_DEVICES", value)
    with pytest.raises(InputError, match="a whole number from 1 on is needed"):
        devices_asked()
