"""Graphs from strangers: what is no export of the project's networks is refused, and not run."""

import json
import os
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ecg12.ensemble import onnx_file_check
from ecg12.ensemble.classifier import Member
from ecg12.ensemble.export import graph_of
from ecg12.ensemble.model_folder import INDEX, load_classifier
from ecg12.ensemble.model_index import SHIPPED
from ecg12.ensemble.onnx_file_check import MOST_NODES, OPERATORS, check_graph
from ecg12.ensemble.protobuf import fields, numbers, signed, varint
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import CRNN, ResNet, SEResNet, swap_head
from ecg12.models.crnn import LAYOUTS, SUMMARIES
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import ModelError
from ecg12.runtime.files import sha256
from ecg12.signal.preprocessing import Preprocessing

CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=0.4)


def exported(model, chain=SHORT):
    thresholds = np.full(24, 0.5)
    return graph_of([Member("a", model, chain, thresholds=thresholds, validation_score=0.0)])


@pytest.fixture(scope="module")
def plain():
    """Return the bytes of an export of one small network."""
    keras.utils.set_random_seed(1)
    return exported(ResNet(2, 3, 1, 2).build(27, SHORT.n_samples))


@pytest.fixture
def graph(plain):
    return onnx.load_from_string(plain)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "chain"),
    [
        (ResNet(2, 3, 1, 2, p=0.5, z=1, f=4), Preprocessing()),
        *((CRNN(2, 2, layout, summary), Preprocessing(rate=500.0, seconds=20.0))
          for layout in LAYOUTS for summary in SUMMARIES),
        (SEResNet(k=4), Preprocessing(rate=100.0)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
def test_every_kind_of_network_is_let_through_also_with_another_head(network, chain):
    model = network.build(27, chain.n_samples)
    check_graph("own.onnx", exported(model, chain))
    check_graph("transfer.onnx", exported(swap_head(model, 27), chain))


def test_the_reader_sees_what_onnx_sees(graph, plain):
    """Names, operators and weights by the fields' numbers alone, against the library."""
    [inside] = [value for number, _, value in fields(memoryview(plain)) if number == 7]
    parts = list(fields(inside))
    nodes = [{n: v for n, _, v in fields(value)} for number, _, value in parts if number == 1]
    assert [bytes(node[4]).decode() for node in nodes] == [n.op_type for n in graph.graph.node]
    tensors = [list(fields(value)) for number, _, value in parts if number == 5]
    for found, expected in zip(tensors, graph.graph.initializer, strict=True):
        dims = [n for number, wire, v in found if number == 1 for n in numbers(wire, v)]
        assert dims == list(expected.dims)
        assert [bytes(v) for number, _, v in found if number == 9] == [expected.raw_data]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31, 2**63 - 1, -1, -(2**63)])
def test_numbers_as_onnx_writes_them(number):
    written = helper.make_attribute("a", number).SerializeToString()
    [found] = [value for field, _, value in fields(memoryview(written)) if field == 3]
    assert signed(found) == number
    packed = onnx.TensorProto(int64_data=[number, 5, number]).SerializeToString()
    [(_, wire, value)] = fields(memoryview(packed))
    assert numbers(wire, value) == [number, 5, number]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (b"\x08", "does not end"),
        (b"\x08" + b"\xff" * 10, "does not end"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "too large"),
        (b"\x0a\x05abc", "5 bytes, of which 3"),
        (b"\x0d\x01\x02", "4 bytes, of which 2"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x01", "number 0"),
    ],
)
def test_messages_that_are_none(message, error):
    with pytest.raises(ValueError, match=error):
        list(fields(memoryview(message)))


def test_a_varint_has_a_value_and_an_end():
    assert varint(memoryview(b"\xac\x02\x07"), 0) == (300, 2)  # the encoding guide's example


def node(graph, name):
    return next(one for one in graph.graph.node if one.op_type == name)


def external(graph):
    tensor = graph.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    tensor.ClearField("raw_data")


def looping(graph):
    body = helper.make_graph([], "body", [], [])
    graph.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body))


def branching(graph):
    node(graph, "Conv").attribute.append(
        helper.make_attribute("then_branch", helper.make_graph([], "g", [], []))
    )


def function(graph):
    opsets = [helper.make_opsetid("", 18)]
    graph.functions.append(helper.make_function("own", "F", ["x"], ["x"], [], opsets))


def other_domain(graph):
    node(graph, "Conv").domain = "com.microsoft"


def other_opset(graph):
    graph.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def padded(graph):
    for attribute in node(graph, "Conv").attribute:
        if attribute.name == "pads":
            attribute.ints[0] = 10**9


def filled(graph):
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    graph.graph.node.append(helper.make_node("ConstantOfShape", ["s"], ["x"], value=value))


