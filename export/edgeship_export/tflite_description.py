"""TFLITE_METADATA as other tools wrote it: labels, normalization, colours. What `tflite_metadata` writes, read.

Schema: metadata_schema.fbs of https://github.com/tensorflow/tflite-support; the numbers below are its field indices.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeship_export import labels_file
from edgeship_export.tflite_graph import read_model
from edgeship_runtime import flatbuffer
from edgeship_runtime.containers import zipped
from edgeship_runtime.errors import DamagedError
from edgeship_runtime.flatbuffer import Table
from edgeship_runtime.model_file import RawModel

_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_SUBGRAPHS, _INPUTS, _OUTPUTS = 3, 2, 3
_CONTENT, _PROCESS_UNITS, _FILES = 3, 4, 6  # of TensorMetadata
_IMAGE_PROPERTIES, _NORMALIZATION = 2, 1  # union members
_COLORS = {1: "rgb", 2: "grey"}
_AXIS_LABELS = 2  # of AssociatedFileType


@dataclass(frozen=True)
class Description:
    """What a file says of itself, as far as it does.

    Attributes:
        labels: in output order; empty when there are none.
        mean, std: in levels, one or one for each channel; empty when not stated.
        color: "rgb" or "grey".
    """

    labels: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    color: str | None = None


def read(raw: RawModel) -> Description:
    """The description in a .tflite; an empty one where there is none.

    Raises:
        DamagedError: its structure is broken.
    """
    data = read_model(raw.model).metadata.get(_NAME, b"")
    if data[4:8] != _IDENTIFIER:
        return Description()
    graph = next(flatbuffer.root(data).tables(_SUBGRAPHS), None)
    taken = next(graph.tables(_INPUTS), None) if graph else None
    given = next(graph.tables(_OUTPUTS), None) if graph else None
    mean, std = _normalization(taken) if taken else ((), ())
    return Description(_labels(raw, given) if given else (), mean, std, _color(taken) if taken else None)


def _normalization(tensor: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for unit in tensor.tables(_PROCESS_UNITS):
        options = unit.table(1)
        if unit.scalar(0, "B") == _NORMALIZATION and options is not None:
            return options.vector(0, "f"), options.vector(1, "f")
    return (), ()


def _color(tensor: Table) -> str | None:
    content = tensor.table(_CONTENT)
    if content is None or content.scalar(0, "B") != _IMAGE_PROPERTIES:
        return None
    properties = content.table(1)
    return _COLORS.get(properties.scalar(0, "B")) if properties else None


def _labels(raw: RawModel, tensor: Table) -> tuple[str, ...]:
    """From the associated file, which lies in the zip behind the model."""
    names = [entry.string(0) for entry in tensor.tables(_FILES) if entry.scalar(2, "B") == _AXIS_LABELS]
    if not names or raw.size_bytes == len(raw.model):
        return ()
    with raw.open_file() as file, zipped.open_zip(file) as archive:
        if names[0] not in archive.namelist():
            raise DamagedError(f"its metadata names {names[0]!r}, which is not in it")
        return labels_file.distinct(labels_file.parse(zipped.read(archive, names[0]).decode(errors="replace")))
