"""Calls a submission's training as the documentation of 2020 describes it."""

import sys
from pathlib import Path

from train_12ECG_classifier import train_12ECG_classifier

if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(exist_ok=True)
    train_12ECG_classifier(sys.argv[1], sys.argv[2])
