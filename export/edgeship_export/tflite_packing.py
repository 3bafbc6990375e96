"""Packing: the flatbuffer of a .tflite as objects that can be changed, and back.

The objects are those of LiteRT's own schema (`ai_edge_litert.schema_py_generated`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

_ALIGNMENT = 16  # of constant data: force_align in schema.fbs, which the Python object API does not keep
_IDENTIFIER = b"TFL3"


def unpack(model: bytes) -> Any:  # noqa: ANN401 - the generated schema ships no types
    """A `ModelT`. Weights behind the flatbuffer, where AI Edge Quantizer puts them, are brought in: packing would lose them."""
    from ai_edge_litert import schema_py_generated as schema

    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    for buffer in parsed.buffers:
        if buffer.offset > 1:  # 0: none, 1: a placeholder
            buffer.data = np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0
    return parsed


def pack(parsed: Any) -> bytes:  # noqa: ANN401
    """The bytes of a `ModelT`."""
    builder = _aligned_builder()
    builder.Finish(parsed.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _aligned_builder() -> Any:  # noqa: ANN401 - flatbuffers ships no types
    import flatbuffers

    class Aligned(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, x: np.ndarray[Any, Any]) -> int:  # noqa: N802 - the library's name
            if x.dtype == np.uint8:
                self.Prep(_ALIGNMENT, x.nbytes)
            return int(super().CreateNumpyVector(x))

    return Aligned(1 << 20)
