"""12-lead ECG classification: residual networks, tuned thresholds, the challenge's contract.

Data flows one way: a folder of recordings (`records`) becomes normalised signals (`signals`) and
multi-hot labels (`labels`), a memory-mapped `dataset`, trained `networks`, a `classifier` with
thresholds, and one csv per recording (`outputs`), which `metrics` scores.
"""

__version__ = "0.2.0"
