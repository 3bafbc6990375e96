""".tflite: Keras to LiteRT through TensorFlow's converter, in four quantizations."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeship_devices import Device
from edgeship_export.blame import layer_at_fault
from edgeship_export.calibration import spanning
from edgeship_export.converting import Converted, needed
from edgeship_export.tflite_graph import read_graph
from edgeship_export.tflite_metadata import with_metadata
from edgeship_export.tflite_scores import in_float
from edgeship_runtime.errors import ExportError
from edgeship_runtime.manifest import Quantization
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

_PER_TENSOR = "dense layers have one scale each: tflite-runtime does not read one for each channel (FULLY_CONNECTED 12)"
_LACKS = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")


def convert(
    network: keras.Model,
    quantization: Quantization,
    preprocessing: Preprocessing,
    calibration: NDArray[np.uint8] | None,
    device: Device | None = None,
) -> Converted:
    """See `converting.Format`."""
    per_tensor = device is not None and device.dense_per_tensor and quantization.scheme == "dynamic"
    with tempfile.TemporaryDirectory(prefix="edgeship-") as folder, _silence():
        # Saved once and read for each conversion: tracing the network is a good part of the converter's time.
        network.export(folder, format="tf_saved_model", verbose=False)
        plain = _converted(network, folder, Quantization(), None)
        if quantization.scheme == "float32":
            return Converted(with_metadata(plain, preprocessing), None, "tensorflow")
        content = _converted(network, folder, quantization, calibration, dense_per_tensor=per_tensor)
    if quantization.scheme == "int8":
        content = in_float(content)
    cures = (
        (_PER_TENSOR,) if per_tensor and any(o.name == "FULLY_CONNECTED" for o in read_graph(content).operators) else ()
    )
    return Converted(with_metadata(content, preprocessing), plain, "tensorflow", cures)


def _converted(
    network: keras.Model,
    folder: str,
    quantization: Quantization,
    calibration: NDArray[np.uint8] | None,
    *,
    dense_per_tensor: bool = False,
) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    if quantization.scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization.scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = dense_per_tensor
    if quantization.scheme == "int8":
        _make_integer(converter, quantization, spanning(needed(calibration)))
    try:
        return bytes(converter.convert())
    except Exception as error:  # the converter raises what it comes across
        raise ExportError(f"{layer_at_fault(str(error), network)}{_gist(str(error))}") from error


def _make_integer(converter: Any, quantization: Quantization, pictures: NDArray[np.uint8]) -> None:  # noqa: ANN401
    import tensorflow as tf

    converter.representative_dataset = lambda: ([picture[np.newaxis].astype(np.float32)] for picture in pictures)
    # Built-in int8 operators only: the converter fails, rather than leave some of the graph in float unsaid.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = getattr(tf, quantization.input_dtype)
    converter.inference_output_type = tf.float32


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The converter prints each tensor it sees, warns of its own statistics, and logs where it saved a temporary copy."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)


def _gist(message: str) -> str:
    """What is wrong, of pages of places in the graph."""
    if lacks := _LACKS.search(message):
        return f"TFLite has no built-in operator for {lacks[1]}"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line]
    return (
        "TensorFlow's converter refuses it: "
        + (telling or lines or ["it does not say why"])[0].rpartition("error: ")[2]
    )
