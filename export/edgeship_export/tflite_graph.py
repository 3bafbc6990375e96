"""The graph in a .tflite: its tensors and operators, read without any runtime, for any tool's file.

Field numbers: schema.fbs of https://github.com/google-ai-edge/LiteRT (tflite/converter/schema).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgeship_runtime import flatbuffer
from edgeship_runtime.errors import DamagedError
from edgeship_runtime.flatbuffer import Table

TYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64", "complex128",
    "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4", "float8_e4m3fn", "float8_e5m2",
)  # fmt: skip
BITS = {"float64": 64, "int64": 64, "uint64": 64, "float32": 32, "int32": 32, "uint32": 32, "float16": 16, "bfloat16": 16,
        "int16": 16, "uint16": 16, "int8": 8, "uint8": 8, "bool": 8, "int4": 4, "uint4": 4, "int2": 2}  # fmt: skip
_CUSTOM = 32
_MOST_SIDES = 16  # kernels take at most 8


@dataclass(frozen=True)
class Tensor:
    """A tensor.

    Attributes:
        name: that its tool gave it, often with the layer's.
        dtype: as NumPy calls it.
        shape: -1 stands for a free side.
        scales, zero_points: affine quantization: one, or one for each channel; empty when it has none.
        constant_bytes: 0 when it is computed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    constant_bytes: int

    @property
    def size_bytes(self) -> int:
        """In memory; a free side counts as one."""
        return math.prod(max(1, side) for side in self.shape) * BITS.get(self.dtype, 32) // 8


@dataclass(frozen=True)
class Operator:
    """An operator by its name in the schema, its version, and the tensors it takes and gives (-1: an absent optional one)."""

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A subgraph; the first is what runs, others are the bodies of its loops and branches."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @cached_property
    def _producers(self) -> dict[int, Operator]:
        return {index: operator for operator in self.operators for index in operator.outputs}

    def producer(self, index: int) -> Operator | None:
        """The operator that gives a tensor; None for inputs and constants."""
        return self._producers.get(index)

    def taken(self, operator: Operator) -> list[Tensor]:
        """The tensors an operator takes."""
        return [self.tensors[index] for index in operator.inputs if index >= 0]

    def given(self, operator: Operator) -> list[Tensor]:
        """The tensors an operator gives."""
        return [self.tensors[index] for index in operator.outputs if index >= 0]


@dataclass(frozen=True)
class Model:
    """Everything that is read of a file.

    Attributes:
        graphs: at least one.
        metadata: entries by name, such as TFLITE_METADATA.
        is_split: weights lie behind the flatbuffer, which buffers point to.
    """

    graphs: tuple[Graph, ...]
    metadata: Mapping[str, bytes]
    is_split: bool = False

    @property
    def main(self) -> Graph:
        """The graph that runs."""
        return self.graphs[0]


def read_model(model: bytes) -> Model:
    """Reads a file.

    Raises:
        DamagedError: its structure is broken.
    """
    root = flatbuffer.root(model)
    codes = [_operator_code(code) for code in root.tables(1)]
    buffers = list(root.tables(4))
    sizes = [_buffer_bytes(buffer) for buffer in buffers]
    graphs = tuple(_graph(graph, codes, sizes) for graph in root.tables(2))
    if not graphs or not graphs[0].inputs or not graphs[0].outputs:
        raise DamagedError("its graph has no input or no output")
    metadata = {entry.string(0): _content(buffers, entry.scalar(1, "I")) for entry in root.tables(6)}
    return Model(graphs, metadata, any(buffer.scalar(1, "Q") > 1 for buffer in buffers))


def read_graph(model: bytes) -> Graph:
    """Reads the graph that runs.

    Raises:
        DamagedError: the file's structure is broken.
    """
    return read_model(model).main


def _graph(graph: Table, codes: Sequence[tuple[str, int]], sizes: Sequence[int]) -> Graph:
    tensors = tuple(_tensor(tensor, sizes) for tensor in graph.tables(0))
    operators = []
    for operator in graph.tables(3):
        name, version = _item(codes, operator.scalar(0, "I"))
        taken, given = operator.vector(1, "i"), operator.vector(2, "i")
        operators.append(Operator(name, version, _indices(taken, tensors), _indices(given, tensors)))
    ends = [_indices(graph.vector(field, "i"), tensors, least=0) for field in (1, 2)]
    return Graph(tensors, tuple(operators), *ends)


def _indices(indices: tuple[int, ...], tensors: Sequence[Tensor], least: int = -1) -> tuple[int, ...]:
    wrong = [index for index in indices if not least <= index < len(tensors)]
    if wrong:
        raise DamagedError(f"tensor {wrong[0]} is named, and there are {len(tensors)}")
    return indices


def _item(codes: Sequence[tuple[str, int]], index: int) -> tuple[str, int]:
    if index >= len(codes):
        raise DamagedError(f"operator code {index} is named, and there are {len(codes)}")
    return codes[index]


