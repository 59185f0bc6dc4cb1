"""Convolutions over all rows as one-dimensional ones: against Keras' own, both ways."""

import numpy as np
import pytest

from ecg12.ensemble.classifier import Classifier, Member
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import INFERENCE_FILTERS, ResNet, rows_as_channels
from ecg12.models.rows import convolve_rows
from ecg12.runtime import backend
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import Preprocessing

CLASSES = load_weights(WEIGHTS)
layers = keras.layers


@pytest.mark.parametrize(
    ("rows", "width", "channels", "filters", "time"),
    [(12, 7, 1, 4, 30), (12, 3, 4, 4, 9), (12, 11, 3, 5, 4), (5, 4, 2, 3, 8), (1, 3, 2, 2, 6)],
)
def test_it_is_keras_s_convolution(rows, width, channels, filters, time):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, rows, time, channels)).astype("float32")
    kernel = rng.normal(size=(rows, width, channels, filters)).astype("float32")
    expected = keras.ops.conv(x, kernel, padding="same", data_format="channels_last")
    found = convolve_rows(keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(kernel))
    sums = rows * width * channels  # products of standard normals: their sum is of size √sums
    np.testing.assert_allclose(found, expected, atol=1e-6 * sums)


def pair(network):
    """Return a network as built, and one of the same weights whose rows are channels."""
    own, fast = network.build(3, 40), network.build(3, 40)
    fast.set_weights(own.get_weights())
    rows_as_channels(fast)
    return own, fast


@pytest.mark.skipif(bool(backend.gpus()), reason="on a GPU layers stay as they are")
def test_the_papers_network_runs_that_way_and_trains_alike():
    own, fast = pair(ResNet(3, 5, 2, 2))
    name = "block1_conv2"
    assert fast.get_layer(name).convolution_op is convolve_rows
    assert own.get_layer(name).convolution_op is not convolve_rows
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 12, 40, 1)).astype("float32")
    y = (rng.random((4, 3)) < 0.5).astype("float32")
    np.testing.assert_allclose(np.asarray(fast(x)), np.asarray(own(x)), atol=1e-5)
    for model in (own, fast):
        model.compile("sgd", "binary_crossentropy", **backend.compile_options())
        model.train_on_batch(x, y)
    for one, other in zip(own.get_weights(), fast.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_many_filters_can_be_left_as_they_are():
    model = ResNet(3, 3, 1, 1).build(2, 16)
    rows_as_channels(model, 2)
    assert model.get_layer("stem").convolution_op is not convolve_rows
    rows_as_channels(model, 3)
    assert (model.get_layer("stem").convolution_op is convolve_rows) == (not backend.gpus())


@pytest.mark.skipif(bool(backend.gpus()), reason="on a GPU layers stay as they are")
def test_a_classifier_answers_up_to_so_many_filters_that_way():
    for filters in (INFERENCE_FILTERS, INFERENCE_FILTERS + 1):
        model = ResNet(filters, 3, 1, 1).build(24, 16)
        Classifier(
            CLASSES,
            [Member("m", model, Preprocessing(), thresholds=np.zeros(24), validation_score=0.0)],
        )
        fast = model.get_layer("stem").convolution_op is convolve_rows
        assert fast == (filters <= INFERENCE_FILTERS)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": (3, 5), "padding": "same"},
        {"kernel_size": (12, 5)},
        {"kernel_size": (12, 5), "padding": "same", "strides": (1, 2)},
        {"kernel_size": (12, 5), "padding": "same", "dilation_rate": (1, 2)},
        {"kernel_size": (12, 5), "padding": "same", "groups": 2},
    ],
)
def test_other_convolutions_are_left_alone(options):
    inputs = layers.Input((12, 20, 2))
    model = keras.Model(inputs, layers.Conv2D(4, **options)(inputs))
    rows_as_channels(model)
    assert model.layers[-1].convolution_op is not convolve_rows


def test_a_saved_network_is_made_of_keras_s_layers(tmp_path):
    _, fast = pair(ResNet(2, 3, 1, 2))
    fast.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", compile=False, safe_mode=True)
    assert type(again.get_layer("stem")) is layers.Conv2D
    x = np.random.default_rng(0).normal(size=(2, 12, 40, 1)).astype("float32")
    np.testing.assert_allclose(np.asarray(again(x)), np.asarray(fast(x)), atol=1e-5)
