"""Networks: parameter counts and costs as published or measured, layers as the paper draws them."""

import numpy as np
import pytest

from ecg12.models import (
    CRNN,
    TABLE_2,
    ResNet,
    SEResNet,
    activation_bytes,
    at_length,
    network_of,
    specification,
    swap_head,
)
from ecg12.runtime.backend import keras

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


# SPEC A: samples after each convolution and each pooling of 10,000.
TIME = [10_000, 9996, 3331, 3327, 1108, 1104, 367, 363, 120, 116, 38, 34, 10, 6, 4]


def test_crnn_has_the_published_parameters_and_time_lengths():
    model = CRNN().build(9)
    assert model.count_params() == 10_279_433
    steps = [layer for layer in model.layers if layer.name.endswith(("_conv", "_pool"))]
    assert [steps[0].input.shape[1]] + [step.output.shape[1] for step in steps] == TIME
    assert CRNN().lengths() == TIME
    assert model.get_layer("lstm").output.shape == (None, 512)
    assert model.get_layer("dropout").rate == 0.5


def test_crnn_on_the_challenge_s_columns_and_with_other_widths():
    assert CRNN().build(27).count_params() == 10_279_433 + 18 * 513
    k, u = 3, 5  # convolutions, normalisations, four gates, dense layer, scores
    convolutions = (12 * 5 + 1) * k + 6 * (5 * k + 1) * k + 7 * 4 * k
    recurrent = 4 * u * (k + u + 1) + (u + 1) * u
    model = CRNN(k, u).build(2)
    assert model.count_params() == convolutions + recurrent + (u + 1) * 2
    average = CRNN(k, u, summary="average").build(2)
    assert average.count_params() == convolutions + (k + 1) * u + (u + 1) * 2


@pytest.mark.parametrize("layout", ["transpose", "reshape"])
def test_layouts_against_numpy(layout):
    model = CRNN(2, 2, layout).build(1, 7500)
    x = np.random.default_rng(0).normal(size=(2, 12, 7500)).astype("float32")
    arranged = type(model)(model.input, model.get_layer("time_by_leads").output)
    expected = x.transpose(0, 2, 1) if layout == "transpose" else x.reshape(2, 7500, 12)
    np.testing.assert_array_equal(np.asarray(arranged(x[..., None])), expected)


def test_crnn_cost_is_that_of_its_layers():
    """Two operations per product; a convolution has its weights' products at each output sample."""
    model, total = CRNN(4, 3).build(2), 0
    for layer in model.layers:
        weights = sum(w.size for w in layer.get_weights() if w.ndim > 1)
        steps = layer.output.shape[1] if layer.name.endswith("_conv") else 1
        steps = 4 if layer.name == "lstm" else steps
        total += 2 * weights * steps * (layer.name != "scores")
    assert CRNN(4, 3).gflop() == pytest.approx(total / 1e9)


def test_crnn_refuses_short_signals_and_unknown_choices():
    with pytest.raises(ValueError, match="7 convolutions leave nothing of 5000 samples"):
        CRNN(2, 2).build(1, 5000)
    with pytest.raises(ValueError, match="unknown 'flip'; choices: transpose, reshape"):
        CRNN(layout="flip")
    with pytest.raises(ValueError, match="unknown 'gru'; choices: lstm, average"):
        CRNN(summary="gru")


def test_se_resnet_parameters_by_hand():
    """Stem 15·4·k + 4k; block a→b: s·a·b + s·b·b + a·b + 8b, gate b·c + c + c·b + b; 2b + 1."""
    model = SEResNet(k=8, s=3, m=2, r=4).build(1, n_samples=64)
    stem = 15 * 12 * 8 + 4 * 8
    block1 = 3 * 8 * 8 + 3 * 8 * 8 + 8 * 8 + 8 * 8 + (8 * 2 + 2 + 2 * 8 + 8)
    block2 = 3 * 8 * 12 + 3 * 12 * 12 + 8 * 12 + 8 * 12 + (12 * 3 + 3 + 3 * 12 + 12)
    assert model.count_params() == stem + block1 + block2 + 2 * 12 + 1


