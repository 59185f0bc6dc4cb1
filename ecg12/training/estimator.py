"""The ensemble as a scikit-learn estimator on arrays of signals.

`ECGClassifier` follows scikit-learn's rules (`fit`, `predict`, `predict_proba`, `classes_`,
parameters stored unchanged), so that `cross_val_predict`, `GridSearchCV`, `clone` and `pickle`
work. What differs is the data: X holds signals, (n, leads, samples) or a list of recordings of
unequal length, and y has one column of 0 and 1 per class.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecg12.ensemble.model_folder import load_classifier, read_files, save_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.inference.model import Model, load_model
from ecg12.inference.results import Failure
from ecg12.io.leads import LEADS
from ecg12.io.record import Record
from ecg12.runtime.errors import InputError
from ecg12.runtime.optional_deps import require_extra

if TYPE_CHECKING:
    from ecg12.training.recipes import Recipe

MISSING = {"None", "nan", "NaT", "<NA>"}  # as Python, NumPy and pandas write what is missing

with require_extra("ECGClassifier", "sklearn"):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.validation import check_is_fitted


def _patient(key: Any) -> str:
    return "" if str(key) in MISSING else str(key)


class ECGClassifier(ClassifierMixin, BaseEstimator):
    """Multi-label classifier of 12-lead ECG signals: residual networks with tuned thresholds.

    Parameters
    ----------
    fs
        Sampling rate of the signals in Hz. It must be given.
    leads
        Name of each row of a recording; None for the twelve leads I, II, III, aVR, aVL, aVF and V1
        to V6 in that order.
    unit
        Of the signals: ``"nV"``, ``"uV"``, ``"mV"`` or ``"V"``.
    class_names
        Name of each column of y; None for the columns of a data frame, or their numbers.
    recipe
        Name of a recipe or a `Recipe`: networks, schedule and preprocessing. By default the
        networks of the recipe ``"submission"``.
    epochs
        At most so many; None for the recipe's.
    pretrained
        Model folder at whose networks the training begins; None: from scratch.
    hours
        Wall-clock budget of `fit`.
    random_state
        Seed of the division of the recordings, of the networks and of their training.

    Attributes
    ----------
    classes_
        (n_classes,) names of the columns.
    model_
        The trained `Model`, which also predicts files.

    Notes
    -----
    For one or two classes, scorers that scikit-learn makes from a name (``scoring="roc_auc"``) take
    the columns for those of one binary class. Use `cross_val_predict` and score its result.

    Examples
    --------
    >>> import numpy as np, ecg12
    >>> X = np.random.default_rng(0).normal(size=(20, 12, 1000))
    >>> y = np.arange(40).reshape(20, 2) % 3 == 0
    >>> classifier = ecg12.ECGClassifier(fs=100, recipe="smoke", class_names=["A", "B"])
    >>> classifier.fit(X, y).predict(X).shape
    (20, 2)
    """

    def __init__(
        self,
        *,
        fs: float | None = None,
        leads: Sequence[str] | None = None,
        unit: str = "mV",
        class_names: Sequence[str] | None = None,
        recipe: "str | Recipe | None" = None,
        epochs: int | None = None,
        pretrained: str | Path | None = None,
        hours: float = 46.0,
        random_state: int = 0,
    ) -> None:
        self.fs = fs
        self.leads = leads
        self.unit = unit
        self.class_names = class_names
        self.recipe = recipe
        self.epochs = epochs
        self.pretrained = pretrained
        self.hours = hours
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> "ECGClassifier":  # noqa: N803
        """Train on labelled signals.

        A fifth of the recordings validates (early stopping, thresholds, calibration), a fifth is
        set aside, as in paper B; `groups` keeps the recordings of one patient together.

        Parameters
        ----------
        X
            (n, n_leads, n_samples) signals in `unit`, NaN where a sample is missing; or a list of n
            arrays (n_leads, any length).
        y
            (n, n_classes) array or data frame of 0 and 1.
        groups
            (n,) patient of each recording; one that is None or NaN is unknown, its recording a
            patient of its own. None: all are.

        Raises
        ------
        InputError
            If an argument is of the wrong shape or type; the message says what is needed.
        """
        from ecg12.training.array_fit import array_recipe, fit_records  # loads Keras

        y_true, names = self._targets(X, y)
        patients = () if groups is None else tuple(map(_patient, groups))
        if groups is not None and len(patients) != len(y_true):
            raise InputError(f"groups: {len(patients)} for {len(y_true)} recordings")
        recipe = array_recipe(self.recipe, self.pretrained, self.epochs, self.random_state)
        classifier = fit_records(
            self._records(X),
            y_true,
            names=names,
            patients=patients,
            recipe=recipe,
            hours=self.hours,
        )
        self.__dict__.pop("_files", None)  # of a model that was loaded before
        self.model_ = Model(classifier)
        self.classes_ = np.array(names)
        return self

    @classmethod
    def load(cls, folder: str | Path | None = None, **parameters: Any) -> "ECGClassifier":
        """Return an estimator fitted before: the model of a folder, or that of the package.

        A folder with an exported graph predicts without Keras.

        Parameters
        ----------
        folder
            As `ecg12.load_model` takes it.
        parameters
            Of the estimator, such as ``fs=500``.

        Raises
        ------
        ModelError, InputError
            As `ecg12.load_model`.
        """
        estimator = cls(**parameters)
        estimator.model_ = load_model(folder)
        estimator._keep_files(SHIPPED if folder is None else folder)
        estimator.classes_ = np.array(estimator.model_.classes.names)
        return estimator

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return (n, n_classes) probabilities: calibrated scores, or scores where not calibrated.

        X is as for `fit`.
        """
        rows = [
            [e.score if e.probability is None else e.probability for e in prediction.classes]
            for prediction in self._predictions(X)
        ]
        return np.array(rows)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return (n, n_classes) int: 1 where more than half of the networks vote for the class.

        X is as for `fit`.
        """
        rows = [[e.positive for e in prediction.classes] for prediction in self._predictions(X)]
        return np.array(rows, int)

    def _predictions(self, signals: Any) -> list[Any]:
        check_is_fitted(self, "model_")
        outcomes = list(self.model_.predict_records(self._records(signals)))
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                raise InputError(f"{outcome.source}: {outcome.reason}")
        return outcomes

    def _records(self, signals: Any) -> list[Record]:
        if self.fs is None:
            raise InputError("fs=None: the sampling rate of the signals in Hz is needed")
        leads = LEADS if self.leads is None else tuple(self.leads)
        return [
            Record.from_array(one, fs=self.fs, leads=leads, unit=self.unit, name=f"recording {i}")
            for i, one in enumerate(signals)
        ]

    def _targets(self, signals: Any, y: Any) -> tuple[np.ndarray, list[str]]:
        """Return y as (n, n_classes) bool, and the name of each column."""
        columns = getattr(y, "columns", None)
        values = np.asarray(y)
        if values.ndim != 2 or len(values) != len(signals) or not values.size:
            raise InputError(
                f"y of shape {values.shape} for {len(signals)} recordings; it needs a row per "
                "recording and a column of 0 and 1 per class"
            )
        if not np.isin(values, (0, 1)).all():
            raise InputError("y holds other values than 0 and 1")
        given = columns if self.class_names is None else self.class_names
        names = [str(name) for name in (range(values.shape[1]) if given is None else given)]
        if len(set(names)) != values.shape[1]:
            raise InputError(f"class_names={names}: y has {values.shape[1]} columns")
        return values.astype(bool), names

    def _keep_files(self, folder: str | Path) -> None:
        """Keep the files of a model that runs from a graph, which cannot be saved anew."""
        if any(member.model is None for member in self.model_.classifier.members):
            self._files = read_files(folder)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for pickling: the model as the bytes of its folder."""
        state = dict(super().__getstate__())
        kept = state.pop("_files", None)
        if kept is not None:
            state["model_"] = kept
        elif "model_" in state:
            with tempfile.TemporaryDirectory(prefix="ecg12-") as place:
                save_classifier(place, state["model_"].classifier)
                files = {path.name: path.read_bytes() for path in Path(place).iterdir()}
            state["model_"] = files
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled state."""
        state = dict(state)
        files = state.pop("model_", None)
        super().__setstate__(state)
        if files is not None:
            with tempfile.TemporaryDirectory(prefix="ecg12-") as place:
                for name, content in files.items():
                    (Path(place) / name).write_bytes(content)
                self.model_ = Model(load_classifier(place))
                self._keep_files(place)

    def __sklearn_tags__(self) -> Any:
        """Describe the data: three dimensions, NaN allowed, several labels a recording."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.multi_label = True
        return tags