def constant(graph):
    node(graph, "Conv").attribute.append(
        helper.make_attribute("value", numpy_helper.from_array(np.zeros(3, np.float32)))
    )


def announced(graph):
    graph.graph.initializer[-1].dims[0] = 2**40


def longer(graph):
    graph.graph.initializer[-1].raw_data += b"\0" * 4


def strings(graph):
    graph.graph.initializer.append(helper.make_tensor("s", TensorProto.STRING, [1], [b"x"]))


def sparse(graph):
    values = numpy_helper.from_array(np.ones(1, np.float32), "v")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "p")
    graph.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [2**30]))


def huge_shape(graph):
    shape = numpy_helper.from_array(np.array([2**40], np.int64), "huge")
    graph.graph.initializer.append(shape)


def lowest_shape(graph):
    shape = numpy_helper.from_array(np.array([-(2**63)], np.int64), "lowest")
    graph.graph.initializer.append(shape)


def huge_product(graph):
    """Expand one number to 2**24 * 16 of them: 1 GB as soon as the graph is loaded."""
    shape = numpy_helper.from_array(np.array([2**24, -1, 0, 16], np.int64), "huge")
    graph.graph.initializer.append(shape)


def huge_product_of_many(graph):
    shape = numpy_helper.from_array(np.full(10**5, 2, np.int32), "huge")
    graph.graph.initializer.append(shape)


def not_finite(graph):
    weights = numpy_helper.from_array(np.array([np.nan], np.float32), "w")
    graph.graph.initializer.append(weights)


def many(graph):
    graph.graph.node.extend([node(graph, "Relu")] * (MOST_NODES + 1))


def training(graph):
    graph.training_info.add()


