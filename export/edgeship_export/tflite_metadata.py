"""TFLITE_METADATA: the standard description inside a .tflite that MediaPipe, Android Studio and Netron read.

Written here because nobody ships a writer any more: tflite-support ended with Python 3.9, and MediaPipe 1.2's is broken. Schema:
metadata_schema.fbs of https://github.com/tensorflow/tflite-support (identifier M001); the numbers below are its field indices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeship_export.tflite_packing import pack, unpack
from edgeship_runtime.containers.tflite import LABELS, MARKER
from edgeship_runtime.preprocessing import Preprocessing

_METADATA_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_IMAGE_PROPERTIES, _NORMALIZATION_OPTIONS = 2, 1  # union members
_RGB, _GREYSCALE = 1, 2
_TENSOR_AXIS_LABELS = 2  # of AssociatedFileType


def with_metadata(model: bytes, preprocessing: Preprocessing) -> bytes:
    """A TFLite model with its standard metadata, and the marker that says an appended zip follows."""
    from ai_edge_litert import schema_py_generated as schema

    parsed = unpack(model)
    kept = [entry for entry in parsed.metadata or [] if _text(entry.name) not in (_METADATA_NAME, MARKER)]
    description = np.frombuffer(_description(preprocessing), np.uint8)
    for name, data in ((_METADATA_NAME, description), (MARKER, np.zeros(1, np.uint8))):
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data, entry.name, entry.buffer = data, name, len(parsed.buffers)
        parsed.buffers.append(buffer)
        kept.append(entry)
    parsed.metadata = kept
    return pack(parsed)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _description(preprocessing: Preprocessing) -> bytes:
    """The metadata flatbuffer: an image of raw pixels (mean 0, standard deviation 1) in, labelled scores out."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    color = _RGB if preprocessing.color == "rgb" else _GREYSCALE
    image = _table(builder, {0: ("ubyte", color)})
    content = _table(builder, {0: ("ubyte", _IMAGE_PROPERTIES), 1: ("offset", image)})
    raw = _table(builder, {0: ("offset", _floats(builder, [0.0])), 1: ("offset", _floats(builder, [1.0]))})
    unit = _table(builder, {0: ("ubyte", _NORMALIZATION_OPTIONS), 1: ("offset", raw)})
    range_ = _table(builder, {0: ("offset", _floats(builder, [255.0])), 1: ("offset", _floats(builder, [0.0]))})
    pixels = _tensor(builder, "image", {3: content, 4: _offsets(builder, [unit]), 5: range_})
    file_name = builder.CreateString(LABELS)
    labels = _table(builder, {0: ("offset", file_name), 2: ("ubyte", _TENSOR_AXIS_LABELS)})
    shares = _table(builder, {0: ("offset", _floats(builder, [1.0])), 1: ("offset", _floats(builder, [0.0]))})
    scores = _tensor(builder, "score", {5: shares, 6: _offsets(builder, [labels])})
    graph = _table(builder, {2: ("offset", _offsets(builder, [pixels])), 3: ("offset", _offsets(builder, [scores]))})
    name, version = builder.CreateString("image classifier"), builder.CreateString("1.0.0")
    model = _table(builder, {0: ("offset", name), 2: ("offset", version), 3: ("offset", _offsets(builder, [graph]))})
    builder.Finish(model, _IDENTIFIER)
    return bytes(builder.Output())


def _tensor(builder: Any, name: str, fields: dict[int, int]) -> int:  # noqa: ANN401
    title = builder.CreateString(name)
    return _table(builder, {0: ("offset", title), **{field: ("offset", value) for field, value in fields.items()}})


def _table(builder: Any, fields: dict[int, tuple[str, int]]) -> int:  # noqa: ANN401
    builder.StartObject(max(fields) + 1)
    for field, (kind, value) in fields.items():
        if kind == "ubyte":
            builder.PrependUint8Slot(field, value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(field, value, 0)
    return int(builder.EndObject())


def _floats(builder: Any, values: Sequence[float]) -> int:  # noqa: ANN401
    return _vector(builder, values, builder.PrependFloat32)


def _offsets(builder: Any, values: Sequence[int]) -> int:  # noqa: ANN401
    return _vector(builder, values, builder.PrependUOffsetTRelative)


def _vector(builder: Any, values: Sequence[float], prepend: Callable[[Any], None]) -> int:  # noqa: ANN401
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        prepend(value)
    return int(builder.EndVector())
