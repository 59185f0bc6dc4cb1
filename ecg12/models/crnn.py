"""The convolutional recurrent network of Singstad and Tronstad, Computing in Cardiology 2020."""

from dataclasses import dataclass
from typing import Any

from ecg12.io.leads import LEADS
from ecg12.runtime.backend import keras

layers = keras.layers
N_LEADS = len(LEADS)
LAYOUTS = ("transpose", "reshape")
SUMMARIES = ("lstm", "average")
BLOCKS = 6  # of convolution, pooling by 3 and normalisation, before the last one without stride


@dataclass(frozen=True)
class CRNN:
    """A one-dimensional convolutional recurrent network, the leads as channels.

    Attributes
    ----------
    filters, units
        Filters of each convolution; units of the recurrent and of the dense layer.
    layout
        How (12, n) becomes (n, 12): ``"transpose"``; or ``"reshape"``, which keeps the order in
        memory and so mixes time and leads: the authors' way.
    summary
        What reads the convolutions' output: ``"lstm"``, its last state (the paper), or
        ``"average"`` over time, to which the former is compared.

    Notes
    -----
    Six times {convolution of 5, ReLU; maximum over 5 with stride 3; batch normalisation}, once
    more with a maximum over 3 and stride 1, then recurrent layer, dense layer, dropout 0.5 and
    sigmoids. No padding: 10,000 samples end as 4.
    """

    filters: int = 512
    units: int = 512
    layout: str = "transpose"
    summary: str = "lstm"

    def __post_init__(self) -> None:
        """Refuse layouts and summaries that are not known."""
        for value, choices in ((self.layout, LAYOUTS), (self.summary, SUMMARIES)):
            if value not in choices:
                raise ValueError(f"unknown {value!r}; choices: {', '.join(choices)}")

    def build(self, n_outputs: int, n_samples: int = 10_000) -> Any:
        """Build the untrained Keras model; parameters and result as for `ResNet.build`.

        Raises
        ------
        ValueError
            If the convolutions leave no sample of the time axis.
        """
        if self.lengths(n_samples)[-1] < 1:
            raise ValueError(f"{BLOCKS + 1} convolutions leave nothing of {n_samples} samples")
        x = inputs = layers.Input((N_LEADS, n_samples, 1), name="signals")
        if self.layout == "transpose":
            x = layers.Permute((2, 1, 3), name="transpose")(x)
        x = layers.Reshape((n_samples, N_LEADS), name="time_by_leads")(x)
        for block in range(BLOCKS):
            x = self._block(x, 5, 3, f"block{block + 1}")
        x = self._block(x, 3, 1, f"block{BLOCKS + 1}")
        x = self._summary(x)
        x = layers.Dense(self.units, "relu", name="dense")(x)
        x = layers.Dropout(0.5, name="dropout")(x)
        x = layers.Dense(n_outputs, "sigmoid", name="scores")(x)
        return keras.Model(inputs, x, name=self.name)

    @property
    def name(self) -> str:
        """The specification as a short name, such as ``"crnn_k512_u512_transpose_lstm"``."""
        return f"crnn_k{self.filters}_u{self.units}_{self.layout}_{self.summary}"

    def lengths(self, n_samples: int = 10_000) -> list[int]:
        """Return the samples that each convolution and each pooling leaves, in turn."""
        lengths = [n_samples]
        for width, stride in [(5, 3)] * BLOCKS + [(3, 1)]:
            convolved = lengths[-1] - 4
            lengths += [convolved, (convolved - width) // stride + 1]
        return lengths

    def gflop(self, n_samples: int = 10_000) -> float:
        """Return the cost of one forward pass in 10⁹ floating point operations, 2 per product."""
        lengths, k, u = self.lengths(n_samples), self.filters, self.units
        channels = [N_LEADS] + [k] * BLOCKS
        products = sum(5 * c * k * n for c, n in zip(channels, lengths[1::2], strict=True))
        if self.summary == "lstm":
            products += 4 * u * (k + u) * lengths[-1]
        width = u if self.summary == "lstm" else k
        return 2 * (products + width * u) / 1e9

    def _block(self, x: Any, width: int, stride: int, name: str) -> Any:
        x = layers.Conv1D(self.filters, 5, activation="relu", name=f"{name}_conv")(x)
        x = layers.MaxPooling1D(width, stride, name=f"{name}_pool")(x)
        return layers.BatchNormalization(name=f"{name}_norm")(x)

    def _summary(self, x: Any) -> Any:
        if self.summary == "lstm":
            return layers.LSTM(self.units, name="lstm")(x)
        return layers.GlobalAveragePooling1D(name="average")(x)
