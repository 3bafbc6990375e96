""".tflite: a flatbuffer with a zip appended, where TFLite keeps associated files.

labels.txt lies at the zip's root, as
TFLITE_METADATA (written by export) names it; our own members lie below edgeship/.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import BinaryIO

from edgeship_runtime import flatbuffer
from edgeship_runtime.containers import zipped
from edgeship_runtime.errors import DamagedError
from edgeship_runtime.flatbuffer import Table

LABELS = "labels.txt"
# A metadata entry that export writes into the flatbuffer: a file that has it and no zip has lost its end.
MARKER = "EDGESHIP_MEMBERS_FOLLOW"
_END_OF_ZIP = b"PK\x05\x06"
_END_OF_ZIP_SPAN = 22 + 65535  # the end record and the longest comment

# Fields by index: https://github.com/google-ai-edge/LiteRT, tflite/converter/schema/schema.fbs
_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS, _METADATA = 1, 2, 4, 6


def recognizes(head: bytes) -> bool:
    """The flatbuffer's file identifier."""
    return head[4:8] == b"TFL3"


def model_part(file: BinaryIO) -> bytes:
    """The bytes before the appended zip; all of them when there is none."""
    if not _has_zip(file):
        data = _from_start(file)
        _check_whole(data)
        return data
    with zipped.open_zip(file) as archive:
        end = min((entry.header_offset for entry in archive.infolist()), default=None)
    return _from_start(file, end)


def read_members(file: BinaryIO) -> dict[str, bytes]:
    """The zip's entries below edgeship/, and labels.txt when there are any."""
    if not _has_zip(file):
        data = _from_start(file)
        _check_whole(data)
        if any(entry.string(0) == MARKER for entry in flatbuffer.root(data).tables(_METADATA)):
            raise DamagedError("the members that follow the model are missing")
        return {}
    with zipped.open_zip(file) as archive:
        members = zipped.members(archive)
        if members and LABELS in archive.namelist():
            members[LABELS] = zipped.read(archive, LABELS)
        return members


def write(model: bytes, members: Mapping[str, bytes]) -> bytes:
    """Appends the zip."""
    entries = {name if name == LABELS else zipped.PREFIX + name: data for name, data in members.items()}
    return zipped.append(model, entries)


def _has_zip(file: BinaryIO) -> bool:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_OF_ZIP_SPAN))
    return _END_OF_ZIP in file.read()


def _from_start(file: BinaryIO, count: int | None = None) -> bytes:
    file.seek(0)
    return file.read(-1 if count is None else count)


def _check_whole(data: bytes) -> None:
    """Follows every reference that leads to the far ends of the file; a truncated one breaks somewhere."""
    model = flatbuffer.root(data)
    for code in model.tables(_OPERATOR_CODES):
        code.string(1)
    for graph in model.tables(_SUBGRAPHS):
        _check_graph(graph)
    for buffer in model.tables(_BUFFERS):
        buffer.extent(0)
        end = buffer.scalar(1, "Q") + buffer.scalar(2, "Q")  # AI Edge Quantizer keeps weights behind the flatbuffer
        if end > len(data):
            raise DamagedError(f"a weight ends at {end}, the file at {len(data)}")
    for entry in model.tables(_METADATA):
        entry.string(0)


def _check_graph(graph: Table) -> None:
    for tensor in graph.tables(0):
        tensor.vector(0, "i")
        tensor.string(3)
    for operator in graph.tables(3):
        operator.vector(1, "i")
        operator.vector(2, "i")
