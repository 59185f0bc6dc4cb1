"""Specifications of networks as a model folder's JSON holds them."""

from dataclasses import asdict
from typing import Any

from ecg12.models.crnn import CRNN
from ecg12.models.resnet import ResNet
from ecg12.models.se_resnet import SEResNet

Network = ResNet | CRNN | SEResNet
KINDS: dict[str, type[ResNet] | type[CRNN] | type[SEResNet]] = {
    kind.__name__: kind for kind in (ResNet, CRNN, SEResNet)
}


def specification(network: Network) -> dict[str, Any]:
    """Return a network's fields and, as ``"kind"``, the name of its class."""
    return {"kind": type(network).__name__, **asdict(network)}


def network_of(stored: dict[str, Any]) -> Network:
    """Return the network of a specification.

    Raises
    ------
    ValueError
        If its kind is not known, or it has other fields than that kind; the message lists them.
    """
    fields = {name: value for name, value in stored.items() if name != "kind"}
    if fields.get("pooling") == "average_max":  # stored when there was a second way
        del fields["pooling"]
    kind = KINDS.get(stored.get("kind", ""))
    if kind is None:
        raise ValueError(f"network of kind {stored.get('kind')!r}; known: {', '.join(KINDS)}")
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"no specification of a {kind.__name__}: {error}") from error
