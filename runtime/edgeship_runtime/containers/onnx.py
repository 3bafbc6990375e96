""".onnx: a protobuf message; members are metadata_props appended to it.

Concatenating serialized messages merges them, so appended metadata_props belong to the model and its bytes stay a prefix of the
file. Only top-level fields are walked here, so the onnx package is not needed on a device.
Wire format: https://protobuf.dev/programming-guides/encoding/; fields: onnx.proto, message ModelProto.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from edgeship_runtime.errors import DamagedError

PREFIX = "edgeship/"
_IR_VERSION, _GRAPH, _METADATA_PROPS = 1, 7, 14
_TEXT = (".json", ".txt")  # kept readable in Netron; everything else is base64
_DIGEST = "members.sha256"  # written last: protobuf has no checksums, and a cut between two fields would go unseen


def recognizes(head: bytes) -> bool:
    """ir_version comes first in every exporter's output, and it is a small number."""
    return len(head) > 2 and head[0] == _IR_VERSION << 3 and 1 <= head[1] <= 32


def model_part(file: BinaryIO) -> bytes:
    """The bytes before our appended metadata."""
    data = _whole(file)
    return data[: _split(data)[0]]


def read_members(file: BinaryIO) -> dict[str, bytes]:
    """Our metadata_props, by the rest of their key."""
    members = _split(_whole(file))[1]
    if members and members.pop(_DIGEST, b"").decode(errors="replace") != _digest(members):
        raise DamagedError("its metadata does not match the digest it carries")
    return members


def write(model: bytes, members: Mapping[str, bytes]) -> bytes:
    """Appends one metadata_props entry for each member."""
    if not members:
        return model
    every = {**members, _DIGEST: _digest(members).encode()}
    return model + b"".join(_field(_METADATA_PROPS, _entry(name, data)) for name, data in every.items())


def _whole(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _split(data: bytes) -> tuple[int, dict[str, bytes]]:
    """Where the model ends, and the members behind it."""
    end, has_graph = 0, False
    members: dict[str, bytes] = {}
    for number, start, stop in fields(data):
        has_graph |= number == _GRAPH
        member = _member(data[start:stop]) if number == _METADATA_PROPS else None
        if member is None:
            end, members = stop, {}
        else:
            members[member[0]] = member[1]
    if not has_graph:
        raise DamagedError("there is no graph in it")
    return end, members


def _member(entry: bytes) -> tuple[str, bytes] | None:
    texts = {number: entry[start:stop] for number, start, stop in fields(entry)}
    key = texts.get(1, b"").decode(errors="replace")
    if not key.startswith(PREFIX):
        return None
    name, value = key.removeprefix(PREFIX), texts.get(2, b"")
    if name.endswith(_TEXT) or name == _DIGEST:
        return name, value
    try:
        return name, base64.b64decode(value, validate=True)
    except binascii.Error:
        raise DamagedError(f"its metadata {key} is no base64") from None


def _entry(name: str, data: bytes) -> bytes:
    plain = name.endswith(_TEXT) or name == _DIGEST
    return _field(1, (PREFIX + name).encode()) + _field(2, data if plain else base64.b64encode(data))


def _digest(members: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(members):
        digest.update(f"{name}\0{len(members[name])}\0".encode())
        digest.update(members[name])
    return digest.hexdigest()


def fields(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: number, start and end of the value (the next field begins there).

    Raises:
        DamagedError: a length leads past the end, or a tag is none.
    """
    at = 0
    while at < len(data):
        tag, start = varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            stop = varint(data, start)[1]
        elif wire_type == 2:
            length, start = varint(data, start)
            stop = start + length
        elif wire_type in (1, 5):
            stop = start + (8 if wire_type == 1 else 4)
        else:
            raise DamagedError(f"byte {at} begins no protobuf field")
        if stop > len(data) or number == 0:
            raise DamagedError(f"a field at byte {at} ends at {stop}, the file at {len(data)}")
        yield number, start, stop
        at = stop


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A variable-length integer at a position, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise DamagedError(f"the file ends inside a number, at byte {at}")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise DamagedError(f"the number that ends at byte {at} is too long")


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