def _operator_code(code: Table) -> tuple[str, int]:
    number = max(code.scalar(0, "b"), code.scalar(3, "i"))  # until 2020 the code was one byte, in a field of its own
    name = f"custom {code.string(1)}" if number == _CUSTOM else _operator_name(number)
    return name, code.scalar(2, "i", 1)


def _buffer_bytes(buffer: Table) -> int:
    span = buffer.extent(0)
    return max(span[1] if span else 0, buffer.scalar(2, "Q"))


def _content(buffers: Sequence[Table], index: int) -> bytes:
    span = buffers[index].extent(0) if index < len(buffers) else None
    return bytes(buffers[index].data[span[0] : span[0] + span[1]]) if span else b""


def _tensor(tensor: Table, sizes: Sequence[int]) -> Tensor:
    quantization = tensor.table(4)
    number, buffer = tensor.scalar(1, "b"), tensor.scalar(2, "I")
    scales = quantization.vector(2, "f") if quantization else ()
    if not all(map(math.isfinite, scales)):
        raise DamagedError("a scale is no number")
    shape = tensor.vector(7, "i") or tensor.vector(0, "i")
    if len(shape) > _MOST_SIDES:
        raise DamagedError(f"a tensor has {len(shape)} sides")
    return Tensor(
        name=tensor.string(3),
        dtype=TYPES[number] if 0 <= number < len(TYPES) else f"type {number}",
        shape=shape,
        scales=scales,
        zero_points=quantization.vector(3, "q") if quantization else (),
        constant_bytes=sizes[buffer] if buffer < len(sizes) else 0,
    )


def _operator_name(number: int) -> str:
    return OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator {number}"


# BuiltinOperator, in the order of the schema.
OPERATORS = (
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE",
    "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU", "RELU_N1_TO_1",
    "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH", "CONCAT_EMBEDDINGS",
    "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD", "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER",
    "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB", "DIV", "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2", "SPLIT",
    "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX", "MINIMUM", "LESS",
    "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE", "SIN", "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT", "SHAPE", "POW",
    "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT", "LOGICAL_AND", "LOGICAL_NOT",
    "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL", "FLOOR_MOD", "RANGE",
    "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS", "SPLIT_V", "UNIQUE", "CEIL",
    "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU", "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE",
    "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE", "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM", "BATCH_MATMUL", "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM",
    "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D", "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND",
    "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "REDUCE_ALL", "CONV_3D_TRANSPOSE", "VAR_HANDLE", "READ_VARIABLE",
    "ASSIGN_VARIABLE", "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL", "BUCKETIZE", "RANDOM_UNIFORM", "MULTINOMIAL", "GELU",
    "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1", "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM",
    "ATAN2", "UNSORTED_SEGMENT_MIN", "SIGN", "BITCAST", "BITWISE_XOR", "RIGHT_SHIFT", "STABLEHLO_LOGISTIC",
    "STABLEHLO_ADD", "STABLEHLO_DIVIDE", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_RESHAPE",
    "STABLEHLO_CLAMP", "STABLEHLO_CONCATENATE", "STABLEHLO_BROADCAST_IN_DIM", "STABLEHLO_CONVOLUTION",
    "STABLEHLO_SLICE", "STABLEHLO_CUSTOM_CALL", "STABLEHLO_REDUCE", "STABLEHLO_ABS", "STABLEHLO_AND",
    "STABLEHLO_COSINE", "STABLEHLO_EXPONENTIAL", "STABLEHLO_FLOOR", "STABLEHLO_LOG", "STABLEHLO_MINIMUM",
    "STABLEHLO_NEGATE", "STABLEHLO_OR", "STABLEHLO_POWER", "STABLEHLO_REMAINDER", "STABLEHLO_RSQRT", "STABLEHLO_SELECT",
    "STABLEHLO_SUBTRACT", "STABLEHLO_TANH", "STABLEHLO_SCATTER", "STABLEHLO_COMPARE", "STABLEHLO_CONVERT",
    "STABLEHLO_DYNAMIC_SLICE", "STABLEHLO_DYNAMIC_UPDATE_SLICE", "STABLEHLO_PAD", "STABLEHLO_IOTA",
    "STABLEHLO_DOT_GENERAL", "STABLEHLO_REDUCE_WINDOW", "STABLEHLO_SORT", "STABLEHLO_WHILE", "STABLEHLO_GATHER",
    "STABLEHLO_TRANSPOSE", "DILATE", "STABLEHLO_RNG_BIT_GENERATOR", "REDUCE_WINDOW", "STABLEHLO_COMPOSITE",
    "STABLEHLO_SHIFT_LEFT", "STABLEHLO_CBRT", "STABLEHLO_CASE",
)  # fmt: skip