def test_se_resnet_cost_by_hand():
    """Products of 64 samples: 32 after the stem, 16 and 8 after the blocks."""
    products = 32 * 15 * 12 * 8
    products += 16 * (3 * 8 * 8 + 3 * 8 * 8 + 8 * 8) + 8 * (3 * 8 * 12 + 3 * 12 * 12 + 8 * 12)
    assert SEResNet(k=8, s=3, m=2).gflop(64) == pytest.approx(2 * products / 1e9)


def test_a_stem_of_stride_1_keeps_the_time_axis():
    """64 samples stay 64 after the stem, then 32 and 16; refused is what is neither 1 nor 2."""
    products = 64 * 15 * 12 * 8
    products += 32 * (3 * 8 * 8 + 3 * 8 * 8 + 8 * 8) + 16 * (3 * 8 * 12 + 3 * 12 * 12 + 8 * 12)
    network = SEResNet(k=8, s=3, m=2, stride=1)
    assert network.gflop(64) == pytest.approx(2 * products / 1e9)
    model = network.build(1, n_samples=64)
    assert [model.get_layer(name).output.shape[1] for name in ("stem_relu", "block2_relu")] == [
        64, 16,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="stride 3"):
        SEResNet(stride=3)


def test_another_length_shares_all_weights():
    model = SEResNet(k=4, s=3, m=2).build(3, n_samples=64)
    shorter = at_length(model, 32)
    assert shorter.input_shape == (None, 12, 32, 1)
    model.get_layer("scores").bias.assign([1.0, 2.0, 3.0])
    found = shorter(np.zeros((1, 12, 32, 1), np.float32))
    np.testing.assert_allclose(found[0], 1 / (1 + np.exp([-1.0, -2.0, -3.0])), rtol=1e-5)


def test_se_resnet_costs_a_hundredth_of_the_papers():
    assert SEResNet().gflop() < min(network.gflop() for network in TABLE_2) / 20


def test_squeeze_and_excitation_by_hand():
    """The gate is sigmoid(W2 relu(W1 mean + b1) + b2), one factor per channel."""
    model = SEResNet(k=4, s=3, m=1, r=2).build(1, n_samples=32)
    before = model.get_layer("block1_norm").output
    gate = keras.Model(model.input, [before, model.get_layer("block1_gated").output])
    rng = np.random.default_rng(0)
    x, gated = (np.asarray(y) for y in gate(rng.normal(size=(3, 12, 32, 1)).astype("float32")))
    (w1, b1), (w2, b2) = (
        model.get_layer(f"block1_{n}").get_weights() for n in ("reduce", "excite")
    )
    hidden = np.maximum(x.mean(axis=1) @ w1 + b1, 0)
    factor = 1 / (1 + np.exp(-(hidden @ w2 + b2)))
    np.testing.assert_allclose(gated, x * factor[:, None], rtol=1e-4, atol=1e-6)


def test_se_resnet_reads_leads_as_channels():
    """Swapping two leads equals swapping the stem's weights for them."""
    model = SEResNet(k=4, s=3, m=1).build(2, n_samples=32)
    x = np.random.default_rng(0).normal(size=(2, 12, 32, 1)).astype("float32")
    expected = np.asarray(model(x[:, ::-1]))
    kernel = model.get_layer("stem_conv").get_weights()[0]
    model.get_layer("stem_conv").set_weights([kernel[:, ::-1]])
    np.testing.assert_allclose(np.asarray(model(x)), expected, rtol=1e-4)


def test_se_resnet_is_saved_and_loaded_without_running_code(tmp_path):
    model = SEResNet(k=4, s=3, m=2).build(3, n_samples=64)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", compile=False, safe_mode=True)
    x = np.random.default_rng(0).normal(size=(2, 12, 64, 1)).astype("float32")
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))


def test_se_resnet_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="stride 3"):
        SEResNet(stride=3)
    with pytest.raises(ValueError, match="6 blocks halve 100"):
        SEResNet(m=6).build(2, n_samples=100)


def test_specifications_with_the_pooling_of_earlier_versions_are_read():
    stored = {**specification(SEResNet(k=8)), "pooling": "average_max"}
    assert network_of(stored) == SEResNet(k=8)
    with pytest.raises(ValueError, match="pooling"):
        network_of({**stored, "pooling": "attention"})
