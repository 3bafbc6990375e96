"""Canonical: one form for ONNX graphs that compute the same, so that the same model gives the same file.

tf2onnx names and merges constants as its sets happen to be ordered, and imports operator sets that nothing uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

INPUT, OUTPUT, BATCH = "pixels", "scores", "N"
_COUNTER = re.compile(r"__\d+$")


def canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model with one input and one output in canonical form.

    Nodes stand in the order of a depth-first walk from the output, so an operation follows what it needs; equal constants are one;
    names follow the nodes; only operator sets in use are imported; shapes in between, which any checker infers, are left out.
    A graph with branches keeps its order and names.
    """
    import onnx

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    graph.name, graph.doc_string = "edgeship", ""
    if not any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        _merge_constants(graph)
        _order(graph)
        _rename(graph)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    del graph.value_info[:]
    used = {node.domain for node in graph.node}
    sets = sorted((entry.domain, entry.version) for entry in result.opset_import if entry.domain in used)
    del result.opset_import[:]
    result.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in sets)
    return result


def to_bytes(model: onnx.ModelProto) -> bytes:
    """Always the same bytes for the same message."""
    return bytes(model.SerializeToString(deterministic=True))


def _merge_constants(graph: onnx.GraphProto) -> None:
    from onnx import numpy_helper

    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    same: dict[str, str] = {}
    for tensor in graph.initializer:
        key = (tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes())
        same[tensor.name] = first.setdefault(key, tensor.name)
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]


def _order(graph: onnx.GraphProto) -> None:
    producer = {name: node for node in graph.node for name in node.output}
    ordered = list(_walk(graph.output[0].name, producer))
    del graph.node[:]
    graph.node.extend(ordered)


def _walk(output: str, producer: dict[str, onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """Post-order, without recursion: deep networks have more nodes than Python allows calls."""
    done: set[int] = set()
    stack = [(producer[output], False)]
    while stack:
        node, visited = stack.pop()
        if id(node) in done:
            continue
        if visited:
            done.add(id(node))
            yield node
            continue
        stack.append((node, True))
        stack.extend((producer[name], False) for name in reversed(node.input) if name in producer)


def _rename(graph: onnx.GraphProto) -> None:
    """Nodes keep their names, without tf2onnx's counters; values take the name of the node they come from or go to first."""
    names = {graph.input[0].name: INPUT, graph.output[0].name: OUTPUT}
    taken: dict[str, int] = {}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    used = []
    for node in graph.node:
        plain = _COUNTER.sub("", node.name) or node.op_type
        taken[plain] = count = taken.get(plain, -1) + 1
        node.name = f"{plain}_{count}" if count else plain
        for place, name in enumerate(node.input):
            if name in constants and name not in names:
                names[name] = f"{node.name}/constant_{place}"
                used.append(constants[name])
        for place, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}:{place}")
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    kept = []
    for tensor in used:
        tensor.name = names[tensor.name]
        kept.append(tensor)
    graph.input[0].name, graph.output[0].name = INPUT, OUTPUT
    del graph.initializer[:]
    graph.initializer.extend(kept)
