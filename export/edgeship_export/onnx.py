""".onnx: Keras to ONNX, opset 15, by Keras' own exporter or by tf2onnx itself; then in fewer bits."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeship_devices import Device
from edgeship_export import onnx_quantization
from edgeship_export.blame import layer_at_fault
from edgeship_export.converting import Converted, needed
from edgeship_export.onnx_canonical import INPUT, canonical, to_bytes
from edgeship_runtime.errors import ExportError
from edgeship_runtime.manifest import Quantization
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras
    import onnx

_OPSET = 15  # what Keras writes unless told, and every ONNX Runtime since 1.10 (2021) reads


def convert(
    network: keras.Model,
    quantization: Quantization,
    preprocessing: Preprocessing,
    calibration: NDArray[np.uint8] | None,
    device: Device | None = None,
) -> Converted:
    """See `converting.Format`; the graph keeps the N×H×W×C layout."""
    del preprocessing
    route, plain = _float32(network)
    if quantization.scheme == "float32":
        return Converted(to_bytes(plain), None, route)
    cures: tuple[str, ...] = ()
    if quantization.scheme == "float16":
        quantized = onnx_quantization.to_float16(plain)
    elif quantization.scheme == "int8":
        types = onnx_quantization.IntegerTypes()
        if device is not None:
            types = onnx_quantization.IntegerTypes(device.onnx_int8.activations, device.onnx_int8.reduce_range)
            cures = (_integers(types, device),)
        float_input = quantization.input_dtype == "float32"
        quantized = onnx_quantization.to_int8(plain, needed(calibration), types, float_input=float_input)
    else:
        raise ExportError(f"--format onnx writes float32, float16 and int8, not {quantization.scheme}")
    return Converted(to_bytes(canonical(quantized)), to_bytes(plain), route, cures)


def _integers(types: onnx_quantization.IntegerTypes, device: Device) -> str:
    bits = "7" if types.reduce_range else "8"
    return f"activations {types.activations}, weights int8 of {bits} bits, as ONNX Runtime's kernels for {device.processor} like it"


def _float32(network: keras.Model) -> tuple[str, onnx.ModelProto]:
    """The route that was taken, and what came of it: Keras' exporter, or where that fails, tf2onnx itself."""
    failures = []
    for name, route in ROUTES.items():
        try:
            with _silence():
                model = canonical(route(network))
        except Exception as error:  # tf2onnx raises what it comes across
            failures.append(error)
        else:
            _check_operators(model, network)
            return name, model
    message = "\n".join(str(error) for error in failures)
    lines = [line.strip() for line in str(failures[0]).splitlines() if line.strip()]
    gist = lines[0] if lines else repr(failures[0])
    raise ExportError(f"{layer_at_fault(message, network)}no ONNX exporter takes the model: {gist}") from failures[0]


def _check_operators(model: onnx.ModelProto, network: keras.Model) -> None:
    """tf2onnx leaves an operation that it does not know in the graph, under TensorFlow's name."""
    from onnx import defs

    for node in model.graph.node:
        if not defs.has(node.op_type, node.domain):
            raise ExportError(f"{layer_at_fault(node.name, network)}ONNX has no operator for {node.op_type}")


def by_keras(network: keras.Model) -> onnx.ModelProto:
    """Through `keras.Model.export`, which mends what tf2onnx and Keras 3 disagree on."""
    import onnx

    with tempfile.TemporaryDirectory(prefix="edgeship-") as folder:
        path = Path(folder) / "model.onnx"
        network(np.zeros((1, *network.input_shape[1:]), np.float32))  # Keras exports only models that were called
        network.export(path, format="onnx", verbose=False, opset_version=_OPSET)
        return onnx.load(path)


def by_tf2onnx(network: keras.Model) -> onnx.ModelProto:
    """Through a TensorFlow function of the network, without Keras' exporter."""
    import tensorflow as tf
    import tf2onnx

    pixels = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32, name=INPUT)
    function = tf.function(lambda batch: network(batch, training=False))
    model: onnx.ModelProto = tf2onnx.convert.from_function(function, input_signature=[pixels], opset=_OPSET)[0]
    return model


ROUTES: dict[str, Callable[[keras.Model], onnx.ModelProto]] = {"keras": by_keras, "tf2onnx": by_tf2onnx}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # keras/src/export/tf2onnx_lib.py probes np.object, which NumPy warns of
        try:
            yield
        finally:
            logger.setLevel(level)
