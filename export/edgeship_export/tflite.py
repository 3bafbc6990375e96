""".tflite: Keras to LiteRT through TensorFlow's converter, in four quantizations."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeship_export.calibration import spanning
from edgeship_export.tflite_metadata import with_metadata
from edgeship_runtime.engines.numbers import Affine, pixel_table, real
from edgeship_runtime.errors import ExportError
from edgeship_runtime.manifest import Quantization
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

SUFFIX = ".tflite"


def convert(
    model: keras.Model, quantization: Quantization, preprocessing: Preprocessing, calibration: NDArray[np.uint8] | None
) -> bytes:
    """Converts a model.

    Args:
        model: raw pixels N×H×W×C float32 in, scores N×labels out.
        quantization: what to make of it.
        preprocessing: for the standard metadata.
        calibration: training pictures, uint8 N×H×W×C; needed for int8.

    Raises:
        ExportError: the converter cannot express a layer.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantization.scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization.scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantization.scheme == "int8":
        if calibration is None:
            raise ExportError("int8 needs calibration pictures")
        pictures = spanning(calibration)
        converter.representative_dataset = lambda: ([picture[np.newaxis].astype(np.float32)] for picture in pictures)
        # Built-in int8 operators only: the converter fails, rather than leave some of the graph in float unsaid.
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = getattr(tf, quantization.input_dtype)
        converter.inference_output_type = tf.float32
    with _silence():
        try:
            content = bytes(converter.convert())
        except Exception as error:  # the converter raises what it comes across
            raise ExportError(f"TensorFlow's converter refuses the model: {_gist(error)}") from error
    return with_metadata(content, preprocessing)


def builtin_kernels(model: bytes) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """A function from pixels 1×H×W×C to scores 1×labels that computes with LiteRT's built-in kernels, not XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    table = pixel_table(taken["dtype"], Affine(*taken["quantization"]))

    def scores(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        interpreter.set_tensor(taken["index"], batch if table is None else table[batch])
        interpreter.invoke()
        return real(interpreter.get_tensor(given["index"]), Affine(*given["quantization"]))

    return scores


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


def _gist(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "custom op" in line.lower() or "Select TF ops" in line]
    return (telling or lines or [type(error).__name__])[0]
