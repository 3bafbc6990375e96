""".onnx: Keras to ONNX through Keras' own exporter (tf2onnx underneath), opset 15."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeship_runtime.errors import ExportError
from edgeship_runtime.manifest import Quantization
from edgeship_runtime.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

SUFFIX = ".onnx"


def convert(
    model: keras.Model, quantization: Quantization, preprocessing: Preprocessing, calibration: NDArray[np.uint8] | None
) -> bytes:
    """Converts a model; the graph keeps the N×H×W×C layout.

    Raises:
        ExportError: another quantization than float32 was asked for, or a layer cannot be expressed.
    """
    del preprocessing, calibration
    if quantization.scheme != "float32":
        raise ExportError(f"--format onnx writes float32 in this version; received --quantize {quantization.scheme}")
    with (
        tempfile.TemporaryDirectory(prefix="edgeship-") as folder,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")  # keras/src/export/tf2onnx_lib.py probes np.object, which NumPy warns of
        path = Path(folder) / "model.onnx"
        try:
            model(np.zeros((1, *model.input_shape[1:]), np.float32))  # Keras exports only models that were called
            model.export(path, format="onnx", verbose=False)
        except Exception as error:  # tf2onnx raises what it comes across
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise ExportError(f"Keras' ONNX exporter refuses the model: {lines[0] if lines else error!r}") from error
        return path.read_bytes()
