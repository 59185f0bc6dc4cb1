"""Synthetic 12-lead recordings for every scored class, labelled with SNOMED CT codes.

`generate` writes a challenge folder, `recording` makes one recording.
"""

from ecg12.synthetic.generate import Options, generate, recording

__all__ = ["Options", "generate", "recording"]
