"""What a .tflite really is: quantization from tensors, what weighs what, what runs in floating point, what no runtime has."""

from __future__ import annotations

from dataclasses import dataclass

from edgeship_export import requirements
from edgeship_export.facts import Blamed, End, Facts, Layer, scheme_of
from edgeship_export.operator_releases import BUILT_IN_CUSTOM
from edgeship_export.tflite_graph import Graph, Operator, Tensor, read_model
from edgeship_runtime.model_file import RawModel

_COMPUTING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL", "CONV_3D")
_CONVERTING = ("QUANTIZE", "DEQUANTIZE")
_ASKING = ("SHAPE", "RANK")  # take a tensor, and not its numbers
_SHAPES = ("int32", "int64")  # of constants that say where, and not how much
_PASSES_ON = (*_CONVERTING, "RESHAPE", "SQUEEZE", "CAST")
_ACTIVATIONS = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid"}
_FLOATS = ("float32", "float16")
_INTEGERS = {"int8": "int8", "uint8": "int8", "int16": "int16x8"}  # of activations → scheme
_STATED = "min_runtime_version"  # a metadata entry that TensorFlow's converter writes


@dataclass(frozen=True)
class _Weighed:
    """An operator that computes, with the weight it takes (as stored) and the type of what it is applied to."""

    operator: Operator
    weight: Tensor
    activation: str

    @property
    def kind(self) -> str:
        """The scheme of this one layer."""
        if self.activation in _INTEGERS:
            return _INTEGERS[self.activation]
        return self.weight.dtype if self.weight.dtype in _FLOATS else "dynamic"


def read(raw: RawModel) -> Facts:
    """What a .tflite file is.

    Raises:
        DamagedError: its structure is broken.
    """
    model = read_model(raw.model)
    graph = model.main
    weighed = [item for operator in graph.operators if (item := _weighed(graph, operator))]
    kinds = {item.kind for item in weighed}
    narrow = [item.weight for item in weighed if item.weight.scales]
    last = _source(graph, graph.outputs[0])
    activation = _ACTIVATIONS.get(last.name) if last else None
    return Facts(
        scheme=scheme_of(set(kinds)),
        per_channel=any(len(weight.scales) > 1 for weight in narrow) if narrow else None,
        inputs=tuple(_end(graph.tensors[index]) for index in graph.inputs),
        outputs=tuple(_end(graph.tensors[index]) for index in graph.outputs),
        requirements=requirements.of_tflite(raw.model),
        activation=activation,
        activation_dtype=graph.given(last)[0].dtype if last and activation else None,
        weights=_weights(graph),
        layers=_layers(graph),
        islands=_islands(graph, last) if kinds & set(_INTEGERS.values()) else (),
        foreign=tuple(
            _foreign(part, operator) for part in model.graphs for operator in part.operators if _is_foreign(operator)
        ),
        operators=frozenset(operator.name for part in model.graphs for operator in part.operators),
        stated_runtime=model.metadata.get(_STATED, b"").rstrip(b"\0").decode(errors="replace") or None,
    )


def _end(tensor: Tensor) -> End:
    scale = tensor.scales[0] if tensor.scales else None
    zero_point = (tensor.zero_points[0] if tensor.zero_points else 0) if scale is not None else None
    return End(tensor.name, tensor.dtype, tensor.shape, scale, zero_point)


def _weighed(graph: Graph, operator: Operator) -> _Weighed | None:
    """Tells weight and activation apart, the weight also where it is stored small and widened before use."""
    if operator.name not in _COMPUTING:
        return None
    candidates = [index for index in operator.inputs[:3] if index >= 0 and graph.tensors[index].dtype != "int32"]
    stored = [(index, tensor) for index in candidates if (tensor := _stored(graph, index))]
    others = [graph.tensors[index].dtype for index in candidates if index not in [place for place, _ in stored]]
    if not stored or not others:
        return None
    return _Weighed(operator, stored[0][1], others[0])


def _stored(graph: Graph, index: int) -> Tensor | None:
    """The constant behind a tensor: itself, or what a DEQUANTIZE widens; None for what is computed."""
    if graph.tensors[index].constant_bytes:
        return graph.tensors[index]
    producer = graph.producer(index)
    if producer is None or producer.name != "DEQUANTIZE" or not graph.taken(producer):
        return None
    source = graph.taken(producer)[0]
    return source if source.constant_bytes else None


def _source(graph: Graph, index: int) -> Operator | None:
    """The operator that computes a tensor, past those that only change its type or shape."""
    for _ in graph.operators:
        producer = graph.producer(index)
        if producer is None or producer.name not in _PASSES_ON or not graph.taken(producer):
            return producer
        index = producer.inputs[0]
    return None


def _weights(graph: Graph) -> dict[str, int]:
    """Bytes of constants by type."""
    found: dict[str, int] = {}
    for tensor in graph.tensors:
        if tensor.constant_bytes:
            found[tensor.dtype] = found.get(tensor.dtype, 0) + tensor.constant_bytes
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _layers(graph: Graph) -> tuple[Layer, ...]:
    """Operators with the constants they take; one that several take counts with the first."""
    found, counted = [], set()
    for operator in graph.operators:
        if operator.name == "DEQUANTIZE":  # its constant counts with who uses the widened one
            continue
        own = {id(tensor): tensor for index in operator.inputs if index >= 0 and (tensor := _stored(graph, index))}
        new = [tensor for key, tensor in own.items() if key not in counted]
        counted |= set(own)
        if any(tensor.dtype not in _SHAPES for tensor in new):
            size = sum(tensor.constant_bytes for tensor in new)
            largest = max(new, key=lambda tensor: tensor.constant_bytes)
            found.append(Layer(_name(graph, operator), operator.name, largest.dtype, size))
    return tuple(found)


def _islands(graph: Graph, last: Operator | None) -> tuple[Blamed, ...]:
    """Operators on floating point, other than those that turn it into integers and back, and a softmax at the end, which is meant."""
    found = []
    for operator in graph.operators:
        if operator is last and operator.name in _ACTIVATIONS:
            continue
        ends = [tensor for tensor in (*graph.taken(operator), *graph.given(operator)) if not tensor.constant_bytes]
        if operator.name not in (*_CONVERTING, *_ASKING) and any(tensor.dtype in _FLOATS for tensor in ends):
            found.append(Blamed(_name(graph, operator), operator.name))
    return tuple(found)


def _is_foreign(operator: Operator) -> bool:
    custom = operator.name.startswith("custom ") and operator.name.removeprefix("custom ") not in BUILT_IN_CUSTOM
    return custom or operator.name.startswith("operator ")


def _foreign(graph: Graph, operator: Operator) -> Blamed:
    return Blamed(_name(graph, operator), operator.name.removeprefix("custom "))


def _name(graph: Graph, operator: Operator) -> str:
    """The layer, as the name of its output tells it; fused ones are joined by semicolons there."""
    given = graph.given(operator)
    return given[0].name.split(";")[0] if given else ""
