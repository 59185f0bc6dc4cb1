"""An exported graph depends on the networks alone, not on the names and order it was written in."""

import itertools

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ecg12.ensemble.onnx_tidying import tidy

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def graph(names, order, size):
    """Return (x + 1) · x and −(x + 1): inner values, nodes and tensor under any names."""
    total, one, *nodes = names
    made = [
        helper.make_node("Add", ["x", one], [total], nodes[0], doc_string="a remark"),
        helper.make_node("Mul", [total, "x"], ["y"], nodes[1]),
        helper.make_node("Neg", [total], ["z"], nodes[2]),
    ]
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [size, 3]) for name in "xyz"
    }
    tensors = [numpy_helper.from_array(np.ones(3, np.float32), one)]
    whole = helper.make_graph(
        [made[place] for place in order], "g", [values["x"]], [values["y"], values["z"]], tensors
    )
    return helper.make_model(whole)


def test_names_and_order_leave_no_trace():
    drawn = itertools.product(
        [("a", "b", "c", "d", "e"), ("v1.0", "t1", "z1", "", "Neg0")],
        [(0, 1, 2), (0, 2, 1)],
        ["batch", "unk__2038"],
    )
    written = set()
    for names, order, size in drawn:
        model = graph(names, order, size)
        tidy(model)
        onnx.checker.check_model(model, full_check=True)
        y, z = ReferenceEvaluator(model).run(None, {"x": X})
        np.testing.assert_array_equal(y, (X + 1) * X)
        np.testing.assert_array_equal(z, -(X + 1))
        written.add(model.SerializeToString())
    assert len(written) == 1