ATTACKS = {
    external: "the tensor has (external data|a place of data)",
    looping: "the operator 'Loop'; read are: 'Add'",
    branching: "the attribute has a graph of its own, which is not read",
    function: "functions", other_domain: "com.microsoft", other_opset: "com.microsoft",
    padded: r"\['pads'\] of 1000000000; at most 1024", filled: "the operator 'ConstantOfShape'",
    constant: "a tensor", announced: "dimensions", longer: "and other data", strings: "field",
    sparse: "sparse tensors", huge_shape: "the number 1099511627776; at most 16777216",
    huge_product: r"\[16777216, -1, 0, 16\], whose product is 16777216 or more; at most 4194304",
    huge_product_of_many: r"\[2, 2, 2, 2, 2, 2, 2, 2\], whose product is 8388608 or more",
    lowest_shape: "the number -9223372036854775808", not_finite: "no finite numbers",
    many: "at most 20000", training: "training information",
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_attacks_are_refused(graph, attack):
    attack(graph)
    with pytest.raises(ModelError, match=ATTACKS[attack]) as caught:
        check_graph("m.onnx", graph.SerializeToString())
    assert str(caught.value).startswith("m.onnx: not an ONNX graph that is read: ")


@pytest.mark.parametrize(
    "numbers", [[-1, 349_525, 12], [2**31 - 1] * 4, [0] * 8, [-1] * 1000, [-3], []]
)
def test_shapes_of_long_signals_and_open_ends_are_let_through(graph, numbers):
    shape = numpy_helper.from_array(np.array(numbers, np.int64), "shape")
    graph.graph.initializer.append(shape)
    check_graph("m.onnx", graph.SerializeToString())


def test_a_second_occurrence_hides_nothing(graph, plain):
    """Of a field that comes twice, protobuf's readers take the last, or join both."""
    first = node(graph, "Relu").SerializeToString()
    again = first + b"\x22\x04Loop"  # op_type once more
    with pytest.raises(ModelError, match="the operator 'Loop'"):
        check_graph("m.onnx", with_node(again))
    with pytest.raises(ModelError, match="2 graphs; there must be one"):
        check_graph("m.onnx", plain + b"\x3a\x00")


def with_node(content):
    inside = b"\x0a" + bytes([len(content)]) + content
    size = len(inside)
    return b"\x3a" + bytes([size & 127 | 128, size >> 7]) + inside


@pytest.mark.parametrize("data", [b"", b"\0", b"PK\5\6", b"not a graph at all", b"\x3a\x00\x3a"])
def test_what_is_no_graph(data):
    with pytest.raises(ModelError, match="m.onnx: not an ONNX graph"):
        check_graph("m.onnx", data)


def test_a_file_beyond_the_largest_is_refused(plain, monkeypatch):
    monkeypatch.setattr(onnx_file_check, "LARGEST", len(plain) - 1)
    with pytest.raises(ModelError, match=f"{len(plain)} bytes; at most {len(plain) - 1} are read"):
        check_graph("m.onnx", plain)


@pytest.fixture
def folder(plain, tmp_path):
    """Write a model folder that holds the export."""
    write(tmp_path, plain)
    return tmp_path


def write(folder, data, **changes):
    (folder / "e.onnx").write_bytes(data)
    chain = {"seconds": 0.4} | changes.pop("chain", {})
    entry = {
        "name": "a", "preprocessing": chain, "thresholds": [0.5] * 24, "validation_score": 0.0
    }  # fmt: skip
    index = {
        "format": 1, "classes": CLASSES.groups, "weights": CLASSES.weights.tolist(), "year": 2020,
        "members": [entry], "graph": {"file": "e.onnx", "sha256": sha256(folder / "e.onnx")},
    } | changes  # fmt: skip
    (folder / INDEX).write_text(json.dumps(index))


def test_an_untouched_graph_is_loaded(folder):
    assert "onnxruntime" in str(load_classifier(folder).runtime)


def test_damaged_folders_are_model_errors(folder, plain, tmp_path):
    cases = [
        (lambda: write(folder, plain[:-100]), "e.onnx: not an ONNX graph"),
        (lambda: (folder / "e.onnx").write_bytes(plain[:-1]), "checksum"),
        (lambda: os.unlink(folder / "e.onnx"), "e.onnx: missing, though classifier.json"),  # noqa: PTH108
        (lambda: write(folder, plain, chain={"seconds": 0.8}), "e.onnx: its inputs .* do not fit"),
        (lambda: write(folder, plain, graph={"file": "e.onnx"}), "not a classifier's index"),
        (lambda: write(folder, plain, graph=[]), "not a classifier's index"),
    ]
    for damage, message in cases:
        write(folder, plain)
        damage()
        with pytest.raises(ModelError, match=message):
            load_classifier(folder)


def in_member(**changes):
    return lambda index: index["members"][0].update(changes)


def in_index(**changes):
    return lambda index: index.update(changes)


@pytest.mark.parametrize(
    "damage",
    [
        in_member(thresholds=["a"] * 24), in_member(thresholds=[[1, 2], [1]]),
        in_index(named=[["a"]]), in_index(named=[["a", "b"]]), in_index(named=[[1, 2]] * 24),
        in_index(classes="abc"), in_index(classes=[[]] * 24), in_index(classes=[[1]] * 24),
        in_index(weights=[["x"]]), in_index(weights=[[1.0]]), in_index(weights=[[1.0], [1.0, 2.0]]),
        in_index(weights=[[float("nan")] * 24] * 24), in_index(weights=None),
        in_index(operating_points={"balanced": ["x"]}), in_index(operating_points=[1]),
        in_index(calibration={"method": "platt", "slopes": ["x"], "intercepts": ["x"]}),
        in_member(preprocessing={"rate": 1e9}), in_member(preprocessing={"rate": "x"}),
        in_member(preprocessing={"parts": 10**7}),
    ],
)  # fmt: skip
def test_an_index_of_other_types_and_shapes_is_named(folder, damage):
    index = json.loads((folder / INDEX).read_text())
    damage(index)
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match="^" + re.escape(f"{folder / INDEX}: ")):
        load_classifier(folder)


def test_quantiles_of_another_type_are_named(tmp_path):
    for file in SHIPPED.iterdir():
        (tmp_path / file.name).symlink_to(file)
    index = json.loads((tmp_path / INDEX).read_text())
    index["novelty"]["quantiles"] = ["x"]
    (tmp_path / INDEX).unlink()
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match="^" + re.escape(f"{tmp_path / INDEX}: ")):
        load_classifier(tmp_path, "onnx")


def test_a_graph_of_other_outputs_or_members_is_refused(folder, plain, graph):
    index = json.loads((folder / INDEX).read_text())
    write(folder, plain, members=index["members"] * 2)
    with pytest.raises(ModelError, match="e.onnx: its outputs .*scores_0.* do not fit"):
        load_classifier(folder)
    graph.graph.output[0].name = "elsewhere"
    write(folder, graph.SerializeToString())
    with pytest.raises(ModelError, match="e.onnx: "):
        load_classifier(folder)


def test_a_graph_outside_the_folder_is_not_read(folder, plain):
    (folder / "inner").mkdir()
    write(folder / "inner", plain)
    index = json.loads((folder / "inner" / INDEX).read_text())
    index["graph"]["file"] = "../e.onnx"
    (folder / "inner" / INDEX).write_text(json.dumps(index))
    (folder / "inner" / "e.onnx").unlink()
    with pytest.raises(ModelError, match="missing"):
        load_classifier(folder / "inner")


def test_every_operator_that_is_let_through_is_one_of_onnx():
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    assert set(OPERATORS) <= known
