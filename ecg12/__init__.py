"""12-lead ECG classification: residual networks, tuned thresholds, the challenge's contract.

Data flows one way: recordings (`io`) become prepared signals (`signal`) in a memory-mapped dataset
(`data`), networks (`models`) are trained on it (`training`) and joined with their thresholds
(`decision`) to an ensemble (`ensemble`), which answers recordings (`inference`). Each chapter
imports only from those below it.
"""

from ecg12.runtime.version import __version__

__all__ = ["__version__"]
