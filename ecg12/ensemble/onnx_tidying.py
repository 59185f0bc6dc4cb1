"""An ONNX graph without what says nothing of its function, the same for the same networks.

tf2onnx goes through sets of names: their order, and so the order and names of what it writes,
differ from one process to the next.
"""

from typing import Any


def tidy(model: Any) -> None:
    """Store every tensor as plain bytes; drop remarks; order and name all by the graph alone.

    Parameters
    ----------
    model
        An `onnx.ModelProto`, changed in place. Its inputs and outputs keep their names.
    """
    from onnx import numpy_helper

    for tensor in model.graph.initializer:
        plain = numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name)
        tensor.CopyFrom(plain)
    del model.metadata_props[:]
    del model.graph.value_info[:]
    for part in (model, model.graph, *model.graph.node):
        part.ClearField("doc_string")
    _order(model.graph)
    _name(model.graph)


def _order(graph: Any) -> None:
    """Order nodes by what the outputs need, in the outputs' order, and tensors by their use."""
    makers = {name: node for node in graph.node for name in node.output}
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes: dict[int, Any] = {}
    used: dict[str, Any] = {}
    waiting = [(makers[output.name], False) for output in reversed(graph.output)]
    while waiting:
        node, is_ready = waiting.pop()
        if id(node) in nodes:
            continue
        if is_ready:
            nodes[id(node)] = node
            used |= {name: tensors[name] for name in node.input if name in tensors}
            continue
        waiting.append((node, True))
        waiting += [(makers[name], False) for name in reversed(node.input) if name in makers]
    ordered = [type(node).FromString(node.SerializeToString()) for node in nodes.values()]
    kept = [type(tensor).FromString(tensor.SerializeToString()) for tensor in used.values()]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(ordered)
    graph.initializer.extend(kept)


def _name(graph: Any) -> None:
    """Name tensors and nodes by their place; nodes begin with the kind of their operation."""
    names = {value.name: value.name for value in (*graph.input, *graph.output)}
    for value in (*graph.input, *graph.output):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = f"n_{value.name}"
    for place, tensor in enumerate(graph.initializer):
        names[tensor.name] = f"t{place}"
        tensor.name = names[tensor.name]
    for place, node in enumerate(graph.node):
        node.name = f"{node.op_type}{place}"
        for number, name in enumerate(node.output):
            if name:
                names.setdefault(name, f"v{place}.{number}")
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
