"""The space of networks that paper B searched, and the draw of distinct ones from it.

Ansari et al. (MCIRCC, Computing in Cardiology 2020), section 2.2.1: n 2 to 6, m 4 to 10, k 16 to
64, s 3 to 11, p 0 to 0.5, z 0 to 2, f 32 to 128. They trained 166 of these networks.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from ecg12.models import ResNet
from ecg12.runtime.errors import InputError
from ecg12.training.resources import TRAINING_COPIES


@dataclass(frozen=True, kw_only=True)
class Space:
    """The values of each part of a network's specification, as `ResNet` names them."""

    n: tuple[int, ...] = (2, 3, 4, 5, 6)
    m: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10)
    k: tuple[int, ...] = (16, 32, 64)
    s: tuple[int, ...] = (3, 5, 7, 9, 11)
    p: tuple[float, ...] = (0.0, 0.25, 0.5)
    z: tuple[int, ...] = (0, 1, 2)
    f: tuple[int, ...] = (32, 64, 128)

    def networks(self) -> Iterator[ResNet]:
        """Yield every distinct network once; `f` is 0 where there is no dense layer."""
        heads = [(z, f) for z in self.z for f in (self.f if z else (0,))]
        for n, m, k, s, p, (z, f) in product(self.n, self.m, self.k, self.s, self.p, heads):
            yield ResNet(k, s, n, m, p=p, z=z, f=f)


@dataclass(frozen=True, kw_only=True)
class Size:
    """What the data make of a network: outputs, samples, recordings per step and per part."""

    n_outputs: int
    n_samples: int
    batch: int
    n_training: int
    n_validation: int


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """What a network may cost at most; None: anything.

    Attributes
    ----------
    parameters
        Trainable weights.
    gflop
        10⁹ floating point operations of a forward pass of one recording.
    memory
        GB that the activations of one training step take.
    epoch_seconds
        Seconds of an epoch, at `speed`.
    speed
        GFLOP/s that the machine reaches in training.
    """

    parameters: float | None = None
    gflop: float | None = None
    memory: float | None = None
    epoch_seconds: float | None = None
    speed: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that are not positive."""
        for name, value in vars(self).items():
            if value is not None and not value > 0:
                raise InputError(f"the limit of {name} must be positive, not {value:g}")

    def broken(self, network: ResNet, size: Size) -> list[str]:
        """Name the constraints that a network breaks; ``"length"``: too deep for the signals."""
        if network.m >= size.n_samples.bit_length():
            return ["length"]
        return [
            name
            for name, value in costs(network, size, self.speed).items()
            if (most := getattr(self, name)) is not None and value > most
        ]


def costs(network: ResNet, size: Size, speed: float | None = None) -> dict[str, float]:
    """Return what a network costs, named as `Constraints` does; no model is built."""
    gflop = network.gflop(size.n_samples)
    memory = network.activation_bytes(size.n_outputs, size.n_samples)
    found = {
        "parameters": float(network.parameters(size.n_outputs, size.n_samples)),
        "gflop": gflop,
        "memory": memory * TRAINING_COPIES * size.batch / 1e9,
    }
    if speed is not None:
        # A training step costs about three forward passes.
        found["epoch_seconds"] = gflop * (3 * size.n_training + size.n_validation) / speed
    return found


def draw(
    space: Space, n: int, *, seed: int, constraints: Constraints, size: Size
) -> tuple[tuple[ResNet, ...], dict[str, int]]:
    """Draw n distinct networks at random that meet the constraints.

    A larger n only adds networks to those of a smaller one.

    Returns
    -------
    networks
        In the order drawn.
    counts
        ``"networks"`` in the space, those that are ``"left"``, and how many each constraint
        excludes.

    Raises
    ------
    InputError
        If fewer than n are left; the message gives the number that each constraint excludes.
    """
    if n < 1:
        raise InputError(f"at least one trial is needed, not {n}")
    everything = list(space.networks())
    excluded: Counter[str] = Counter()
    left = []
    for place in np.random.default_rng(seed).permutation(len(everything)):
        broken = constraints.broken(everything[place], size)
        excluded.update(broken)
        if not broken:
            left.append(everything[place])
    counts = {"networks": len(everything), "left": len(left), **sorted_counts(excluded)}
    if len(left) < n:
        reasons = ", ".join(f"{name} {count}" for name, count in sorted_counts(excluded).items())
        raise InputError(
            f"{n} networks asked for, but only {len(left)} of the {len(everything)} in the space "
            f"are left; excluded by (one may break several): {reasons or 'nothing'}"
        )
    return tuple(left[:n]), counts


def sorted_counts(counts: Counter[str]) -> dict[str, int]:
    """Return counts as a plain dict, the largest first."""
    return dict(counts.most_common())
