"""Training under the name that the 2020 train_model.py imports."""

from team_code import training_code as train_12ECG_classifier  # noqa: F401
