"""The graph in an .onnx: its inputs, outputs, nodes and constants. No onnx package needed, so it is read on a board too.

Field numbers: onnx.proto3 of https://github.com/onnx/onnx.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from edgeship_runtime.containers.onnx import fields, varint
from edgeship_runtime.errors import DamagedError

_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16", 21: "uint4", 22: "int4",
}  # fmt: skip
_STANDARD = "ai.onnx"
_DATA_FIELDS = (4, 5, 6, 7, 9, 10, 11)  # of TensorProto: float, int32, string, int64, raw, double, uint64
_EXTERNAL = 1
_PASSES_ON = (
    "Cast",
    "Flatten",
    "Identity",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)  # a constant stays what it is


@dataclass(frozen=True)
class Constant:
    """A weight. `size_bytes` is what lies in the file; `external` when it lies in another; `first` is its first number."""

    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    external: bool
    first: float | None


_NOTHING = Constant("float32", (), 0, external=False, first=None)  # a Constant node's single number


@dataclass(frozen=True)
class Value:
    """An input or output of the graph; -1 stands for a free side."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """An operation: what it is, and the names of what it takes and gives ("": an absent optional one)."""

    name: str
    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class OnnxGraph:
    """The main graph, and what lies within its nodes.

    Attributes:
        ir_version: of the file.
        opsets: version by domain; "ai.onnx" is the standard one.
        inputs, outputs: without those inputs that are weights.
        nodes: in the order they run.
        constants: weights by name: initializers, and what Constant nodes give.
        functions: domains whose operators the file defines itself.
        values: inputs, outputs and what lies between, by name, where the file tells their types.
        inner_nodes, inner_constants: of the bodies of If, Loop and Scan, and of functions.
    """

    ir_version: int
    opsets: Mapping[str, int]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Constant]
    functions: frozenset[str]
    values: Mapping[str, Value]
    inner_nodes: tuple[Node, ...]
    inner_constants: tuple[Constant, ...]

    @property
    def every_node(self) -> tuple[Node, ...]:
        """Those of bodies too."""
        return (*self.nodes, *self.inner_nodes)

    @property
    def domains_used(self) -> set[str]:
        """Domains that a node's operator is of, other than those the file defines itself."""
        return {node.domain for node in self.every_node} - self.functions

    @cached_property
    def producers(self) -> dict[str, Node]:
        """The node that gives a value, by the value's name."""
        return {name: node for node in self.nodes for name in node.outputs}

    @cached_property
    def users(self) -> dict[str, list[Node]]:
        """The nodes that take a value, by the value's name."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in node.inputs:
                found.setdefault(name, []).append(node)
        return found

    def origin(self, name: str) -> Node | Constant | None:
        """What a value comes from: a node that computes, a constant, or an input (None)."""
        for _ in range(len(self.nodes) + 1):  # a damaged graph may run in circles
            if name in self.constants:
                return self.constants[name]
            node = self.producers.get(name)
            if node is None or node.operator not in _PASSES_ON or not node.inputs:
                return node
            name = node.inputs[0]
        return None


def read_graph(model: bytes) -> OnnxGraph:
    """Reads the main graph.

    Raises:
        DamagedError: there is none, or its structure is broken.
    """
    graph = next(_each(model, 7), None)
    if graph is None:
        raise DamagedError("there is no graph in it")
    nodes, constants = _read(graph, 1)
    inputs = tuple(value for value in map(_value, _each(graph, 11)) if value.name not in constants)
    outputs = tuple(map(_value, _each(graph, 12)))
    values = {value.name: value for value in (*map(_value, _each(graph, 13)), *inputs, *outputs)}
    bodies = [*_bodies(graph, 1), *((function, 7) for function in _each(model, 25))]
    inner_nodes, inner_constants = _inside(bodies)
    if not inputs or not outputs:
        raise DamagedError("its graph has no input or no output")
    opsets = {_text(entry, 1) or _STANDARD: _integer(entry, 2) for entry in _each(model, 8)}
    functions = frozenset(_text(entry, 10) for entry in _each(model, 25))
    return OnnxGraph(
        _integer(model, 1), opsets, inputs, outputs, nodes, constants, functions, values, inner_nodes, inner_constants
    )


def _read(graph: bytes, field: int) -> tuple[tuple[Node, ...], dict[str, Constant]]:
    """Nodes and weights of a GraphProto, or of a FunctionProto, whose nodes are in another field and which has no initializers."""
    constants = {_text(tensor, 8): _constant(tensor) for tensor in _each(graph, 5)} if field == 1 else {}
    nodes = []
    for message in _each(graph, field):
        node = _node(message)
        nodes.append(node)
        if node.operator == "Constant" and node.outputs:
            constants |= dict.fromkeys(node.outputs[:1], next(_constants_of(message), _NOTHING))
    return tuple(nodes), constants


def _bodies(graph: bytes, field: int) -> Iterator[tuple[bytes, int]]:
    """Graphs that are attributes of its nodes."""
    for node in _each(graph, field):
        for attribute in _each(node, 5):
            yield from ((body, 1) for number in (6, 11) for body in _each(attribute, number))


def _inside(pending: list[tuple[bytes, int]]) -> tuple[tuple[Node, ...], tuple[Constant, ...]]:
    """All nodes and weights of bodies, and of bodies within them: each lies within the bytes of another, so there is an end."""
    nodes: list[Node] = []
    constants: list[Constant] = []
    while pending:
        graph, field = pending.pop()
        own, weights = _read(graph, field)
        nodes += own
        constants += weights.values()
        pending += _bodies(graph, field)
    return tuple(nodes), tuple(constants)


def _node(message: bytes) -> Node:
    inputs, outputs = (tuple(_decoded(item) for item in _each(message, field)) for field in (1, 2))
    return Node(_text(message, 3), _text(message, 4), _text(message, 7) or _STANDARD, inputs, outputs)


def _constants_of(node: bytes) -> Iterator[Constant]:
    """The tensor attribute of a Constant node."""
    for attribute in _each(node, 5):
        for tensor in _each(attribute, 5):
            yield _constant(tensor)


def _constant(tensor: bytes) -> Constant:
    dtype = _dtype(_integer(tensor, 2))
    spans = [(number, start, stop) for number, start, stop in fields(tensor) if number in _DATA_FIELDS]
    size = sum(stop - start for _, start, stop in spans)
    first = _first(dtype, spans[0][0], tensor[spans[0][1] : spans[0][2]]) if spans else None
    return Constant(dtype, tuple(_integers(tensor, 1)), size, _integer(tensor, 14) == _EXTERNAL, first)


def _first(dtype: str, field: int, data: bytes) -> float | None:
    """The first number of a tensor, for scales and zero points."""
    code = {"float32": "f", "uint8": "B", "int8": "b", "float16": "e"}.get(dtype)
    if field == 5 and data and code in ("B", "b"):  # int32_data: varints
        number = varint(data, 0)[0]
        return float(number - (1 << 64) if number >> 63 else number)  # negative ones fill 64 bits
    if code is None or len(data) < struct.calcsize(code):
        return None
    value = float(struct.unpack_from("<" + code, data)[0])
    return value if math.isfinite(value) else None


def _value(entry: bytes) -> Value:
    tensor = next(_each(next(_each(entry, 2), b""), 1), b"")
    shape = next(_each(tensor, 2), b"")
    return Value(_text(entry, 1), _dtype(_integer(tensor, 1)), tuple(_side(side) for side in _each(shape, 1)))


def _side(dimension: bytes) -> int:
    side = _integer(dimension, 1, -1)
    return side if 0 < side < 1 << 31 else -1


def _dtype(number: int) -> str:
    return _TYPES.get(number, f"type {number}")


def _each(message: bytes, wanted: int) -> Iterator[bytes]:
    return (message[start:stop] for number, start, stop in fields(message) if number == wanted)


def _text(message: bytes, wanted: int) -> str:
    return _decoded(next(_each(message, wanted), b""))


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def _integer(message: bytes, wanted: int, default: int = 0) -> int:
    return next((varint(message, start)[0] for number, start, _ in fields(message) if number == wanted), default)


def _integers(message: bytes, wanted: int) -> Iterator[int]:
    """Repeated integers, packed or not: a packed field is a run of them, longer than the one it would be otherwise."""
    for number, start, stop in fields(message):
        at = start
        while number == wanted and at < stop:
            value, at = varint(message, at)
            yield value
