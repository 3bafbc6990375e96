"""What an .onnx really is: quantization from its nodes and weights, what weighs what, what ONNX Runtime does not have."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeship_export import requirements
from edgeship_export.facts import RANGES, Blamed, End, Facts, Layer, scheme_of
from edgeship_export.onnx_graph import Constant, Node, OnnxGraph, Value, read_graph
from edgeship_runtime.model_file import RawModel

_COMPUTING = ("Conv", "ConvTranspose", "Gemm", "MatMul", "FusedConv")
_INTEGER = ("QLinearConv", "QLinearMatMul", "QGemm")
_DYNAMIC = ("ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits")
_NARROW = "QLinear"  # how operators on integers are called
_CONVERTING = ("QuantizeLinear", "DequantizeLinear")
_PASSES_ON = (*_CONVERTING, "Cast", "Flatten", "Identity", "Reshape", "Squeeze")
_SCALES = {
    "DynamicQuantizeMatMul": 2,
    "MatMulIntegerToFloat": 3,
    "MatMulNBits": 2,
}  # which of its inputs the weight's are
_ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid", "QLinearSoftmax": "softmax", "QLinearSigmoid": "sigmoid"}
_OF_ONNXRUNTIME = ("ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental")


@dataclass(frozen=True)
class _Weighed:
    """A node that computes, its weight as stored, and what the layer is."""

    node: Node
    weight: Constant | None
    kind: str
    scales: int


def read(raw: RawModel) -> Facts:
    """What an .onnx file is.

    Raises:
        DamagedError: its structure is broken.
    """
    graph = read_graph(raw.model)
    weighed = [item for node in graph.nodes if (item := _weighed(graph, node))]
    kinds = {item.kind for item in weighed}
    narrow = [item.scales for item in weighed if item.scales]
    last, quantized = _source(graph, graph.outputs[0].name)
    activation = _ACTIVATIONS.get(last.operator) if last else None
    return Facts(
        scheme=scheme_of(set(kinds)),
        per_channel=any(count > 1 for count in narrow) if narrow else None,
        inputs=tuple(_end(graph, value) for value in graph.inputs),
        outputs=tuple(_end(graph, value) for value in graph.outputs),
        requirements=requirements.of_onnx(raw.model),
        activation=activation,
        activation_dtype=("uint8" if quantized else "float32") if activation else None,
        weights=_weights(graph),
        layers=_layers(graph),
        islands=_islands(graph, weighed, last) if "int8" in kinds else (),
        foreign=tuple(_blamed(node) for node in graph.every_node if _is_foreign(graph, node)),
        operators=frozenset(node.operator for node in graph.every_node),
        external=any(constant.external for constant in (*graph.constants.values(), *graph.inner_constants)),
    )


def _end(graph: OnnxGraph, value: Value) -> End:
    """An end with its scale, where it is quantized: told by the node that widens it, or narrows to it."""
    scale = zero_point = None
    for node in graph.nodes:
        touches = node.operator == "DequantizeLinear" and node.inputs[:1] == (value.name,)
        touches |= node.operator == "QuantizeLinear" and value.name in node.outputs
        if touches and len(node.inputs) > 1 and node.inputs[1] in graph.constants:
            scale = graph.constants[node.inputs[1]].first
            zero = graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
            zero_point = int(zero.first) if zero is not None and zero.first is not None else 0
    return End(value.name, value.dtype, value.shape, scale, zero_point if scale is not None else None)


def _weighed(graph: OnnxGraph, node: Node) -> _Weighed | None:
    if node.operator in _INTEGER:
        scale = graph.constants.get(node.inputs[4]) if len(node.inputs) > 4 else None
        weight = graph.constants.get(node.inputs[3]) if len(node.inputs) > 3 else None
        return _Weighed(node, weight, "int8", _count(scale))
    if node.operator in _DYNAMIC:
        weight = graph.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
        return _Weighed(node, weight, "dynamic", _dynamic_scales(graph, node))
    if node.operator not in _COMPUTING or len(node.inputs) < 2:
        return None
    sides = [_stored(graph, name) for name in node.inputs[:2]]
    weight, scales = next(((constant, count) for constant, count, _ in sides if constant), (None, 0))
    if weight is None:
        return None
    quantized = [widened for constant, _, widened in sides if constant is None]
    if scales:
        return _Weighed(node, weight, "int8" if any(quantized) else "dynamic", scales)
    return _Weighed(node, weight, "float16" if weight.dtype == "float16" else "float32", 0)


def _stored(graph: OnnxGraph, name: str) -> tuple[Constant | None, int, bool]:
    """The constant behind a value (None when it is computed), how many scales it has, and whether a DequantizeLinear gives it."""
    origin = graph.origin(name)
    if isinstance(origin, Constant):
        return origin, 0, False
    if origin is None or origin.operator != "DequantizeLinear" or len(origin.inputs) < 2:
        return None, 0, False
    source = graph.origin(origin.inputs[0])
    if isinstance(source, Node) and source.operator == "QuantizeLinear" and source.inputs:
        source = graph.origin(
            source.inputs[0]
        )  # trained for integers: weights stay float32, and are narrowed as they are loaded
    constant = source if isinstance(source, Constant) else None
    return constant, _count(graph.constants.get(origin.inputs[1])) if constant else 0, True


def _dynamic_scales(graph: OnnxGraph, node: Node) -> int:
    """How many scales the weight has: an input of the node, or what it is multiplied with behind it."""
    place = _SCALES.get(node.operator)
    if place is not None:
        return _count(graph.constants.get(node.inputs[place]) if place < len(node.inputs) else None)
    users = [user for name in node.outputs for user in graph.users.get(name, ())]
    users += [
        second
        for user in users
        if user.operator == "Cast"
        for name in user.outputs
        for second in graph.users.get(name, ())
    ]
    factors = [graph.producers.get(name) for user in users if user.operator == "Mul" for name in user.inputs]
    scales = [
        graph.constants[name] for factor in factors if factor for name in factor.inputs if name in graph.constants
    ]
    return max((_count(scale) for scale in scales), default=1)


def _count(scale: Constant | None) -> int:
    """How many scales: one, or one for each channel."""
    if scale is None:
        return 1
    return max(1, math.prod(scale.shape))


def _source(graph: OnnxGraph, name: str) -> tuple[Node | None, bool]:
    """The node that computes a value, past those that only change its type or shape; and whether it is narrowed on the way."""
    quantized = False
    for _ in range(len(graph.nodes) + 1):
        node = graph.producers.get(name)
        if node is None or node.operator not in _PASSES_ON or not node.inputs:
            return node, quantized or (node is not None and node.operator.startswith(_NARROW))
        quantized |= node.operator == "QuantizeLinear"
        name = node.inputs[0]
    return None, quantized


def _weights(graph: OnnxGraph) -> dict[str, int]:
    """Bytes of constants by type."""
    found: dict[str, int] = {}
    for constant in (*graph.constants.values(), *graph.inner_constants):
        found[constant.dtype] = found.get(constant.dtype, 0) + constant.size_bytes
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _layers(graph: OnnxGraph) -> tuple[Layer, ...]:
    """Nodes with the constants they take, through a DequantizeLinear too; one that several take counts with the first."""
    found, counted = [], set()
    for node in graph.nodes:
        if node.operator in (*_CONVERTING, "Constant", *_PASSES_ON):
            continue
        own = {id(c): c for name in node.inputs if (c := _stored(graph, name)[0]) is not None}
        new = [constant for key, constant in own.items() if key not in counted]
        counted |= set(own)
        if size := sum(constant.size_bytes for constant in new):
            largest = max(new, key=lambda constant: constant.size_bytes)
            found.append(Layer(_name(node), node.operator, largest.dtype, size))
    return tuple(found)


def _islands(graph: OnnxGraph, weighed: list[_Weighed], last: Node | None) -> tuple[Blamed, ...]:
    """Nodes that compute on floating point.

    Not those between a DequantizeLinear and a QuantizeLinear, which engines fuse, nor those on shapes, nor an activation at the end,
    which is meant.
    """
    integer = {id(item.node) for item in weighed if item.kind == "int8"}
    narrow = {value.name for value in graph.inputs if value.dtype in RANGES}
    widened: set[str] = set()  # by a DequantizeLinear, or by an integer node on its way to a QuantizeLinear
    found = []
    for node in graph.nodes:
        taken = {name for name in node.inputs if name and name not in graph.constants}
        if not taken or node.operator == "Shape" or taken <= narrow or node.operator.startswith(_NARROW):
            (widened if node.operator == "DequantizeLinear" else narrow).update(node.outputs)
        elif node.operator in _CONVERTING or id(node) in integer:
            (narrow if node.operator == "QuantizeLinear" else widened).update(node.outputs)
        elif taken <= widened and (node.operator in _PASSES_ON or _is_narrowed(graph, node)):
            widened.update(node.outputs)
        elif node.operator not in _PASSES_ON and not (node is last and node.operator in _ACTIVATIONS):
            found.append(_blamed(node))
    return tuple(found)


def _is_narrowed(graph: OnnxGraph, node: Node) -> bool:
    """Whether a value goes to a QuantizeLinear, perhaps through one node more: Add, then Relu."""
    users = [user for name in node.outputs for user in graph.users.get(name, ())]
    return bool(users) and all(
        user.operator == "QuantizeLinear"
        or any(second.operator == "QuantizeLinear" for name in user.outputs for second in graph.users.get(name, ()))
        for user in users
    )


def _is_foreign(graph: OnnxGraph, node: Node) -> bool:
    return node.domain not in _OF_ONNXRUNTIME and node.domain not in graph.functions


def _blamed(node: Node) -> Blamed:
    return Blamed(
        _name(node), f"{node.domain}.{node.operator}" if node.domain not in _OF_ONNXRUNTIME else node.operator
    )


def _name(node: Node) -> str:
    return node.name or (node.outputs[0] if node.outputs else "")
