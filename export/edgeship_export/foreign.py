"""Foreign models: a file as it is, or a SavedModel brought into a file."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

from edgeship_runtime.errors import AdoptError, MissingExtraError
from edgeship_runtime.model_file import MANIFEST, RawModel

SAVED_MODEL = "saved_model.pb"


def open_foreign(path: Path) -> RawModel:
    """A model of another tool. A SavedModel, which is a folder, becomes a float32 .tflite in memory.

    Raises:
        AdoptError: it is a model file of edgeship already, or a folder of something else.
        ModelFileError: it cannot be read.
        MissingExtraError: a SavedModel, and no TensorFlow here to convert it.
    """
    raw = _from_saved_model(path) if path.is_dir() else RawModel.open(path)
    if MANIFEST in raw.members:
        raise AdoptError(f"{path} is a model file of edgeship already; edgeship inspect shows what it says")
    return raw


def _from_saved_model(path: Path) -> RawModel:
    if not (path / SAVED_MODEL).is_file():
        raise AdoptError(
            f"{path} is a folder without {SAVED_MODEL}; wanted a .tflite, .onnx, .keras or a SavedModel's folder"
        )
    try:
        import tensorflow as tf
    except ImportError:
        raise MissingExtraError(
            f"{path}: a SavedModel is converted by TensorFlow, which is not installed: pip install 'edgeship[workstation]'"
        ) from None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            content = bytes(tf.lite.TFLiteConverter.from_saved_model(str(path)).convert())
        except Exception as error:  # the converter raises what it comes across
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise AdoptError(f"{path}: TensorFlow's converter refuses it: {lines[0] if lines else error!r}") from error
    return RawModel.parse(path.with_suffix(".tflite"), content)
