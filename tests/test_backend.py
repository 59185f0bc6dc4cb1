"""Compiled inference equals the models' own forward pass, also after their weights change."""

import numpy as np

from ecg12.backend import compiled, device
from ecg12.networks import ResNet


def test_compiled_call_equals_the_models():
    models = [ResNet(2, 3, 1, 2).build(3, 32), ResNet(4, 5, 2, 3).build(3, 32)]
    call = compiled(models, (12, 32, 1))
    x = np.random.default_rng(0).normal(size=(5, 12, 32, 1)).astype("float32")
    expected = [np.asarray(model(x)) for model in models]
    np.testing.assert_allclose(call(x), expected, rtol=1e-5)
    np.testing.assert_allclose(call(x[:1]), np.array(expected)[:, :1], rtol=1e-5)


def test_compiled_call_follows_the_weights():
    model = ResNet(2, 3, 1, 2).build(3, 32)
    call = compiled([model], (12, 32, 1))
    x = np.ones((1, 12, 32, 1), "float32")
    call(x)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_array_equal(call(x), np.full((1, 1, 3), 0.5))  # sigmoid of 0


def test_device_line_names_the_backend():
    assert " on " in device()
