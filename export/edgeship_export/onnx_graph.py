"""The graph in an .onnx, as far as telling what it is needs: inputs, operators, types of its weights. No onnx package needed.

Field numbers: onnx.proto3 of https://github.com/onnx/onnx.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from edgeship_runtime.containers.onnx import fields, varint
from edgeship_runtime.errors import DamagedError

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    16: "bfloat16",
}


@dataclass(frozen=True)
class OnnxGraph:
    """What is in it.

    Attributes:
        input_dtype, input_shape: of the first input that is no weight; -1 stands for a free side.
        operators: name → how often.
        weight_types: type → number of values.
    """

    input_dtype: str
    input_shape: tuple[int, ...]
    operators: Counter[str]
    weight_types: Counter[str]


def read_graph(model: bytes) -> OnnxGraph:
    """Reads the main graph.

    Raises:
        DamagedError: there is none, or its structure is broken.
    """
    graph = next(_each(model, 7), None)
    if graph is None:
        raise DamagedError("there is no graph in it")
    operators = Counter(_text(node, 4) for node in _each(graph, 1))
    weights: Counter[str] = Counter()
    names = set()
    for tensor in _each(graph, 5):
        names.add(_text(tensor, 8))
        count = 1
        for side in _integers(tensor, 1):
            count *= side
        weights[_dtype(_integer(tensor, 2))] += count
    free = [entry for entry in _each(graph, 11) if _text(entry, 1) not in names]
    if not free:
        raise DamagedError("its graph has no input")
    dtype, shape = _value(free[0])
    return OnnxGraph(dtype, shape, operators, weights)


def _value(entry: bytes) -> tuple[str, tuple[int, ...]]:
    tensor = next(_each(next(_each(entry, 2), b""), 1), b"")
    shape = next(_each(tensor, 2), b"")
    sides = tuple(_integer(side, 1, -1) for side in _each(shape, 1))
    return _dtype(_integer(tensor, 1)), sides


def _dtype(number: int) -> str:
    return _TYPES.get(number, f"type {number}")


def _each(message: bytes, wanted: int) -> Iterator[bytes]:
    return (message[start:stop] for number, start, stop in fields(message) if number == wanted)


def _text(message: bytes, wanted: int) -> str:
    return next(_each(message, wanted), b"").decode(errors="replace")


def _integer(message: bytes, wanted: int, default: int = 0) -> int:
    return next((varint(message, start)[0] for number, start, _ in fields(message) if number == wanted), default)


def _integers(message: bytes, wanted: int) -> Iterator[int]:
    """Repeated integers, packed or not: a packed field is a run of them, longer than the one it would be otherwise."""
    for number, start, stop in fields(message):
        at = start
        while number == wanted and at < stop:
            value, at = varint(message, at)
            yield value
