"""Inference under the names of the 2020 driver."""

from team_code import load_model as load_12ECG_model  # noqa: F401
from team_code import run_model


def run_12ECG_classifier(data, header_data, loaded_model):  # noqa: ANN001, ANN201
    """Decide on one recording; return labels, scores, classes in the order of 2020."""
    classes, labels, scores = run_model(loaded_model, header_data, data)
    return labels, scores, classes
