"""ONNX in fewer bits: float16 and int8, by the tools that ONNX Runtime ships."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeship_export.calibration import spanning

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class IntegerTypes:
    """Which 8-bit integers stand for activations, and how much of weights' range is used.

    Attributes:
        activations: "uint8" (U8S8: fastest on ARM and on x86 with VNNI) or "int8" (S8S8). Weights are int8.
        reduce_range: weights of 7 bits, for x86 without VNNI, where sums of 8-bit products saturate.

    Source: "Data type selection" of https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """

    activations: str = "uint8"
    reduce_range: bool = False


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and arithmetic in half precision; input, softmax and scores stay float32."""
    from onnxruntime.transformers import float16

    halves: onnx.ModelProto = float16.convert_float_to_float16(
        model, keep_io_types=True, op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, "Softmax"]
    )
    return halves


def to_int8(
    model: onnx.ModelProto, pictures: NDArray[np.uint8], types: IntegerTypes, *, float_input: bool
) -> onnx.ModelProto:
    """Static quantization, QDQ, weights per channel; softmax stays float.

    Args:
        model: float32 raw pixels N×H×W×C in.
        pictures: to calibrate with, uint8 N×H×W×C.
        types: of the integers.
        float_input: the graph keeps its float32 input; else it takes uint8.
    """
    import onnx
    from onnxruntime import quantization

    activations = quantization.QuantType.QUInt8 if types.activations == "uint8" else quantization.QuantType.QInt8
    with tempfile.TemporaryDirectory(prefix="edgeship-") as folder, _silence():
        plain, ready, out = (str(Path(folder) / name) for name in ("plain.onnx", "ready.onnx", "out.onnx"))
        onnx.save(model, plain)
        # Folds batch normalisation into convolutions: quantized apart from them it costs speed and accuracy.
        quantization.quant_pre_process(plain, ready, skip_symbolic_shape=True)
        last = [node.name for node in onnx.load(ready).graph.node if node.op_type == "Softmax"]
        quantization.quantize_static(
            ready,
            out,
            _reader(model.graph.input[0].name, spanning(pictures)),
            per_channel=True,
            reduce_range=types.reduce_range,
            activation_type=activations,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=last,
        )
        quantized = onnx.load(out)
    if not float_input:
        _take_bytes(quantized)
    return quantized


def _take_bytes(model: onnx.ModelProto) -> None:
    """Raw pixels as uint8 in: a Cast gives the graph the floats that it was calibrated with."""
    import onnx

    (taken,) = model.graph.input
    raw, taken.name = taken.name, "pixels_uint8"
    taken.type.tensor_type.elem_type = onnx.TensorProto.UINT8
    cast = onnx.helper.make_node("Cast", [taken.name], [raw], name="pixels_to_float", to=onnx.TensorProto.FLOAT)
    model.graph.node.insert(0, cast)


def _reader(name: str, pictures: NDArray[np.uint8]) -> object:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime ships no types
        def __init__(self) -> None:
            self._rest = iter(pictures)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            picture = next(self._rest, None)
            return None if picture is None else {name: picture[np.newaxis].astype(np.float32)}

    return Reader()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """It prints, and logs advice that has been followed."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            yield
        finally:
            logger.setLevel(level)
