"""The networks: frozen specifications, and the Keras models that they build.

All take (batch, 12, n_samples, 1) and give (batch, n_outputs) sigmoid scores; `gflop` is the cost
of a forward pass.
"""

from ecg12.models.crnn import CRNN
from ecg12.models.heads import activation_bytes, at_length, freeze, swap_head
from ecg12.models.resnet import TABLE_2, ResNet
from ecg12.models.rows import INFERENCE_FILTERS, rows_as_channels
from ecg12.models.se_resnet import SEResNet
from ecg12.models.specifications import Network, network_of, specification

__all__ = [
    "INFERENCE_FILTERS",
    "CRNN",
    "TABLE_2",
    "Network",
    "ResNet",
    "SEResNet",
    "activation_bytes",
    "at_length",
    "freeze",
    "network_of",
    "rows_as_channels",
    "specification",
    "swap_head",
]
