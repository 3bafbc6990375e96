"""Containers: the three file formats a model file can have, behind one interface.

Each module reads and writes **members**, named byte strings that travel with the model (the manifest, golden samples, carried
pictures), in the way that its ecosystem provides for, so that other tools open the file as they open any other. Nothing outside
this package knows how, or that there are three.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import BinaryIO, Protocol

from edgeship_runtime.containers import keras, onnx, tflite

Members = Mapping[str, bytes]


class Container(Protocol):
    """What a module of this package provides. Files are open for reading and can be searched; none is read whole without need."""

    def recognizes(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes is of this format."""

    def model_part(self, file: BinaryIO) -> bytes:
        """The bytes that `model_sha256` covers: the model as its own tools wrote it.

        Raises:
            DamagedError: the file is truncated or its structure is broken.
        """

    def read_members(self, file: BinaryIO) -> dict[str, bytes]:
        """The members by name; empty when another tool wrote the file.

        Raises:
            DamagedError: as above, or the members themselves are broken.
        """

    def write(self, model: bytes, members: Members) -> bytes:
        """The whole file: a model as its own tools wrote it, and members. The inverse of the two others."""


_MODULES: dict[str, ModuleType] = {"keras": keras, "tflite": tflite, "onnx": onnx}
HEAD_BYTES = 64


def container(format_name: str) -> Container:
    """The container of a format: "keras", "tflite" or "onnx"."""
    module: Container = _MODULES[format_name]
    return module


def recognize(head: bytes) -> str | None:
    """The format of a file that begins with these bytes, whatever its name says; None when it is none of the three."""
    return next((name for name in _MODULES if container(name).recognizes(head)), None)
