"""Diagnoses for one's own recordings, from files or arrays, for people and for programs.

Research software, no medical device: nothing here replaces a physician's reading of an ECG.

A result holds no patient identifiers: it names a recording by the file's path as the user gave it
(or the name that he chose for an array), and nothing else of the file but leads and sampling rate.
"""

from ecg12.prediction.layout import LAYOUTS, NOTICE, render
from ecg12.prediction.results import (
    ClassResult,
    Failure,
    Result,
    predict_files,
    predict_records,
    predict_signals,
)
from ecg12.prediction.sources import expand

__all__ = [
    "LAYOUTS",
    "NOTICE",
    "ClassResult",
    "Failure",
    "Result",
    "expand",
    "predict_files",
    "predict_records",
    "predict_signals",
    "render",
]
