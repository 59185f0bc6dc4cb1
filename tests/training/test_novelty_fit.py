"""Statistics of a training part: the moments of what the network gives, and when there are none."""

import numpy as np
import pytest

from ecg12.data.dataset import Dataset
from ecg12.decision.conformal import fit_conformal
from ecg12.decision.novelty import LEVELS
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.model_folder import load_classifier, save_classifier
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import SEResNet
from ecg12.models.depths import depth_layers
from ecg12.runtime.backend import keras
from ecg12.signal.preprocessing import STEP, Preprocessing
from ecg12.training.novelty_fit import fit_novelty

CLASSES = load_weights(WEIGHTS)
CHAIN = Preprocessing(rate=100.0, seconds=2.0)
N = 230


@pytest.fixture(scope="module")
def ensemble():
    keras.utils.set_random_seed(0)
    cuts = np.full(len(CLASSES), 0.5)
    members = [
        Member(name, SEResNet(k=k, m=3).build(len(CLASSES.columns), 200), CHAIN,
               thresholds=cuts, validation_score=0.5)
        for name, k in (("a", 4), ("b", 8))
    ]  # fmt: skip
    return Classifier(CLASSES, members)


@pytest.fixture(scope="module")
def dataset():
    signals = np.random.default_rng(0).normal(0, 1000, (N, 12, 200)).astype(np.int16)
    return Dataset(
        signals, np.arange(N), np.zeros((N, len(CLASSES)), bool), names=tuple(map(str, range(N))),
        failures=(), fingerprint="f", preprocessing=CHAIN,
    )  # fmt: skip


def test_moments_and_quantiles_are_those_of_the_features(ensemble, dataset, tmp_path):
    training, validation = np.arange(120), np.arange(120, N)
    found = fit_novelty(ensemble, dataset, training, validation)
    inputs = (dataset.signals[training] * np.float32(STEP))[..., None]
    for member, depths in zip(ensemble.members, found.members, strict=True):
        model = member.model
        for layer, moments in zip(depth_layers(model), depths, strict=True):
            x = np.asarray(keras.Model(model.input, layer.output)(inputs)).mean(axis=1)
            x /= np.linalg.norm(x, axis=1, keepdims=True)
            np.testing.assert_allclose(moments.mean, x.mean(axis=0), rtol=1e-3, atol=1e-5)
            expected = np.cov(x, rowvar=False, bias=True)
            np.testing.assert_allclose(moments.covariance, expected, rtol=1e-2, atol=1e-7)
    y_true = np.random.default_rng(1).random((200, len(CLASSES))) < 0.5
    ensemble.novelty, ensemble.conformal = found, fit_conformal(np.where(y_true, 0.8, 0.2), y_true)
    save_classifier(tmp_path, ensemble)
    loaded = load_classifier(tmp_path, "keras", coverage=0.9)
    assert (loaded.sets.lowest == 0.8).all()
    assert (loaded.sets.highest == 0.2).all()
    prepared = [(signal[None],) for signal in dataset.signals[validation]]
    percentiles = loaded.predict(prepared).percentiles
    assert np.mean(percentiles < 50) == pytest.approx(0.5, abs=0.02)
    assert np.mean(percentiles > 90) == pytest.approx(0.1, abs=0.02)
    ensemble.novelty = ensemble.conformal = None
    plain = ensemble.predict(prepared)
    assert plain.percentiles is None
    np.testing.assert_allclose(loaded.predict(prepared).scores, plain.scores, atol=1e-6)
    assert len(found.quantiles) == len(LEVELS)


def test_too_few_recordings_have_no_percentiles(ensemble, dataset):
    assert fit_novelty(ensemble, dataset, np.arange(99), np.arange(99, N)) is None
    assert fit_novelty(ensemble, dataset, np.arange(150), np.arange(150, N)) is None
