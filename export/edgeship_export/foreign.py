"""Foreign models: a file as it is, or a SavedModel brought into a file."""

from __future__ import annotations

from pathlib import Path

from edgeship_export import saved_model
from edgeship_runtime.containers import zipped
from edgeship_runtime.errors import AdoptError
from edgeship_runtime.model_file import MANIFEST, RawModel


def open_foreign(path: Path) -> RawModel:
    """A model of another tool. A SavedModel, which is a folder, becomes a float32 .tflite in memory.

    Raises:
        AdoptError: it is a model file of edgeship already, a folder of something else, or a SavedModel that is no classifier.
        ModelFileError: it cannot be read.
        MissingExtraError: a SavedModel, and no TensorFlow here to convert it.
    """
    raw = _from_saved_model(path) if path.is_dir() else RawModel.open(path)
    if MANIFEST in raw.members:
        raise AdoptError(f"{path} is a model file of edgeship already; edgeship inspect shows what it says")
    return raw


def _from_saved_model(path: Path) -> RawModel:
    if not (path / saved_model.FILE).is_file():
        raise AdoptError(
            f"{path} is a folder without {saved_model.FILE}; wanted a .tflite, .onnx, .keras or a SavedModel's folder"
        )
    return RawModel.parse(path.with_suffix(".tflite"), saved_model.to_tflite(path))


def appended(raw: RawModel) -> list[str]:
    """Names of the files in the zip behind a .tflite."""
    if raw.size_bytes == len(raw.model):
        return []
    with raw.open_file() as file, zipped.open_zip(file) as archive:
        return archive.namelist()
