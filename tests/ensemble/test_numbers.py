"""Numbers: precision, and that an answer depends on its recording alone.

Bounds: 2e-6 between float32 and float64, the networks' scores lying between 0 and 1; 1e-6 between
batches of other sizes, orders and neighbours (vectorised sums are ordered by the batch). A label
changes only where a score lies closer than that to its threshold.
"""

import numpy as np
import pytest

from ecg12.ensemble.classifier import Classifier, Member
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import CRNN, TABLE_2, ResNet
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import Preprocessing
from ecg12.synthetic import recording

CLASSES = load_weights(WEIGHTS)
N_COLUMNS = len(CLASSES.columns)


@pytest.fixture(scope="module")
def classifier():
    """Make an ensemble of three residual networks, untrained, on the usual input."""
    members = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        model = ResNet(8, 7, 2, 8).build(N_COLUMNS)
        members.append(
            Member(
                f"m{seed}",
                model,
                Preprocessing(),
                thresholds=np.full(24, 0.5),
                validation_score=0.5,
            )
        )
    return Classifier(CLASSES, members)


@pytest.fixture(scope="module")
def prepared(classifier):
    records = [recording(4, i) for i in range(9)]
    return [classifier.prepare(record) for record in records]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_scores_do_not_depend_on_the_batch(classifier, prepared, size):
    whole = classifier.member_scores(prepared)
    parts = [classifier.member_scores(prepared[i : i + size]) for i in range(0, 9, size)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_scores_do_not_depend_on_order_and_neighbours(classifier, prepared, seed):
    whole = classifier.member_scores(prepared)
    order = np.random.default_rng(seed).permutation(9)
    moved = classifier.member_scores([prepared[i] for i in order])
    np.testing.assert_allclose(moved, whole[:, order], rtol=0, atol=1e-6)
    loud = tuple(np.full_like(signals, 32767) for signals in prepared[0])
    among = classifier.member_scores([loud, prepared[seed], loud])
    np.testing.assert_allclose(among[:, 1], whole[:, seed], rtol=0, atol=1e-6)


def twin(network, n_samples):
    """Build a network in both precisions with the same weights."""
    keras.utils.set_random_seed(7)
    single = network.build(N_COLUMNS, n_samples)
    keras.config.set_dtype_policy("float64")
    try:
        double = network.build(N_COLUMNS, n_samples)
    finally:
        keras.config.set_dtype_policy("float32")
    double.set_weights([weights.astype(np.float64) for weights in single.get_weights()])
    return single, double


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "n_samples"),
    [(TABLE_2[0], 2500), (TABLE_2[-1], 2500), (ResNet(8, 7, 2, 8), 2500), (CRNN(32, 32), 10_000)],
    ids=["smallest of Table 2", "widest of Table 2", "demo", "recurrent"],
)
def test_float32_and_float64_agree(prepared, network, n_samples):
    x = np.zeros((3, 12, n_samples, 1))
    for row, (signals,) in zip(x, prepared, strict=False):
        row[:, :2500, 0] = signals[0] / 1024  # the only window
    single, double = twin(network, n_samples)
    assert double(x[:1]).dtype == "float64"
    found, expected = (np.asarray(model(x.astype(kind))) for model, kind in
                       ((single, "float32"), (double, "float64")))  # fmt: skip
    assert np.ptp(expected, axis=0).max() > 1e-4  # the recordings differ
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
