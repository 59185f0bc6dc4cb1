"""Networks: parameter counts and costs as published or measured, layers as the paper draws them."""

import numpy as np
import pytest

from ecg12.networks import TABLE_2, ResNet, activation_bytes, swap_head

# Parameters with 27 sigmoid outputs, and after the head swap: arithmetic on paper B, Table 2.
PARAMETERS = [
    (392_363, 572_011),
    (564_523, 744_171),
    (1_439_675, 2_957_371),
    (1_439_675, 2_957_371),
    (1_404_411, 2_146_427),
    (1_593_083, 1_753_339),
    (2_367_515, 2_527_771),
    (4_943_707, 7_973_979),
]
# Floating point operations of one forward pass, 10^9, counted independently of this code.
GFLOP = {(16, 7, 2, 8): 2.65, (16, 7, 3, 8): 3.93, (32, 7, 3, 9): 15.6, (64, 7, 2, 6): 41}


@pytest.mark.parametrize(("network", "expected"), list(zip(TABLE_2, PARAMETERS, strict=True)))
def test_parameters_of_table_2(network, expected):
    model = network.build(27)
    assert (model.count_params(), swap_head(model, 27).count_params()) == expected


@pytest.mark.parametrize(("spec", "expected"), list(GFLOP.items()))
def test_cost(spec, expected):
    assert ResNet(*spec).gflop() == pytest.approx(expected, rel=0.01)


def test_each_block_halves_time_and_keeps_the_twelve_rows():
    model = ResNet(2, 3, 2, 4).build(5, n_samples=100)
    shapes = [model.get_layer(f"block{i}_add").output.shape[1:] for i in (1, 2, 3, 4)]
    assert shapes == [(12, 50, 2), (12, 25, 2), (12, 12, 2), (12, 6, 2)]


def test_block_without_weights_passes_its_input_on():
    """With zero kernels a residual block is its max-pooling alone: an identity skip."""
    model = ResNet(3, 3, 2, 1).build(1, n_samples=8)
    for name in ("block1_conv1", "block1_conv2"):
        layer = model.get_layer(name)
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    block = type(model)(model.get_layer("stem").output, model.get_layer("block1_add").output)
    x = np.random.default_rng(0).normal(size=(1, 12, 8, 3)).astype("float32")
    expected = x.reshape(1, 12, 4, 2, 3).max(axis=3)
    np.testing.assert_array_equal(np.asarray(block(x)), expected)


def test_dense_layers_and_dropout_of_the_search_space():
    model = ResNet(2, 3, 2, 3, p=0.25, z=2, f=32).build(4, n_samples=64)
    assert model.get_layer("dropout").rate == 0.25
    assert [model.get_layer(f"dense{i}").units for i in (1, 2)] == [32, 32]


def test_head_swap_shares_the_body():
    model = ResNet(2, 3, 2, 3).build(4, n_samples=64)
    swapped = swap_head(model, 7)
    assert swapped.get_layer("block3_conv2") is model.get_layer("block3_conv2")
    assert [layer.name for layer in swapped.layers[-4:]] == [
        "transfer_dropout", "transfer_dense1", "transfer_dense2", "transfer_scores"
    ]  # fmt: skip
    assert swapped.output.shape == (None, 7)


def test_too_many_blocks_are_refused():
    with pytest.raises(ValueError, match="7 blocks halve 100 samples"):
        ResNet(2, 3, 2, 7).build(4, n_samples=100)


def test_activation_bytes_by_hand():
    """Input 12·16·1, stem 12·16·2, pool, conv and sum 12·8·2 each, flatten, dropout, 3 scores."""
    model = ResNet(2, 3, 1, 1).build(3, n_samples=16)
    floats = 12 * 16 * (1 + 2) + 3 * 12 * 8 * 2 + 2 * 12 * 8 * 2 + 3
    assert activation_bytes(model) == 4 * floats
