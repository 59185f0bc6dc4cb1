"""The ensemble: members, thresholds and preprocessing; save, load and predict.

A model folder holds one `.keras` file per member and `classifier.json`, which names them with
their SHA-256 checksums, preprocessing and thresholds, and holds the calibration. Loading executes
no code from it.

Decision (Ansari et al., 2020, section 2.3.2): the score of a class is the median of the members'
scores, its label the mode of the members' labels; a tie is negative.
"""

from ecg12.classifier.ensemble import BATCH, Classifier, Member, Prediction, vote
from ecg12.classifier.folder import (
    INDEX,
    load_classifier,
    load_network,
    read_index,
    read_preprocessing,
    save_classifier,
)

__all__ = [
    "BATCH",
    "INDEX",
    "Classifier",
    "Member",
    "Prediction",
    "load_classifier",
    "load_network",
    "read_index",
    "read_preprocessing",
    "save_classifier",
    "vote",
]
