"""The scikit-learn estimator: its rules, cross-validation, pickling, groups of patients."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.utils import estimator_checks

import ecg12
from ecg12.models import SEResNet
from ecg12.runtime.errors import InputError
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.recipes import Recipe
from ecg12.training.schedule import Schedule

# Learns the polarity of a lead from a few dozen recordings, in seconds.
RECIPE = Recipe(
    "tiny",
    (SEResNet(k=4, s=3, m=3, p=0.0),),
    keep=1,
    schedule=Schedule(
        epochs=16, batch=4, learning_rate=1e-2, threshold=None, patience=16, decay="cosine"
    ),
    preprocessing=Preprocessing(rate=50.0, seconds=2.0, margin=0.5, cutoff=20.0),
)


@pytest.fixture(scope="module")
def arrays():
    """Draw 120 recordings of 2.5 s at 100 Hz; A turns V1 over, B lead V6, C lead V3."""
    rng = np.random.default_rng(0)
    y = rng.random((120, 3)) < 0.5
    beat = np.exp(-0.5 * ((np.arange(80) - 40) / 3) ** 2)
    train = np.resize(beat, 250)
    signals = np.tile(train, (120, 12, 1)) + rng.normal(0, 0.05, (120, 12, 250))
    signals[y[:, 0], 6] *= -1
    signals[y[:, 1], 11] *= -1
    signals[y[:, 2], 8] *= -1
    return signals, y.astype(int)


@pytest.fixture
def make():
    def estimator(**options):
        return ecg12.ECGClassifier(**{"fs": 100, "recipe": RECIPE} | options)

    return estimator


@pytest.fixture(scope="module")
def fitted(arrays):
    signals, y = arrays
    estimator = ecg12.ECGClassifier(fs=100, recipe=RECIPE, class_names=["A", "B", "C"])
    return estimator.fit(signals, y)


@pytest.mark.slow
def test_it_learns_and_names_its_classes(fitted, arrays):
    signals, y = arrays
    assert fitted.classes_.tolist() == ["A", "B", "C"]
    probabilities = fitted.predict_proba(signals)
    assert probabilities.shape == (120, 3)
    assert roc_auc_score(y, probabilities) > 0.9
    labels = fitted.predict(signals)
    assert set(np.unique(labels)) <= {0, 1}
    assert (labels == y).mean() > 0.8


@pytest.mark.slow
def test_out_of_fold_predictions_rank_what_was_not_trained_on(make, arrays):
    signals, y = arrays
    probabilities = cross_val_predict(make(), signals, y, cv=2, method="predict_proba")
    assert probabilities.shape == y.shape
    assert roc_auc_score(y, probabilities) > 0.8


@pytest.mark.slow
def test_grid_search_tries_its_parameters(make, arrays):
    signals, y = arrays
    search = GridSearchCV(make(), {"epochs": [1, 16]}, scoring="roc_auc", cv=2)
    search.fit(signals, y)
    assert search.best_params_ == {"epochs": 16}
    assert search.best_estimator_.predict(signals[:3]).shape == (3, 3)


@pytest.mark.slow
def test_recordings_of_unequal_length_come_as_a_list(make, arrays):
    signals, y = arrays
    lengths = np.random.default_rng(1).integers(150, 250, len(signals))
    cut = [one[:, :length] for one, length in zip(signals, lengths, strict=True)]
    estimator = make(epochs=1).fit(cut, y)
    assert estimator.predict_proba(cut[:5]).shape == (5, 3)


@pytest.mark.slow
def test_clones_are_unfitted_and_pickles_predict_alike(fitted, arrays):
    signals, _ = arrays
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(signals)
    restored = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(
        restored.predict_proba(signals), fitted.predict_proba(signals), atol=1e-6
    )
    np.testing.assert_array_equal(restored.predict(signals), fitted.predict(signals))


def test_a_loaded_estimator_can_be_pickled_again_and_again(make_ecg):
    """The package's model predicts from a graph, which has no networks to be saved."""
    signals = np.array([make_ecg(500, 10, seed) for seed in range(2)])
    loaded = ecg12.ECGClassifier.load(fs=500)
    expected = [
        [one.score if one.probability is None else one.probability for one in found.classes]
        for found in (ecg12.load_model().predict(one, fs=500, leads=ecg12.LEADS) for one in signals)
    ]
    restored = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(loaded))))
    np.testing.assert_allclose(restored.predict_proba(signals), expected, rtol=0, atol=1e-6)
    assert restored.classes_.tolist() == loaded.classes_.tolist()
    assert clone(restored).get_params() == loaded.get_params()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model(make, arrays):
    signals, y = arrays
    one, two = (make(epochs=2, random_state=3).fit(signals, y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(signals), two.predict_proba(signals))


@pytest.mark.slow
def test_groups_reach_fit_by_metadata_routing(make, arrays, monkeypatch):
    """The patients' recordings lie in one part of the division within fit, and in one fold."""
    import sklearn

    from ecg12.training import array_fit as module

    signals, y = arrays
    groups = np.arange(120) // 3
    seen = []
    divide = module.divide

    def noted(dataset, recipe):
        parts = divide(dataset, recipe)
        seen.append((dataset.patients, parts))
        return parts

    monkeypatch.setattr(module, "divide", noted)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = make(epochs=1).set_fit_request(groups=True)
        folds = GroupKFold(2).set_split_request(groups=True)
        cross_val_predict(estimator, signals, y, cv=folds, params={"groups": groups})
    assert len(seen) == 2
    for patients, parts in seen:
        assert len(patients) == 60
        owners = [{patients[i] for i in part} for part in parts.values()]
        assert not owners[0] & owners[1]
        assert not owners[0] & owners[2]


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"fs": None}, None, "fs=None: the sampling rate"),
        ({"fs": "100"}, None, "fs='100'"),
        ({"unit": "mm"}, None, "unknown unit 'mm'"),
        ({"leads": ["I", "II"]}, None, r"shape \(12, 250\) for 2 leads"),
        ({"class_names": ["A"]}, None, r"class_names=\['A'\]: y has 3 columns"),
        ({"recipe": "none"}, None, "unknown recipe 'none'"),
        ({}, lambda y: y[:, 0], r"y of shape \(120,\) for 120 recordings"),
        ({}, lambda y: y[:50], r"y of shape \(50, 3\) for 120 recordings"),
        ({}, lambda y: y + 1, "y holds other values than 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(make, arrays, options, change, message):
    signals, y = arrays
    with pytest.raises(InputError, match=message):
        make(**options).fit(signals, change(y) if change else y)


def test_unknown_patients_are_patients_of_their_own(make, arrays, monkeypatch):
    from ecg12.training import array_fit as module

    def seen(dataset, recipe):
        raise InputError(str(dataset.patients[:5]))

    monkeypatch.setattr(module, "divide", seen)
    groups = ["p1", None, float("nan"), np.float64("nan"), 7] + ["x"] * 115
    with pytest.raises(InputError, match=r"\('p1', '', '', '', '7'\)"):
        make().fit(*arrays, groups=groups)


def test_groups_of_another_number_are_refused(make, arrays):
    with pytest.raises(InputError, match="groups: 119 for 120 recordings"):
        make().fit(*arrays, groups=range(119))


# The other checks of scikit-learn fit two-dimensional X, or y of one column, which are no
# signals of several leads and no multi-label targets: they cannot apply.
@pytest.mark.parametrize(
    "name",
    [
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_no_attributes_set_in_init",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
    ],
)
def test_scikit_learn_s_own_checks(name, make):
    getattr(estimator_checks, name)("ECGClassifier", make())


def test_a_stored_model_predicts_without_keras(tmp_path):
    """The package's own model has a graph; the process finds no Keras and no TensorFlow."""
    code = (
        "import sys\n"
        "for name in ('keras', 'tensorflow', 'jax'): sys.modules[name] = None\n"
        "import numpy as np, ecg12\n"
        "X = np.random.default_rng(0).normal(0, 0.2, (3, 12, 5000))\n"
        "e = ecg12.ECGClassifier.load(fs=500)\n"
        "print(*e.predict(X).shape, *e.predict_proba(X).shape, len(e.classes_))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3", "24", "3", "24", "24"]
