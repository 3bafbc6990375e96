"""FlatBuffers: a bounds-checked reader of tables, vectors and strings.

Native TFLite runtimes do not survive damaged files (a truncated one ends the process), so what must be known of a file before native
code sees it is read here. Format: https://flatbuffers.dev/internals/. Every read that leaves the buffer is a DamagedError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgeship_runtime.errors import DamagedError


def root(data: bytes | memoryview) -> Table:
    """The root table."""
    return Table(data, _indirect(data, 0))


@dataclass(frozen=True)
class Table:
    """A table at an absolute position; fields are named by their index in the schema, absent ones read as None or default."""

    data: bytes | memoryview
    position: int

    def scalar(self, field: int, code: str, default: int = 0) -> int:
        """A number; `code` is its struct format ('b', 'B', 'h', 'i', 'I', 'q', 'Q')."""
        at = self._at(field)
        return default if at is None else int(_read(self.data, at, code))

    def table(self, field: int) -> Table | None:
        """A table this one refers to."""
        at = self._at(field)
        return None if at is None else Table(self.data, _indirect(self.data, at))

    def tables(self, field: int) -> Iterator[Table]:
        """A vector of tables."""
        at = self._at(field)
        if at is None:
            return
        start, length = self._vector(at, 4)
        for index in range(length):
            yield Table(self.data, _indirect(self.data, start + 4 * index))

    def vector(self, field: int, code: str) -> tuple[Any, ...]:
        """A vector of numbers."""
        at = self._at(field)
        if at is None:
            return ()
        size = struct.calcsize("<" + code)
        start, length = self._vector(at, size)
        return struct.unpack_from(f"<{length}{code}", self.data, start)

    def extent(self, field: int) -> tuple[int, int] | None:
        """Start and length of a vector of bytes, without copying it."""
        at = self._at(field)
        return None if at is None else self._vector(at, 1)

    def string(self, field: int) -> str:
        """UTF-8 text; empty when absent."""
        span = self.extent(field)
        if span is None:
            return ""
        return bytes(self.data[span[0] : span[0] + span[1]]).decode(errors="replace")

    def _at(self, field: int) -> int | None:
        vtable = self.position - _read(self.data, self.position, "i")
        slot = 4 + 2 * field
        if slot >= _read(self.data, vtable, "H"):
            return None
        offset = _read(self.data, vtable + slot, "H")
        return self.position + offset if offset else None

    def _vector(self, at: int, item_size: int) -> tuple[int, int]:
        start = _indirect(self.data, at)
        length = _read(self.data, start, "I")
        if start + 4 + length * item_size > len(self.data):
            raise DamagedError(f"{length * item_size} bytes wanted at {start + 4}, the file ends at {len(self.data)}")
        return start + 4, length


def _indirect(data: bytes | memoryview, at: int) -> int:
    return at + int(_read(data, at, "I"))


def _read(data: bytes | memoryview, at: int, code: str) -> int:
    if at < 0:
        raise DamagedError(f"offset {at} lies before the file")
    try:
        (value,) = struct.unpack_from("<" + code, data, at)
    except struct.error:
        raise DamagedError(f"offset {at} lies outside the file, which ends at {len(data)}") from None
    return int(value)
