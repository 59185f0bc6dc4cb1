"""The two-dimensional residual network of Ansari et al. (MCIRCC), Computing in Cardiology 2020.

Figure 1, section 2.2.1, and the eight networks of Table 2.
"""

from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import Any

from ecg12.io.leads import LEADS
from ecg12.runtime.backend import keras

layers = keras.layers
N_LEADS = len(LEADS)


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
    _: KW_ONLY
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

    def parameters(self, n_outputs: int, n_samples: int = 2500) -> int:
        """Return the number of trainable weights, as the built model has them."""
        convolutions = 1 + self.n * self.m
        weights = N_LEADS * self.s * self.k * (1 + (convolutions - 1) * self.k)
        widths = [self._features(n_samples), *[self.f] * self.z, n_outputs]
        dense = sum((before + 1) * after for before, after in pairwise(widths))
        return weights + convolutions * self.k + dense

    def activation_bytes(self, n_outputs: int, n_samples: int = 2500) -> int:
        """Return what `heads.activation_bytes` returns of the built model."""
        row = N_LEADS * self.k
        columns = sum(n_samples >> block for block in range(1, self.m + 1))
        values = N_LEADS * n_samples + row * (n_samples + (self.n + 2) * columns)
        return 4 * (values + 2 * self._features(n_samples) + self.z * self.f + n_outputs)

    def _features(self, n_samples: int) -> int:
        """Return how many values the dense layers see."""
        return N_LEADS * self.k * (n_samples >> self.m)

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
