"""ModelFile: a model and what it says about itself, in one file of any of the three formats.

>>> model = ModelFile.open("flowers.int8.tflite")
>>> model.manifest.labels
('daisy', 'rose', 'tulip')
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from edgeship_runtime import files
from edgeship_runtime.containers import HEAD_BYTES, container, recognize
from edgeship_runtime.errors import DamagedError, ForeignModelError, ModelFileError
from edgeship_runtime.manifest import Manifest

MANIFEST = "manifest.json"
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class RawModel:
    """A file of one of the three formats, ours or not.

    Attributes:
        path: where it lies, or is to lie.
        format: "keras", "tflite" or "onnx".
        model: the model part.
        members: what travels with it; empty when another tool wrote the file.
        size_bytes: of the whole file.
        open_file: opens the file for reading again.
    """

    path: Path
    format: str
    model: bytes
    members: Mapping[str, bytes]
    size_bytes: int
    open_file: Callable[[], BinaryIO]

    @classmethod
    def open(cls, path: str | Path) -> RawModel:
        """Reads a file, and checks that it is whole before anything native sees it.

        Raises:
            ModelFileError: no such file, another format, truncated or damaged.
        """
        path = Path(path)
        try:
            return cls._read(path, lambda: path.open("rb"))
        except OSError as error:
            raise ModelFileError(f"{path}: {files.reason(error)}") from None

    @classmethod
    def parse(cls, path: Path, data: bytes) -> RawModel:
        """The same for bytes that are to lie at `path`.

        Raises:
            ModelFileError: another format, truncated or damaged.
        """
        return cls._read(path, lambda: io.BytesIO(data))

    @classmethod
    def _read(cls, path: Path, open_file: Callable[[], BinaryIO]) -> RawModel:
        with open_file() as file:
            head = file.read(HEAD_BYTES)
            name = recognize(head)
            if name is None:
                raise ModelFileError(f"{path} is no model file: {_what(head)}")
            try:
                reader = container(name)
                model, members = reader.model_part(file), reader.read_members(file)
            except DamagedError as error:
                raise ModelFileError(
                    f"{path} is truncated or damaged: {error}; copy it again from where it was made"
                ) from None
            return cls(path, name, model, members, file.seek(0, io.SEEK_END), open_file)

    def read(self) -> bytes:
        """The whole file."""
        with self.open_file() as file:
            return file.read()

    @cached_property
    def sha256(self) -> str:
        """Of the whole file."""
        return files.sha256(self.read())

    @cached_property
    def model_sha256(self) -> str:
        """Of the model part."""
        return files.sha256(self.model)

    def manifest(self) -> Manifest:
        """The manifest, checked against the model part.

        Raises:
            ForeignModelError: there is none.
            ModelFileError: it is invalid, of a newer format, or the model part is not the one it was written for.
        """
        if MANIFEST not in self.members:
            raise ForeignModelError(
                f"{self.path} carries no edgeship manifest: another tool wrote it (or saved it again). "
                f"Give it one: edgeship adopt {self.path} --labels labels.txt"
            )
        try:
            manifest = Manifest.from_bytes(self.members[MANIFEST])
        except ModelFileError as error:
            raise ModelFileError(f"{self.path}: {error}") from None
        if manifest.model_sha256 != self.model_sha256:
            raise ModelFileError(
                f"{self.path} is damaged: its model has sha256 {self.model_sha256[:12]}…, its manifest says "
                f"{manifest.model_sha256[:12]}…; copy it again from where it was made"
            )
        return manifest


@dataclass(frozen=True)
class ModelFile:
    """A model file of ours, read and checked.

    Attributes:
        raw: the file and its parts.
        manifest: what it says about itself.
    """

    raw: RawModel
    manifest: Manifest

    @classmethod
    def open(cls, path: str | Path) -> ModelFile:
        """Reads a model file.

        Raises:
            ModelFileError: it is truncated, damaged, foreign (ForeignModelError), or of a newer format.
        """
        raw = RawModel.open(path)
        return cls(raw, raw.manifest())

    @classmethod
    def parse(cls, path: Path, data: bytes) -> ModelFile:
        """The same for bytes that are to be written to `path`."""
        raw = RawModel.parse(path, data)
        return cls(raw, raw.manifest())

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.raw.path

    @property
    def format(self) -> str:
        """The container: "keras", "tflite" or "onnx"."""
        return self.raw.format

    def member(self, name: str) -> bytes:
        """A byte string that travels with the model.

        Raises:
            ModelFileError: the manifest names it and it is not there.
        """
        try:
            return self.raw.members[name]
        except KeyError:
            raise ModelFileError(f"{self.path} is damaged: {name} is missing from it") from None


def assemble(format_name: str, model: bytes, manifest: Manifest, members: Mapping[str, bytes]) -> bytes:
    """The bytes of a model file. `manifest.model_sha256` is set here, from the model part."""
    writer = container(format_name)
    stated = dataclasses.replace(manifest, model_sha256=files.sha256(writer.model_part(io.BytesIO(model))))
    return writer.write(model, {MANIFEST: stated.to_bytes(), **members})


def _what(head: bytes) -> str:
    if head.startswith(_HDF5):
        return (
            "it is HDF5, as Keras 2 saved models; convert it with keras.models.load_model(FILE, compile=False).save('new.keras'), "
            "or where Keras 3 cannot read it, the same in an environment with tf-keras and TF_USE_LEGACY_KERAS=1"
        )
    found = f"it begins with {head[:8]!r}" if head else "the file is empty (0 bytes)"
    return f"{found}; wanted the contents of a .keras, .tflite or .onnx"
