"""Foreign models: a file as it is, or a SavedModel brought into a file."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np

from edgeship_runtime.containers import zipped
from edgeship_runtime.errors import AdoptError, MissingExtraError
from edgeship_runtime.model_file import MANIFEST, RawModel

SAVED_MODEL = "saved_model.pb"
_FREE_SIDE = 96  # pixels, of a network that takes any
_MOST_DIFFERENCE = 1e-3  # of the largest output


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
    _check_same(path, content)
    return RawModel.parse(path.with_suffix(".tflite"), content)


def _check_same(path: Path, content: bytes) -> None:
    """That the converted model computes what the SavedModel does, on noise.

    Raises:
        AdoptError: it does not, or the SavedModel has no signature to call.
    """
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    signature = tf.saved_model.load(str(path)).signatures.get("serving_default")
    specs = list(signature.structured_input_signature[1].items()) if signature else []
    if len(specs) != 1:
        raise AdoptError(f"{path}: wanted a signature serving_default of one input; it has {len(specs)} inputs")
    name, spec = specs[0]
    sides = [side or (_FREE_SIDE if place else 1) for place, side in enumerate(spec.shape.as_list())]
    noise = np.random.default_rng(0).uniform(0, 1, sides).astype(np.float32)
    wanted = next(iter(signature(**{name: tf.cast(noise, spec.dtype)}).values())).numpy()
    interpreter = Interpreter(model_content=content, num_threads=1)
    (taken, *_), (given, *_) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(taken["index"], sides)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken["index"], noise.astype(taken["dtype"]))
    interpreter.invoke()
    difference = float(np.abs(interpreter.get_tensor(given["index"]) - wanted).max())
    if difference > _MOST_DIFFERENCE * max(1.0, float(np.abs(wanted).max())):
        raise AdoptError(f"{path}: converted to .tflite it computes otherwise (by up to {difference:.2g})")


def appended(raw: RawModel) -> list[str]:
    """Names of the files in the zip behind a .tflite."""
    if raw.size_bytes == len(raw.model):
        return []
    with raw.open_file() as file, zipped.open_zip(file) as archive:
        return archive.namelist()
