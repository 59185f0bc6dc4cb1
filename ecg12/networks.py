"""The networks of both papers: frozen specifications, and the Keras models that they build.

`ResNet`: Ansari et al. (MCIRCC), Computing in Cardiology 2020, Figure 1 and section 2.2.1.
`CRNN`: Singstad and Tronstad, convolutional recurrent network, 2020.
"""

import math
from dataclasses import dataclass
from typing import Any

from ecg12.backend import keras

layers = keras.layers
N_LEADS = 12


@dataclass(frozen=True)
class ResNet:
    """A two-dimensional residual network over leads and time.

    Attributes
    ----------
    k
        Filters of each convolution.
    s
        Width of each (12, s) filter in samples.
    n
        Convolutions in a residual block.
    m
        Residual blocks; each halves the time axis.
    p
        Dropout before the dense layers.
    z, f
        Number of dense layers, and units in each.

    Notes
    -----
    'Same' padding on both axes (the paper's Figure 1 keeps 12 rows), identity skips, no batch
    normalisation, no activation after the addition. The paper searched n 2–6, m 4–10, k 16–64,
    s 3–11, p 0–0.5, z 0–2, f 32–128.
    """

    k: int
    s: int
    n: int
    m: int
    p: float = 0.0
    z: int = 0
    f: int = 0

    def build(self, n_outputs: int, n_samples: int = 2500) -> Any:
        """Build the untrained Keras model.

        Parameters
        ----------
        n_outputs
            Sigmoid outputs.
        n_samples
            Samples per lead.

        Returns
        -------
        keras.Model
            (batch, 12, n_samples, 1) → (batch, n_outputs). The last layer is named ``"scores"``.

        Raises
        ------
        ValueError
            If `m` blocks leave no sample of the time axis.
        """
        if n_samples >> self.m < 1:
            raise ValueError(f"{self.m} blocks halve {n_samples} samples to nothing")
        x = inputs = layers.Input((N_LEADS, n_samples, 1), name="signals")
        x = self._convolution("stem")(x)
        for block in range(self.m):
            x = self._residual_block(x, f"block{block + 1}")
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dropout(self.p, name="dropout")(x)
        for dense in range(self.z):
            x = layers.Dense(self.f, "relu", name=f"dense{dense + 1}")(x)
        x = layers.Dense(n_outputs, "sigmoid", name="scores")(x)
        return keras.Model(inputs, x, name=self.name)

    @property
    def name(self) -> str:
        """The specification as a short name, such as ``"resnet_k16_s7_n2_m8"``."""
        head = f"_p{self.p:g}_z{self.z}_f{self.f}" if self.p or self.z else ""
        return f"resnet_k{self.k}_s{self.s}_n{self.n}_m{self.m}{head}"

    def gflop(self, n_samples: int = 2500) -> float:
        """Return the cost of one forward pass in 10⁹ floating point operations, 2 per product."""
        per_column = 2 * N_LEADS * N_LEADS * self.s * self.k  # one input channel, all 12 rows
        columns = sum(n_samples >> block for block in range(1, self.m + 1))
        return per_column * (n_samples + self.n * self.k * columns) / 1e9

    def _convolution(self, name: str) -> Any:
        return layers.Conv2D(
            self.k, (N_LEADS, self.s), padding="same", activation="relu", name=name
        )

    def _residual_block(self, x: Any, name: str) -> Any:
        x = shortcut = layers.MaxPooling2D((1, 2), name=f"{name}_pool")(x)
        for convolution in range(self.n):
            x = self._convolution(f"{name}_conv{convolution + 1}")(x)
        return layers.Add(name=f"{name}_add")([shortcut, x])


# Paper B, Table 2: the eight networks with the highest challenge metric on the MUSE data.
TABLE_2 = (
    ResNet(16, 7, 2, 8),
    ResNet(16, 7, 3, 8),
    ResNet(32, 7, 2, 6),
    ResNet(32, 7, 2, 6),
    ResNet(32, 7, 2, 7),
    ResNet(32, 7, 2, 9),
    ResNet(32, 7, 3, 9),
    ResNet(64, 7, 2, 6),
)


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


Network = ResNet | CRNN


def swap_head(model: Any, n_outputs: int) -> Any:
    """Return a model with a new head on the body of a trained one (paper B, section 2.3.2).

    The last layer gives way to Dropout(0.5), Dense(128, ReLU), Dense(32, ReLU) and
    Dense(n_outputs, sigmoid). The body's layers are shared, not copied.
    """
    x = model.get_layer("scores").input
    x = layers.Dropout(0.5, name="transfer_dropout")(x)
    x = layers.Dense(128, "relu", name="transfer_dense1")(x)
    x = layers.Dense(32, "relu", name="transfer_dense2")(x)
    x = layers.Dense(n_outputs, "sigmoid", name="transfer_scores")(x)
    return keras.Model(model.input, x, name=f"{model.name}_transfer")


def activation_bytes(model: Any) -> int:
    """Return the bytes that all layers' float32 outputs take for one recording."""
    return 4 * sum(math.prod(layer.output.shape[1:]) for layer in model.layers)
