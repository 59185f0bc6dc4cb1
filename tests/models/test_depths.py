"""Features at depth: of which layers, and that they are plain means."""

import numpy as np
import pytest

from ecg12.models import CRNN, ResNet, SEResNet
from ecg12.models.depths import depth_layers, depth_means, with_depths
from ecg12.models.heads import swap_head
from ecg12.runtime.backend import keras

NETWORKS = [
    (SEResNet(k=8), 500, ["stem_relu", "block4_relu", "block6_relu"]),
    (SEResNet(k=8, m=2), 500, ["stem_relu", "block2_relu"]),
    (ResNet(2, 3, 1, 5), 128, ["stem", "block3_add", "block5_add"]),
    (CRNN(4, 4), 10_000, ["block1_norm", "block4_norm", "block7_norm"]),
]


@pytest.mark.parametrize(("network", "n_samples", "names"), NETWORKS)
def test_means_of_entry_middle_and_last_block(network, n_samples, names):
    keras.utils.set_random_seed(0)
    model = network.build(3, n_samples)
    assert [layer.name for layer in depth_layers(model)] == names
    inputs = np.random.default_rng(0).normal(size=(2, 12, n_samples, 1)).astype(np.float32)
    joined = np.asarray(with_depths(model)(inputs))
    layers = [
        np.asarray(keras.Model(model.input, model.get_layer(n).output)(inputs)) for n in names
    ]
    means = [x.reshape(2, -1, x.shape[-1]).mean(axis=1) for x in layers]
    expected = np.hstack([np.asarray(model(inputs)), *means])
    np.testing.assert_allclose(joined, expected, rtol=1e-4, atol=1e-5)


def test_a_swapped_head_changes_nothing():
    model = SEResNet(k=8).build(3, 500)
    names = [layer.name for layer in depth_layers(swap_head(model, 2))]
    assert names == ["stem_relu", "block4_relu", "block6_relu"]


def test_a_model_of_other_layers_has_none():
    inputs = keras.layers.Input((12, 10, 1))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    assert depth_means(model) == []
    assert with_depths(model)(np.zeros((1, 12, 10, 1))).shape == (1, 2)
