"""Models as other tools make them: small flatbuffers of any operators and types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_CUSTOM = schema.BuiltinOperator.CUSTOM
_OLD_CODES = 127  # of one byte, in a field of their own


@dataclass(frozen=True)
class T:
    """A tensor: its shape, type, scales, and whether it is a constant (of zeros)."""

    shape: Sequence[int]
    dtype: str = "float32"
    scales: Sequence[float] = ()
    zero_point: int = 0
    constant: bool = False


@dataclass(frozen=True)
class Op:
    """An operator by its name ("custom X" for one of somebody's), with the numbers of the tensors that it takes and gives."""

    name: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    version: int = 1


@dataclass(frozen=True)
class Tflite:
    """A graph; inputs and outputs are the first and the last tensor unless told otherwise."""

    tensors: Sequence[T]
    operators: Sequence[Op] = field(default_factory=list)
    inputs: Sequence[int] = (0,)
    outputs: Sequence[int] = (-1,)

    def to_bytes(self) -> bytes:
        model, graph = schema.ModelT(), schema.SubGraphT()
        model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
        model.operatorCodes = [_code(operator) for operator in self.operators]
        graph.tensors = [_tensor(model, number, tensor) for number, tensor in enumerate(self.tensors)]
        graph.operators = [_operator(place, operator) for place, operator in enumerate(self.operators)]
        graph.inputs = list(self.inputs)
        graph.outputs = [place % len(self.tensors) for place in self.outputs]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def picture_to(*outputs: T, operator: str = "SOFTMAX", taken: T | None = None) -> bytes:
    """A graph from one picture to some outputs, by one operator that need not make sense."""
    tensors = [taken or T((1, 8, 8, 3)), *outputs]
    places = list(range(1, len(tensors)))
    return Tflite(tensors, [Op(operator, [0], places)], outputs=places).to_bytes()


def one_operator(name: str, version: int) -> bytes:
    """A graph of one operator, for asking an engine whether it has it."""
    return Tflite([T((1, 4)), T((1, 4))], [Op(name, [0], [1], version)]).to_bytes()


def _code(operator: Op) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    custom = operator.name.startswith("custom ")
    code.builtinCode = _CUSTOM if custom else getattr(schema.BuiltinOperator, operator.name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, _OLD_CODES), operator.version
    code.customCode = operator.name.removeprefix("custom ") if custom else None
    return code


def _tensor(model: schema.ModelT, number: int, tensor: T) -> schema.TensorT:
    made = schema.TensorT()
    made.shape, made.name = [max(1, side) for side in tensor.shape], f"block/layer_{number}"
    made.shapeSignature = list(tensor.shape)
    made.type, made.buffer = getattr(schema.TensorType, tensor.dtype.upper()), 0
    if tensor.constant:
        buffer = schema.BufferT()
        buffer.data = np.zeros(int(np.prod(tensor.shape)), np.uint8)
        made.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if tensor.scales:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = list(tensor.scales)
        made.quantization.zeroPoint = [tensor.zero_point] * len(tensor.scales)
    return made


def _operator(place: int, operator: Op) -> schema.OperatorT:
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = place, list(operator.inputs), list(operator.outputs)
    return made
