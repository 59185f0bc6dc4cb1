"""What an ONNX graph may hold, looked at before any runtime sees it.

A model folder may come from a stranger. A graph can name files to be read as weights, operators of
libraries that are loaded for it, loops without end, and sizes that fill the memory. So only what an
export of the project's networks is made of is let through: these operators, weights inside the
file, and sizes that such a network can have. Everything else is refused, also every field that is
not known, and no field is believed because another contradicts it: all occurrences are looked at.
What a graph computes of the sizes that it holds is not followed.

The fields' numbers are those of `onnx.proto` (https://github.com/onnx/onnx, IR version 8 and on).
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecg12.ensemble.protobuf import BYTES, FIXED32, VARINT, fields, numbers
from ecg12.runtime.errors import ModelError

LARGEST = 2**28  # bytes of a file
MOST_NODES = 20_000  # also of tensors
MOST_DIMENSIONS = 8
DOMAINS = ("", "ai.onnx.ml")
# All that exports of the project's networks are made of; nothing else is run.
OPERATORS = (
    "Add", "AveragePool", "Cast", "Concat", "Conv", "Expand", "Gather", "LSTM", "MatMul", "MaxPool",
    "Mul", "ReduceMax", "ReduceMean", "Relu", "Reshape", "Shape", "Sigmoid", "Slice", "Softmax",
    "Squeeze", "Transpose", "Unsqueeze",
)  # fmt: skip
# Of weights and shapes.
TYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 6: np.dtype("<i4"), 7: np.dtype("<i8")}
MOST_NUMBER = 2**24  # that a tensor of whole numbers may hold, beside `OPEN_END`
OPEN_END = 2**31 - 1  # of a slice: to the end
MOST_PRODUCT = 2**22  # of the numbers of such a tensor, which may be a shape
MOST_ATTRIBUTES = {"hidden_size": 2**16}  # by name; paddings, strides and the like:
MOST_ATTRIBUTE = 2**10

# Field number → wire type, of all that is let through.
MODEL = {1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES}
GRAPH = {1: BYTES, 2: BYTES, 5: BYTES, 10: BYTES, 11: BYTES, 12: BYTES, 13: BYTES}
NODE = {number: BYTES for number in (1, 2, 3, 4, 5, 6, 7)}
ATTRIBUTE = {1: BYTES, 2: FIXED32, 3: VARINT, 4: BYTES, 7: FIXED32, 8: None, 9: BYTES, 20: VARINT}
TENSOR = {1: None, 2: VARINT, 8: BYTES, 9: BYTES}
OPSET = {1: BYTES, 2: VARINT}
# What is refused by a name of its own.
REFUSED = {
    ("model", 20): "training information", ("model", 25): "functions",
    ("graph", 15): "sparse tensors", ("tensor", 13): "external data",
    ("tensor", 14): "a place of data, such as another file", ("attribute", 6): "a graph of its own",
    ("attribute", 11): "graphs of its own", ("attribute", 5): "a tensor",
}  # fmt: skip

Message = dict[int, list[Any]]  # field number → its values: signed numbers, or bytes


def check_graph(path: str | Path, data: bytes) -> None:
    """Refuse an ONNX model that is anything but an export of the project's networks.

    Parameters
    ----------
    path
        For messages.
    data
        The file's content.

    Raises
    ------
    ModelError
        If it is no such model, names another operator or other data, or is too large. The message
        names the file and what it was.
    """
    try:
        _check_model(data)
    except ValueError as error:
        raise ModelError(f"{path}: not an ONNX graph that is read: {error}") from error


def _check_model(data: bytes) -> None:
    if len(data) > LARGEST:
        raise ValueError(f"{len(data)} bytes; at most {LARGEST} are read")
    model = _read("model", memoryview(data), MODEL)
    for opset in model.get(8, []):
        _among("operators of the domain", _texts(_read("opset", opset, OPSET), 1), DOMAINS)
    if len(graphs := model.get(7, [])) != 1:
        raise ValueError(f"{len(graphs)} graphs; there must be one")
    graph = _read("graph", graphs[0], GRAPH)
    for number, check in ((1, _check_node), (5, _check_tensor)):
        found = graph.get(number, [])
        if len(found) > MOST_NODES:
            raise ValueError(f"{len(found)} nodes or tensors; at most {MOST_NODES} are read")
        for message in found:
            check(message)


def _read(what: str, message: memoryview, known: Mapping[int, int | None]) -> Message:
    """Return the values of each field; a ValueError for a field that is not among the known."""
    found: Message = {}
    for number, wire, value in fields(message):
        if number not in known:
            named = REFUSED.get((what, number), f"a field of number {number}")
            raise ValueError(f"the {what} has {named}, which is not read")
        expected = known[number]
        if expected not in (None, wire):
            raise ValueError(f"the {what} has a field {number} of wire type {wire}")
        values = numbers(wire, value) if expected in (None, VARINT) else [value]
        found.setdefault(number, []).extend(values)
    return found


def _texts(message: Message, number: int) -> list[str]:
    return [bytes(value).decode() for value in message.get(number, [])]


def _among(what: str, found: Iterable[str], known: tuple[str, ...]) -> None:
    for name in found:
        if name not in known:
            raise ValueError(f"{what} {name[:200]!r}; read are: {', '.join(map(repr, known))}")


def _check_node(message: memoryview) -> None:
    node = _read("node", message, NODE)
    _among("a node of the domain", _texts(node, 7), DOMAINS)
    _among("the operator", _texts(node, 4) or [""], OPERATORS)
    for names in (1, 2, 3):
        _texts(node, names)  # onnxruntime expects UTF-8
    for attribute in node.get(5, []):
        _check_attribute(attribute)


def _check_attribute(message: memoryview) -> None:
    attribute = _read("attribute", message, ATTRIBUTE)
    names = _texts(attribute, 1)
    most = min([MOST_ATTRIBUTES.get(name, MOST_ATTRIBUTE) for name in names], default=0)
    for value in [*attribute.get(3, []), *attribute.get(8, [])]:
        if abs(value) > most:
            raise ValueError(f"the attribute {names} of {value}; at most {most} is read")


def _check_tensor(message: memoryview) -> None:
    tensor = _read("tensor", message, TENSOR)
    dims, kinds, contents = tensor.get(1, []), tensor.get(2, []), tensor.get(9, [])
    if len(kinds) != 1 or kinds[0] not in TYPES or len(contents) > 1:
        raise ValueError(f"a tensor of type {kinds}; one of {tuple(TYPES)} is read")
    if len(dims) > MOST_DIMENSIONS or not all(0 <= n <= LARGEST for n in dims):
        raise ValueError(f"a tensor of dimensions {dims[:20]}")
    content = contents[0] if contents else b""
    dtype = TYPES[kinds[0]]
    if math.prod(dims) * dtype.itemsize != len(content):
        raise ValueError(f"a tensor of dimensions {dims} and other data")
    values = np.frombuffer(content, dtype)
    if dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("weights that are no finite numbers")
        return
    product = 1
    for value in values[((values > 1) | (values < -1)) & (values != OPEN_END)].tolist():
        if abs(value) > MOST_NUMBER:
            raise ValueError(f"a tensor of the number {value}; at most {MOST_NUMBER} is read")
        product *= abs(value)
        if product > MOST_PRODUCT:
            shown = values[:MOST_DIMENSIONS].tolist()
            raise ValueError(
                f"a tensor {shown}, whose product is {product} or more; at most {MOST_PRODUCT}"
            )
