"""12-lead ECG classification: from recordings to diagnoses, and from labels to models.

Read a recording and predict it::

    import ecg12

    record = ecg12.read_record("A0001.hea")
    model = ecg12.load_model("model")
    prediction = model.predict_record(record)

Data flows one way through the package's chapters: recordings (`io`) become prepared signals
(`signal`) in a memory-mapped dataset (`data`); networks (`models`) are trained on it (`training`)
and joined with their thresholds (`decision`) to an ensemble (`ensemble`), which predicts recordings
(`inference`). Each chapter imports only from those below it. The names listed here are the public
API; they are loaded when they are first used.

Research software, not a medical device.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ecg12.runtime.errors import InputError, ModelError, RecordError
from ecg12.runtime.version import __version__

if TYPE_CHECKING:
    from ecg12.explanation import Explanation, explain
    from ecg12.inference.model import Model, load_model
    from ecg12.inference.results import Failure, Prediction
    from ecg12.io.formats import find_any as find_records
    from ecg12.io.formats import read_any as read_record
    from ecg12.io.leads import LEADS
    from ecg12.io.record import Record
    from ecg12.io.wfdb import write_record
    from ecg12.metrics.folders import evaluate
    from ecg12.synthetic import generate as synthesize
    from ecg12.training.estimator import ECGClassifier
    from ecg12.training.train import train

# Public name → where it is defined.
_DEFINED_IN = {
    "ECGClassifier": "training.estimator:ECGClassifier",
    "Explanation": "explanation:Explanation",
    "Failure": "inference.results:Failure",
    "LEADS": "io.leads:LEADS",
    "Model": "inference.model:Model",
    "Prediction": "inference.results:Prediction",
    "Record": "io.record:Record",
    "evaluate": "metrics.folders:evaluate",
    "explain": "explanation:explain",
    "find_records": "io.formats:find_any",
    "load_model": "inference.model:load_model",
    "read_record": "io.formats:read_any",
    "synthesize": "synthetic:generate",
    "train": "training.train:train",
    "write_record": "io.wfdb:write_record",
}

__all__ = [
    "LEADS",
    "ECGClassifier",
    "Explanation",
    "Failure",
    "InputError",
    "Model",
    "ModelError",
    "Prediction",
    "Record",
    "RecordError",
    "__version__",
    "evaluate",
    "explain",
    "find_records",
    "load_model",
    "read_record",
    "synthesize",
    "train",
    "write_record",
]


def __getattr__(name: str) -> Any:
    if name not in _DEFINED_IN:
        raise AttributeError(f"module 'ecg12' has no attribute {name!r}")
    module, _, attribute = _DEFINED_IN[name].partition(":")
    return getattr(import_module(f"ecg12.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
