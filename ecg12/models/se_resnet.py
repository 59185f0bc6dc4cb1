"""A one-dimensional residual network with squeeze-and-excitation, the leads as channels.

The kind that did best in both challenges: He et al., "Deep residual learning", CVPR 2016, in one
dimension; Hu et al., "Squeeze-and-excitation networks", CVPR 2018; Zhao et al. and others,
Computing in Cardiology 2020. It costs about a hundredth of paper B's networks.
"""

from dataclasses import dataclass
from typing import Any

from ecg12.io.leads import LEADS
from ecg12.runtime.backend import keras

layers = keras.layers
STEM = 15  # samples


@dataclass(frozen=True, kw_only=True)
class SEResNet:
    """The network's specification.

    Attributes
    ----------
    k
        Filters of the first block; each later block has half of k more.
    s
        Width of its filters, samples.
    m
        Residual blocks of two convolutions; each halves the time axis.
    r
        Squeeze: each block's gate passes through a layer of its filters / r.
    p
        Dropout before the last layer.
    stride
        Of the stem: 2 halves the time axis once more, 1 keeps what a low sampling rate has left.
    """

    k: int = 32
    s: int = 7
    m: int = 6
    r: int = 8
    p: float = 0.3
    stride: int = 2

    def __post_init__(self) -> None:
        """Refuse a stride that is not known."""
        if self.stride not in (1, 2):
            raise ValueError(f"stride {self.stride} is neither 1 nor 2")

    def build(self, n_outputs: int, n_samples: int = 2500) -> Any:
        """Build the untrained Keras model; parameters, result and errors as for `ResNet.build`."""
        if n_samples >> (self.m + self.stride - 1) < 1:
            raise ValueError(f"{self.m} blocks halve {n_samples} samples to nothing")
        x = inputs = layers.Input((len(LEADS), n_samples, 1), name="signals")
        x = layers.Permute((2, 1, 3), name="transpose")(x)
        x = layers.Reshape((-1, len(LEADS)), name="time_by_leads")(x)
        x = self._convolution(x, self.k, STEM, self.stride, "stem")
        for block, filters in enumerate(self.filters):
            x = self._block(x, filters, f"block{block + 1}")
        pooled = [layers.GlobalAveragePooling1D(name="average")(x),
                  layers.GlobalMaxPooling1D(name="maximum")(x)]  # fmt: skip
        x = layers.Concatenate(name="pooled")(pooled)
        x = layers.Dropout(self.p, name="dropout")(x)
        x = layers.Dense(n_outputs, "sigmoid", name="scores")(x)
        return keras.Model(inputs, x, name=self.name)

    @property
    def filters(self) -> tuple[int, ...]:
        """Filters of each block."""
        return tuple(self.k + self.k * block // 2 for block in range(self.m))

    @property
    def name(self) -> str:
        """The specification as a short name, such as ``"seresnet_k32_s7_m6"``."""
        stem = "" if self.stride == 2 else "_stride1"
        return f"seresnet_k{self.k}_s{self.s}_m{self.m}{stem}"

    def gflop(self, n_samples: int = 2500) -> float:
        """Return the cost of one forward pass in 10⁹ floating point operations, 2 per product.

        Convolutions only; gates, normalisation and the last layer are below a hundredth of it.
        """
        length = -(-n_samples // self.stride)
        products, before = length * STEM * len(LEADS) * self.k, self.k
        for filters in self.filters:
            length = -(-length // 2)
            products += length * filters * (self.s * (before + filters) + before)
            before = filters
        return 2 * products / 1e9

    def _convolution(self, x: Any, filters: int, width: int, stride: int, name: str) -> Any:
        x = layers.Conv1D(
            filters, width, stride, padding="same", use_bias=False, name=f"{name}_conv"
        )(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    def _block(self, x: Any, filters: int, name: str) -> Any:
        side = layers.AveragePooling1D(2, padding="same", name=f"{name}_side_pool")(x)
        side = layers.Conv1D(filters, 1, use_bias=False, name=f"{name}_side")(side)
        x = self._convolution(x, filters, self.s, 2, f"{name}_first")
        x = layers.Conv1D(filters, self.s, padding="same", use_bias=False, name=f"{name}_second")(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        x = layers.Multiply(name=f"{name}_gated")([x, self._gate(x, filters, name)])
        x = layers.Add(name=f"{name}_add")([x, side])
        return layers.ReLU(name=f"{name}_relu")(x)

    def _gate(self, x: Any, filters: int, name: str) -> Any:
        """Squeeze over time and excite: one factor per channel, (batch, 1, filters)."""
        x = layers.GlobalAveragePooling1D(keepdims=True, name=f"{name}_squeeze")(x)
        x = layers.Dense(max(1, filters // self.r), "relu", name=f"{name}_reduce")(x)
        return layers.Dense(filters, "sigmoid", name=f"{name}_excite")(x)
